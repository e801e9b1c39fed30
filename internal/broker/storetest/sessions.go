package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func sessionTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"a created session is read back whole": func(t *testing.T, b *bench) {
			before := time.Now().Add(-time.Second)
			made, err := b.store.CreateSession(t.Context(), tool.Session{Key: key("s"), TTL: time.Minute, Metadata: map[string]string{"a": "b"}})
			require.NoError(t, err)
			read, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			for _, record := range []*broker.SessionRecord{made, read} {
				require.Equal(t, key("s"), record.Key)
				require.EqualValues(t, 1, record.Epoch)
				require.Equal(t, time.Minute, record.TTL)
				require.Equal(t, map[string]string{"a": "b"}, record.Metadata)
				require.WithinRange(t, record.CreatedAt, before, time.Now().Add(time.Second))
				require.NotEmpty(t, record.Revision)
				require.Zero(t, record.Tools.Len())
			}
			require.Equal(t, made.Revision, read.Revision)
		},
		"a store that counts sessions counts those that live": func(t *testing.T, b *bench) {
			counter, counts := b.store.(broker.SessionCounter)
			if !counts {
				t.Skip("the store does not count")
			}
			require.Zero(t, counter.SessionCount())
			b.session(t, "a")
			b.session(t, "b")
			require.Equal(t, 2, counter.SessionCount())
			_, err := b.store.EndSession(t.Context(), key("a"), 0)
			require.NoError(t, err)
			require.Equal(t, 1, counter.SessionCount())
		},
		"a store that says at once which sessions there are says so from their creation to their end": func(t *testing.T, b *bench) {
			finder, finds := b.store.(broker.SessionFinder)
			if !finds {
				t.Skip("the store has to look")
			}
			b.session(t, "a")
			require.True(t, finder.HasSession(key("a")))
			_, err := b.store.EndSession(t.Context(), key("a"), 0)
			require.NoError(t, err)
			_, err = b.store.CreateSession(t.Context(), tool.Session{Key: key("a"), TTL: time.Minute})
			require.NoError(t, err)
			require.True(t, finder.HasSession(key("a")), "again")
		},
		"the creator's map may be changed afterwards": func(t *testing.T, b *bench) {
			metadata := map[string]string{"a": "b"}
			_, err := b.store.CreateSession(t.Context(), tool.Session{Key: key("s"), TTL: time.Minute, Metadata: metadata})
			require.NoError(t, err)
			metadata["a"] = "changed"
			read, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			require.Equal(t, "b", read.Metadata["a"])
		},
		"a session without a time to live gets one": func(t *testing.T, b *bench) {
			made, err := b.store.CreateSession(t.Context(), tool.Session{Key: key("s")})
			require.NoError(t, err)
			require.Positive(t, made.TTL)
		},
		"a session that never was is not found by any verb": func(t *testing.T, b *bench) {
			epoch, err := b.store.Tombstone(t.Context(), key("missing"))
			require.NoError(t, err)
			require.Zero(t, epoch)
			wantNotFound(t, b.store, key("missing"))
		},
		"a session that ended is not found by any verb": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "v", "x")
			_, err := b.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			wantNotFound(t, b.store, key("s"))
		},
		"a living session cannot be created again": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.CreateSession(t.Context(), tool.Session{Key: key("s"), TTL: time.Hour})
			wantCode(t, tool.SessionAlreadyExists, err)
		},
		"an ended session begins anew in the next epoch, empty": func(t *testing.T, b *bench) {
			for epoch := uint64(1); epoch <= 3; epoch++ {
				made := b.session(t, "s")
				require.Equal(t, epoch, made.Epoch)
				require.Zero(t, made.Tools.Len())
				listed, err := b.store.Variables(t.Context(), key("s"), "", "", 10, false)
				require.NoError(t, err)
				require.Empty(t, listed)
				b.set(t, "s", "v", "x")
				_, err = b.store.RegisterTools(t.Context(), key("s"), specs(1))
				require.NoError(t, err)
				_, err = b.store.EndSession(t.Context(), key("s"), epoch)
				require.NoError(t, err)
				buried, err := b.store.Tombstone(t.Context(), key("s"))
				require.NoError(t, err)
				require.Equal(t, epoch, buried)
			}
		},
		"an end at another epoch is refused and harms nothing": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.EndSession(t.Context(), key("s"), 7)
			wantCode(t, tool.SessionNotFound, err)
			_, err = b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
		},
		"an end counts what it removed": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.RegisterTools(t.Context(), key("s"), specs(3))
			require.NoError(t, err)
			b.set(t, "s", "v", "x")
			b.set(t, "s", "w", "y")
			require.NoError(t, b.store.PutAgent(t.Context(), key("s"), tool.Agent{ID: "a"}))
			removed, err := b.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			require.Equal(t, broker.Removed{Tools: 3, Variables: 2, Agents: 1}, removed)
		},
		"an end leaves other sessions alone": func(t *testing.T, b *bench) {
			for _, id := range []string{"s", "s2", "s/", "s/x"} {
				b.session(t, id)
				b.set(t, id, "v", id)
			}
			_, err := b.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			for _, id := range []string{"s2", "s/", "s/x"} {
				require.Equal(t, id, b.get(t, id, "v"))
			}
		},
		"sessions of one id and two owners have nothing in common": func(t *testing.T, b *bench) {
			b.session(t, "s")
			other := tool.SessionKey{Owner: "bob", ID: "s"}
			_, err := b.store.Session(t.Context(), other)
			wantCode(t, tool.SessionNotFound, err)
			_, err = b.store.CreateSession(t.Context(), tool.Session{Key: other, TTL: time.Hour})
			require.NoError(t, err)
			b.set(t, "s", "v", "alice's")
			_, err = b.store.Variable(t.Context(), other, "v")
			wantCode(t, tool.VariableNotFound, err)
			_, err = b.store.EndSession(t.Context(), other, 0)
			require.NoError(t, err)
			require.Equal(t, "alice's", b.get(t, "s", "v"))
		},
		"sessions are listed by owner and prefix, in order, a page at a time": func(t *testing.T, b *bench) {
			for i := range 25 {
				b.session(t, fmt.Sprintf("p%02d", (i*7)%25))
			}
			b.session(t, "q")
			_, err := b.store.CreateSession(t.Context(), tool.Session{Key: tool.SessionKey{Owner: "bob", ID: "p00b"}, TTL: time.Hour})
			require.NoError(t, err)
			_, err = b.store.EndSession(t.Context(), key("p13"), 0)
			require.NoError(t, err)
			var found []string
			after := ""
			for {
				page, err := b.store.Sessions(t.Context(), owner, "p", after, 10)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), 10)
				if len(page) == 0 {
					break
				}
				for _, record := range page {
					found = append(found, record.Key.ID)
				}
				after = found[len(found)-1]
			}
			var want []string
			for i := range 25 {
				if i != 13 {
					want = append(want, fmt.Sprintf("p%02d", i))
				}
			}
			require.Equal(t, want, found)
		},
		"a listing follows sessions that come and go": func(t *testing.T, b *bench) {
			for _, id := range []string{"b", "a"} {
				b.session(t, id)
			}
			require.Equal(t, []string{"a", "b"}, listed(t, b.store))
			_, err := b.store.EndSession(t.Context(), key("a"), 0)
			require.NoError(t, err)
			b.session(t, "c")
			require.Equal(t, []string{"b", "c"}, listed(t, b.store))
			b.session(t, "a")
			require.Equal(t, []string{"a", "b", "c"}, listed(t, b.store))
		},
		"the store is healthy": func(t *testing.T, b *bench) {
			require.NoError(t, b.store.Healthy(t.Context()))
		},
	}
}

func listed(t *testing.T, store broker.Store) []string {
	t.Helper()
	page, err := store.Sessions(t.Context(), owner, "", "", 100)
	require.NoError(t, err)
	found := make([]string, len(page))
	for i, record := range page {
		found[i] = record.Key.ID
	}
	return found
}

// wantNotFound asserts that every verb on a session answers SessionNotFound.
func wantNotFound(t *testing.T, store broker.Store, k tool.SessionKey) {
	t.Helper()
	ctx := t.Context()
	verbs := map[string]func() error{
		"Session":         func() error { _, err := store.Session(ctx, k); return err },
		"LastUsed":        func() error { _, err := store.LastUsed(ctx, k); return err },
		"Touch":           func() error { return store.Touch(ctx, k) },
		"EndSession":      func() error { _, err := store.EndSession(ctx, k, 0); return err },
		"RegisterTools":   func() error { _, err := store.RegisterTools(ctx, k, specs(1)); return err },
		"many tools":      func() error { _, err := store.RegisterTools(ctx, k, specs(150)); return err },
		"UnregisterTools": func() error { _, err := store.UnregisterTools(ctx, k, []string{"x"}); return err },
		"SetVariables": func() error {
			_, err := store.SetVariables(ctx, k, []broker.VariableWrite{variable("v", "x")})
			return err
		},
		"SetVariables if absent": func() error {
			w := variable("v", "x")
			w.If.Absent = true
			_, err := store.SetVariables(ctx, k, []broker.VariableWrite{w})
			return err
		},
		"many variables": func() error { _, err := store.SetVariables(ctx, k, many(150, 10)); return err },
		"no variables":   func() error { _, err := store.SetVariables(ctx, k, nil); return err },
		"Variable":       func() error { _, err := store.Variable(ctx, k, "v"); return err },
		"DeleteVariable": func() error { return store.DeleteVariable(ctx, k, "v", broker.Condition{}) },
		"Variables":      func() error { _, err := store.Variables(ctx, k, "", "", 10, true); return err },
		"WatchVariables": func() error {
			return store.WatchVariables(ctx, k, nil, func(broker.VariableChange) error { return nil })
		},
		"PutAgent":    func() error { return store.PutAgent(ctx, k, tool.Agent{ID: "a"}) },
		"Agents":      func() error { _, err := store.Agents(ctx, k); return err },
		"DeleteAgent": func() error { return store.DeleteAgent(ctx, k, "a") },
	}
	for name, verb := range verbs {
		err := verb()
		require.Equal(t, tool.SessionNotFound, tool.CodeOf(err), "%s: %v", name, err)
		wantCode(t, tool.SessionNotFound, err)
	}
}

func expiryTests() map[string]func(*testing.T, *bench) {
	const brief = 20 * time.Millisecond
	short := func(t *testing.T, b *bench, id string) {
		t.Helper()
		_, err := b.store.CreateSession(t.Context(), tool.Session{Key: key(id), TTL: brief})
		require.NoError(t, err)
	}
	idle := func(tool.SessionKey) bool { return false }
	return map[string]func(*testing.T, *bench){
		"a sweep ends what was not used, once, and nothing else": func(t *testing.T, b *bench) {
			b.session(t, "long")
			short(t, b, "brief")
			b.set(t, "brief", "v", "x")
			var ended []tool.SessionKey
			until(t, func() bool {
				swept, err := b.store.Sweep(t.Context(), idle)
				require.NoError(t, err)
				ended = append(ended, swept...)
				return len(ended) > 0
			}, "the brief session to be swept")
			require.Equal(t, []tool.SessionKey{key("brief")}, ended)
			again, err := b.store.Sweep(t.Context(), idle)
			require.NoError(t, err)
			require.Empty(t, again)
			wantNotFound(t, b.store, key("brief"))
			epoch, err := b.store.Tombstone(t.Context(), key("brief"))
			require.NoError(t, err)
			require.EqualValues(t, 1, epoch)
			_, err = b.store.Session(t.Context(), key("long"))
			require.NoError(t, err)
		},
		"a busy session is touched instead": func(t *testing.T, b *bench) {
			short(t, b, "s")
			created, err := b.store.LastUsed(t.Context(), key("s"))
			require.NoError(t, err)
			asked := 0
			until(t, func() bool {
				swept, err := b.store.Sweep(t.Context(), func(k tool.SessionKey) bool { asked++; return k == key("s") })
				require.NoError(t, err)
				require.Empty(t, swept)
				used, err := b.store.LastUsed(t.Context(), key("s"))
				require.NoError(t, err)
				return used.After(created)
			}, "the busy session to be touched")
			require.Positive(t, asked)
		},
		"a touch within a quarter of the time to live writes nothing": func(t *testing.T, b *bench) {
			b.session(t, "s")
			before, err := b.store.LastUsed(t.Context(), key("s"))
			require.NoError(t, err)
			require.NoError(t, b.store.Touch(t.Context(), key("s")))
			after, err := b.store.LastUsed(t.Context(), key("s"))
			require.NoError(t, err)
			require.Equal(t, before, after)
		},
		"a touch after a quarter of the time to live is recorded and changes no revision": func(t *testing.T, b *bench) {
			short(t, b, "s")
			record, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			before, err := b.store.LastUsed(t.Context(), key("s"))
			require.NoError(t, err)
			until(t, func() bool {
				require.NoError(t, b.store.Touch(t.Context(), key("s")))
				after, err := b.store.LastUsed(t.Context(), key("s"))
				require.NoError(t, err)
				return after.After(before)
			}, "the touch to be recorded")
			touched, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			require.Equal(t, record.Revision, touched.Revision)
		},
		"a sweep ends many": func(t *testing.T, b *bench) {
			for i := range 50 {
				short(t, b, fmt.Sprint("s", i))
			}
			ended := 0
			until(t, func() bool {
				swept, err := b.store.Sweep(t.Context(), idle)
				require.NoError(t, err)
				ended += len(swept)
				return ended == 50
			}, "all to be swept")
			require.Empty(t, listed(t, b.store))
		},
	}
}
