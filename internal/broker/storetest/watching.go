package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// observed is a watch of variables under way.
type observed struct {
	changes chan broker.VariableChange
	over    <-chan error
	stop    context.CancelFunc
}

// watch starts a watch and returns when it has told what is present.
func (b *bench) watch(t *testing.T, id string, only ...string) (*observed, []tool.Variable) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	o := &observed{changes: make(chan broker.VariableChange, 10_000), stop: stop}
	o.over = watching(ctx, func(ctx context.Context) error {
		return b.store.WatchVariables(ctx, key(id), only, func(c broker.VariableChange) error {
			o.changes <- c
			return nil
		})
	})
	var present []tool.Variable
	for {
		c := o.next(t)
		if c.Current {
			return o, present
		}
		present = append(present, c.Variable)
	}
}

func (o *observed) next(t *testing.T) broker.VariableChange {
	t.Helper()
	return within(t, o.changes, "a change of a variable")
}

func watchTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"first what is present, then the changes in order": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "b", "1")
			b.set(t, "s", "a", "2")
			o, present := b.watch(t, "s")
			require.ElementsMatch(t, []string{"a", "b"}, names(present))
			for _, v := range present {
				require.NotEmpty(t, v.Revision)
				require.False(t, v.Value.IsZero())
			}
			written := b.set(t, "s", "c", "3")
			c := o.next(t)
			require.Equal(t, "c", c.Variable.Name)
			require.Equal(t, "3", string(c.Variable.Value.Bytes))
			require.Equal(t, written.Revision, c.Variable.Revision)
			require.NoError(t, b.store.DeleteVariable(t.Context(), key("s"), "a", broker.Condition{}))
			c = o.next(t)
			require.True(t, c.Deleted)
			require.Equal(t, "a", c.Variable.Name)
			require.NotEmpty(t, c.Variable.Revision)
			require.True(t, c.Variable.Value.IsZero())
			o.stop()
			require.NoError(t, within(t, o.over, "the watch to end"))
		},
		"of nothing it begins with the mark": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, present := b.watch(t, "s")
			require.Empty(t, present)
		},
		"only the names that are asked for": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "a", "1")
			b.set(t, "s", "aa", "1")
			o, present := b.watch(t, "s", "a", "later")
			require.Equal(t, []string{"a"}, names(present))
			b.set(t, "s", "aa", "2")
			b.set(t, "s", "later", "3")
			require.Equal(t, "later", o.next(t).Variable.Name)
		},
		"other sessions are not heard": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.session(t, "s2")
			o, _ := b.watch(t, "s")
			b.set(t, "s2", "foreign", "1")
			b.set(t, "s", "own", "1")
			require.Equal(t, "own", o.next(t).Variable.Name)
		},
		"it ends with the session": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "a", "1")
			o, _ := b.watch(t, "s")
			_, err := b.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			b.session(t, "s")
			wantCode(t, tool.SessionExpired, within(t, o.over, "the watch to end"))
			require.Empty(t, o.changes, "the end of a session is not told as deletions")
		},
		"it ends with the reader's error": func(t *testing.T, b *bench) {
			b.session(t, "s")
			enough := errors.New("enough")
			err := b.store.WatchVariables(t.Context(), key("s"), nil, func(broker.VariableChange) error { return enough })
			require.ErrorIs(t, err, enough)
		},
		"a slow reader misses nothing that lasts": func(t *testing.T, b *bench) {
			b.session(t, "s")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			started, release := make(chan struct{}), make(chan struct{})
			last := make(map[string]string)
			calls := 0
			over := watching(ctx, func(ctx context.Context) error {
				return b.store.WatchVariables(ctx, key("s"), nil, func(c broker.VariableChange) error {
					if c.Current {
						close(started)
						<-release
						return nil
					}
					calls++
					last[c.Variable.Name] = string(c.Variable.Value.Bytes)
					if c.Variable.Name == "end" {
						stop()
					}
					return nil
				})
			})
			within(t, started, "the watch to begin")
			for i := range 100 {
				b.set(t, "s", fmt.Sprint("v", i%3), fmt.Sprint(i))
			}
			b.set(t, "s", "end", "")
			close(release)
			require.NoError(t, within(t, over, "the watch to end"))
			require.Equal(t, map[string]string{"v0": "99", "v1": "97", "v2": "98", "end": ""}, last)
			require.LessOrEqual(t, calls, 101)
		},
		"many variables at once all arrive": func(t *testing.T, b *bench) {
			b.session(t, "s")
			o, _ := b.watch(t, "s")
			_, err := b.store.SetVariables(t.Context(), key("s"), many(150, 10))
			require.NoError(t, err)
			seen := make(map[string]bool)
			for len(seen) < 150 {
				seen[o.next(t).Variable.Name] = true
			}
		},
	}
}

func changeTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"sessions, tools and shared tools are told": func(t *testing.T, b *bench) {
			told := b.changes(t)
			record := b.session(t, "s")
			require.Equal(t, broker.Change{Session: key("s")}, within(t, told, "the creation"))
			_, err := b.store.RegisterTools(t.Context(), key("s"), specs(1))
			require.NoError(t, err)
			require.Equal(t, broker.Change{Session: key("s")}, within(t, told, "the registration"))
			_, err = b.store.RegisterShared(t.Context(), []*tool.Spec{spec("other")})
			require.NoError(t, err)
			require.Equal(t, broker.Change{}, within(t, told, "the shared tool"))
			_, err = b.store.EndSession(t.Context(), key("s"), record.Epoch)
			require.NoError(t, err)
			require.Equal(t, broker.Change{Session: key("s"), Ended: true}, within(t, told, "the end"))
			b.session(t, "s")
			require.Equal(t, broker.Change{Session: key("s")}, within(t, told, "the new epoch"))
		},
		"what is told can be read": func(t *testing.T, b *bench) {
			told := b.changes(t)
			for i := range 20 {
				id := fmt.Sprint("s", i)
				b.session(t, id)
				c := within(t, told, "the creation")
				_, err := b.store.Session(t.Context(), c.Session)
				require.NoError(t, err)
			}
		},
		"a revision that was answered is visible": func(t *testing.T, b *bench) {
			record := b.session(t, "s")
			require.NoError(t, b.store.WaitRevision(t.Context(), record.Revision))
			written := b.set(t, "s", "v", "1")
			require.NoError(t, b.store.WaitRevision(t.Context(), written.Revision))
		},
		"a revision of another store waits for nothing": func(t *testing.T, b *bench) {
			other := &bench{open: b.open, store: b.open(t, Options{})}
			var token string
			for i := range 10 {
				token = other.session(t, fmt.Sprint("s", i)).Revision
			}
			require.NoError(t, b.store.WaitRevision(t.Context(), token))
		},
		"a revision that is none is refused": func(t *testing.T, b *bench) {
			for _, token := range []string{"nonsense", "", ".", "abcdefgh.", "abcdefgh.-1", "a.b.c"} {
				wantCode(t, tool.ValidationError, b.store.WaitRevision(t.Context(), token))
			}
		},
	}
}

// changes watches the store and returns when the watch has begun.
func (b *bench) changes(t *testing.T) <-chan broker.Change {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan broker.Change, 10_000)
	over := watching(ctx, func(ctx context.Context) error {
		return b.store.Watch(ctx, func(c broker.Change) { told <- c })
	})
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-over)
	})
	marks := 0
	until(t, func() bool {
		mark := spec("mark")
		mark.Description = fmt.Sprint(marks)
		marks++
		_, err := b.store.RegisterShared(t.Context(), []*tool.Spec{mark})
		require.NoError(t, err)
		return len(told) > 0
	}, "the watch to begin")
	// Marks may still be under way; they come before a session that is created now.
	b.session(t, "the watch began")
	for {
		if c := within(t, told, "the last mark"); c.Session == key("the watch began") {
			return told
		}
	}
}
