package toolbridge_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestACallReturnsTheResultUntypedAndTyped(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		got, err := s.Call(t.Context(), "add_numbers", 2, 40)
		require.NoError(t, err)
		require.Equal(t, int64(42), got)

		sum, err := toolbridge.Call[int](t.Context(), s, "add_numbers", toolbridge.Kw{"a": 2, "b": 40})
		require.NoError(t, err)
		require.Equal(t, 42, sum)

		sum, err = toolbridge.Call[int](t.Context(), s, "add_numbers", 2, toolbridge.Kw{"b": 40})
		require.NoError(t, err)
		require.Equal(t, 42, sum)
	})
}

func TestValuesComeBackAsWhatTheyWere(t *testing.T) {
	t.Parallel()
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		for _, v := range []any{
			nil, true, int64(1), int64(1) << 60, 1.0, 1.5, "text", []byte("bytes"), huge, []any{int64(1), 2.0, "x"}, value.Tuple{int64(1)},
			value.Date{Year: 2024, Month: time.May, Day: 6}, value.MustDecimal("1.10"),
		} {
			got, err := s.Call(t.Context(), "echo", v)
			require.NoError(t, err)
			require.Equal(t, v, got)
		}
	})
}

func TestAnEncodedValueIsPassedOnAsItIs(t *testing.T) {
	t.Parallel()
	s := linked(t)
	encoded, err := value.Encode([]any{"x"})
	require.NoError(t, err)
	got, err := toolbridge.Call[tool.Value](t.Context(), s, "echo", encoded)
	require.NoError(t, err)
	require.Equal(t, encoded, got)
}

func TestBadCallsAreNamedErrors(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		for name, c := range map[string]struct {
			tool    string
			args    []any
			code    tool.Code
			message string
		}{
			"unknown tool":    {"no_such_tool", nil, tool.ToolNotFound, "no_such_tool"},
			"missing":         {"add_numbers", []any{1}, tool.ValidationError, `"b"`},
			"surplus":         {"add_numbers", []any{1, 2, 3}, tool.ValidationError, "2"},
			"misnamed":        {"add_numbers", []any{1, toolbridge.Kw{"c": 3}}, tool.ValidationError, `"c"`},
			"mistyped":        {"add_numbers", []any{1, "x"}, tool.ValidationError, `"b"`},
			"twice":           {"add_numbers", []any{toolbridge.Kw{"a": 1}, toolbridge.Kw{"a": 1}}, tool.ValidationError, `"a" of tool "add_numbers" is given twice`},
			"no tool":         {"", nil, tool.ValidationError, "is empty"},
			"cannot encode":   {"echo", []any{make(chan int)}, tool.SerializationError, `argument 1 of tool "echo" cannot be encoded`},
			"keyword cannot":  {"echo", []any{toolbridge.Kw{"value": func() {}}}, tool.SerializationError, `argument value of tool "echo"`},
			"raised":          {"fail", []any{"oh no"}, tool.ExecutionError, "oh no"},
			"panics":          {"panic", nil, tool.ExecutionError, "at the disco"},
			"too large":       {"echo", []any{strings.Repeat("x", 11<<20)}, tool.MessageTooLarge, "message too large"},
			"too large in kw": {"echo", []any{toolbridge.Kw{"value": make([]byte, 11<<20)}}, tool.MessageTooLarge, "message too large"},
		} {
			_, err := s.Call(t.Context(), c.tool, c.args...)
			e := asError(t, err)
			require.Equal(t, c.code, e.Code, "%s: %v", name, err)
			require.Contains(t, e.Message, c.message, name)
		}
	})
}

func TestAResultThatDoesNotFitIsASerializationError(t *testing.T) {
	t.Parallel()
	_, err := toolbridge.Call[int](t.Context(), linked(t), "echo", "text")
	require.Equal(t, tool.SerializationError, asError(t, err).Code)
}

type origin struct {
	ID   int
	Name string
}

// shadowing has a field that hides one of what it embeds.
type shadowing struct {
	origin
	Name string
}

func TestAStructTwoFieldsOfWhichHaveOneNameIsNeitherSentNorTaken(t *testing.T) {
	t.Parallel()
	const says = `two fields of toolbridge_test.shadowing are called "Name", origin.Name and Name`
	s := linked(t)
	_, err := s.Call(t.Context(), "echo", []any{shadowing{origin{1, "inner"}, "outer"}})
	require.ErrorContains(t, err, says)
	require.Equal(t, "$[0]", asError(t, err).Details["path"])
	_, err = toolbridge.Call[[]shadowing](t.Context(), s, "echo", []any{map[string]any{"ID": 1, "Name": "sent"}})
	require.ErrorContains(t, err, says)
	require.Equal(t, "$[0]", asError(t, err).Details["path"])
}

func TestTheStackComesOnlyWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		_, err := s.Call(t.Context(), "panic")
		require.Empty(t, asError(t, err).Stack)
		_, err = s.With(toolbridge.WantStack()).Call(t.Context(), "panic")
		require.Contains(t, asError(t, err).Stack, "setup_test.go")
	})
}

func TestACallEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		_, err := s.With(toolbridge.Timeout(30*time.Millisecond)).Call(t.Context(), "wait")
		require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code)
		require.False(t, asError(t, err).Retryable)

		_, err = s.With(toolbridge.Timeout(30*time.Millisecond), toolbridge.Idempotent()).Call(t.Context(), "wait")
		require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code)
		require.True(t, asError(t, err).Retryable, "as the error table says of idempotent tools")

		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		_, err = s.Call(ctx, "wait")
		require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code)

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, cancel)
		_, err = s.Call(ctx, "wait")
		require.Equal(t, tool.Cancelled, asError(t, err).Code)
	})
}

func TestMetricsSayHowLongACallTook(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		var m tool.Metrics
		_, err := s.With(toolbridge.WithMetrics(&m)).Call(t.Context(), "add_numbers", 1, 2)
		require.NoError(t, err)
		require.Positive(t, m.Duration)
		require.Positive(t, m.Execute)
		require.NotEmpty(t, m.Worker)
		require.Equal(t, 1, m.Attempts)
	})
}

func TestMetricsSplitEveryKindOfCall(t *testing.T) {
	t.Parallel()
	const wait = 5 * time.Millisecond
	b := bridgetest.New(t)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "nap", func(_ context.Context, fail bool) (bool, error) {
			<-time.After(wait) // the time that is to be found again
			if fail {
				return false, errors.New("woken")
			}
			return true, nil
		}, toolbridge.Argument("fail"))
	})
	split := func(t *testing.T, m tool.Metrics) {
		t.Helper()
		require.GreaterOrEqual(t, m.Execute, wait)
		require.Positive(t, m.Route)
		require.Positive(t, m.Transport)
		require.LessOrEqual(t, m.Queue+m.Route+m.Execute+m.Transport, m.Duration+time.Microsecond)
		require.NotEmpty(t, m.Worker)
	}
	for way, options := range map[string][]toolbridge.DialOption{"link": nil, "plain RPC": {toolbridge.WithoutLink()}} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := b.Session(options...)
			var m tool.Metrics
			measured := s.With(toolbridge.WithMetrics(&m))

			_, err := measured.Call(t.Context(), "nap", false)
			require.NoError(t, err)
			split(t, m)

			_, err = measured.Call(t.Context(), "nap", true)
			require.Equal(t, tool.ExecutionError, asError(t, err).Code)
			split(t, m)

			m = tool.Metrics{}
			require.NoError(t, bridgetest.Record(measured.Stream(t.Context(), "nap", false)).Err)
			split(t, m)

			items, err := s.Batch(t.Context(), []toolbridge.Item{{Tool: "nap", Args: []any{false}}, {Tool: "nap", Args: []any{true}}})
			require.NoError(t, err)
			for _, item := range items {
				split(t, item.Metrics)
			}
		})
	}
}

func TestWithLeavesTheSessionAsItWas(t *testing.T) {
	t.Parallel()
	s := linked(t)
	traced := s.With(toolbridge.Trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b"))
	got, err := toolbridge.Call[map[string]any](t.Context(), traced, "describe_call")
	require.NoError(t, err)
	require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", got["trace"])
	got, err = toolbridge.Call[map[string]any](t.Context(), s, "describe_call")
	require.NoError(t, err)
	require.Empty(t, got["trace"])
}

func TestAToolIsCalledLikeItsSession(t *testing.T) {
	t.Parallel()
	s := linked(t)
	adder := s.Tool("add_numbers")
	require.Equal(t, "add_numbers", adder.Name())
	require.Equal(t, "Adds two numbers.", adder.Spec().Description)
	got, err := adder.Call(t.Context(), 1, 2)
	require.NoError(t, err)
	require.Equal(t, int64(3), got)
	_, err = s.Tool("wait").With(toolbridge.Timeout(20 * time.Millisecond)).Call(t.Context())
	require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code)
	require.Nil(t, s.Tool("later").Spec())
	require.Equal(t, "later", s.Tool("later").Name())
	require.Equal(t, []any{int64(1), int64(2)}, bridgetest.Record(s.Tool("count_to_n").Stream(t.Context(), 2)).Items)
}

func TestNestedCallsCarryDepthTraceAndDeadline(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		s = s.With(toolbridge.Trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ""))
		got, err := toolbridge.Call[map[string]any](t.Context(), s, "nest", 3)
		require.NoError(t, err)
		require.Equal(t, int64(4), got["depth"])
		require.Equal(t, true, got["limited"])
		require.Equal(t, s.ID(), got["session"])
		require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", got["trace"])
	})
}

func TestCallsNestedTooDeepAreRefused(t *testing.T) {
	t.Parallel()
	_, err := linked(t).Call(t.Context(), "nest", 100)
	require.Equal(t, tool.CallDepthExceeded, asError(t, err).Code)
}

func TestNestedCallsOnTheirOwnWorkerDoNotDeadlockAtConcurrencyOne(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.WorkerOn(b.Dial(toolbridge.WithConcurrency(1)), offerSamples)
	got, err := toolbridge.Call[map[string]any](t.Context(), b.Session(), "nest", 8)
	require.NoError(t, err)
	require.Equal(t, int64(9), got["depth"])
}

func TestManyCallsAtOnceGetTheirOwnResults(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		var calls sync.WaitGroup
		for i := range 200 {
			calls.Go(func() {
				got, err := toolbridge.Call[int](t.Context(), s, "add_numbers", i, i)
				if err != nil || got != 2*i {
					t.Errorf("add_numbers(%d, %d) = %d, %v", i, i, got, err)
				}
			})
		}
		calls.Wait()
	})
}

func TestProgressReachesTheCaller(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "slow", func(ctx context.Context, _ struct{}) (int, error) {
			toolbridge.FromContext(ctx).Progress(1, 2, "half")
			return 1, nil
		})
	})
	var heard []tool.Progress
	s := b.Session().With(toolbridge.OnProgress(func(p tool.Progress) { heard = append(heard, p) }))
	_, err := s.Call(t.Context(), "slow")
	require.NoError(t, err)
	require.Equal(t, []tool.Progress{{Done: 1, Total: 2, Message: "half"}}, heard)
}

func TestBytesThatAnInterceptorMayHaveKeptAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	var kept tool.Result
	s := b.Session(toolbridge.WithInterceptors(toolbridge.Interceptor{Call: func(next toolbridge.CallFunc) toolbridge.CallFunc {
		return func(ctx context.Context, call *tool.Call) (tool.Result, error) {
			if !kept.Value.IsZero() {
				return kept, nil
			}
			r, err := next(ctx, call)
			kept = r
			return r, err
		}
	}}))
	for range 2 {
		got, err := toolbridge.Call[[]byte](t.Context(), s, "echo", make([]byte, 100_000))
		require.NoError(t, err)
		require.Zero(t, got[5], "what the caller does to one result does nothing to the next")
		got[5] = 1
	}
}

func TestLongTextsAndBytesComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		for _, size := range []int{8 << 10, 64 << 10, 64<<10 + 500, 64<<10 + 5_000, 1 << 20, 5 << 20} {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i * 7 >> 3)
			}
			b, err := toolbridge.Call[[]byte](t.Context(), s, "echo", data)
			require.NoError(t, err)
			require.Equal(t, data, b)
			text := strings.Repeat("0123456789abcdef", size/16)
			got, err := s.Call(t.Context(), "echo", text)
			require.NoError(t, err)
			require.Equal(t, text, got)
		}
	})
}
