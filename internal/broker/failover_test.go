package broker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCall_of_an_idempotent_tool_that_is_lost_for_good_says_so(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		var a *broker.Attachment
		a = b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			a.Detach()
			return tool.Result{}, tool.Errorf(tool.WorkerLost, "gone")
		}}, &tool.Spec{Name: "x", Idempotent: true})
		elapse(time.Minute)
		start := time.Now()
		_, err := b.Call(b.ctx, to("x"))
		e := refusal(t, err, tool.WorkerLost)
		require.True(t, e.Retryable)
		require.Equal(t, "true", e.Details["started"])
		require.Equal(t, 5*time.Second, time.Since(start), "another host was awaited for the grace")
	})
}

func TestCall_that_waits_hears_of_a_tool_that_its_session_forgets_or_changes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		own := &tool.Spec{Name: "own", SessionID: "s"}
		a := b.host(&fakeHost{}, own)
		a.SetState(broker.Unresponsive)
		call := b.begin(b.ctx, to("own"))
		synctest.Wait()
		changed := plain("own")
		changed.Arguments = []tool.Argument{{Name: "a", Required: true}}
		_, _, err := b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{changed})
		require.NoError(t, err)
		refused(t, (<-call).err, tool.ValidationError, `"a"`)

		_, _, err = b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain("own")})
		require.NoError(t, err)
		call = b.begin(b.ctx, to("own"))
		synctest.Wait()
		_, err = b.UnregisterTools(b.ctx, nobody, "s", 0, []string{"own"})
		require.NoError(t, err)
		refused(t, (<-call).err, tool.ToolNotFound)
	})
}

func TestBroken_watch_is_taken_up_again_and_what_it_missed_is_found(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flaky := &flakyWatch{}
		b := setup(t, func(c *broker.Config) {
			flaky.Store = c.Store
			c.Store, c.SweepInterval = flaky, 1000*time.Hour
		})
		g := newGate()
		b.host(&fakeHost{call: g.call}, plain("x"))
		running := b.begin(b.ctx, to("x"))
		<-g.entered
		_, err := b.store.EndSession(b.ctx, tool.SessionKey{ID: "s"}, 0)
		require.NoError(t, err)
		start := time.Now()
		refused(t, (<-running).err, tool.Cancelled, "ended")
		require.LessOrEqual(t, time.Since(start), 10*time.Second)
		synctest.Wait()
		require.Greater(t, flaky.began.Load(), int64(1))
	})
}

// flakyWatch breaks its first watches after a second each.
type flakyWatch struct {
	broker.Store
	began atomic.Int64
}

func (f *flakyWatch) Watch(ctx context.Context, each func(broker.Change)) error {
	if f.began.Add(1) > 3 {
		return f.Store.Watch(ctx, each)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(time.Second):
		return tool.Errorf(tool.StoreUnavailable, "the watch broke")
	}
}

// broken is a store whose reads or writes fail.
type broken struct {
	broker.Store
	reads, writes bool
}

var errDisk = tool.Errorf(tool.StoreUnavailable, "disk full")

func (s *broken) Session(ctx context.Context, key tool.SessionKey) (*broker.SessionRecord, error) {
	if s.reads {
		return nil, errDisk
	}
	return s.Store.Session(ctx, key)
}

func (s *broken) RegisterShared(ctx context.Context, specs []*tool.Spec) (*broker.Catalog, error) {
	if s.writes {
		return nil, errDisk
	}
	return s.Store.RegisterShared(ctx, specs)
}

func (s *broken) EndSession(ctx context.Context, key tool.SessionKey, epoch uint64) (broker.Removed, error) {
	if s.writes {
		return broker.Removed{}, errDisk
	}
	return s.Store.EndSession(ctx, key, epoch)
}

func (s *broken) CreateSession(ctx context.Context, session tool.Session) (*broker.SessionRecord, error) {
	if s.writes {
		return nil, errDisk
	}
	return s.Store.CreateSession(ctx, session)
}

func TestStore_that_fails_is_told_and_nothing_is_half_done(t *testing.T) {
	t.Parallel()
	store := &broken{}
	b := setup(t, func(c *broker.Config) {
		store.Store = c.Store
		c.Store = store
	})
	a := b.host(&fakeHost{}, plain("x"))

	store.writes = true
	_, err := a.Register(b.ctx, []*tool.Spec{plain("y")})
	refused(t, err, tool.StoreUnavailable)
	require.Len(t, b.Workers()[0].Tools, 1, "offered although it was not recorded")
	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, true)
	refused(t, err, tool.StoreUnavailable)
	_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "new"})
	refused(t, err, tool.StoreUnavailable)
	_, err = b.Call(b.ctx, to("x"))
	require.NoError(t, err)
}

func TestCall_is_refused_when_the_store_cannot_be_read(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &broken{}
		b := setup(t, func(c *broker.Config) {
			store.Store = c.Store
			c.Store = store
		})
		b.host(&fakeHost{}, plain("x"))
		synctest.Wait()
		store.reads = true
		_, err := b.Call(b.ctx, to("x"))
		e := refusal(t, err, tool.StoreUnavailable)
		require.ErrorIs(t, e, errDisk)
		_, _, err = b.Tools(b.ctx, nobody, "s", 0, "")
		refused(t, err, tool.StoreUnavailable)
		_, _, err = b.Session(b.ctx, nobody, "s", 0, "")
		refused(t, err, tool.StoreUnavailable)
		store.reads = false
	})
}
