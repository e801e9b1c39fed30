package value

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"slices"
)

// digest is the identity of a key that has items.
type digest struct {
	sum [sha256.Size]byte
	nan bool // it contains a NaN, so that it equals nothing
}

// hasher makes the identities of the keys and items of one value. It remembers those of frozensets, which stand in frozensets: made anew for
// each level above them, they would take time in proportion to the levels. The zero hasher remembers nothing.
type hasher struct {
	known     map[frozen]digest
	remembers bool
	parts     int // how many were hashed
	most      int // how many may be; 0: any number
	gaveUp    bool
	doubts    bool // a frozenset that was hashed may have items that are equal
	sure      bool // of what was looked through last, that nothing in it is there twice
}

// frozen tells a frozenset from others, as long as it is not changed.
type frozen struct {
	first *any
	len   int
}

// rememberFrom is how many parts a frozenset has from which on a hasher remembers it.
const rememberFrom = 16

func frozenOf(items []any) (frozen, bool) {
	if len(items) == 0 {
		return frozen{}, false
	}
	return frozen{&items[0], len(items)}, true
}

// repeated returns the first item that is not hashable or equal to an earlier one. A NaN is equal to none, as in Python, nor is what contains
// one. Of what is deeper or larger than any value may be, it says nothing.
func (h *hasher) repeated(items []any) (int, *failure) {
	if h.sure = !h.gaveUp && (ascending(items) || distinctInts(items)); h.sure || h.gaveUp {
		return 0, nil
	}
	if len(items) == 1 {
		if _, ok := items[0].(FrozenSet); ok { // which is looked through for itself
			return 0, nil
		}
	}
	h.parts, h.doubts = 0, false
	seen := make(map[any]struct{}, len(items))
	for i, item := range items {
		identity, ok := h.of(item, 1)
		if h.gaveUp {
			return 0, nil
		}
		if !ok {
			return i, mismatch("a hashable value", typeName(item))
		}
		if _, known := seen[identity]; known && !isNaN(identity) {
			return i, twice(item, h.earlier(items[:i], identity))
		}
		seen[identity] = struct{}{}
	}
	h.sure = !h.doubts
	return 0, nil
}

// earlier returns the item that has an identity.
func (h *hasher) earlier(items []any, identity any) any {
	h.parts = 0
	for _, item := range items {
		if other, ok := h.of(item, 1); ok && other == identity {
			return item
		}
	}
	return nil
}

// twice is the failure of a key or item that equals one before it.
func twice(item, earlier any) *failure {
	shown, hint := shownValue(item), ""
	if !reflect.DeepEqual(item, earlier) {
		hint = "; in Python 1, 1.0 and True are one"
	}
	f := failf("the key or item %s is there twice%s", shown, hint)
	f.expected, f.got = "keys and items that are each there once", shown+" twice"
	return f
}

// of is hashOf for the items of a key. The level is that which a container has within it.
func (h *hasher) of(v any, level int) (any, bool) {
	if h.parts++; h.most > 0 && h.parts > h.most {
		h.gaveUp = true
		return nil, false
	}
	switch v.(type) {
	case Tuple, FrozenSet, Enum, Record:
		return h.container(v, level)
	}
	return hashOf(v)
}

func (h *hasher) container(v any, level int) (any, bool) {
	if level > MaxDepth {
		h.gaveUp = true
		return nil, false
	}
	switch x := v.(type) {
	case Tuple:
		return h.sequence("tuple", x, level)
	case FrozenSet:
		return h.set(x, level)
	case Enum:
		return h.sequence("enum "+x.Class, []any{x.Name, x.Value}, level)
	case Record:
		items := make([]any, 0, 2*len(x.Fields))
		for _, f := range x.Fields {
			items = append(items, f.Name, f.Value)
		}
		return h.sequence("record "+x.Class, items, level)
	}
	return nil, false
}

func (h *hasher) sequence(what string, items []any, level int) (any, bool) {
	var d digest
	b := appendSized(make([]byte, 0, 16+8*len(items)), what)
	for _, item := range items {
		identity, ok := h.of(item, level+1)
		if !ok {
			return nil, false
		}
		d.nan = d.nan || isNaN(identity)
		b = appendIdentity(b, identity)
	}
	d.sum = sha256.Sum256(b)
	return d, true
}

// set joins the identities of the items in ascending order.
func (h *hasher) set(items FrozenSet, level int) (any, bool) {
	id, remember := frozenOf(items)
	if d, ok := h.known[id]; ok {
		return d, true
	}
	var d digest
	before := h.parts
	var all []byte
	ends := make([]int, len(items))
	for i, item := range items {
		identity, ok := h.of(item, level+1)
		if !ok {
			return nil, false
		}
		d.nan = d.nan || isNaN(identity)
		all = appendIdentity(all, identity)
		ends[i] = len(all)
	}
	d.sum = sha256.Sum256(h.ascendingParts(all, ends))
	if remember && h.remembers && h.parts-before >= rememberFrom {
		if h.known == nil {
			h.known = make(map[frozen]digest)
		}
		h.known[id] = d
	}
	return d, true
}

// ascendingParts sorts the parts of which these are the ends. It doubts those of which two are equal.
func (h *hasher) ascendingParts(all []byte, ends []int) []byte {
	parts := make([][]byte, len(ends))
	start := 0
	for i, end := range ends {
		parts[i], start = all[start:end], end
	}
	slices.SortFunc(parts, bytes.Compare)
	sorted := appendSized(make([]byte, 0, len(all)+8), "set")
	for i, part := range parts {
		h.doubts = h.doubts || i > 0 && bytes.Equal(part, parts[i-1])
		sorted = append(sorted, part...)
	}
	return sorted
}

// manyItems is from how many items on ints are sorted, which takes a fraction of the time and memory of a map of them.
const manyItems = 1 << 10

// distinctInts reports whether many items are all ints, none of them there twice.
func distinctInts(items []any) bool {
	if len(items) < manyItems {
		return false
	}
	ints := make([]int64, 0, len(items))
	for _, item := range items {
		n, ok := item.(int64)
		if !ok {
			return false
		}
		ints = append(ints, n)
	}
	slices.Sort(ints)
	return len(slices.Compact(ints)) == len(items)
}

// ascending reports whether all items are strings that ascend; then none is there twice.
func ascending(items []any) bool {
	last := ""
	for i, item := range items {
		s, ok := item.(string)
		if !ok || i > 0 && s <= last {
			return false
		}
		last = s
	}
	return true
}
