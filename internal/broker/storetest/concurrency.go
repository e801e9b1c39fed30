package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func concurrencyTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"a counter kept by compare and set loses nothing": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "n", "0")
			const writers, each = 8, 15
			together(t, writers, func(int) error {
				for range each {
					if err := increment(b.store); err != nil {
						return err
					}
				}
				return nil
			})
			require.Equal(t, strconv.Itoa(writers*each), b.get(t, "s", "n"))
		},
		"of many creators one succeeds": func(t *testing.T, b *bench) {
			var created atomic.Int32
			together(t, 32, func(int) error {
				_, err := b.store.CreateSession(context.Background(), tool.Session{Key: key("s"), TTL: time.Hour})
				if err == nil {
					created.Add(1)
				} else if tool.CodeOf(err) != tool.SessionAlreadyExists {
					return err
				}
				return nil
			})
			require.EqualValues(t, 1, created.Load())
		},
		"of many enders one succeeds": func(t *testing.T, b *bench) {
			b.session(t, "s")
			var ended atomic.Int32
			together(t, 32, func(int) error {
				_, err := b.store.EndSession(context.Background(), key("s"), 0)
				if err == nil {
					ended.Add(1)
				} else if tool.CodeOf(err) != tool.SessionNotFound {
					return err
				}
				return nil
			})
			require.EqualValues(t, 1, ended.Load())
		},
		"tools that are registered at once are all there": func(t *testing.T, b *bench) {
			b.session(t, "s")
			together(t, 16, func(n int) error {
				_, err := b.store.RegisterTools(context.Background(), key("s"), []*tool.Spec{spec(fmt.Sprint("t", n))})
				return err
			})
			record, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			require.Equal(t, 16, record.Tools.Len())
		},
		"of many at once nobody sees a part": func(t *testing.T, b *bench) {
			b.session(t, "s")
			together(t, 6, func(n int) error {
				if n >= 3 {
					return onlyWholes(b.store)
				}
				writes := many(120, 0)
				for i := range writes {
					writes[i].Value = text(strconv.Itoa(n))
				}
				_, err := b.store.SetVariables(context.Background(), key("s"), writes)
				return err
			})
		},
		"what was answered is read by everybody, in one order": func(t *testing.T, b *bench) {
			b.session(t, "s")
			h := &history{}
			together(t, 6, func(client int) error { return h.client(b.store, client) })
			h.check(t)
		},
		"nothing outlives its session": func(t *testing.T, b *bench) {
			for round := range 5 {
				id := fmt.Sprint("s", round)
				b.session(t, id)
				together(t, 8, func(n int) error {
					var err error
					if n == 0 {
						_, err = b.store.EndSession(context.Background(), key(id), 0)
						return err
					}
					for i := range 10 {
						_, err = b.store.SetVariables(context.Background(), key(id), []broker.VariableWrite{variable(fmt.Sprint(n, i), "x")})
						if err != nil && tool.CodeOf(err) != tool.SessionNotFound {
							return err
						}
					}
					return nil
				})
				b.session(t, id)
				page, err := b.store.Variables(t.Context(), key(id), "", "", 100, false)
				require.NoError(t, err)
				require.Empty(t, page)
			}
		},
	}
}

// together runs work n times at once and fails on the first error.
func together(t *testing.T, n int, work func(n int) error) {
	t.Helper()
	var group sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		group.Go(func() { errs <- work(i) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

// increment adds one to variable n of session s by compare and set.
func increment(store broker.Store) error {
	ctx := context.Background()
	for {
		v, err := store.Variable(ctx, key("s"), "n")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(v.Value.Bytes))
		if err != nil {
			return err
		}
		w := variable("n", strconv.Itoa(n+1))
		w.If.Revision = v.Revision
		_, err = store.SetVariables(ctx, key("s"), []broker.VariableWrite{w})
		if tool.CodeOf(err) != tool.RevisionConflict {
			return err
		}
	}
}

// onlyWholes lists again and again and fails if the variables were not all written by one request.
func onlyWholes(store broker.Store) error {
	for range 20 {
		page, err := store.Variables(context.Background(), key("s"), "", "", 1000, true)
		if err != nil {
			return err
		}
		if n := len(page); n != 0 && n != 120 {
			return fmt.Errorf("%d of 120 variables are visible", n)
		}
		for _, v := range page {
			if !bytes.Equal(v.Value.Bytes, page[0].Value.Bytes) {
				return fmt.Errorf("variables of two requests are mixed: %s and %s", v.Value.Bytes, page[0].Value.Bytes)
			}
		}
	}
	return nil
}

// history checks one register for linearizability, where every value is written once: a read that began after a
// write or another read had ended must not return anything older.
type history struct {
	mu     sync.Mutex
	clock  int64
	events []event
}

// event is a read or write of a value between two moments.
type event struct {
	began, ended int64
	value        string
	write        bool
}

func (h *history) now() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	return h.clock
}

func (h *history) record(e event) {
	e.ended = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// client writes and reads in turn.
func (h *history) client(store broker.Store, client int) error {
	ctx := context.Background()
	for i := range 20 {
		e := event{began: h.now(), value: fmt.Sprint(client, "-", i), write: true}
		if _, err := store.SetVariables(ctx, key("s"), []broker.VariableWrite{variable("r", e.value)}); err != nil {
			return err
		}
		h.record(e)
		e = event{began: h.now()}
		v, err := store.Variable(ctx, key("s"), "r")
		if err != nil {
			return err
		}
		e.value = string(v.Value.Bytes)
		h.record(e)
	}
	return nil
}

// check looks for a cycle of length two among values: each of two values certainly older than the other. With every
// value written once, an order of all values exists exactly if "older" has no cycle; a value is older than another if
// any event of it ended before any event of the other began.
func (h *history) check(t *testing.T) {
	t.Helper()
	type span struct{ firstEnd, lastBegin, written int64 }
	values := make(map[string]*span)
	for _, e := range h.events {
		s := values[e.value]
		if s == nil {
			s = &span{firstEnd: e.ended, lastBegin: e.began}
			values[e.value] = s
		}
		s.firstEnd, s.lastBegin = min(s.firstEnd, e.ended), max(s.lastBegin, e.began)
		if e.write {
			s.written = e.began
		}
	}
	for a, one := range values {
		require.NotZero(t, one.written, "value %q was read and never written", a)
		require.GreaterOrEqual(t, one.firstEnd, one.written, "value %q was read before it was written", a)
		for b, other := range values {
			if a != b && one.firstEnd < other.lastBegin && other.firstEnd < one.lastBegin {
				require.Fail(t, "not linearizable", "values %q and %q are each older than the other", a, b)
			}
		}
	}
}
