package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestNew_fills_in_defaults_and_refuses_nonsense(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	b, err := broker.New(broker.Config{Store: store})
	require.NoError(t, err)
	require.Equal(t, broker.Limits{
		ValueBytes: 10 << 20, TableBytes: 1 << 30, VariableBytes: 1 << 20, MetadataBytes: 16 << 10, CallDepth: 32, BatchItems: 10_000, BatchConcurrency: 64,
		QueuedCalls: 1024, QueuedBytes: 64 << 20, CallTimeout: 30 * time.Second, StreamIdle: 30 * time.Second,
		SessionTTL: time.Hour, MaxSessionTTL: 30 * 24 * time.Hour, ToolsPerRegistration: 1000, CatalogBytes: 4 << 20, EndedCalls: 1024,
		RecordedFor: 10 * time.Minute, RecordedBytes: 256 << 20,
	}, b.Limits())
	require.NotEmpty(t, b.Run())
	for _, cfg := range []broker.Config{
		{},
		{Store: store, ReattachGrace: -1},
		{Store: store, Limits: broker.Limits{CallDepth: -1}},
		{Store: store, Limits: broker.Limits{SessionTTL: 31 * 24 * time.Hour}},
	} {
		_, err := broker.New(cfg)
		refused(t, err, tool.ValidationError, "broker: ")
	}
}

func TestStart_fails_with_its_store_and_happens_once(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	b, err := broker.New(broker.Config{Store: store})
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	refused(t, b.Start(t.Context()), tool.Internal, "started before")
	require.NoError(t, b.Stop(t.Context()))
	require.NoError(t, b.Stop(t.Context()), "stopping twice")
	refused(t, b.Start(t.Context()), tool.Internal)
	_, err = b.Attach(&fakeHost{}, broker.AttachOptions{})
	refused(t, err, tool.WorkerUnavailable)
	b.Subscribe(func(broker.Event) {})()
	require.NoError(t, store.Close())

	dead, err := broker.New(broker.Config{Store: sick{store}})
	require.NoError(t, err)
	refused(t, dead.Start(t.Context()), tool.StoreUnavailable)
	require.NoError(t, dead.Stop(t.Context()))
}

// sick is a store that is not well.
type sick struct{ broker.Store }

func (sick) Healthy(context.Context) error { return tool.Errorf(tool.StoreUnavailable, "disk full") }

func TestStop_lets_running_calls_and_what_they_call_end(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			if c.Tool == "child" {
				return tool.Result{Value: text("child")}, nil
			}
			if _, err := g.call(ctx, c); err != nil {
				return tool.Result{}, err
			}
			return b.Call(ctx, &tool.Call{SessionID: "s", Tool: "child", Parent: c.Key, Depth: 1})
		}}, plain("x"), plain("child"))
		call := b.begin(b.ctx, to("x"))
		<-g.entered
		stopped := make(chan error, 1)
		go func() { stopped <- b.Stop(b.ctx) }()
		synctest.Wait()
		require.Empty(t, stopped)
		_, err := b.Call(b.ctx, to("child"))
		e := refusal(t, err, tool.WorkerUnavailable, "stopping")
		require.NotZero(t, e.RetryAfter)

		close(g.open)
		require.NoError(t, (<-call).err)
		require.NoError(t, <-stopped)
	})
}

func TestStop_cancels_what_does_not_end_in_time(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
		running, waiting := b.begin(b.ctx, to("x")), b.begin(b.ctx, to("x"))
		<-g.entered
		synctest.Wait()
		ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
		defer cancel()
		start := time.Now()
		refused(t, b.Stop(ctx), tool.DeadlineExceeded, "2 calls")
		require.Equal(t, 3*time.Second, time.Since(start))
		refused(t, (<-running).err, tool.Cancelled, "the bridge stopped")
		refused(t, (<-waiting).err, tool.Cancelled, "the bridge stopped")
	})
}

func TestStop_does_not_wait_for_ever_for_a_host_that_heeds_nothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		release := make(chan struct{})
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			<-release
			return tool.Result{}, nil
		}}, plain("x"))
		call := b.begin(b.ctx, to("x"))
		synctest.Wait()
		ctx, cancel := context.WithCancel(b.ctx)
		cancel()
		start := time.Now()
		refused(t, b.Stop(ctx), tool.DeadlineExceeded, "1 calls")
		require.Equal(t, 5*time.Second, time.Since(start))
		close(release)
		require.NoError(t, (<-call).err)
	})
}

func TestSubscribe_hears_of_changes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		synctest.Wait()
		var mu sync.Mutex
		heard := make(map[string]int)
		revisions := make(map[string]string)
		cancel := b.Subscribe(func(e broker.Event) {
			mu.Lock()
			defer mu.Unlock()
			heard[e.Session.ID]++
			revisions[e.Session.ID] = e.Revision
		})
		took := func() map[string]int {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			was := heard
			heard = make(map[string]int)
			return was
		}
		_, revision, err := b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain("own")})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"s": 1}, took())
		require.Equal(t, revision, revisions["s"])

		a := b.host(&fakeHost{}, plain("x"), &tool.Spec{Name: "own", SessionID: "s"})
		got := took()
		require.Positive(t, got[""])
		require.Positive(t, got["s"])
		a.SetState(broker.Detached)
		require.Equal(t, map[string]int{"": 1, "s": 1}, took())
		a.SetState(broker.Ready)
		require.Equal(t, map[string]int{"": 1, "s": 1}, took())
		a.Detach()
		require.Equal(t, map[string]int{"": 1, "s": 1}, took())

		cancel()
		cancel()
		_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
		require.NoError(t, err)
		require.Empty(t, took())
	})
}

func TestSubscriber_that_is_slow_hears_the_last_event_and_delays_nobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		synctest.Wait()
		stuck, free := make(chan broker.Event), make(chan broker.Event, 10_000)
		over := make(chan struct{})
		t.Cleanup(func() { close(over) })
		b.Subscribe(func(e broker.Event) {
			select {
			case stuck <- e:
			case <-over:
			}
		})
		b.Subscribe(func(e broker.Event) { free <- e })
		var last string
		for i := range 20 {
			var err error
			_, last, err = b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain(fmt.Sprint("own", i))})
			require.NoError(t, err)
			synctest.Wait()
		}
		require.GreaterOrEqual(t, len(free), 20)
		<-stuck
		require.Equal(t, last, (<-stuck).Revision)

		for range 5000 {
			_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{})
			require.NoError(t, err)
			synctest.Wait()
		}
		got := 0
		for everyone := false; !everyone; got++ {
			everyone = (<-stuck).Session == tool.SessionKey{}
			synctest.Wait()
			require.Less(t, got, 2000)
		}
	})
}
