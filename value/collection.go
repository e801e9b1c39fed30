package value

// Tuple is an ordered sequence that does not change, Python's tuple.
type Tuple []any

// Set is an unordered collection of hashable items, none equal to another. Decoding gives it in canonical order; encoding
// takes any order and refuses doubles. See SetOf.
type Set []any

// FrozenSet is a Set that does not change, and can be a key or an item of another.
type FrozenSet []any

// SetOf makes a Set of items, leaving out those equal to an earlier one. It panics if one is not hashable.
func SetOf(items ...any) Set {
	var d Dict
	for _, item := range items {
		if _, there := d.Get(item); !there {
			d.Set(item, nil)
		}
	}
	return d.keys
}

// FrozenSetOf is SetOf for a FrozenSet.
func FrozenSetOf(items ...any) FrozenSet { return FrozenSet(SetOf(items...)) }

// Contains reports whether an item equal to this one is in the set. It looks through all items.
func (s Set) Contains(item any) bool { return contains(s, item) }

// Contains reports whether an item equal to this one is in the set. It looks through all items.
func (s FrozenSet) Contains(item any) bool { return contains(s, item) }

func contains(items []any, item any) bool {
	h, ok := hashOf(item)
	if !ok {
		return false
	}
	for _, other := range items {
		if o, ok := hashOf(other); ok && o == h {
			return true
		}
	}
	return false
}
