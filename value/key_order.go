package value

import (
	"cmp"
	"math/big"
	"slices"
	"time"
)

// sortedKeys returns the keys of a Go map in ascending order: numbers, bools, texts, spans, days, times and moments by what they are, all
// others, and those of several kinds, like the items of sets.
func (e *encoder) sortedKeys(keys []any) ([]any, *failure) {
	sorted, f := e.sorted(keys, 1)
	if f != nil {
		return nil, f
	}
	if order := keyOrder(sorted); order != nil {
		slices.SortStableFunc(sorted, order)
	}
	return sorted, nil
}

// keyOrder returns the order of keys that are all of one kind which has one.
func keyOrder(keys []any) func(a, b any) int {
	for _, order := range []func(a, b any) int{
		orderOf(keys, floatKey, cmp.Compare[float64]),
		orderOf(keys, intKey, (*big.Int).Cmp),
		orderOf(keys, boolKey, cmp.Compare[int]),
		orderOf(keys, spanKey, compareSpans),
		orderOf(keys, momentKey, time.Time.Compare),
		orderOf(keys, clockKey, cmp.Compare[int]),
	} {
		if order != nil {
			return order
		}
	}
	return nil
}

// orderOf returns the order of keys that are all of one kind.
func orderOf[T any](keys []any, of func(any) (T, bool), compare func(a, b T) int) func(a, b any) int {
	if slices.ContainsFunc(keys, func(k any) bool { _, ok := of(k); return !ok }) {
		return nil
	}
	return func(a, b any) int {
		x, _ := of(a)
		y, _ := of(b)
		return compare(x, y)
	}
}

func floatKey(k any) (float64, bool) {
	switch x := k.(type) {
	case float64:
		return x, true
	case float32:
		return float64(x), true
	}
	return 0, false
}

func intKey(k any) (*big.Int, bool) {
	switch x := k.(type) {
	case *big.Int:
		return x, true
	case uint64:
		return new(big.Int).SetUint64(x), true
	case uint:
		return new(big.Int).SetUint64(uint64(x)), true
	}
	n, ok := asInt(k)
	return big.NewInt(n), ok
}

func boolKey(k any) (int, bool) {
	b, ok := k.(bool)
	if ok && b {
		return 1, true
	}
	return 0, ok
}

func spanKey(k any) (Timedelta, bool) {
	switch x := k.(type) {
	case Timedelta:
		return x, true
	case time.Duration:
		return timedeltaOf(x), true
	}
	return Timedelta{}, false
}

func compareSpans(a, b Timedelta) int {
	return cmp.Or(cmp.Compare(a.Days, b.Days), cmp.Compare(a.Nanoseconds, b.Nanoseconds))
}

func momentKey(k any) (time.Time, bool) {
	switch x := k.(type) {
	case time.Time:
		return x, true
	case LocalDateTime:
		return x.In(time.UTC), true
	case Date:
		return x.In(time.UTC), true
	}
	return time.Time{}, false
}

// clockKey is when a clock in UTC shows a time of day.
func clockKey(k any) (int, bool) {
	t, ok := k.(TimeOfDay)
	return ((t.Hour*60+t.Minute)*60+t.Second-t.Offset)*int(time.Second) + t.Nanosecond, ok
}
