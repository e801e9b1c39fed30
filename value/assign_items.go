package value

import (
	"encoding"
	"fmt"
	"reflect"
)

// itemsOf returns the items of a list, tuple, set or frozenset.
func itemsOf(v any) ([]any, bool) {
	switch x := v.(type) {
	case []any:
		return x, true
	case Tuple:
		return x, true
	case Set:
		return x, true
	case FrozenSet:
		return x, true
	}
	return nil, false
}

func (d *decoder) assignSlice(v any, to reflect.Value) *failure {
	if b, ok := v.([]byte); ok && to.Type().Elem().Kind() == reflect.Uint8 {
		to.SetBytes(b)
		return nil
	}
	items, ok := itemsOf(v)
	if !ok || to.Type().Elem().Kind() == reflect.Uint8 {
		return misfit(to, v)
	}
	slice := reflect.MakeSlice(to.Type(), len(items), len(items))
	for i, item := range items {
		if f := d.assign(item, slice.Index(i)); f != nil {
			return f.index(i)
		}
	}
	to.Set(slice)
	return nil
}

func (d *decoder) assignArray(v any, to reflect.Value) *failure {
	if to.Type().Elem().Kind() == reflect.Uint8 {
		return assignOctets(v, to)
	}
	items, ok := itemsOf(v)
	if !ok {
		return misfit(to, v)
	}
	if len(items) != to.Len() {
		return mismatch(fmt.Sprintf("list of %d items", to.Len()), fmt.Sprintf("%d", len(items)))
	}
	for i, item := range items {
		if f := d.assign(item, to.Index(i)); f != nil {
			return f.index(i)
		}
	}
	return nil
}

func assignOctets(v any, to reflect.Value) *failure {
	var b []byte
	switch x := v.(type) {
	case UUID:
		if to.Type().Name() == "UUID" {
			b = x[:]
		}
	case []byte:
		b = x
	}
	if b == nil || len(b) != to.Len() {
		return mismatch(fmt.Sprintf("bytes (%d of them)", to.Len()), typeName(v))
	}
	for i := range b { // reflect.Copy wants the very type byte
		to.Index(i).SetUint(uint64(b[i]))
	}
	return nil
}

func (d *decoder) assignMap(v any, to reflect.Value) *failure {
	t := to.Type()
	if items, ok := itemsOf(v); ok && t.Elem().Kind() == reflect.Struct && t.Elem().NumField() == 0 {
		return d.assignKeys(items, to)
	}
	var dict Dict
	if f := assignDict(v, &dict); f != nil && (!d.rows || !assignPairs(v, &dict)) {
		return misfit(to, v)
	}
	m := reflect.MakeMapWithSize(t, dict.Len())
	for i := range dict.keys {
		key, item := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if f := d.assign(dict.keys[i], key); f != nil {
			return f.key(i)
		}
		if f := d.assign(dict.values[i], item); f != nil {
			return f.in(keyStep(dict.keys[i]))
		}
		if f := setEntry(m, key, item); f != nil {
			return f.key(i)
		}
	}
	to.Set(m)
	return nil
}

// assignPairs takes the list of pairs that pandas makes of a map in a cell.
func assignPairs(v any, to *Dict) bool {
	items, ok := v.([]any)
	for _, item := range items {
		pair, _ := item.([]any)
		if len(pair) != 2 {
			return false
		}
		to.keys, to.values = append(to.keys, pair[0]), append(to.values, pair[1])
	}
	return ok
}

// assignKeys makes a map[K]struct{} of a set's items.
func (d *decoder) assignKeys(items []any, to reflect.Value) *failure {
	t := to.Type()
	m := reflect.MakeMapWithSize(t, len(items))
	for i, item := range items {
		key := reflect.New(t.Key()).Elem()
		if f := d.assign(item, key); f != nil {
			return f.index(i)
		}
		if f := setEntry(m, key, reflect.Zero(t.Elem())); f != nil {
			return f.index(i)
		}
	}
	to.Set(m)
	return nil
}

// setEntry sets an entry of a map; keys that Go cannot compare are refused, as are two that become one.
func setEntry(m, key, item reflect.Value) *failure {
	if !key.Comparable() {
		return mismatch("a key that Go can compare", typeName(key.Interface()))
	}
	if m.MapIndex(key).IsValid() {
		return failf("two keys become the same %s", m.Type().Key())
	}
	m.SetMapIndex(key, item)
	return nil
}

func (d *decoder) assignStruct(v any, to reflect.Value) *failure {
	m, f := membersOf(v, to)
	if f != nil {
		return f
	}
	p := d.codec.planOf(to.Type(), &d.plans)
	if p.clash != "" {
		return failf("%s", p.clash)
	}
	if len(p.fields) == 0 && to.NumField() > 0 { // nothing of it could be set
		return withoutFields(v, to)
	}
	found, surplus, unset := 0, -1, []int(nil)
	for i, name := range m.names {
		at, ok := p.byName[name]
		if !ok {
			if surplus < 0 && !d.leavesOut(name) {
				surplus = i
			}
			continue
		}
		if m.values[i] == nil && p.unset(at, to, d.rows) {
			unset = append(unset, at)
			continue
		}
		if f := d.assignField(m.values[i], &p.fields[at], to); f != nil {
			return f
		}
		found++
	}
	if f := d.assignUnset(p, unset, to); f != nil {
		return f
	}
	if found < len(p.fields) {
		f = p.lacks(&m, to)
	}
	if f == nil && surplus >= 0 {
		f = tooMany(to.Type(), m.names[surplus])
	}
	return f
}

// assignField puts a decoded value into a field of a struct.
func (d *decoder) assignField(v any, planned *plannedField, to reflect.Value) *failure {
	field, f := settableField(to, planned.index)
	if f == nil {
		f = d.assign(v, field)
	}
	if f != nil {
		return f.lackedBy(to.Type()).field(planned.name)
	}
	return nil
}

// withoutFields refuses a dict for a struct that shows none of its fields.
func withoutFields(v any, to reflect.Value) *failure {
	if _, ok := addressed[encoding.TextUnmarshaler](to); ok {
		return mismatch("str ("+to.Type().String()+")", typeName(v))
	}
	return mismatch(to.Type().String()+", which has no exported field", typeName(v))
}

// leavesOut reports whether a field that a struct does not have is none too many.
func (d *decoder) leavesOut(name string) bool { return d.codec.surplus || d.rows && d.nameless[name] }

// assignUnset sets to none the fields that were left unset and that others behind the same pointer have made.
func (d *decoder) assignUnset(p *plan, unset []int, to reflect.Value) *failure {
	for _, at := range unset {
		if field, reached := reachField(to, p.fields[at].index); reached {
			if f := d.assign(nil, field); f != nil {
				return f.field(p.fields[at].name)
			}
		}
	}
	return nil
}

// unset reports whether none says that the embedded pointer before a field stays nil: of a field that cannot be nil itself, and of all fields
// of a row.
func (p *plan) unset(at int, to reflect.Value, row bool) bool {
	index := p.fields[at].index
	if len(index) == 1 {
		return false
	}
	if _, reached := reachField(to, index); reached {
		return false
	}
	return row || !nilable(to.Type().FieldByIndex(index).Type)
}

// membersOf returns the named values of a dict or record.
func membersOf(v any, to reflect.Value) (members, *failure) {
	switch x := v.(type) {
	case *Dict:
		m := members{make([]string, x.Len()), x.values}
		for i, key := range x.keys {
			name, ok := key.(string)
			if !ok {
				return members{}, mismatch("str", typeName(key)).key(i)
			}
			m.names[i] = name
		}
		return m, nil
	case Record:
		m := members{make([]string, len(x.Fields)), make([]any, len(x.Fields))}
		for i, f := range x.Fields {
			m.names[i], m.values[i] = f.Name, f.Value
		}
		return m, nil
	}
	return members{}, misfit(to, v)
}

// settableField is FieldByIndex that makes the embedded structs that pointers on the way lack.
func settableField(to reflect.Value, index []int) (reflect.Value, *failure) {
	for i, at := range index {
		if i > 0 && to.Kind() == reflect.Pointer {
			if to.IsNil() {
				if !to.CanSet() {
					return to, failf("the embedded pointer to %s cannot be set", to.Type().Elem())
				}
				to.Set(reflect.New(to.Type().Elem()))
			}
			to = to.Elem()
		}
		to = to.Field(at)
	}
	return to, nil
}
