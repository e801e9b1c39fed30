package value

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

func sortedMembers(m map[string]any) members {
	s := members{make([]string, 0, len(m)), make([]any, len(m))}
	for name := range m {
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	for i, name := range s.names {
		s.values[i] = m[name]
	}
	return s
}

// mapped converts maps: map[K]struct{} to a set, others to a dict in ascending order of the keys.
func (e *encoder) mapped(r reflect.Value) (any, *failure) {
	if t := r.Type().Elem(); t.Kind() == reflect.Struct && t.NumField() == 0 {
		set := make(Set, 0, r.Len())
		for _, k := range r.MapKeys() {
			item, f := e.key(k.Interface())
			if f != nil {
				return nil, f.in("[key]")
			}
			set = append(set, item)
		}
		return set, nil
	}
	if r.Type().Key().Kind() == reflect.String && !hasText(r.Type().Key()) &&
		r.Type().Key() != reflect.TypeFor[json.Number]() {
		return namedMap(r), nil
	}
	return e.sortedPairs(r)
}

func namedMap(r reflect.Value) members {
	keys := r.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	m := members{make([]string, len(keys)), make([]any, len(keys))}
	for i, k := range keys {
		m.names[i], m.values[i] = k.String(), r.MapIndex(k).Interface()
	}
	return m
}

// sortedPairs gives the entries of a map in ascending order of their keys.
func (e *encoder) sortedPairs(r reflect.Value) (any, *failure) {
	keys := make([]any, 0, r.Len())
	values := make(map[any]any, r.Len())
	for iter := r.MapRange(); iter.Next(); {
		k, f := e.key(iter.Key().Interface())
		if f != nil {
			return nil, f.in("[key]") // a Go map has no order
		}
		h, ok := hashOf(k)
		if !ok {
			return nil, mismatch("a hashable value", typeName(k)).in("[key]")
		}
		keys = append(keys, k)
		values[h] = iter.Value().Interface()
	}
	if at, f := e.repeated(keys); f != nil {
		return nil, f.in(keyStep(keys[at]))
	}
	if len(values) != len(keys) {
		return nil, failf("a map has several keys that are NaN, and no order to tell them apart; use a value.Dict").in("[key]")
	}
	keys, f := e.sortedKeys(keys)
	if f != nil {
		f.steps = f.steps[:max(0, len(f.steps)-1)] // the place that it had by chance
		return nil, f.in("[key]")
	}
	p := pairs{keys, make([]any, len(keys))}
	for i, k := range keys {
		h, _ := hashOf(k)
		p.values[i] = values[h]
	}
	if len(keys) == 0 || runOf(keys) == textRun {
		return p.named(), nil
	}
	return p, nil
}

// named is the same for keys that are all texts.
func (p pairs) named() members {
	m := members{make([]string, len(p.keys)), p.values}
	for i, k := range p.keys {
		m.names[i] = k.(string)
	}
	return m
}

// key converts a map's key: an array to a tuple, a struct to a record of its type's name, for lists and dicts are no keys
// in Python.
func (e *encoder) key(k any) (any, *failure) {
	given := k
	for range MaxDepth {
		if native(k) {
			break
		}
		n, f := e.normal(k)
		if f != nil {
			return nil, f
		}
		given, k = k, n
	}
	switch x := k.(type) {
	case members:
		return e.recordKey(nameOf(given), x)
	case []any:
		return e.tupleKey(x)
	}
	return k, nil
}

func (e *encoder) recordKey(class string, m members) (any, *failure) {
	record := Record{Class: class, Fields: make([]Field, len(m.names))}
	for i, name := range m.names {
		v, f := e.key(m.values[i])
		if f != nil {
			return nil, f.field(name)
		}
		record.Fields[i] = Field{name, v}
	}
	return record, nil
}

func (e *encoder) tupleKey(items []any) (any, *failure) {
	tuple := make(Tuple, len(items))
	for i, item := range items {
		v, f := e.key(item)
		if f != nil {
			return nil, f.index(i)
		}
		tuple[i] = v
	}
	return tuple, nil
}

// nameOf names the type of a struct, without its package.
func nameOf(v any) string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
