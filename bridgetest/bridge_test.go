package bridgetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func offerDouble(w *toolbridge.Worker) {
	toolbridge.AddTool(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	toolbridge.AddStreamingTool(w, "count", func(_ context.Context, n int, yield func(int) error) error {
		for i := range n {
			if err := yield(i); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAToolIsTestedInOneProcess(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := bridgetest.New(t, bridgetest.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	b.Worker(offerDouble)
	got, err := toolbridge.Call[int](t.Context(), b.Session(), "double", 21)
	require.NoError(t, err)
	require.Equal(t, 42, got)
}

func TestTheLimitsOfTheBridgeAreItsOptions(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t, bridgetest.WithMaxValueBytes(1000), bridgetest.WithSessionTTL(time.Minute))
	b.Worker(offerDouble)
	s := b.Session()
	info, err := s.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Minute, info.TTL)
	_, err = s.Call(t.Context(), "double", make([]byte, 2000))
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
}

func TestAStreamIsRecorded(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerDouble)
	s := b.Session()
	require.Equal(t, bridgetest.Recording[int]{Items: []int{0, 1, 2}}, bridgetest.Record(toolbridge.Stream[int](t.Context(), s, "count", 3)))
	require.Equal(t, []int{0}, bridgetest.RecordSome(toolbridge.Stream[int](t.Context(), s, "count", 3), 1).Items)
	require.Empty(t, bridgetest.RecordSome(toolbridge.Stream[int](t.Context(), s, "count", 3), 0).Items)
	broken := errors.New("broken")
	var failing iter.Seq2[int, error] = func(yield func(int, error) bool) { _ = yield(1, nil) && yield(0, broken) }
	require.Equal(t, bridgetest.Recording[int]{Items: []int{1}, Err: broken}, bridgetest.Record(failing))
}

func TestFaultsFollowTheirScript(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerDouble)
	var faults bridgetest.Faults
	s := b.Session(toolbridge.WithInterceptors(faults.Interceptor()))
	release := make(chan struct{})
	faults.Fail("double", tool.Errorf(tool.Overloaded, "later"))
	faults.Hold("double", release)
	faults.Hold("count", make(chan struct{}))

	_, err := s.Call(t.Context(), "double", 1)
	require.Equal(t, tool.Overloaded, tool.CodeOf(err))
	time.AfterFunc(10*time.Millisecond, func() { close(release) })
	got, err := s.Call(t.Context(), "double", 1)
	require.NoError(t, err)
	require.Equal(t, int64(2), got)
	held := bridgetest.Record(s.With(toolbridge.Timeout(20*time.Millisecond)).Stream(t.Context(), "count", 1))
	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(held.Err))
	require.Equal(t, 2, faults.Calls("double"))
}

func TestABridgeThatRestartsOrIsCutOffKeepsItsSessions(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	w := b.Worker(offerDouble)
	// A call that was on its way when the connection broke may be lost.
	s := b.Session().With(toolbridge.WithRetry(toolbridge.Retry{}), toolbridge.Idempotent())
	for _, disturb := range []func(){b.Cut, b.Restart, b.Cut} {
		disturb()
		got, err := s.Call(t.Context(), "double", 4)
		require.NoError(t, err)
		require.Equal(t, int64(8), got)
	}
	w.Stop()
	w.Stop()
	require.NoError(t, w.Client.Close())
}
