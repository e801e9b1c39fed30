package broker

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// model is a queue as simple as can be: lines in the order of their turns.
type model struct {
	keys  []tool.SessionKey
	lines map[tool.SessionKey][]*waiter
}

func (m *model) push(key tool.SessionKey, w *waiter) {
	if len(m.lines[key]) == 0 {
		m.keys = append(m.keys, key)
	}
	m.lines[key] = append(m.lines[key], w)
}

func (m *model) pop() *waiter {
	if len(m.keys) == 0 {
		return nil
	}
	key := m.keys[0]
	w := m.lines[key][0]
	m.keys = append(m.keys[1:], key)
	m.remove(w)
	return w
}

func (m *model) remove(w *waiter) {
	for key, line := range m.lines {
		at := slices.Index(line, w)
		if at < 0 {
			continue
		}
		m.lines[key] = slices.Delete(line, at, at+1)
		if len(m.lines[key]) == 0 {
			m.keys = slices.DeleteFunc(m.keys, func(k tool.SessionKey) bool { return k == key })
		}
	}
}

func TestQueue_behaves_like_lines_that_take_turns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var q queue
		m := model{lines: make(map[tool.SessionKey][]*waiter)}
		var waiting []*waiter
		bytes := 0
		for range 300 {
			switch random.IntN(5) {
			case 0, 1, 2:
				w := &waiter{bytes: random.IntN(10)}
				key := tool.SessionKey{ID: string(rune('a' + random.IntN(5)))}
				q.push(key, w)
				m.push(key, w)
				waiting = append(waiting, w)
				bytes += w.bytes
			case 3:
				got := q.pop()
				require.Same(t, m.pop(), got)
				if got != nil {
					waiting = slices.DeleteFunc(waiting, func(w *waiter) bool { return w == got })
					bytes -= got.bytes
				}
			case 4:
				if len(waiting) == 0 {
					continue
				}
				i := random.IntN(len(waiting))
				q.remove(waiting[i])
				m.remove(waiting[i])
				bytes -= waiting[i].bytes
				waiting = slices.Delete(waiting, i, i+1)
			}
			require.Equal(t, len(waiting), q.count)
			require.Equal(t, bytes, q.bytes)
			require.Len(t, q.lines, len(m.keys))
		}
	}
}
