package broker_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// taking is tool x with so many required arguments.
func taking(session string, names ...string) *tool.Spec {
	s := &tool.Spec{ID: "x", Name: "x", SessionID: session}
	for _, n := range names {
		s.Arguments = append(s.Arguments, tool.Argument{Name: n, Type: "int", Required: true})
	}
	return s
}

// served asserts that x takes these arguments, is run by this worker, and is listed so.
func (b *bundle) served(worker string, args ...tool.Value) {
	b.t.Helper()
	r, err := b.Call(b.ctx, to("x", args...))
	require.NoError(b.t, err)
	require.Equal(b.t, worker, r.Metrics.Worker)
	specs, _, err := b.Tools(b.ctx, nobody, "s", 0, "")
	require.NoError(b.t, err)
	require.Len(b.t, specs, 1)
	require.Len(b.t, specs[0].Arguments, len(args))
	require.True(b.t, specs[0].Available)
}

func TestOlder_schema_serves_when_the_last_host_of_a_newer_one_leaves(t *testing.T) {
	t.Parallel()
	for scope, session := range map[string]string{"shared": "", "of a session": "s"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t)
				b.host(&fakeHost{name: "1"}, taking(session))
				second := b.host(&fakeHost{name: "2"}, taking(session, "a"))
				third := b.host(&fakeHost{name: "3"}, taking(session, "a", "b"))
				b.served("3", number(1), number(2))

				third.Detach()
				b.served("2", number(1))
				_, err := b.Call(b.ctx, to("x", number(1), number(2)))
				refused(t, err, tool.ValidationError)
				synctest.Wait() // what was announced is followed
				b.served("2", number(1))
				require.NoError(t, second.Unregister(b.ctx, session, []string{"x"}))
				b.served("1")

				third = b.host(&fakeHost{name: "3 again"}, taking(session, "a", "b"))
				b.served("3 again", number(1), number(2))
				third.Detach()
				b.served("1")
				b.host(&fakeHost{name: "4"}, taking(session, "d"))
				b.served("4", number(1))
			})
		})
	}
}

func TestCall_that_waits_for_a_host_that_leaves_is_checked_against_the_older_schema(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.host(&fakeHost{name: "old"}, taking(""))
		newer := taking("")
		newer.ReturnType = "int"
		second := b.host(&fakeHost{name: "new"}, newer)
		second.SetState(broker.Detached)
		waiting := b.begin(b.ctx, to("x"))
		synctest.Wait()
		second.Detach()
		answered := <-waiting
		require.NoError(t, answered.err)
		require.Equal(t, "old", answered.result.Metrics.Worker)
	})
}

func TestTool_of_which_every_host_left_serves_whoever_comes_first(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		first, second := b.host(&fakeHost{name: "old"}, taking("")), b.host(&fakeHost{name: "new"}, taking("", "a"))
		second.Detach()
		b.served("old")
		first.Detach()
		_, err := b.Call(b.ctx, to("x"))
		refused(t, err, tool.ValidationError, `"a"`)
		b.host(&fakeHost{name: "new again"}, taking("", "a"))
		b.served("new again", number(1))
	})
}
