package broker_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// listed returns the names of what session s sees, those that nobody offers with a minus.
func (b *bundle) listed() []string {
	b.t.Helper()
	specs, revision, err := b.Tools(b.ctx, nobody, "s", 0, "")
	require.NoError(b.t, err)
	require.NotEmpty(b.t, revision)
	rec, _, err := b.Session(b.ctx, nobody, "s", 0, revision)
	require.NoError(b.t, err)
	n, err := b.ToolCount(b.ctx, rec)
	require.NoError(b.t, err)
	require.Len(b.t, specs, n)
	var names []string
	for _, s := range specs {
		name := s.Name
		if !s.Available {
			name = "-" + name
		}
		names = append(names, name)
	}
	return names
}

func TestTools_are_listed_in_the_order_of_registration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.host(&fakeHost{name: "a"}, plain("z"), plain("a"), &tool.Spec{Name: "$hidden", Hidden: true}, plain("m"))
	b.host(&fakeHost{name: "b"}, plain("b"), plain("a"))
	require.Equal(t, []string{"z", "a", "m", "b"}, b.listed())

	ids, revision, err := b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{{ID: "own-m", Name: "m"}, plain("own")})
	require.NoError(t, err)
	require.Equal(t, []string{"own-m", "own"}, ids)
	require.NotEmpty(t, revision)
	require.Equal(t, []string{"z", "a", "b", "-m", "-own"}, b.listed())

	a.Detach()
	require.Equal(t, []string{"-z", "a", "b", "-m", "-own"}, b.listed())
	_, err = b.UnregisterTools(b.ctx, nobody, "s", 0, []string{"own-m", "none"})
	refused(t, err, tool.ToolNotFound, `"none"`)
	_, err = b.UnregisterTools(b.ctx, nobody, "s", 0, []string{"own-m"})
	require.NoError(t, err)
	require.Equal(t, []string{"-z", "a", "-m", "b", "-own"}, b.listed())

	b.host(&fakeHost{name: "c"}, plain("last"))
	require.Equal(t, []string{"-z", "a", "-m", "b", "-own", "last"}, b.listed())
	_, _, err = b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain("own")})
	require.NoError(t, err)
	require.Equal(t, []string{"-z", "a", "-m", "b", "-own", "last"}, b.listed(), "what is registered again keeps its place")
}

func TestTools_that_are_listed_belong_to_the_caller(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("x"))
	specs, _, err := b.Tools(b.ctx, nobody, "s", 0, "")
	require.NoError(t, err)
	specs[0].Name = "changed"
	require.Equal(t, []string{"x"}, b.listed())
}

func TestTool_that_was_only_recorded_has_no_host_until_one_registers_it(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		_, _, err := b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain("x")})
		require.NoError(t, err)
		elapse(time.Minute)
		_, err = b.Call(b.ctx, to("x"))
		refused(t, err, tool.WorkerUnavailable)

		b.host(&fakeHost{}, &tool.Spec{Name: "x", SessionID: "s"})
		_, err = b.Call(b.ctx, to("x"))
		require.NoError(t, err)
	})
}

func TestRegister_refuses_whole_what_is_wrong(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.ToolsPerRegistration = 5 })
	a, err := b.Attach(&fakeHost{}, broker.AttachOptions{})
	require.NoError(t, err)
	streamed := plain("x")
	streamed.Arguments = []tool.Argument{{Name: "a", Streamed: true}}
	many := make([]*tool.Spec, 6)
	for i := range many {
		many[i] = plain(strings.Repeat("x", i+1))
	}
	for name, c := range map[string]struct {
		specs []*tool.Spec
		code  tool.Code
		want  string
	}{
		"bad name":        {[]*tool.Spec{plain("good"), plain("\x00")}, tool.ValidationError, "tool name"},
		"two of one name": {[]*tool.Spec{plain("good"), {ID: "other", Name: "good"}}, tool.ToolConflict, `"good"`},
		"once":            {[]*tool.Spec{{Name: "x", Once: true}}, tool.Unimplemented, "at most once"},
		"streamed":        {[]*tool.Spec{streamed}, tool.Unimplemented, `argument "a"`},
		"too many":        {many, tool.ValidationError, "the limit is 5"},
		"too large":       {[]*tool.Spec{{Name: "x", Description: strings.Repeat("x", 1<<20+1)}}, tool.MessageTooLarge, "message too large"},
		"metadata":        {[]*tool.Spec{{Name: "x", Metadata: map[string]string{"k": strings.Repeat("x", 1<<15)}}}, tool.MessageTooLarge, "metadata"},
		"no such session": {[]*tool.Spec{plain("good"), {Name: "x", SessionID: "none"}}, tool.SessionNotFound, `"none"`},
	} {
		_, err := a.Register(b.ctx, c.specs)
		refused(t, err, c.code, c.want)
		require.Empty(t, b.listed(), name)
		if c.code != tool.SessionNotFound {
			_, _, err = b.RegisterTools(b.ctx, nobody, "s", 0, c.specs)
			refused(t, err, c.code, c.want)
			require.Empty(t, b.listed(), name)
		}
	}
	_, _, err = b.RegisterTools(b.ctx, nobody, "none", 0, nil)
	refused(t, err, tool.SessionNotFound)
	_, err = b.UnregisterTools(b.ctx, nobody, "none", 0, nil)
	refused(t, err, tool.SessionNotFound)
}

func TestAttach_refuses_what_is_wrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Attach(&fakeHost{name: "a\x00"}, broker.AttachOptions{})
	refused(t, err, tool.ValidationError, "identity")
	_, err = b.Attach(&fakeHost{}, broker.AttachOptions{MaxCalls: -1})
	refused(t, err, tool.ValidationError, "-1")
}

func TestShared_tool_of_another_owner_is_a_conflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("x"))
	mallory, err := b.Attach(&fakeHost{name: "m"}, broker.AttachOptions{Principal: tool.Principal{Name: "mallory"}})
	require.NoError(t, err)
	_, err = mallory.Register(b.ctx, []*tool.Spec{plain("x")})
	refused(t, err, tool.ToolConflict)
}

func TestUnregister_forgets_a_tool_with_its_last_host(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := &tool.Spec{Name: "own", SessionID: "s"}
	first := b.host(&fakeHost{name: "a"}, plain("x"), plain("y"), own)
	second := b.host(&fakeHost{name: "b"}, plain("x"))

	refused(t, first.Unregister(b.ctx, "", []string{"x", "z"}), tool.ToolNotFound, `"z"`)
	require.NoError(t, first.Unregister(b.ctx, "", []string{"x"}))
	r, err := b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	require.Equal(t, text("b"), r.Value)
	require.NoError(t, second.Unregister(b.ctx, "", []string{"x"}))
	require.NoError(t, first.Unregister(b.ctx, "s", []string{"own"}))
	require.Equal(t, []string{"y"}, b.listed())
	_, err = b.Call(b.ctx, to("x"))
	refused(t, err, tool.ToolNotFound)
	refused(t, first.Unregister(b.ctx, "s", []string{"own"}), tool.ToolNotFound)
}

func TestCall_that_waits_for_a_tool_that_is_forgotten_hears_it(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		a := b.host(&fakeHost{}, plain("x"))
		a.SetState(broker.Detached)
		call := b.begin(b.ctx, to("x"))
		synctest.Wait()
		require.NoError(t, a.Unregister(b.ctx, "", []string{"x"}))
		refused(t, (<-call).err, tool.ToolNotFound)
	})
}

func TestCalls_go_only_to_hosts_of_the_newest_schema(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		old, changed := plain("x"), plain("x")
		changed.Arguments = []tool.Argument{{Name: "a", Type: "int", Required: true}}
		first := b.hostWith(&fakeHost{name: "old", call: g.call}, broker.AttachOptions{MaxCalls: 1}, old)
		running := b.begin(b.ctx, to("x"))
		synctest.Wait()
		waiting := b.begin(b.ctx, to("x"))
		synctest.Wait()

		second := b.host(&fakeHost{name: "new"}, changed)
		refused(t, (<-waiting).err, tool.ValidationError, `"a"`)
		close(g.open)
		require.NoError(t, (<-running).err, "the old one drains")
		for range 5 {
			r, err := b.Call(b.ctx, to("x", number(1)))
			require.NoError(t, err)
			require.Equal(t, "new", r.Metrics.Worker)
		}

		_, err := first.Register(b.ctx, []*tool.Spec{old})
		require.NoError(t, err, "one repeated keeps its age")
		r, err := b.Call(b.ctx, to("x", number(1)))
		require.NoError(t, err)
		require.Equal(t, "new", r.Metrics.Worker)

		first.Detach()
		second.Detach()
		elapse(time.Minute)
		_, err = b.Call(b.ctx, to("x", number(1)))
		refused(t, err, tool.WorkerUnavailable)
		b.host(&fakeHost{name: "rolled back"}, old)
		r, err = b.Call(b.ctx, to("x"))
		require.NoError(t, err)
		require.NotEqual(t, "new", r.Metrics.Worker)
	})
}

func TestRegister_again_replaces_the_description(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.host(&fakeHost{}, plain("x"), plain("y"))
	described := plain("x")
	described.Description = "new"
	_, err := a.Register(b.ctx, []*tool.Spec{described})
	require.NoError(t, err)
	specs, _, err := b.Tools(b.ctx, nobody, "s", 0, "")
	require.NoError(t, err)
	require.Equal(t, "new", specs[0].Description)
	require.Len(t, b.Workers()[0].Tools, 2)
}

func TestDetached_attachment_registers_nothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.host(&fakeHost{})
	a.Detach()
	a.SetState(broker.Ready)
	_, err := a.Register(b.ctx, []*tool.Spec{plain("x")})
	refused(t, err, tool.WorkerUnavailable, "detached")
}

func TestSession_tools_of_an_ended_session_are_not_offered_in_its_next_epoch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		own := &tool.Spec{Name: "own", SessionID: "s"}
		a := b.host(&fakeHost{}, own)
		_, err := b.CleanupSession(b.ctx, nobody, "s", 0, false)
		require.NoError(t, err)
		_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "s"})
		require.NoError(t, err)
		_, err = b.Call(b.ctx, to("own"))
		refused(t, err, tool.ToolNotFound)
		synctest.Wait()
		require.Empty(t, b.Workers()[0].Tools)

		_, err = a.Register(b.ctx, []*tool.Spec{own})
		require.NoError(t, err)
		synctest.Wait()
		_, err = b.Call(b.ctx, to("own"))
		require.NoError(t, err)
	})
}

func TestShared_tools_that_nobody_offers_are_forgotten_after_a_day(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.SweepInterval = time.Minute })
		keep := func() {
			_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "s"})
			require.NoError(t, err)
		}
		b.host(&fakeHost{name: "a"}, plain("stays"))
		b.host(&fakeHost{name: "b"}, plain("goes")).Detach()
		for range 46 {
			elapse(30 * time.Minute)
			keep()
		}
		require.Equal(t, []string{"stays", "-goes"}, b.listed())
		for range 4 {
			elapse(30 * time.Minute)
			keep()
		}
		require.Equal(t, []string{"stays"}, b.listed())
		specs, _, err := b.Tools(b.ctx, nobody, "s", 0, "")
		require.NoError(t, err)
		require.Less(t, time.Since(specs[0].LastSeen), 2*time.Hour)
	})
}

func TestWorkers_are_listed_as_they_are(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.hostWith(&fakeHost{name: "w"}, broker.AttachOptions{MaxCalls: 7, Labels: map[string]string{"sdk": "go"}, Address: "1.2.3.4", Incarnation: "i1"},
		plain("y"), plain("x"), &tool.Spec{Name: "a", SessionID: "s"})
	_, err := b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	a.SetState(broker.Draining)
	workers := b.Workers()
	require.Len(t, workers, 1)
	w := workers[0]
	var names []string
	for _, s := range w.Tools {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"x", "y", "a"}, names)
	require.False(t, w.AttachedAt.IsZero())
	w.Tools, w.AttachedAt = nil, time.Time{}
	require.Equal(t, broker.WorkerInfo{
		Identity: "w", Incarnation: "i1", Address: "1.2.3.4", Labels: map[string]string{"sdk": "go"},
		State: broker.Draining, MaxCalls: 7, CallsTotal: 1,
	}, w)
	a.Detach()
	require.Empty(t, b.Workers())
}

// described is a tool whose description has so many bytes.
func described(name string, bytes int) *tool.Spec {
	return &tool.Spec{Name: name, Description: strings.Repeat("x", bytes)}
}

func TestRegister_keeps_what_a_session_sees_small_enough_for_one_answer(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.CatalogBytes = 3000 })
	a := b.host(&fakeHost{}, described("first", 1000), described("second", 1000))

	_, err := a.Register(b.ctx, []*tool.Spec{described("third", 1000)})
	refused(t, err, tool.QuotaExceeded, "the tools that are offered to every session", "the limit is 3000")
	_, err = a.Register(b.ctx, []*tool.Spec{described("first", 2000)})
	refused(t, err, tool.QuotaExceeded)
	require.Equal(t, []string{"first", "second"}, b.listed(), "nothing of a refused registration is there")
	_, err = a.Register(b.ctx, []*tool.Spec{described("first", 10)})
	require.NoError(t, err)
	_, err = a.Register(b.ctx, []*tool.Spec{described("third", 1000)})
	require.NoError(t, err, "there is room again")

	_, _, err = b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{described("own", 2000)})
	require.NoError(t, err, "a session's own tools have room of their own")
	_, _, err = b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{described("more", 2000)})
	refused(t, err, tool.QuotaExceeded, `the tools of session "s"`, "the limit is 3000")
}

func TestRegister_refuses_a_tool_that_the_bridge_itself_offers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := b.hostWith(&fakeHost{name: "own"}, broker.AttachOptions{Local: true}, plain("x"))
	worker, err := b.Attach(&fakeHost{name: "worker"}, broker.AttachOptions{})
	require.NoError(t, err)
	other := plain("x")
	other.Arguments = []tool.Argument{{Name: "a"}}
	for _, spec := range []*tool.Spec{other, plain("x"), {ID: "x", Name: "renamed"}} {
		_, err = worker.Register(b.ctx, []*tool.Spec{plain("good"), spec})
		refused(t, err, tool.ToolConflict, `tool "x" is offered by the bridge itself`)
		require.Equal(t, []string{"x"}, b.listed())
	}
	r, err := b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	require.Equal(t, text("own"), r.Value)

	_, err = worker.Register(b.ctx, []*tool.Spec{{Name: "x", SessionID: "s"}})
	require.NoError(t, err, "a session may have its own tool of that name")
	own.Detach()
	_, err = worker.Register(b.ctx, []*tool.Spec{plain("x")})
	require.NoError(t, err, "the bridge no longer offers it")
}

func TestAttach_refuses_labels_that_are_too_large(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Attach(&fakeHost{name: "w"}, broker.AttachOptions{Labels: map[string]string{"k": strings.Repeat("x", 1<<15)}})
	refused(t, err, tool.MessageTooLarge, `the labels of worker "w"`)
	require.Empty(t, b.Workers())
}
