package link_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// huge is longer than any frame.
func huge() string { return strings.Repeat("x", 20<<20) }

// beside has a call under way on the link and returns what sees to it that it ended well.
func beside(t *testing.T, b *bundle, running <-chan struct{}, release chan<- struct{}) (survived func()) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := b.process.Call(t.Context(), &tool.Call{Tool: "slow"})
		ended <- err
	}()
	<-running
	return func() {
		close(release)
		require.NoError(t, <-ended, "the call beside")
	}
}

func TestACallThatIsTooLargeIsRefusedToItsCallerAlone(t *testing.T) {
	t.Parallel()
	text := huge()
	keywords := make([]tool.Keyword, 1<<16)
	for i := range keywords {
		keywords[i].Name = strings.Repeat("k", 300)
	}
	for part, call := range map[string]*tool.Call{
		"trace state":                {TraceState: text},
		"trace parent":               {TraceParent: text},
		"request id":                 {RequestID: text},
		"stream id":                  {StreamID: text},
		"session id":                 {SessionID: text},
		"name of the tool":           {Tool: text},
		"revision to wait for":       {MinRevision: text},
		"name of the bridge's run":   {BridgeRun: text},
		"names of keyword arguments": {Kwargs: keywords},
	} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			running, release := make(chan struct{}), make(chan struct{})
			b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{call: func(context.Context, *tool.Call) (tool.Result, error) {
				close(running)
				<-release
				return tool.Result{}, nil
			}}})
			b.connect()
			survived := beside(t, b, running, release)

			_, err := b.process.Call(t.Context(), call)
			check := func(err error) {
				var e *tool.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, tool.MessageTooLarge, e.Code)
				require.Contains(t, e.Message, "most of it is its "+part+" with ")
				require.Equal(t, part, e.Details["part"])
				require.NotEmpty(t, e.Details["size"])
				require.Equal(t, "16777168", e.Details["limit"])
				require.Less(t, len(e.Message), 1000)
			}
			check(err)
			_, err = b.process.Stream(t.Context(), call, func(tool.Chunk) error { return nil })
			check(err)
			survived()
		})
	}
}

func TestWhateverAToolSaysItsCallerIsAnsweredAndNoOtherIsHurt(t *testing.T) {
	t.Parallel()
	text := huge()
	for name, fail := range map[string]func() (tool.Result, error){
		"error": func() (tool.Result, error) { return tool.Result{}, errors.New(text) },
		"message": func() (tool.Result, error) {
			return tool.Result{}, &tool.Error{Code: tool.ExecutionError, Message: text}
		},
		"detail": func() (tool.Result, error) {
			return tool.Result{}, tool.Errorf(tool.ExecutionError, "m").With("k", text)
		},
		"key": func() (tool.Result, error) {
			return tool.Result{}, tool.Errorf(tool.ExecutionError, "m").With(text, "v")
		},
		"class":  func() (tool.Result, error) { return tool.Result{}, &tool.Error{Code: tool.ExecutionError, Class: text} },
		"code":   func() (tool.Result, error) { return tool.Result{}, &tool.Error{Code: tool.Code(text)} },
		"stack":  func() (tool.Result, error) { return tool.Result{}, &tool.Error{Code: tool.ExecutionError, Stack: text} },
		"panic":  func() (tool.Result, error) { panic(text) },
		"worker": func() (tool.Result, error) { return tool.Result{Metrics: tool.Metrics{Worker: text}}, nil },
		"exception": func() (tool.Result, error) {
			return tool.Result{}, &tool.Error{Exception: tool.Value{Bytes: []byte(text)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			running, release := make(chan struct{}), make(chan struct{})
			b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
				call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
					if call.Tool == "slow" {
						close(running)
						<-release
						return tool.Result{}, nil
					}
					return fail()
				},
				stream: func(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error) {
					r, err := fail()
					return r.Metrics, err
				},
			}})
			b.connect()
			survived := beside(t, b, running, release)

			_, err := b.process.Call(t.Context(), &tool.Call{Tool: "boom", WantStack: true})
			require.Error(t, err)
			require.NotContains(t, []tool.Code{tool.WorkerLost, tool.ProtocolError}, tool.CodeOf(err))
			require.Less(t, len(err.Error()), 100<<10)
			_, err = b.process.Stream(t.Context(), &tool.Call{Tool: "boom", WantStack: true}, func(tool.Chunk) error { return nil })
			require.Error(t, err)
			require.NotContains(t, []tool.Code{tool.WorkerLost, tool.ProtocolError}, tool.CodeOf(err))
			survived()
		})
	}
}

func TestANameOfACallThatNobodyMayGiveIsNotEchoed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("r", 16<<20-1000)
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
		call: func(context.Context, *tool.Call) (tool.Result, error) {
			return tool.Result{}, tool.Errorf(tool.ValidationError, "%s", huge())
		},
		stream: func(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error) {
			return tool.Metrics{}, tool.Errorf(tool.ValidationError, "%s", huge())
		},
	}})
	b.connect()
	_, err := b.process.Call(t.Context(), &tool.Call{Tool: "x", RequestID: long})
	require.Equal(t, tool.ValidationError, tool.CodeOf(err))
	_, err = b.process.Stream(t.Context(), &tool.Call{Tool: "x", StreamID: long}, func(tool.Chunk) error { return nil })
	require.Equal(t, tool.ValidationError, tool.CodeOf(err))
	require.Equal(t, link.Ready, b.process.State())
}

func TestALongReasonToCancelIsCut(t *testing.T) {
	t.Parallel()
	begun, cancelled := make(chan struct{}), make(chan struct{})
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		if call.Tool == "fast" {
			return tool.Result{}, nil
		}
		close(begun)
		<-ctx.Done()
		close(cancelled)
		return tool.Result{}, nil
	}}})
	b.connect()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-begun
		cancel(tool.Errorf(tool.Cancelled, "%s", huge()))
	}()
	_, err := b.process.Call(ctx, &tool.Call{Tool: "slow"})
	require.Equal(t, tool.Cancelled, tool.CodeOf(err))
	<-cancelled
	_, err = b.process.Call(t.Context(), &tool.Call{Tool: "fast"})
	require.NoError(t, err)
}

func TestARegistrationThatIsTooLargeIsRefusedAndTheLinkLives(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	many := make([]tool.Argument, 300_000)
	for name, register := range map[string]func() error{
		"description": func() error {
			_, err := b.process.Register(t.Context(), []*tool.Spec{{Name: "x", Description: huge()}})
			return err
		},
		"parts": func() error {
			_, err := b.process.Register(t.Context(), []*tool.Spec{{Name: "x", Arguments: many}})
			return err
		},
		"withdrawal": func() error { return b.process.Unregister(t.Context(), "", make([]string, 600_000)) },
		"credential": func() error { return b.process.Authenticate(huge()) },
		"reason":     func() error { return b.process.Drain(t.Context(), huge()) },
	} {
		require.Equal(t, tool.MessageTooLarge, tool.CodeOf(register()), name)
	}
	_, err := b.process.Ping(t.Context())
	require.NoError(t, err)
}

func TestABatchWhoseAnswersAreLargeIsAnsweredInParts(t *testing.T) {
	t.Parallel()
	value := []byte(strings.Repeat("v", 9<<20))
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: batcher{handler: echo(), batch: func(_ context.Context, batch *link.Batch) ([]link.Answer, error) {
		for i := range batch.Calls {
			a := link.Answer{Result: tool.Result{Value: tool.Value{Bytes: value}}}
			if i%2 == 1 {
				a = link.Answer{Err: tool.Errorf(tool.ExecutionError, "%s", huge())}
			}
			batch.Tell(i, &a)
		}
		return nil, nil
	}}})
	b.connect()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	calls := make([]*tool.Call, 6)
	for i := range calls {
		calls[i] = &tool.Call{Tool: "x"}
	}
	answered := 0
	sent, err := b.process.Batch(ctx, &link.Batch{Calls: calls}, func(i int, a *link.Answer) {
		answered++
		if i%2 == 1 {
			require.Equal(t, tool.ExecutionError, tool.CodeOf(a.Err))
			return
		}
		require.NoError(t, a.Err)
		require.Len(t, a.Result.Value.Bytes, len(value))
	})
	require.NoError(t, err)
	require.True(t, sent)
	require.Equal(t, 6, answered)
}

// The bridge sends to a host what it accepted from a caller, and more: it answers the caller where that does not fit.
func TestABridgesOwnAdditionsMayMakeACallTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	call := &tool.Call{Tool: "x", Args: []tool.Value{{Bytes: []byte("v")}}}
	for room := 60; room < 400; room += 20 {
		call.TraceState = strings.Repeat("x", 16<<20-room)
		call.Principal.Name = strings.Repeat("p", 200)
		_, err := b.end().Call(t.Context(), call)
		if err != nil {
			require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err), "%d", room)
		}
	}
	require.Equal(t, link.Ready, b.end().State())
}

// ended is a process's stream that its server ends with a status, before which no further message comes.
type ended struct {
	link.Stream
	why error
}

func (s ended) Recv() (link.Message, error) {
	m, err := s.Stream.Recv()
	if err != nil {
		return nil, s.why
	}
	return m, nil
}

func (s ended) Send(m link.Message, release func()) error {
	if s.Stream.Send(m, release) != nil {
		return io.EOF
	}
	return nil
}

func TestWhyTheBridgeEndedALinkIsHeardByItsCallers(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		close(begun)
		<-ctx.Done()
		return tool.Result{}, nil
	}}})
	there, back := link.Pipe(t.Context())
	why := wire.Status(tool.Errorf(tool.ProtocolError, "that frame was no good"))
	cut := b.connectBy(ended{there, why}, back)
	failed := make(chan error, 1)
	go func() {
		_, err := b.process.Call(t.Context(), &tool.Call{Tool: "x"})
		failed <- err
	}()
	<-begun
	cut()
	err := <-failed
	require.Equal(t, tool.WorkerLost, tool.CodeOf(err))
	require.ErrorContains(t, err, "that frame was no good")
	_, err = b.process.Call(t.Context(), &tool.Call{Tool: "x"})
	require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err))
	require.ErrorContains(t, err, "that frame was no good")
}
