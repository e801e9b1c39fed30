package value

import (
	"fmt"
	"iter"
)

// indexFrom is the number of entries from which a Dict keeps an index; below, looking through them is faster.
const indexFrom = 12

// Dict is a dict as Python has it: any hashable keys, in the order in which they were first set. Keys are equal as in
// Python, so 1, 1.0 and true are one key. The zero Dict is empty and ready for use. A Dict may be read by several
// goroutines at once, but not while one sets or deletes.
type Dict struct {
	keys   []any
	values []any
	index  map[any]int // from indexFrom entries on
}

// NewDict makes a Dict of keys and values that alternate. It panics if their number is odd or a key is not hashable.
func NewDict(keysAndValues ...any) *Dict {
	if len(keysAndValues)%2 != 0 {
		panic("value.NewDict: a key has no value")
	}
	d := &Dict{}
	for i := 0; i < len(keysAndValues); i += 2 {
		d.Set(keysAndValues[i], keysAndValues[i+1])
	}
	return d
}

// Len returns the number of entries; that of a nil Dict is 0.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.keys)
}

// Get returns the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	if d == nil {
		return nil, false
	}
	i := d.find(key)
	if i < 0 {
		return nil, false
	}
	return d.values[i], true
}

// Set sets the value of a key; a new key comes last. It panics if the key is not hashable, as a Go map does.
func (d *Dict) Set(key, value any) {
	h, ok := hashOf(key)
	if !ok {
		panic(fmt.Sprintf("value.Dict: a %T cannot be a key", key))
	}
	if i := d.findHash(h); i >= 0 {
		d.values[i] = value
		return
	}
	d.keys, d.values = append(d.keys, key), append(d.values, value)
	if d.index != nil {
		d.index[h] = len(d.keys) - 1
	} else if len(d.keys) >= indexFrom {
		d.reindex()
	}
}

// Delete removes a key and reports whether it was there. The others keep their order.
func (d *Dict) Delete(key any) bool {
	i := d.find(key)
	if i < 0 {
		return false
	}
	d.keys = append(d.keys[:i], d.keys[i+1:]...)
	d.values = append(d.values[:i], d.values[i+1:]...)
	d.index = nil
	if len(d.keys) >= indexFrom {
		d.reindex()
	}
	return true
}

// All yields keys and values in their order.
func (d *Dict) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for i := range d.Len() {
			if !yield(d.keys[i], d.values[i]) {
				return
			}
		}
	}
}

// MarshalJSON gives the JSON form.
func (d *Dict) MarshalJSON() ([]byte, error) { return EncodeJSON(d) }

// UnmarshalJSON reads the JSON form of a dict.
func (d *Dict) UnmarshalJSON(data []byte) error {
	v, err := DecodeJSON(data)
	if err != nil {
		return err
	}
	read, ok := v.(*Dict)
	if !ok {
		return mismatch("dict", typeName(v)).err()
	}
	*d = *read
	return nil
}

func (d *Dict) find(key any) int {
	h, ok := hashOf(key)
	if !ok {
		return -1
	}
	return d.findHash(h)
}

func (d *Dict) findHash(h any) int {
	if d.index != nil {
		if i, ok := d.index[h]; ok {
			return i
		}
		return -1
	}
	for i := range d.keys {
		if k, ok := hashOf(d.keys[i]); ok && k == h {
			return i
		}
	}
	return -1
}

func (d *Dict) reindex() {
	d.index = make(map[any]int, len(d.keys))
	for i, k := range d.keys {
		if h, ok := hashOf(k); ok {
			d.index[h] = i
		}
	}
}

// dictOf makes a Dict of keys and values that a decoder read. It takes the slices over.
func dictOf(keys, values []any, h *hasher) (*Dict, *failure) {
	d := &Dict{keys: keys, values: values}
	if at, f := h.repeated(keys); f != nil {
		return nil, f.key(at)
	}
	if len(keys) >= indexFrom {
		d.reindex()
	}
	return d, nil
}
