package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func toolTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"a registered tool is read back whole": func(t *testing.T, b *bench) {
			b.session(t, "s")
			given := spec("t")
			given.Timeout, given.Idempotent, given.MaxConcurrency, given.InputSchema = time.Second, true, 3, `{"type":"object"}`
			made, err := b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{given})
			require.NoError(t, err)
			read, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			for _, record := range []*broker.SessionRecord{made, read} {
				require.Equal(t, 1, record.Tools.Len())
				found := *record.Tools.Lookup("t")
				require.NotZero(t, found.Order)
				require.Equal(t, "s", found.SessionID)
				want := *given
				want.Order, want.SessionID = found.Order, "s"
				require.Equal(t, want, found)
				require.Equal(t, "t", record.Tools.Lookup("t_name").ID)
			}
			require.Zero(t, given.Order, "the spec that was handed over must not be changed")
		},
		"a registration changes the session's revision": func(t *testing.T, b *bench) {
			before := b.session(t, "s")
			after, err := b.store.RegisterTools(t.Context(), key("s"), specs(1))
			require.NoError(t, err)
			require.NotEqual(t, before.Revision, after.Revision)
			require.Equal(t, before.Epoch, after.Epoch)
			require.Zero(t, before.Tools.Len(), "a record that was handed out must not be changed")
		},
		"the same registration again changes nothing": func(t *testing.T, b *bench) {
			b.session(t, "s")
			first, err := b.store.RegisterTools(t.Context(), key("s"), specs(2))
			require.NoError(t, err)
			second, err := b.store.RegisterTools(t.Context(), key("s"), specs(2))
			require.NoError(t, err)
			require.Equal(t, first.Revision, second.Revision)
		},
		"a tool registered again is replaced in its place": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("b"), spec("a"), spec("c")})
			require.NoError(t, err)
			changed := spec("a")
			changed.Description = "does it better"
			record, err := b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{changed, spec("d")})
			require.NoError(t, err)
			require.Equal(t, []string{"b", "a", "c", "d"}, ids(record.Tools.All()))
			require.Equal(t, "does it better", record.Tools.Lookup("a").Description)
		},
		"a conflict registers none": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("a")})
			require.NoError(t, err)
			thief := spec("b")
			thief.Name = "a_name"
			_, err = b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("c"), thief})
			wantCode(t, tool.ToolConflict, err)
			_, err = b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("d"), spec("d")})
			wantCode(t, tool.ToolConflict, err)
			record, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			require.Equal(t, []string{"a"}, ids(record.Tools.All()))
		},
		"tools are removed all or none": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("a"), spec("b"), spec("c")})
			require.NoError(t, err)
			_, err = b.store.UnregisterTools(t.Context(), key("s"), []string{"a", "missing"})
			wantCode(t, tool.ToolNotFound, err)
			record, err := b.store.UnregisterTools(t.Context(), key("s"), []string{"a", "c"})
			require.NoError(t, err)
			require.Equal(t, []string{"b"}, ids(record.Tools.All()))
			record, err = b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("a")})
			require.NoError(t, err)
			require.Equal(t, []string{"b", "a"}, ids(record.Tools.All()))
		},
		"tools of one session are not another's": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.session(t, "s2")
			_, err := b.store.RegisterTools(t.Context(), key("s"), specs(2))
			require.NoError(t, err)
			record, err := b.store.Session(t.Context(), key("s2"))
			require.NoError(t, err)
			require.Nil(t, record.Tools.Lookup("tool_0000"))
		},
	}
}

func sharedTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"without any the catalog is empty": func(t *testing.T, b *bench) {
			catalog, err := b.store.SharedTools(t.Context())
			require.NoError(t, err)
			require.Zero(t, catalog.Len())
		},
		"a shared tool is read back in the order of its registration": func(t *testing.T, b *bench) {
			made, err := b.store.RegisterShared(t.Context(), []*tool.Spec{spec("b"), spec("a")})
			require.NoError(t, err)
			read, err := b.store.SharedTools(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"b", "a"}, ids(made.All()))
			require.Equal(t, []string{"b", "a"}, ids(read.All()))
			require.Equal(t, owner, read.Lookup("a").Owner)
			require.WithinDuration(t, time.Now(), read.Lookup("a").LastSeen, time.Minute)
		},
		"registered again by its owner it keeps its place": func(t *testing.T, b *bench) {
			_, err := b.store.RegisterShared(t.Context(), []*tool.Spec{spec("b"), spec("a")})
			require.NoError(t, err)
			changed := spec("b")
			changed.Hash = "h2"
			catalog, err := b.store.RegisterShared(t.Context(), []*tool.Spec{changed})
			require.NoError(t, err)
			require.Equal(t, []string{"b", "a"}, ids(catalog.All()))
			require.Equal(t, "h2", catalog.Lookup("b").Hash)
		},
		"another owner cannot take its id or its name": func(t *testing.T, b *bench) {
			_, err := b.store.RegisterShared(t.Context(), []*tool.Spec{spec("a")})
			require.NoError(t, err)
			sameID := spec("a")
			sameID.Owner = "mallory"
			_, err = b.store.RegisterShared(t.Context(), []*tool.Spec{spec("c"), sameID})
			wantCode(t, tool.ToolConflict, err)
			sameName := spec("b")
			sameName.Owner, sameName.Name = "mallory", "a_name"
			_, err = b.store.RegisterShared(t.Context(), []*tool.Spec{sameName})
			wantCode(t, tool.ToolConflict, err)
			catalog, err := b.store.SharedTools(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"a"}, ids(catalog.All()))
			require.Equal(t, owner, catalog.Lookup("a").Owner)
		},
		"an old sighting is renewed, a recent one is kept": func(t *testing.T, b *bench) {
			old := spec("a")
			old.LastSeen = time.Now().Add(-3 * time.Hour).Round(0)
			_, err := b.store.RegisterShared(t.Context(), []*tool.Spec{old})
			require.NoError(t, err)
			renewed, err := b.store.RegisterShared(t.Context(), []*tool.Spec{spec("a")})
			require.NoError(t, err)
			seen := renewed.Lookup("a").LastSeen
			require.WithinDuration(t, time.Now(), seen, time.Minute)
			again, err := b.store.RegisterShared(t.Context(), []*tool.Spec{spec("a")})
			require.NoError(t, err)
			require.True(t, seen.Equal(again.Lookup("a").LastSeen))
		},
		"forgotten tools are gone, unknown ones passed over": func(t *testing.T, b *bench) {
			_, err := b.store.RegisterShared(t.Context(), []*tool.Spec{spec("a"), spec("b")})
			require.NoError(t, err)
			require.NoError(t, b.store.UnregisterShared(t.Context(), []string{"a", "missing", "a"}))
			require.NoError(t, b.store.UnregisterShared(t.Context(), []string{"a_name"}))
			catalog, err := b.store.SharedTools(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"b"}, ids(catalog.All()))
		},
		"many at once": func(t *testing.T, b *bench) {
			catalog, err := b.store.RegisterShared(t.Context(), specs(250))
			require.NoError(t, err)
			require.Equal(t, ids(specs(250)), ids(catalog.All()))
			require.NoError(t, b.store.UnregisterShared(t.Context(), ids(specs(249))))
			catalog, err = b.store.SharedTools(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"tool_0249"}, ids(catalog.All()))
		},
		"they outlive sessions": func(t *testing.T, b *bench) {
			_, err := b.store.RegisterShared(t.Context(), specs(1))
			require.NoError(t, err)
			b.session(t, "s")
			_, err = b.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			catalog, err := b.store.SharedTools(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, catalog.Len())
		},
	}
}

func agentTests() map[string]func(*testing.T, *bench) {
	agent := func(id string) tool.Agent {
		return tool.Agent{ID: id, Signature: "question -> answer", Tools: []string{"search"}, MaxIters: 5, Metadata: map[string]string{"a": "b"}}
	}
	return map[string]func(*testing.T, *bench){
		"agents are listed in the order of their creation": func(t *testing.T, b *bench) {
			b.session(t, "s")
			for _, id := range []string{"b", "a", "c"} {
				require.NoError(t, b.store.PutAgent(t.Context(), key("s"), agent(id)))
			}
			found, err := b.store.Agents(t.Context(), key("s"))
			require.NoError(t, err)
			require.Len(t, found, 3)
			for i, id := range []string{"b", "a", "c"} {
				require.WithinDuration(t, time.Now(), found[i].CreatedAt, time.Minute)
				want := agent(id)
				want.CreatedAt = found[i].CreatedAt
				require.Equal(t, want, found[i])
			}
		},
		"the same agent again is no error, another one is": func(t *testing.T, b *bench) {
			b.session(t, "s")
			require.NoError(t, b.store.PutAgent(t.Context(), key("s"), agent("a")))
			require.NoError(t, b.store.PutAgent(t.Context(), key("s"), agent("a")))
			other := agent("a")
			other.MaxIters = 6
			wantCode(t, tool.ValidationError, b.store.PutAgent(t.Context(), key("s"), other))
			found, err := b.store.Agents(t.Context(), key("s"))
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Equal(t, 5, found[0].MaxIters)
		},
		"a deleted agent is gone": func(t *testing.T, b *bench) {
			b.session(t, "s")
			require.NoError(t, b.store.PutAgent(t.Context(), key("s"), agent("a")))
			wantCode(t, tool.AgentNotFound, b.store.DeleteAgent(t.Context(), key("s"), "b"))
			require.NoError(t, b.store.DeleteAgent(t.Context(), key("s"), "a"))
			wantCode(t, tool.AgentNotFound, b.store.DeleteAgent(t.Context(), key("s"), "a"))
			found, err := b.store.Agents(t.Context(), key("s"))
			require.NoError(t, err)
			require.Empty(t, found)
		},
	}
}
