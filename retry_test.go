package toolbridge_test

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

var quick = toolbridge.Retry{Max: 2, Initial: time.Millisecond, Longest: 5 * time.Millisecond}

func faulty(t *testing.T, faults *bridgetest.Faults) *toolbridge.Session {
	t.Helper()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	return b.Session(toolbridge.WithInterceptors(faults.Interceptor()))
}

func TestARetryGoesOnUntilItSucceedsOrItsPatienceEnds(t *testing.T) {
	t.Parallel()
	var faults bridgetest.Faults
	s := faulty(t, &faults).With(toolbridge.WithRetry(quick))
	overloaded := tool.Errorf(tool.Overloaded, "later")
	faults.Fail("echo", overloaded)
	faults.Fail("echo", overloaded)
	got, err := s.Call(t.Context(), "echo", 1)
	require.NoError(t, err)
	require.Equal(t, int64(1), got)
	require.Equal(t, 3, faults.Calls("echo"))

	for range 3 {
		faults.Fail("echo", overloaded)
	}
	_, err = s.Call(t.Context(), "echo", 1)
	require.Equal(t, tool.Overloaded, asError(t, err).Code)
	require.Equal(t, 6, faults.Calls("echo"))
}

func TestAPlainCallIsNeverRetried(t *testing.T) {
	t.Parallel()
	var faults bridgetest.Faults
	s := faulty(t, &faults)
	faults.Fail("echo", tool.Errorf(tool.Overloaded, "later"))
	_, err := s.Call(t.Context(), "echo", 1)
	require.Equal(t, tool.Overloaded, asError(t, err).Code)
	require.Equal(t, 1, faults.Calls("echo"))
}

func TestWhatMayHaveRunIsStartedAgainOnlyIfItIsIdempotent(t *testing.T) {
	t.Parallel()
	for _, code := range []tool.Code{tool.WorkerLost, tool.DeadlineExceeded} {
		var faults bridgetest.Faults
		s := faulty(t, &faults).With(toolbridge.WithRetry(quick))
		for _, name := range []string{"echo", "add_numbers"} {
			faults.Fail(name, tool.Errorf(code, "who knows"))
		}
		_, err := s.Call(t.Context(), "echo", 1)
		require.Equal(t, code, asError(t, err).Code)
		require.Equal(t, 1, faults.Calls("echo"))

		_, err = s.Call(t.Context(), "add_numbers", 1, 2)
		require.NoError(t, err, "add_numbers is declared idempotent")
		require.Equal(t, 2, faults.Calls("add_numbers"))

		faults.Fail("echo", tool.Errorf(code, "who knows"))
		_, err = s.With(toolbridge.Idempotent()).Call(t.Context(), "echo", 1)
		require.NoError(t, err)
	}
}

func TestErrorsThatNoRetryHelpsAreFinal(t *testing.T) {
	t.Parallel()
	var faults bridgetest.Faults
	s := faulty(t, &faults).With(toolbridge.WithRetry(quick), toolbridge.Idempotent())
	for _, code := range []tool.Code{tool.ValidationError, tool.ToolNotFound, tool.ExecutionError, tool.OutcomeUnknown, tool.Cancelled} {
		before := faults.Calls("echo")
		faults.Fail("echo", tool.Errorf(code, "no"))
		_, err := s.Call(t.Context(), "echo", 1)
		require.Equal(t, code, asError(t, err).Code)
		require.Equal(t, before+1, faults.Calls("echo"))
	}
}

func TestARetryWaitsAsLongAsTheBridgeAdvises(t *testing.T) {
	t.Parallel()
	var faults bridgetest.Faults
	s := faulty(t, &faults).With(toolbridge.WithRetry(quick))
	faults.Fail("echo", tool.Errorf(tool.RateLimitExceeded, "slowly").WithRetryAfter(80*time.Millisecond))
	began := time.Now()
	_, err := s.Call(t.Context(), "echo", 1)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 80*time.Millisecond)

	faults.Fail("echo", tool.Errorf(tool.RateLimitExceeded, "slowly").WithRetryAfter(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = s.Call(ctx, "echo", 1)
	require.Equal(t, tool.RateLimitExceeded, asError(t, err).Code, "a wait that the deadline cannot outlast is not begun")
}

func TestEachAttemptIsCountedAndNamed(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	var attempts []int
	var ids []string
	failures := []*tool.Error{tool.Errorf(tool.Overloaded, "later"), tool.Errorf(tool.WorkerLost, "cut off").With("connection", "lost")}
	s := b.Session(toolbridge.WithInterceptors(toolbridge.Interceptor{Call: func(toolbridge.CallFunc) toolbridge.CallFunc {
		return func(_ context.Context, call *tool.Call) (tool.Result, error) {
			attempts, ids = append(attempts, call.Attempt), append(ids, call.RequestID)
			return tool.Result{}, failures[(len(ids)-1)%2]
		}
	}})).With(toolbridge.WithRetry(quick))
	_, err := s.Call(t.Context(), "echo", 1)
	require.Error(t, err)
	require.Equal(t, []int{0, 0, 1}, attempts, "what was refused left nothing behind and does not count")
	require.NotEmpty(t, ids[0])
	require.Equal(t, []string{ids[0], ids[0], ids[0]}, ids)
	_, err = s.With(toolbridge.RequestID("mine")).Call(t.Context(), "echo", 1)
	require.Error(t, err)
	require.Equal(t, "mine", ids[3])
}

func TestAStreamIsRetriedOnlyBeforeItsFirstChunk(t *testing.T) {
	t.Parallel()
	var faults bridgetest.Faults
	s := faulty(t, &faults).With(toolbridge.WithRetry(quick))
	faults.Fail("count_to_n", tool.Errorf(tool.Overloaded, "later"))
	got := bridgetest.Record(toolbridge.Stream[int](t.Context(), s, "count_to_n", 2))
	require.NoError(t, got.Err)
	require.Equal(t, []int{1, 2}, got.Items)
	require.Equal(t, 2, faults.Calls("count_to_n"))

	broken := bridgetest.New(t)
	broken.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddStreamingTool(w, "breaks", func(_ context.Context, _ struct{}, yield func(int) error) error {
			if err := yield(1); err != nil {
				return err
			}
			return tool.Errorf(tool.RateLimitExceeded, "enough")
		})
	})
	var second bridgetest.Faults
	got = bridgetest.Record(toolbridge.Stream[int](t.Context(),
		broken.Session(toolbridge.WithInterceptors(second.Interceptor())).With(toolbridge.WithRetry(quick)), "breaks"))
	require.Equal(t, []int{1}, got.Items)
	require.Equal(t, tool.RateLimitExceeded, asError(t, got.Err).Code)
	require.Equal(t, 1, second.Calls("breaks"))
}

func TestARetryHasADeadlineOfItsOwn(t *testing.T) {
	t.Parallel()
	var faults bridgetest.Faults
	patient := toolbridge.Retry{Max: 1000, Initial: time.Millisecond, Longest: 2 * time.Millisecond, Deadline: 50 * time.Millisecond}
	s := faulty(t, &faults).With(toolbridge.WithRetry(patient))
	for range 1000 {
		faults.Fail("echo", tool.Errorf(tool.Overloaded, "later"))
	}
	_, err := s.Call(t.Context(), "echo", 1)
	require.Error(t, err)
	require.Less(t, faults.Calls("echo"), 1000)
}

// lossy is a connection whose next answer can be lost.
type lossy struct {
	net.Conn
	cut *atomic.Bool
}

// Read ends the connection instead of handing out what came.
func (c *lossy) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.cut.Load() {
		c.cut.Store(false)
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func TestACallWhoseAnswerWasLostIsRunOnceAndAnswered(t *testing.T) {
	t.Parallel()
	for name, whileItRuns := range map[string]bool{"the answer is on its way": false, "the tool still runs": true} {
		for way, options := range map[string][]toolbridge.DialOption{"plain": {toolbridge.WithoutLink()}, "link": nil} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				b, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true})
				require.NoError(t, err)
				require.NoError(t, b.Start(t.Context()))
				t.Cleanup(func() { _ = b.Stop(context.Background()) })
				var runs atomic.Int64
				var cut atomic.Bool
				var conns sync.Map
				entered, goOn := make(chan struct{}, 9), make(chan struct{})
				worker, err := toolbridge.Dial(t.Context(), b.Addr())
				require.NoError(t, err)
				t.Cleanup(func() { _ = worker.Close() })
				w := toolbridge.NewWorker(worker)
				toolbridge.AddTool(w, "charge", func(context.Context, struct{}) (int64, error) {
					n := runs.Add(1)
					entered <- struct{}{}
					<-goOn
					return n, nil
				})
				working, stop := context.WithCancel(t.Context())
				over := make(chan struct{})
				go func() {
					defer close(over)
					_ = w.Run(working) // it is told to end
				}()
				t.Cleanup(func() {
					stop()
					<-over
				})
				<-w.Ready()
				dial := toolbridge.WithGRPCOptions(grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
					if err == nil {
						conns.Store(conn, nil)
					}
					return &lossy{conn, &cut}, err
				}))
				client, err := toolbridge.Dial(t.Context(), b.Addr(), append(options, dial)...)
				require.NoError(t, err)
				t.Cleanup(func() { _ = client.Close() })
				s, err := client.Session(t.Context(), "s")
				require.NoError(t, err)

				go func() {
					<-entered
					if whileItRuns {
						conns.Range(func(conn, _ any) bool {
							c, _ := conn.(net.Conn)
							_ = c.Close() // that is the point
							return true
						})
					} else {
						cut.Store(true)
					}
					close(goOn)
				}()
				got, err := s.With(toolbridge.RequestID("order-7"), toolbridge.WithRetry(quick)).Call(t.Context(), "charge")

				require.NoError(t, err)
				require.Equal(t, int64(1), got)
				require.Equal(t, int64(1), runs.Load())
			})
		}
	}
}
