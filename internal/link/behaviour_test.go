package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestEveryFieldOfACallTravels(t *testing.T) {
	t.Parallel()
	want := tool.Call{
		SessionID: "s", Epoch: 3, MinRevision: "r", Tool: "t", Args: []tool.Value{value("1"), {}, value("3")},
		Kwargs:    []tool.Keyword{{Name: "a", Value: value("x")}, {Name: "b"}},
		RequestID: "q", StreamID: "st", Depth: 2, Attempt: 1, BridgeRun: "run", TraceParent: "tp", TraceState: "ts",
		PlainValues: true, WantStack: true, Asks: "GetSession",
	}
	got := make(chan tool.Call, 1)
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
		call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
			got <- *call
			return tool.Result{}, nil
		},
	}})
	b.connect()
	_, err := b.process.Call(t.Context(), &want)
	require.NoError(t, err)
	arrived := <-got
	require.WithinDuration(t, time.Now(), arrived.Received, time.Minute)
	require.NotNil(t, arrived.OnProgress)
	arrived.Received, arrived.OnProgress = time.Time{}, nil
	require.Equal(t, want, arrived)
}

func TestTheBridgeSaysWhoCallsAndWhichToolByItsID(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{Handler: handler{
		call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
			return tool.Result{Value: value(call.Principal.Name + " calls " + call.Tool)}, nil
		},
	}}, link.BridgeConfig{})
	b.connect()
	c := call("name")
	c.Spec, c.Principal.Name = &tool.Spec{ID: "id", Hash: "h"}, "alice"
	r, err := b.end().Call(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, "alice calls id", string(r.Value.Bytes))
}

func TestResultsCarryMetrics(t *testing.T) {
	t.Parallel()
	want := tool.Metrics{Duration: 1, Queue: 2, Route: 3, Execute: time.Hour, Transport: 5, Worker: "worker-1", Attempts: 2}
	long := want
	long.Worker = fmt.Sprintf("%0200d", 1)
	for _, m := range []tool.Metrics{want, long} {
		b := setup(t, link.ProcessConfig{Handler: handler{
			call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{Metrics: m}, nil },
			stream: func(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error) {
				return m, nil
			},
		}}, link.BridgeConfig{})
		b.connect()
		r, err := b.end().Call(t.Context(), call("t"))
		require.NoError(t, err)
		require.Equal(t, m, r.Metrics)
		got, err := b.end().Stream(t.Context(), call("t"), nil)
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
}

func TestANestedCallNamesItsParentAndIsOneDeeper(t *testing.T) {
	t.Parallel()
	var b *bundle
	nested := make(chan tool.Call, 1)
	b = setup(t, link.ProcessConfig{Handler: handler{
		call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
			derived, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return b.process.Call(derived, call("inner"))
		},
	}}, link.BridgeConfig{Handler: handler{
		call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
			nested <- *call
			return tool.Result{}, nil
		},
	}})
	b.connect()
	outer := call("outer")
	outer.Key, outer.Depth = 77, 4
	_, err := b.end().Call(t.Context(), outer)
	require.NoError(t, err)
	inner := <-nested
	require.Equal(t, uint64(77), inner.Parent)
	require.Equal(t, 5, inner.Depth)
}

func TestCallsNestedInEachOtherDoNotDeadlockAProcessWithOnePlace(t *testing.T) {
	t.Parallel()
	const depth = 8
	var b *bundle
	b = setup(t, link.ProcessConfig{MaxCalls: 1, Handler: handler{
		call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			if c.Depth == depth {
				return tool.Result{Value: value("bottom")}, nil
			}
			return b.process.Call(ctx, call("deeper"))
		},
	}}, link.BridgeConfig{MaxCalls: 1, Handler: handler{
		call: func(ctx context.Context, c *tool.Call) (tool.Result, error) { return b.end().Call(ctx, c) },
	}})
	b.connect()
	r, err := b.end().Call(soon(t), call("deeper"))
	require.NoError(t, err)
	require.Equal(t, value("bottom"), r.Value)
}

func TestCallsNestedTooDeepAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	c := call("t")
	c.Depth = 33
	_, err := b.process.Call(t.Context(), c)
	require.Equal(t, tool.CallDepthExceeded, tool.CodeOf(err))
	require.ErrorContains(t, err, "the limit is 32")
}

func TestValuesThatAreTooLargeAreRefusedWhereTheyAreMade(t *testing.T) {
	t.Parallel()
	large := sized("large", 11<<20)
	b := setup(t, link.ProcessConfig{Handler: handler{
		call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{Value: large}, nil },
		stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			return tool.Metrics{}, send(tool.Chunk{Value: large})
		},
	}}, link.BridgeConfig{})
	b.connect()
	_, err := b.end().Call(t.Context(), call("t", large))
	require.ErrorContains(t, err, "MessageTooLarge: message too large: the arguments")
	_, err = b.end().Call(t.Context(), call("t"))
	require.ErrorContains(t, err, "MessageTooLarge: message too large: the results")
	_, err = b.end().Stream(t.Context(), call("t"), nil)
	require.ErrorContains(t, err, "MessageTooLarge: message too large: the chunks")
}

func TestTextThatCannotBeSentIsRefused(t *testing.T) {
	t.Parallel()
	bad := tool.Value{TypeURL: "\xff"}
	b := setup(t, link.ProcessConfig{Handler: handler{
		call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{Value: bad}, nil },
		stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			require.Equal(t, tool.SerializationError, tool.CodeOf(send(tool.Chunk{Value: bad})))
			return tool.Metrics{Worker: "\xff"}, nil
		},
	}}, link.BridgeConfig{})
	b.connect()
	_, err := b.end().Call(t.Context(), call("\xff"))
	require.Equal(t, tool.ValidationError, tool.CodeOf(err))
	_, err = b.end().Call(t.Context(), call("t"))
	require.Equal(t, tool.SerializationError, tool.CodeOf(err))
	_, err = b.end().Stream(t.Context(), call("t"), nil)
	require.Equal(t, tool.SerializationError, tool.CodeOf(err))
	_, err = b.process.Register(t.Context(), []*tool.Spec{{Name: "\xff"}})
	require.Equal(t, tool.ValidationError, tool.CodeOf(err))
}

func TestLargeValuesArriveWholeAndDoNotDelaySmallCalls(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	large := sized("large", 9<<20)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			r, err := b.process.Call(soon(t), call("echo", large))
			if err != nil || !bytes.Equal(large.Bytes, r.Value.Bytes) {
				t.Errorf("large value did not come back: %v", err)
			}
		})
		all.Go(func() {
			for range 50 {
				if _, err := b.process.Call(soon(t), call("echo", value("small"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestAPanicOfAHandlerIsTheCallsErrorAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{Handler: handler{
		call: func(context.Context, *tool.Call) (tool.Result, error) { panic("no such thing") },
	}}, link.BridgeConfig{})
	b.connect()
	_, err := b.end().Call(t.Context(), call("t"))
	require.ErrorContains(t, err, `Internal: tool "t" panicked: no such thing`)
	_, err = b.end().Ping(t.Context())
	require.NoError(t, err)
}

func TestAHandlerThatEndsItsGoroutineIsAnsweredForAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	leave := handler{
		call: func(context.Context, *tool.Call) (tool.Result, error) {
			runtime.Goexit()
			return tool.Result{}, nil
		},
		stream: func(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error) {
			runtime.Goexit()
			return tool.Metrics{}, nil
		},
	}
	for name, bridge := range map[string]link.Handler{"process": leave, "bridge": starting{leave}} {
		b := setup(t, link.ProcessConfig{Handler: leave}, link.BridgeConfig{Handler: bridge})
		b.connect()
		var caller interface {
			Call(context.Context, *tool.Call) (tool.Result, error)
			Stream(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error)
		} = b.process
		if name == "process" {
			caller = b.end()
		}
		for range 3 {
			_, err := caller.Call(soon(t), call("t"))
			require.ErrorContains(t, err, `Internal: tool "t" ended its goroutine`, name)
			_, err = caller.Stream(soon(t), call("t"), nil)
			require.ErrorContains(t, err, `Internal: tool "t" ended its goroutine`, name)
		}
		require.Eventually(t, func() bool { return b.process.Stats().Running+b.end().Stats().Running == 0 }, 10*time.Second, time.Millisecond)
	} // and setup's end waits for every handler
}

// starting is a handler that the link may let begin a call without waiting.
type starting struct{ handler }

func (s starting) Start(ctx context.Context, call *tool.Call, then tool.Answerer) {
	then.Answer(s.Call(ctx, call))
}

func TestCancellingACallEndsItAtTheOtherEnd(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		begun, ended := make(chan struct{}, 1), make(chan error, 1)
		run := func(ctx context.Context) error {
			begun <- struct{}{}
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}
		b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
			call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) { return tool.Result{}, run(ctx) },
			stream: func(ctx context.Context, _ *tool.Call, _ func(tool.Chunk) error) (tool.Metrics, error) {
				return tool.Metrics{}, run(ctx)
			},
		}})
		b.connect()
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() {
			if stream {
				_, err := b.process.Stream(ctx, call("t"), nil)
				answer <- err
			} else {
				_, err := b.process.Call(ctx, call("t"))
				answer <- err
			}
		}()
		<-begun
		cancel()
		require.Equal(t, tool.Cancelled, tool.CodeOf(<-answer))
		require.ErrorIs(t, <-ended, context.Canceled)
		_, err := b.process.Call(ctx, call("t"))
		require.Equal(t, tool.Cancelled, tool.CodeOf(err), "a call that is cancelled before it is made")
	}
}

func TestAnErrorOfTheReceiverEndsAStream(t *testing.T) {
	t.Parallel()
	stopped := make(chan error, 1)
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
		stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			for {
				if err := send(tool.Chunk{Value: value("x")}); err != nil {
					stopped <- err
					return tool.Metrics{}, err
				}
			}
		},
	}})
	b.connect()
	enough := errors.New("enough")
	_, err := b.process.Stream(t.Context(), call("t"), func(tool.Chunk) error { return enough })
	require.ErrorIs(t, err, enough)
	require.Equal(t, tool.Cancelled, tool.CodeOf(<-stopped))
}

func TestASlowReceiverHoldsTheProducerBack(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 60_000, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const chunks = 40_000
				var sent atomic.Int64
				b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
					stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
						for range chunks {
							if err := send(tool.Chunk{Value: sized("x", size)}); err != nil {
								return tool.Metrics{}, err
							}
							sent.Add(1)
						}
						return tool.Metrics{}, nil
					},
				}})
				b.connect()
				taken := 0
				done := errors.New("done")
				_, err := b.process.Stream(t.Context(), call("t"), func(tool.Chunk) error {
					synctest.Wait() // the producer has sent what it may
					taken++
					ahead := (int(sent.Load()) - taken) * size
					require.LessOrEqual(t, ahead, 1<<20+3*size, "the producer is too far ahead")
					if taken == 30 {
						return done
					}
					return nil
				})
				require.ErrorIs(t, err, done)
			})
		})
	}
}

func TestProgressAndLogsTravelToTheCaller(t *testing.T) {
	t.Parallel()
	var b *bundle
	logged := make(chan link.LogRecord, 2)
	keys := make(chan uint64, 2)
	b = setup(t, link.ProcessConfig{Handler: handler{
		call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
			call.OnProgress(tool.Progress{Done: 1, Total: 2, Message: "half"})
			b.process.Log(ctx, link.LogRecord{Message: "working", Level: 4, Fields: map[string]string{"k": "v"}})
			return tool.Result{}, nil
		},
	}}, link.BridgeConfig{OnLog: func(key uint64, r link.LogRecord) { keys <- key; logged <- r }})
	b.connect()
	progress := make(chan tool.Progress, 1)
	c := call("t")
	c.Key = 9
	c.OnProgress = func(p tool.Progress) { progress <- p }
	_, err := b.end().Call(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, tool.Progress{Done: 1, Total: 2, Message: "half"}, <-progress)
	require.Equal(t, uint64(9), <-keys)
	require.Equal(t, link.LogRecord{Message: "working", Level: 4, Fields: map[string]string{"k": "v"}}, <-logged)

	b.process.Log(t.Context(), link.LogRecord{Message: "idle"})
	require.Zero(t, <-keys)
	require.Equal(t, "idle", (<-logged).Message)
}

func TestToolsAreRegisteredAndWithdrawnInOrder(t *testing.T) {
	t.Parallel()
	var told []string
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{
		Register: func(_ context.Context, specs []*tool.Spec) ([]string, error) {
			told = append(told, "+"+specs[0].Name)
			if specs[0].Name == "taken" {
				return nil, tool.Errorf(tool.ToolConflict, "taken")
			}
			require.Empty(t, specs[0].Owner, "a process does not say who owns its tools")
			return []string{specs[0].ID}, nil
		},
		Unregister: func(_ context.Context, session string, ids []string) error {
			told = append(told, "-"+session+"/"+ids[0])
			return nil
		},
	})
	b.connect()
	ids, err := b.process.Register(t.Context(), []*tool.Spec{{Name: "add", Owner: "me"}})
	require.NoError(t, err)
	require.Equal(t, []string{"add"}, ids)
	_, err = b.process.Register(t.Context(), []*tool.Spec{{Name: "taken"}})
	require.Equal(t, tool.ToolConflict, tool.CodeOf(err))
	require.NoError(t, b.process.Unregister(t.Context(), "s", []string{"add"}))
	require.Equal(t, []string{"+add", "+taken", "-s/add"}, told)
}

func TestALinkWithoutRegistrationsRefusesThem(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	_, err := b.process.Register(t.Context(), []*tool.Spec{{Name: "add"}})
	require.Equal(t, tool.Unimplemented, tool.CodeOf(err))
	require.Equal(t, tool.Unimplemented, tool.CodeOf(b.process.Unregister(t.Context(), "", []string{"add"})))
}

func TestAProcessHearsThatToolsChanged(t *testing.T) {
	t.Parallel()
	changed := make(chan string, 1)
	b := setup(t, link.ProcessConfig{OnToolsChanged: func(session, revision string) { changed <- session + "@" + revision }}, link.BridgeConfig{})
	b.connect()
	b.end().ToolsChanged("s", "r7")
	require.Equal(t, "s@r7", <-changed)
}

func TestACredentialThatIsNotTakenEndsTheLink(t *testing.T) {
	t.Parallel()
	tokens := make(chan string, 2)
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Authenticate: func(_ context.Context, token string) error {
		tokens <- token
		if token == "old" {
			return tool.Errorf(tool.Unauthenticated, "the credential has expired")
		}
		return nil
	}})
	b.connect()
	require.NoError(t, b.process.Authenticate("new"))
	require.Equal(t, "new", <-tokens)
	_, err := b.process.Ping(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.process.Authenticate("old"))
	for err == nil {
		_, err = b.process.Call(soon(t), call("t", value("x")))
	}
	require.ErrorContains(t, err, "the credential has expired")
}

func TestCallsBeyondMaxCallsWaitForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		b := setup(t, link.ProcessConfig{MaxCalls: 3, Handler: handler{
			call: func(context.Context, *tool.Call) (tool.Result, error) {
				most.Store(max(most.Load(), running.Add(1)))
				elapse(time.Second)
				running.Add(-1)
				return tool.Result{}, nil
			},
		}}, link.BridgeConfig{})
		b.connect()
		start := time.Now()
		var all sync.WaitGroup
		for range 9 {
			all.Go(func() {
				_, err := b.end().Call(t.Context(), call("t"))
				require.NoError(t, err)
			})
		}
		synctest.Wait()
		require.Equal(t, 3, b.end().Stats().Waiting)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err := b.end().Call(ctx, call("t"))
		require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
		all.Wait()
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, int64(3), most.Load())
	})
}

func TestACallerThatIgnoresMaxCallsIsRefused(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{MaxCalls: 1, Handler: blocking(nil)})
	s.send(0, callFrame(1, &bridgepb.ToolCallRequest{}), callFrame(3, &bridgepb.ToolCallRequest{}), callFrame(5, &bridgepb.ToolCallRequest{Stream: true}))
	r := s.frame(func(f *bridgepb.Frame) bool { return f.GetCallId() == 3 || f.GetProtocolError() != nil })
	require.Equal(t, "Overloaded", r.GetResult().GetError().GetType())
}

func TestTheSendQueueTakesNoMoreThanItMayHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		for range 30 {
			go func() { _, _ = s.bridge.Call(t.Context(), call("t", sized("x", 1<<20))) }()
		}
		synctest.Wait()
		require.LessOrEqual(t, s.bridge.Stats().Queued, 10<<20)
		require.NoError(t, s.bridge.Close(context.Background(), nil))
		synctest.Wait()
	})
}

func TestClosingTellsTheProcessWhy(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	require.NoError(t, b.end().Close(t.Context(), tool.Errorf(tool.PermissionDenied, "the credential was revoked")))
	_, err := b.process.Call(soon(t), call("t"))
	require.ErrorContains(t, err, "the credential was revoked")
}

func TestARefusedProcessHearsWhy(t *testing.T) {
	t.Parallel()
	there, back := link.Pipe(t.Context())
	p := link.NewProcess(link.ProcessConfig{Identity: "p", Token: func() string { return "secret" }})
	refused := make(chan error, 1)
	go func() {
		h, err := link.Accept(context.Background(), back)
		if err != nil || h.Hello.Token != "secret" {
			refused <- errors.New("hello did not arrive")
			return
		}
		refused <- h.Refuse(tool.Errorf(tool.Unauthenticated, "who are you?"))
	}()
	err := p.Run(t.Context(), there)
	require.Equal(t, tool.Unauthenticated, tool.CodeOf(err))
	require.Equal(t, tool.Unauthenticated, tool.CodeOf(<-refused))
	require.NoError(t, p.Close(t.Context()))
	require.Error(t, p.Run(t.Context(), there), "a closed process runs no more")
}

func TestAProcessWithoutToolsSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	p := link.NewProcess(link.ProcessConfig{Identity: "no tools"})
	t.Cleanup(func() { require.NoError(t, p.Close(context.Background())) })
	b.process = p
	b.connect()
	_, err := b.end().Call(t.Context(), call("t"))
	require.ErrorContains(t, err, "a process that offers no tools")
	_, err = b.end().Stream(t.Context(), call("t"), nil)
	require.ErrorContains(t, err, "a process that offers no tools")
	require.Equal(t, "no tools", b.end().Identity())
	require.Equal(t, 1, b.end().Hello().Revision)
}

func TestAProcessCannotSayThatACallWhichItRunsWasNotStarted(t *testing.T) {
	t.Parallel()
	for _, code := range []tool.Code{tool.WorkerUnavailable, tool.WorkerLost, tool.Overloaded, tool.Unauthenticated, tool.PermissionDenied} {
		fails := handler{
			call: func(context.Context, *tool.Call) (tool.Result, error) {
				return tool.Result{}, tool.Errorf(code, "of a nested call")
			},
			stream: func(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error) {
				return tool.Metrics{}, tool.Errorf(code, "of a nested call")
			},
		}
		b := setup(t, link.ProcessConfig{Handler: fails}, link.BridgeConfig{Handler: fails})
		b.connect()
		_, byCall := b.end().Call(t.Context(), call("t"))
		_, byStream := b.end().Stream(t.Context(), call("t"), nil)
		for _, err := range []error{byCall, byStream} {
			var raised *tool.Error
			require.ErrorAs(t, err, &raised)
			require.Equal(t, tool.ExecutionError, raised.Code, "the bridge would start the call again")
			require.Equal(t, string(code), raised.Class)
			require.False(t, raised.Retryable)
		}
		_, err := b.process.Call(t.Context(), call("t"))
		require.Equal(t, code, tool.CodeOf(err), "the bridge's word holds at the process")
	}
}

func TestLimitsOfTheBridgeHoldAtTheProcess(t *testing.T) {
	t.Parallel()
	limits := wire.DefaultLimits()
	limits.MaxValueBytes = 100
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Limits: limits})
	b.connect()
	_, err := b.process.Call(t.Context(), call("t", sized("x", 101)))
	require.ErrorContains(t, err, "the limit is 100")
}

func TestLinksRunOverGRPC(t *testing.T) {
	t.Parallel()
	caller := relayed(t)
	large := sized("large", 4<<20)
	r, err := caller.Call(soon(t), call("echo", large))
	require.NoError(t, err)
	require.True(t, bytes.Equal(large.Bytes, r.Value.Bytes))
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			want := value(fmt.Sprint(i))
			r, err := caller.Call(soon(t), call("echo", want))
			if err != nil || !bytes.Equal(r.Value.Bytes, want.Bytes) {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	all.Wait()
	n := 0
	_, err = caller.Stream(soon(t), call("echo", large, value("b"), large), func(tool.Chunk) error { n++; return nil })
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestStatesHaveNames(t *testing.T) {
	t.Parallel()
	names := ""
	for s := link.Detached; s <= link.Gone; s++ {
		names += s.String() + " "
	}
	require.Equal(t, "detached ready unresponsive draining gone ", names)
}
