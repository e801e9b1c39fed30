package storetest

import (
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// awkward are names that a careless store mixes up or lets leave their place.
func awkward() []string {
	return []string{
		"a", "a/", "/a", "a/b", "a/b/", "..", "../a", "../../a", ".", "*", "a*", "**", "%", "%2F", "a%2Fb", "a b", "a\x00", "a\x00b", "\x00", "\xff", "\xff\xff",
		"а", "ａ", "a\u0301", "á", "record", "alive", "batch", "tool/", "view/", "~", "a.b", "a\nb", "session", "0",
	}
}

func nameTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"every session keeps to its own": func(t *testing.T, b *bench) {
			for _, id := range awkward() {
				b.session(t, id)
				b.set(t, id, "v", id)
				_, err := b.store.RegisterTools(t.Context(), key(id), []*tool.Spec{spec("of " + id)})
				require.NoError(t, err)
				require.NoError(t, b.store.PutAgent(t.Context(), key(id), tool.Agent{ID: "of " + id}))
			}
			for _, id := range awkward() {
				require.Equal(t, id, b.get(t, id, "v"))
				agents, err := b.store.Agents(t.Context(), key(id))
				require.NoError(t, err)
				require.Len(t, agents, 1)
			}
			require.Len(t, listed(t, b.store), len(awkward()))
			for i, id := range awkward() {
				removed, err := b.store.EndSession(t.Context(), key(id), 0)
				require.NoError(t, err)
				require.Equal(t, broker.Removed{Tools: 1, Variables: 1, Agents: 1}, removed, "session %q", id)
				require.Len(t, listed(t, b.store), len(awkward())-i-1)
			}
		},
		"every owner keeps to its own": func(t *testing.T, b *bench) {
			owners := append(awkward(), "")
			for _, name := range owners {
				_, err := b.store.CreateSession(t.Context(), tool.Session{Key: tool.SessionKey{Owner: name, ID: "s"}, TTL: time.Hour})
				require.NoError(t, err)
			}
			for _, name := range owners {
				page, err := b.store.Sessions(t.Context(), name, "", "", 100)
				require.NoError(t, err)
				require.Len(t, page, 1)
				require.Equal(t, name, page[0].Key.Owner)
			}
			_, err := b.store.EndSession(t.Context(), tool.SessionKey{Owner: "a", ID: "s"}, 0)
			require.NoError(t, err)
			_, err = b.store.Session(t.Context(), tool.SessionKey{Owner: "a/", ID: "s"})
			require.NoError(t, err)
		},
		"owner and id are not run together": func(t *testing.T, b *bench) {
			_, err := b.store.CreateSession(t.Context(), tool.Session{Key: tool.SessionKey{Owner: "a", ID: "b/c"}, TTL: time.Hour})
			require.NoError(t, err)
			for _, other := range []tool.SessionKey{{Owner: "a/b", ID: "c"}, {Owner: "", ID: "a/b/c"}, {Owner: "a", ID: "b"}} {
				_, err := b.store.Session(t.Context(), other)
				wantCode(t, tool.SessionNotFound, err)
			}
		},
		"every variable is its own": func(t *testing.T, b *bench) {
			b.session(t, "s")
			for _, name := range awkward() {
				b.set(t, "s", name, "is "+name)
			}
			for _, name := range awkward() {
				require.Equal(t, "is "+name, b.get(t, "s", name))
			}
			page, err := b.store.Variables(t.Context(), key("s"), "", "", 100, false)
			require.NoError(t, err)
			require.ElementsMatch(t, awkward(), names(page))
			require.IsIncreasing(t, names(page))
			page, err = b.store.Variables(t.Context(), key("s"), "\xff", "", 100, false)
			require.NoError(t, err)
			require.Equal(t, []string{"\xff", "\xff\xff"}, names(page))
			for _, name := range awkward() {
				require.NoError(t, b.store.DeleteVariable(t.Context(), key("s"), name, broker.Condition{}))
			}
		},
		"every tool and agent is its own": func(t *testing.T, b *bench) {
			b.session(t, "s")
			var all []*tool.Spec
			valid := slices.DeleteFunc(awkward(), func(name string) bool { return !utf8.ValidString(name) })
			for _, name := range valid {
				all = append(all, spec(name))
				require.NoError(t, b.store.PutAgent(t.Context(), key("s"), tool.Agent{ID: name}))
			}
			_, err := b.store.RegisterTools(t.Context(), key("s"), all)
			require.NoError(t, err)
			for _, name := range valid {
				_, err := b.store.UnregisterTools(t.Context(), key("s"), []string{name})
				require.NoError(t, err)
				require.NoError(t, b.store.DeleteAgent(t.Context(), key("s"), name))
			}
		},
	}
}
