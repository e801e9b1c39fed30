package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// pair returns the test's store and one beside it, as two bridges have.
func (b *bench) pair(t *testing.T) (one, other *bench) {
	t.Helper()
	beside := b.open(t, Options{Beside: b.store})
	if beside == nil {
		t.Skip("this store cannot share its data")
	}
	return b, &bench{open: b.open, store: beside}
}

func besideTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"what one writes the other sees at its revision": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			for i := range 10 {
				id := fmt.Sprint("s", i)
				one.session(t, id)
				record, err := one.store.RegisterTools(t.Context(), key(id), specs(2))
				require.NoError(t, err)
				require.NoError(t, other.store.WaitRevision(t.Context(), record.Revision))
				seen, err := other.store.Session(t.Context(), key(id))
				require.NoError(t, err)
				require.Equal(t, record.Revision, seen.Revision)
				require.Equal(t, ids(record.Tools.All()), ids(seen.Tools.All()))
			}
		},
		"a revision of a variable can be waited for too": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			one.session(t, "s")
			written := one.set(t, "s", "v", "1")
			require.NoError(t, other.store.WaitRevision(t.Context(), written.Revision))
			over, end := context.WithCancel(t.Context())
			end()
			require.NoError(t, other.store.WaitRevision(over, written.Revision), "what is visible needs no waiting")
			require.Equal(t, "1", other.get(t, "s", "v"))
		},
		"a session just created by one is found by the other": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			for i := range 20 {
				one.session(t, fmt.Sprint("s", i))
				_, err := other.store.Session(t.Context(), key(fmt.Sprint("s", i)))
				require.NoError(t, err)
			}
		},
		"both change one session's tools and lose none": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			one.session(t, "s")
			const each = 20
			over := make(chan error, 2)
			for n, side := range []*bench{one, other} {
				go func() {
					for i := range each {
						if _, err := side.store.RegisterTools(context.Background(), key("s"), []*tool.Spec{spec(fmt.Sprint("t", n, "_", i))}); err != nil {
							over <- err
							return
						}
					}
					over <- nil
				}()
			}
			require.NoError(t, within(t, over, "one side"))
			require.NoError(t, within(t, over, "the other side"))
			for _, side := range []*bench{one, other} {
				until(t, func() bool {
					record, err := side.store.Session(t.Context(), key("s"))
					require.NoError(t, err)
					return record.Tools.Len() == 2*each
				}, "all tools to be seen")
			}
		},
		"many tools appear at once": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			created := one.session(t, "s")
			require.NoError(t, other.store.WaitRevision(t.Context(), created.Revision))
			over := make(chan error, 1)
			go func() {
				_, err := one.store.RegisterTools(context.Background(), key("s"), specs(300))
				over <- err
			}()
			until(t, func() bool {
				record, err := other.store.Session(t.Context(), key("s"))
				require.NoError(t, err)
				require.Contains(t, []int{0, 300}, record.Tools.Len(), "a part of the tools was visible")
				return record.Tools.Len() == 300
			}, "the tools")
			require.NoError(t, within(t, over, "the registration"))
		},
		"an end by one is an end for the other": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			created := one.session(t, "s")
			require.NoError(t, other.store.WaitRevision(t.Context(), created.Revision))
			told := other.changes(t)
			watched, _ := other.watch(t, "s")
			_, err := one.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			require.Equal(t, broker.Change{Session: key("s"), Ended: true}, within(t, told, "the end"))
			wantCode(t, tool.SessionExpired, within(t, watched.over, "the watch to end"))
			wantNotFound(t, other.store, key("s"))
			epoch, err := other.store.Tombstone(t.Context(), key("s"))
			require.NoError(t, err)
			require.EqualValues(t, 1, epoch)
		},
		"a write by one after the other ended the session is refused": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			for i := range 20 {
				id := fmt.Sprint("s", i)
				one.session(t, id)
				_, err := other.store.EndSession(t.Context(), key(id), 0)
				require.NoError(t, err)
				_, err = one.store.SetVariables(t.Context(), key(id), []broker.VariableWrite{variable("v", "x")})
				wantCode(t, tool.SessionNotFound, err)
				_, err = one.store.RegisterTools(t.Context(), key(id), specs(1))
				wantCode(t, tool.SessionNotFound, err)
			}
		},
		"both sweep and each session ends once": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			for i := range 30 {
				_, err := one.store.CreateSession(t.Context(), tool.Session{Key: key(fmt.Sprint("s", i)), TTL: time.Millisecond})
				require.NoError(t, err)
			}
			idle := func(tool.SessionKey) bool { return false }
			ended := make(map[tool.SessionKey]int)
			until(t, func() bool {
				for _, side := range []*bench{one, other} {
					swept, err := side.store.Sweep(t.Context(), idle)
					require.NoError(t, err)
					for _, k := range swept {
						ended[k]++
					}
				}
				return len(ended) == 30
			}, "all to be swept")
			for k, times := range ended {
				require.Equal(t, 1, times, k.ID)
			}
		},
		"shared tools are shared": func(t *testing.T, b *bench) {
			one, other := b.pair(t)
			_, err := one.store.RegisterShared(t.Context(), []*tool.Spec{spec("a")})
			require.NoError(t, err)
			catalog, err := other.store.RegisterShared(t.Context(), []*tool.Spec{spec("b")})
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b"}, ids(catalog.All()))
			thief := spec("a")
			thief.Owner = "mallory"
			_, err = other.store.RegisterShared(t.Context(), []*tool.Spec{thief})
			wantCode(t, tool.ToolConflict, err)
		},
	}
}
