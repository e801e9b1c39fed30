package broker

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// told counts how often it hears of an end.
type told int

func (n *told) ContextEnded() { *n++ }

var errWhy = errors.New("why")

func TestARunEndsAsItsParentDoes(t *testing.T) {
	t.Parallel()
	late, cancelLate := context.WithTimeoutCause(context.Background(), -1, errWhy)
	t.Cleanup(cancelLate)
	left, leave := context.WithCancelCause(context.Background())
	leave(errWhy)
	for name, parent := range map[string]context.Context{"by time": late, "by leaving": left} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r run
			r.under(parent)
			defer r.release()

			require.Equal(t, parent.Err(), r.Err())
			require.Equal(t, errWhy, context.Cause(&r))
			require.False(t, r.Watch(new(told)), "it has ended")
			derived, cancel := context.WithCancel(&r)
			defer cancel()
			require.Equal(t, parent.Err(), derived.Err())
			require.Equal(t, errWhy, context.Cause(derived))
		})
	}
}

func TestTheCauseOfARunReachesWhatIsDerivedFromItBeforeAndAfter(t *testing.T) {
	t.Parallel()
	var r run
	r.under(context.Background())
	before, cancelBefore := context.WithCancel(&r)
	defer cancelBefore()

	r.cancel(errWhy)
	r.cancel(errors.New("too late"))

	after, cancelAfter := context.WithCancel(&r)
	defer cancelAfter()
	for _, ctx := range []context.Context{before, after, &r} {
		<-ctx.Done()
		require.Equal(t, context.Canceled, ctx.Err())
		require.Equal(t, errWhy, context.Cause(ctx))
	}
}

func TestARunWhoseTimeIsOverSaysSo(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.DeadlineExceeded, stall{}} {
		var r run
		r.under(context.Background())
		r.cancel(cause)
		require.Equal(t, context.DeadlineExceeded, r.Err())
	}
}

func TestARunTellsItsWatcherOnceWhicheverWayItEnds(t *testing.T) {
	t.Parallel()
	ends := map[string]func(parent, r *run){
		"by itself":       func(_, r *run) { r.cancel(errWhy) },
		"with its parent": func(parent, _ *run) { parent.cancel(errWhy) },
	}
	for name, end := range ends {
		var parent, r run
		var n, other told
		parent.under(context.Background())
		r.under(&parent)
		require.True(t, r.Watch(&n), name)
		require.False(t, r.Watch(&other), "there is one watcher")
		require.False(t, r.Unwatch(&other))

		end(&parent, &r)

		require.Equal(t, told(1), n, name)
		require.Error(t, r.Err(), name)
		require.False(t, r.Unwatch(&n), "it was told")
		r.release()
		parent.release()
		require.Equal(t, told(1), n, name)
	}
}

func TestARunUnderAContextOfPackageContextTellsByItsChannel(t *testing.T) {
	t.Parallel()
	caller, leave := context.WithCancelCause(context.Background())
	var r run
	r.under(caller)
	defer r.release()
	require.False(t, r.Watch(new(told)), "nobody would tell it of the caller's end")
	require.NoError(t, r.Err())
	done := r.Done()

	leave(errWhy)

	<-done
	require.Equal(t, context.Canceled, r.Err())
	require.Equal(t, errWhy, context.Cause(&r))
}

func TestAWatcherThatLeftIsNotTold(t *testing.T) {
	t.Parallel()
	var parent, r run
	var n told
	parent.under(context.Background())
	r.under(&parent)
	require.True(t, r.Watch(&n))
	require.True(t, r.Unwatch(&n))
	r.release()
	require.True(t, parent.Watch(&n), "a released run leaves its place to another")
	require.True(t, parent.Unwatch(&n))
	parent.release()
	require.Equal(t, told(0), n)
}

// key names a value of a tracer's.
type key struct{}

// valueTracer records every call, or none, with a value in its context.
type valueTracer struct{ records bool }

func (v valueTracer) Begin(ctx context.Context, _ *tool.Call) (context.Context, func(tool.Metrics, error)) {
	if !v.records {
		return ctx, nil
	}
	return context.WithValue(ctx, key{}, "span"), func(tool.Metrics, error) {}
}

func TestARecordedCallIsToldOfItsEndLikeAnyOther(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]bool{"recorded": true, "not recorded": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var parent, r run
			parent.under(context.Background())
			b := &Broker{tracer: valueTracer{records}}
			ctx := b.begin(&parent, &r)
			if records {
				require.Equal(t, "span", ctx.Value(key{}))
			}
			r.under(ctx)
			heard := new(told)
			require.True(t, r.Watch(heard), "without a channel, and so without a goroutine")
			parent.cancel(errWhy)
			require.Equal(t, told(1), *heard)
			require.Equal(t, context.Canceled, r.Err())
			require.Equal(t, errWhy, context.Cause(&r))
			require.Equal(t, records, r.recorded != nil)
			r.release()
		})
	}
	var r run
	b := &Broker{tracer: valueTracer{true}}
	ctx, leave := context.WithCancel(context.Background())
	r.under(b.begin(ctx, &r))
	require.False(t, r.Watch(new(told)), "where only a channel tells")
	leave()
	require.Equal(t, context.Canceled, r.Err())
}
