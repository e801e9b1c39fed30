package valuetest

import (
	"pgregory.net/rapid"
)

// Kind is one kind of value that is drawn.
type Kind struct {
	// Name of the kind, for people.
	Name string
	// Weight is how often it is drawn, against the other kinds of its list.
	Weight int
	// Values generates values of the kind.
	Values *rapid.Generator[any]
	// Is reports whether a value is of the kind.
	Is func(v any) bool
}

// Of generates values of several kinds, each as often as its weight says. rapid's own OneOf draws the first of many
// generators far more often than the last.
func Of(kinds ...Kind) *rapid.Generator[any] {
	total := 0
	for _, k := range kinds {
		total += k.Weight
	}
	at := Evenly(total)
	return rapid.Custom(func(t *rapid.T) any {
		left := at.Draw(t, "kind")
		for _, k := range kinds {
			if left -= k.Weight; left < 0 {
				return k.Values.Draw(t, k.Name)
			}
		}
		panic("weights are not negative")
	})
}

// evenBits are as many as make the numbers of a few hundred nearly even.
const evenBits = 14

// Evenly generates the numbers below n, each as often as the others. Of all that rapid generates, only bools are even.
func Evenly(n int) *rapid.Generator[int] {
	return rapid.Custom(func(t *rapid.T) int {
		drawn := 0
		for range evenBits {
			drawn <<= 1
			if rapid.Bool().Draw(t, "bit") {
				drawn++
			}
		}
		return drawn % n
	})
}

// isA reports whether a value is of a Go type.
func isA[T any](v any) bool {
	_, is := v.(T)
	return is
}

// suits reports whether a value is of a Go type and has what is asked of it.
func suits[T any](has func(T) bool) func(any) bool {
	return func(v any) bool {
		x, is := v.(T)
		return is && has(x)
	}
}
