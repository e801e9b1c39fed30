// Package numbered finds things by numbers that are handed out one after the other, such as calls under way by their ids.
package numbered

import (
	"iter"
	"math/bits"
	"math/rand/v2"
)

// Table holds things by their numbers. It is a map for what comes and goes all the time: it takes a small part of the time of Go's, and no memory
// once it is large enough. The zero Table is empty. It is not safe for use by several goroutines.
type Table[T any] struct {
	slots []slot[T] // a power of two, less than half of them taken; each thing lies at its home or as soon behind as there was room
	count int
	shift int    // leaves of a product as many bits as slots has places
	odd   uint64 // factor, so that nobody can choose numbers that all have one home
}

type slot[T any] struct {
	number uint64
	thing  *T // nil where there is none
}

// least is how many slots a table has at least that was ever used.
const least = 8

// Len is how many things there are.
func (t *Table[T]) Len() int { return t.count }

// Get returns the thing with that number, or nil.
func (t *Table[T]) Get(number uint64) *T {
	if t.count == 0 {
		return nil
	}
	return t.slots[t.find(number)].thing
}

// Put puts a thing, which is not nil, in place of another one with its number.
func (t *Table[T]) Put(number uint64, thing *T) {
	if 2*(t.count+1) > len(t.slots) {
		t.grow()
	}
	s := &t.slots[t.find(number)]
	if s.thing == nil {
		t.count++
	}
	*s = slot[T]{number, thing}
}

// Delete forgets the thing with that number, if there is one.
func (t *Table[T]) Delete(number uint64) {
	if t.count == 0 {
		return
	}
	hole := t.find(number)
	if t.slots[hole].thing == nil {
		return
	}
	t.count--
	mask := len(t.slots) - 1
	for at := (hole + 1) & mask; t.slots[at].thing != nil; at = (at + 1) & mask {
		// What lies behind the hole moves into it, unless its home is behind the hole as well.
		if home := t.home(t.slots[at].number); (at-home)&mask >= (at-hole)&mask {
			t.slots[hole], hole = t.slots[at], at
		}
	}
	t.slots[hole] = slot[T]{}
}

// All goes through all things, in no order. The table must not change meanwhile.
func (t *Table[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range t.slots {
			if thing := t.slots[i].thing; thing != nil && !yield(thing) {
				return
			}
		}
	}
}

// find returns where a number is, or the slot that it would get.
func (t *Table[T]) find(number uint64) int {
	mask := len(t.slots) - 1
	at := t.home(number)
	for t.slots[at].thing != nil && t.slots[at].number != number {
		at = (at + 1) & mask
	}
	return at
}

func (t *Table[T]) home(number uint64) int { return int(number * t.odd >> t.shift) }

// grow doubles the slots.
func (t *Table[T]) grow() {
	old := t.slots
	t.slots = make([]slot[T], max(least, 2*len(old)))
	t.shift = 64 - bits.TrailingZeros(uint(len(t.slots)))
	if t.odd == 0 {
		t.odd = rand.Uint64() | 1 //nolint:gosec // it keeps nothing secret, and is seeded by chance
	}
	for i := range old {
		if old[i].thing != nil {
			t.slots[t.find(old[i].number)] = old[i]
		}
	}
}
