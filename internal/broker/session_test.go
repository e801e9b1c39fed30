package broker_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestInitializeSession_creates_once_and_then_attaches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	req := broker.SessionRequest{ID: "n", Metadata: map[string]string{"a": "b"}, TTL: time.Minute}
	first, created, err := b.InitializeSession(b.ctx, nobody, req)
	require.NoError(t, err)
	require.True(t, created)
	require.EqualValues(t, 1, first.Epoch)
	require.Equal(t, time.Minute, first.TTL)

	again, created, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "n"})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, map[string]string{"a": "b"}, again.Metadata)

	req.CreateOnly = true
	_, _, err = b.InitializeSession(b.ctx, nobody, req)
	refused(t, err, tool.SessionAlreadyExists, `"n"`)
}

func TestInitializeSession_is_one_session_for_all_who_ask_at_once(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	creations := 0
	for range 50 {
		all.Go(func() {
			rec, created, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "n"})
			require.NoError(t, err)
			require.EqualValues(t, 1, rec.Epoch)
			mu.Lock()
			defer mu.Unlock()
			if created {
				creations++
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, creations)
}

func TestInitializeSession_mints_ids_and_defaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := make(map[string]bool)
	for range 100 {
		rec, created, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{})
		require.NoError(t, err)
		require.True(t, created)
		require.Len(t, rec.Key.ID, 32)
		require.Equal(t, time.Hour, rec.TTL)
		require.False(t, seen[rec.Key.ID])
		seen[rec.Key.ID] = true
	}
}

func TestInitializeSession_refuses_what_is_out_of_bounds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want, req := range map[string]broker.SessionRequest{
		"control":   {ID: "a\nb"},
		"too long":  {ID: strings.Repeat("x", 257)},
		"at most":   {ID: "n", TTL: 31 * 24 * time.Hour},
		"more than": {ID: "n", TTL: -time.Second},
	} {
		_, _, err := b.InitializeSession(b.ctx, nobody, req)
		refused(t, err, tool.ValidationError, want)
	}
	_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "n", Metadata: map[string]string{"k": strings.Repeat("x", 16<<10)}})
	refused(t, err, tool.MessageTooLarge, "metadata", "16384")
}

func TestSessions_are_listed_by_page_and_owner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := tool.Principal{Name: "ada"}
	for i := range 25 {
		_, _, err := b.InitializeSession(b.ctx, ada, broker.SessionRequest{ID: "p" + strconv.Itoa(100+i)})
		require.NoError(t, err)
	}
	_, _, err := b.InitializeSession(b.ctx, ada, broker.SessionRequest{ID: "q"})
	require.NoError(t, err)
	var got []string
	after := ""
	for range 10 {
		page, err := b.Sessions(b.ctx, ada, "p", after, 10)
		require.NoError(t, err)
		require.Len(t, page.LastUsed, len(page.Sessions))
		for _, rec := range page.Sessions {
			got = append(got, rec.Key.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	require.Len(t, got, 25)
	require.IsIncreasing(t, got)
	page, err := b.Sessions(b.ctx, nobody, "", "", 0)
	require.NoError(t, err)
	require.Len(t, page.Sessions, 1)
	_, err = b.Sessions(b.ctx, nobody, "", "", 1001)
	refused(t, err, tool.ValidationError, "1001", "1000")
}

func TestCleanupSession_is_refused_while_calls_run_unless_forced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	b.host(&fakeHost{call: g.call}, plain("x"))
	_, _, err := b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain("own")})
	require.NoError(t, err)
	call := b.begin(b.ctx, to("x"))
	<-g.entered

	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	e := refusal(t, err, tool.ValidationError, `session "s" has 1 running call`)
	require.Equal(t, "1", e.Details["running"])
	_, err = b.CleanupSession(b.ctx, nobody, "s", 7, true)
	refused(t, err, tool.SessionExpired)

	removed, err := b.CleanupSession(b.ctx, nobody, "s", 1, true)
	require.NoError(t, err)
	require.Equal(t, broker.Removed{Tools: 1}, removed)
	refused(t, (<-call).err, tool.Cancelled, `session "s" ended`)
	_, _, err = b.Session(b.ctx, nobody, "s", 0, "")
	refused(t, err, tool.SessionExpired)
	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	refused(t, err, tool.SessionExpired)
	_, err = b.CleanupSession(b.ctx, nobody, "other", 0, false)
	refused(t, err, tool.SessionNotFound)
}

func TestSession_that_ends_elsewhere_cancels_its_calls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
	b.watched()
	running := b.begin(b.ctx, to("x"))
	<-g.entered
	waiting := b.begin(b.ctx, to("x"))

	_, err := b.store.EndSession(b.ctx, tool.SessionKey{ID: "s"}, 0)

	require.NoError(t, err)
	refused(t, (<-running).err, tool.Cancelled, "ended")
	err = (<-waiting).err
	require.Contains(t, []tool.Code{tool.Cancelled, tool.SessionExpired}, tool.CodeOf(err))
}

func TestSession_that_ended_elsewhere_unnoticed_is_found_by_the_sweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.Store = deaf{c.Store} })
		g := newGate()
		b.host(&fakeHost{call: g.call}, plain("x"))
		running := b.begin(b.ctx, to("x"))
		<-g.entered
		_, err := b.store.EndSession(b.ctx, tool.SessionKey{ID: "s"}, 0)
		require.NoError(t, err)
		start := time.Now()
		refused(t, (<-running).err, tool.Cancelled, "ended")
		require.LessOrEqual(t, time.Since(start), 10*time.Second)
	})
}

// deaf is a store whose watch tells nothing and breaks now and then.
type deaf struct{ broker.Store }

func (deaf) Watch(ctx context.Context, _ func(broker.Change)) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(time.Minute):
		return tool.Errorf(tool.StoreUnavailable, "the watch broke")
	}
}

func TestSession_expires_without_use_and_is_kept_by_it(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		long := &tool.Spec{Name: "long", Timeout: 5 * time.Hour}
		b.host(&fakeHost{call: g.call}, long, plain("x"))
		for _, id := range []string{"idle", "looked at", "busy", "used"} {
			_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: id})
			require.NoError(t, err)
		}
		busy := b.begin(b.ctx, &tool.Call{SessionID: "busy", Tool: "long"})
		for range 8 {
			elapse(20 * time.Minute)
			_, _, _ = b.Session(b.ctx, nobody, "looked at", 0, "")
			_, err := b.Agents(b.ctx, nobody, "used", 0)
			require.NoError(t, err)
		}
		elapse(time.Minute)
		for _, id := range []string{"idle", "looked at"} {
			_, _, err := b.Session(b.ctx, nobody, id, 0, "")
			refused(t, err, tool.SessionExpired, id)
		}
		for _, id := range []string{"busy", "used"} {
			_, _, err := b.Session(b.ctx, nobody, id, 0, "")
			require.NoError(t, err, id)
		}
		close(g.open)
		require.NoError(t, (<-busy).err)
		elapse(2 * time.Hour)
		_, _, err := b.Session(b.ctx, nobody, "busy", 0, "")
		refused(t, err, tool.SessionExpired)
	})
}

func TestVariables_through_their_life(t *testing.T) {
	t.Parallel()
	b := setup(t)
	write := broker.VariableWrite{Variable: tool.Variable{Name: "threshold", Value: float(), Metadata: map[string]string{"type": "float"}}}
	written, err := b.SetVariables(b.ctx, nobody, "s", 1, []broker.VariableWrite{write})
	require.NoError(t, err)
	require.NotEmpty(t, written[0].Revision)

	v, err := b.Variable(b.ctx, nobody, "s", 0, "threshold")
	require.NoError(t, err)
	require.Equal(t, float(), v.Value)
	require.Equal(t, "float", v.Metadata["type"])

	write.If.Absent = true
	_, err = b.SetVariables(b.ctx, nobody, "s", 0, []broker.VariableWrite{write})
	refused(t, err, tool.RevisionConflict)
	require.NoError(t, b.DeleteVariable(b.ctx, nobody, "s", 0, "threshold", broker.Condition{Revision: v.Revision}))
	_, err = b.Variable(b.ctx, nobody, "s", 0, "threshold")
	refused(t, err, tool.VariableNotFound)
	_, err = b.Variable(b.ctx, nobody, "s", 2, "threshold")
	refused(t, err, tool.SessionExpired)
}

func TestVariables_are_bounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	set := func(vars ...tool.Variable) error {
		var writes []broker.VariableWrite
		for _, v := range vars {
			writes = append(writes, broker.VariableWrite{Variable: v})
		}
		_, err := b.SetVariables(b.ctx, nobody, "s", 0, writes)
		return err
	}
	mib := text(strings.Repeat("x", 1<<20-100))
	require.NoError(t, set(tool.Variable{Name: "fits", Value: mib}))
	refused(t, set(tool.Variable{Name: "v", Value: text(strings.Repeat("x", 1<<20))}), tool.MessageTooLarge, `variable "v"`, "1048576")
	refused(t, set(tool.Variable{Name: "v", Value: none(), Metadata: map[string]string{"k": strings.Repeat("x", 16<<10)}}), tool.MessageTooLarge, "metadata")
	refused(t, set(tool.Variable{Name: "", Value: none()}), tool.ValidationError, "variable name")
	refused(t, set(tool.Variable{Name: "v"}), tool.ValidationError, "no value")
	refused(t, set(tool.Variable{Name: "v", Value: none()}, tool.Variable{Name: "v", Value: none()}), tool.ValidationError, "twice")
	var many []tool.Variable
	for i := range 11 {
		many = append(many, tool.Variable{Name: strconv.Itoa(i), Value: mib})
	}
	refused(t, set(many...), tool.MessageTooLarge, "all variables")
	for _, err := range []error{
		b.DeleteVariable(b.ctx, nobody, "s", 0, "a\x00", broker.Condition{}),
		b.WatchVariables(b.ctx, nobody, "s", 0, []string{""}, nil),
	} {
		refused(t, err, tool.ValidationError)
	}
	_, err := b.Variable(b.ctx, nobody, "s", 0, "")
	refused(t, err, tool.ValidationError)
}

func TestVariables_are_listed_by_page(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.ValueBytes = 3000 })
	for i := range 30 {
		_, err := b.SetVariables(b.ctx, nobody, "s", 0, []broker.VariableWrite{{Variable: tool.Variable{Name: "v" + strconv.Itoa(10+i), Value: text(strings.Repeat("x", 900))}}})
		require.NoError(t, err)
	}
	pages := func(q broker.VariableQuery) (sizes []int) {
		names := 0
		for range 100 {
			vars, next, err := b.Variables(b.ctx, nobody, "s", 0, q)
			require.NoError(t, err)
			sizes = append(sizes, len(vars))
			names += len(vars)
			if q.After = next; next == "" {
				require.Equal(t, 30, names)
				return sizes
			}
		}
		return nil
	}
	require.Equal(t, []int{30}, pages(broker.VariableQuery{Prefix: "v"}))
	require.Equal(t, []int{12, 12, 6}, pages(broker.VariableQuery{Limit: 12}))
	require.Equal(t, []int{30}, pages(broker.VariableQuery{Limit: 30}))
	require.Equal(t, []int{3, 3, 3, 3, 3, 3, 3, 3, 3, 3}, pages(broker.VariableQuery{Values: true}))
	require.Equal(t, []int{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, pages(broker.VariableQuery{Values: true, Limit: 2}))
	_, _, err := b.Variables(b.ctx, nobody, "s", 0, broker.VariableQuery{Limit: -1})
	refused(t, err, tool.ValidationError)
}

func TestWatchVariables_ends_with_the_session(t *testing.T) {
	t.Parallel()
	b := setup(t)
	current := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- b.WatchVariables(b.ctx, nobody, "s", 0, nil, func(c broker.VariableChange) error {
			if c.Current {
				close(current)
			}
			return nil
		})
	}()
	<-current
	_, err := b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)
	refused(t, <-failed, tool.SessionExpired)
}

func TestAgents_through_their_life(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := tool.Agent{Signature: "question -> answer", Tools: []string{"search"}}
	made, err := b.CreateAgent(b.ctx, nobody, "s", 0, a)
	require.NoError(t, err)
	require.Len(t, made.ID, 32)
	require.Equal(t, 10, made.MaxIters)
	require.False(t, made.CreatedAt.IsZero())

	a.ID = made.ID
	again, err := b.CreateAgent(b.ctx, nobody, "s", 0, a)
	require.NoError(t, err)
	require.True(t, made.CreatedAt.Equal(again.CreatedAt))
	a.Signature = "other -> answer"
	_, err = b.CreateAgent(b.ctx, nobody, "s", 0, a)
	refused(t, err, tool.ValidationError)

	got, err := b.Agent(b.ctx, nobody, "s", 0, made.ID)
	require.NoError(t, err)
	require.Equal(t, made.Tools, got.Tools)
	all, err := b.Agents(b.ctx, nobody, "s", 0)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, b.DeleteAgent(b.ctx, nobody, "s", 0, made.ID))
	refused(t, b.DeleteAgent(b.ctx, nobody, "s", 0, made.ID), tool.AgentNotFound)
	_, err = b.Agent(b.ctx, nobody, "s", 0, made.ID)
	refused(t, err, tool.AgentNotFound, made.ID)
}

func TestAgents_are_checked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want, a := range map[string]tool.Agent{
		"agent id":     {ID: "\x01", Signature: "a -> b"},
		"no signature": {ID: "a"},
		"max_iters":    {ID: "a", Signature: "a -> b", MaxIters: -1},
		"tool name":    {ID: "a", Signature: "a -> b", Tools: []string{""}},
	} {
		_, err := b.CreateAgent(b.ctx, nobody, "s", 0, a)
		refused(t, err, tool.ValidationError, want)
	}
	_, err := b.CreateAgent(b.ctx, nobody, "s", 0, tool.Agent{ID: "a", Signature: "a -> b", Instructions: strings.Repeat("x", 1<<20)})
	refused(t, err, tool.MessageTooLarge)
	for _, err := range []error{
		b.DeleteAgent(b.ctx, nobody, "none", 0, "a"),
		func() error { _, err := b.Agents(b.ctx, nobody, "none", 0); return err }(),
		func() error { _, err := b.Agent(b.ctx, nobody, "none", 0, "a"); return err }(),
		func() error {
			_, err := b.CreateAgent(b.ctx, nobody, "none", 0, tool.Agent{Signature: "a -> b"})
			return err
		}(),
	} {
		refused(t, err, tool.SessionNotFound)
	}
}

func TestMinRevision_that_never_comes_ends_with_the_deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.Store = blind{c.Store} })
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		_, _, err := b.Session(ctx, nobody, "s", 0, "later")
		refused(t, err, tool.DeadlineExceeded, "revision")
		start := time.Now()
		_, _, err = b.Session(b.ctx, nobody, "s", 0, "later")
		refused(t, err, tool.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(start))
		ctx, cancel = context.WithCancel(b.ctx)
		cancel()
		_, _, err = b.Session(ctx, nobody, "s", 0, "later")
		refused(t, err, tool.Cancelled)
	})
}

// blind is a store that never sees a revision.
type blind struct{ broker.Store }

func (blind) WaitRevision(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestVerbs_of_an_older_epoch_do_not_reach_the_session_that_followed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)
	_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "s"})
	require.NoError(t, err)
	_, _, err = b.RegisterTools(b.ctx, nobody, "s", 2, []*tool.Spec{plain("kept")})
	require.NoError(t, err)
	agent, err := b.CreateAgent(b.ctx, nobody, "s", 2, tool.Agent{ID: "kept", Signature: "a -> b"})
	require.NoError(t, err)

	for verb, ask := range map[string]func(epoch uint64) error{
		"Session": func(epoch uint64) error { _, _, err := b.Session(b.ctx, nobody, "s", epoch, ""); return err },
		"Tools":   func(epoch uint64) error { _, _, err := b.Tools(b.ctx, nobody, "s", epoch, ""); return err },
		"RegisterTools": func(epoch uint64) error {
			_, _, err := b.RegisterTools(b.ctx, nobody, "s", epoch, []*tool.Spec{plain("new")})
			return err
		},
		"Agents": func(epoch uint64) error { _, err := b.Agents(b.ctx, nobody, "s", epoch); return err },
		"UnregisterTools": func(epoch uint64) error {
			_, err := b.UnregisterTools(b.ctx, nobody, "s", epoch, []string{"kept"})
			return err
		},
		"DeleteAgent": func(epoch uint64) error { return b.DeleteAgent(b.ctx, nobody, "s", epoch, agent.ID) },
	} {
		refused(t, ask(1), tool.SessionExpired, "epoch 2")
		require.NoError(t, ask(2), verb)
	}
}

func TestSession_that_outlived_its_time_is_not_revived_before_the_sweep_finds_it(t *testing.T) {
	t.Parallel()
	verbs := map[string]func(b *bundle) error{
		"call":  func(b *bundle) error { _, err := b.Call(b.ctx, &tool.Call{SessionID: "n", Tool: "x"}); return err },
		"Tools": func(b *bundle) error { _, _, err := b.Tools(b.ctx, nobody, "n", 0, ""); return err },
		"Agents": func(b *bundle) error {
			_, err := b.Agents(b.ctx, nobody, "n", 0)
			return err
		},
		"Variable": func(b *bundle) error { _, err := b.Variable(b.ctx, nobody, "n", 0, "v"); return err },
		"Session":  func(b *bundle) error { _, _, err := b.Session(b.ctx, nobody, "n", 0, ""); return err },
		"CleanupSession": func(b *bundle) error {
			_, err := b.CleanupSession(b.ctx, nobody, "n", 0, false)
			return err
		},
	}
	for verb, ask := range verbs {
		for _, createOnly := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				heard := &recorder{}
				b := setup(t, func(c *broker.Config) { c.SweepInterval, c.Observer = time.Hour, heard })
				b.host(&fakeHost{}, plain("x"))
				req := broker.SessionRequest{ID: "n", TTL: time.Minute, CreateOnly: createOnly}
				for range 2 { // given: an idle session, here also one that expired and was initialized anew
					_, created, err := b.InitializeSession(b.ctx, nobody, req)
					require.NoError(t, err)
					require.True(t, created, "it is not attached to when its time has passed")
					elapse(time.Minute)
				}
				page, err := b.Sessions(b.ctx, nobody, "n", "", 0)
				require.NoError(t, err)
				require.Empty(t, page.Sessions)

				refused(t, ask(b), tool.SessionExpired, `"n"`)
				refused(t, ask(b), tool.SessionExpired, `"n"`)
				require.Zero(t, heard.sessions["n"], verb)
				rec, created, err := b.InitializeSession(b.ctx, nobody, req)
				require.NoError(t, err)
				require.True(t, created)
				require.EqualValues(t, 3, rec.Epoch)
				require.NoError(t, func() error { _, err := b.Agents(b.ctx, nobody, "n", 0); return err }())
			})
		}
	}
}

func TestSession_with_a_call_under_way_is_in_use_before_the_sweep_finds_it(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.SweepInterval = time.Hour })
		g := newGate()
		b.host(&fakeHost{call: g.call}, &tool.Spec{Name: "long", Timeout: time.Hour})
		_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "n", TTL: time.Minute})
		require.NoError(t, err)
		busy := b.begin(b.ctx, &tool.Call{SessionID: "n", Tool: "long"})
		<-g.entered
		elapse(2 * time.Minute)
		_, _, err = b.Tools(b.ctx, nobody, "n", 1, "")
		require.NoError(t, err)
		close(g.open)
		require.NoError(t, (<-busy).err)
	})
}
