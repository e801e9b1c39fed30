package value

import (
	"slices"
	"unicode/utf8"
)

// run says which packed run a sequence fits.
type run uint8

const (
	noRun run = iota
	intRun
	floatRun
	textRun
)

// runOf returns the run that all items fit; a sequence without items fits none.
func runOf(items []any) run {
	found := noRun
	for i, item := range items {
		r := noRun
		switch item.(type) {
		case string:
			r = textRun
		case float64:
			r = floatRun
		case int64, int:
			r = intRun
		default:
			if _, ok := asInt(item); ok {
				r = intRun
			}
		}
		if r == noRun || i > 0 && r != found {
			return noRun
		}
		found = r
	}
	return found
}

func (e *encoder) sequence(k kind, items []any, level int) *failure {
	items, f := e.normalItems(items)
	if f != nil {
		return f
	}
	switch runOf(items) {
	case intRun:
		e.anyInts(items)
	case floatRun:
		e.anyFloats(items)
	case textRun:
		if f := e.anyTexts(items, (*failure).index); f != nil {
			return f
		}
	default:
		if f := e.items(items, level); f != nil {
			return f
		}
	}
	e.kind(k)
	return nil
}

// normalItems converts the items of Go's further scalar types, so that runs are recognised by value alone.
func (e *encoder) normalItems(items []any) ([]any, *failure) {
	for i, item := range items {
		if native(item) {
			continue
		}
		return e.convertItems(items, i)
	}
	return items, nil
}

func (e *encoder) convertItems(items []any, from int) ([]any, *failure) {
	converted := slices.Clone(items)
	for i := from; i < len(items); i++ {
		for range MaxDepth {
			if native(converted[i]) || !scalarType(converted[i]) || e.extends(converted[i]) {
				break
			}
			n, f := e.normal(converted[i])
			if f != nil {
				return nil, f.index(i)
			}
			converted[i] = n
		}
	}
	return converted, nil
}

// items writes the field of that name.
func (e *encoder) items(items []any, level int) *failure {
	for i := len(items) - 1; i >= 0; i-- {
		mark := e.len()
		if f := e.tagged(items[i], level+1); f != nil {
			return f.index(i)
		}
		e.close(fieldItems, mark)
		if f := e.checkSize(); f != nil {
			return f
		}
	}
	return nil
}

func (e *encoder) anyInts(items []any) {
	mark := e.len()
	for i := len(items) - 1; i >= 0; i-- {
		n, _ := asInt(items[i])
		e.varint(zigzag(n))
	}
	e.close(fieldInts, mark)
}

func (e *encoder) anyFloats(items []any) {
	mark := e.len()
	for i := len(items) - 1; i >= 0; i-- {
		x, _ := items[i].(float64)
		e.fixed64(canonicalBits(x))
	}
	e.close(fieldFloats, mark)
}

// anyTexts writes texts; step is that to the nth of them.
func (e *encoder) anyTexts(items []any, step func(f *failure, n int) *failure) *failure {
	for i := len(items) - 1; i >= 0; i-- {
		s, _ := items[i].(string)
		if !utf8.ValidString(s) {
			return firstBadText(items, step)
		}
		e.text(fieldTexts, s)
	}
	return e.checkSize()
}

func (e *encoder) ints(k kind, items []int64) {
	if len(items) > 0 {
		mark := e.len()
		for i := len(items) - 1; i >= 0; i-- {
			e.varint(zigzag(items[i]))
		}
		e.close(fieldInts, mark)
	}
	e.kind(k)
}

func (e *encoder) nativeInts(items []int) {
	if len(items) > 0 {
		mark := e.len()
		for i := len(items) - 1; i >= 0; i-- {
			e.varint(zigzag(int64(items[i])))
		}
		e.close(fieldInts, mark)
	}
	e.kind(kindList)
}

func (e *encoder) floats(k kind, items []float64) {
	if len(items) > 0 {
		mark := e.len()
		for i := len(items) - 1; i >= 0; i-- {
			e.fixed64(canonicalBits(items[i]))
		}
		e.close(fieldFloats, mark)
	}
	e.kind(k)
}

func (e *encoder) texts(k kind, items []string) *failure {
	for i := len(items) - 1; i >= 0; i-- {
		if !utf8.ValidString(items[i]) {
			return firstBadText(items, (*failure).index)
		}
		e.text(fieldTexts, items[i])
	}
	e.kind(k)
	return e.checkSize()
}

// firstBadText refuses the first of texts that is no UTF-8: they are written from the last one on, as what is in a message is.
func firstBadText[T any](texts []T, step func(f *failure, n int) *failure) *failure {
	for i := range texts {
		if s, _ := any(texts[i]).(string); !utf8.ValidString(s) {
			return step(badText(s), i)
		}
	}
	return nil
}

// dict writes keys and values; keys of all other types than str have a field of their own.
func (e *encoder) dict(keys, values []any, level int) *failure {
	if at, f := e.repeated(keys); f != nil {
		return f.key(at)
	}
	within := e.distinct || e.hashes.sure
	keys, f := e.normalItems(keys)
	if f != nil {
		return f
	}
	if runOf(keys) == textRun {
		if f := e.anyTexts(keys, (*failure).key); f != nil {
			return f
		}
	} else if f := e.keys(keys, level, within); f != nil {
		return f
	}
	for i := len(values) - 1; i >= 0; i-- {
		mark := e.len()
		if f := e.tagged(values[i], level+1); f != nil {
			return f.in(keyStep(keys[i]))
		}
		e.close(fieldItems, mark)
		if f := e.checkSize(); f != nil {
			return f
		}
	}
	e.kind(kindDict)
	return nil
}

// keys writes keys that are not all texts; distinct says that none in any of them is there twice.
func (e *encoder) keys(keys []any, level int, distinct bool) *failure {
	outer := e.distinct
	e.distinct = distinct
	defer func() { e.distinct = outer }()
	for i := len(keys) - 1; i >= 0; i-- {
		mark := e.len()
		if f := e.tagged(keys[i], level+1); f != nil {
			return f.key(i)
		}
		e.close(fieldKeys, mark)
	}
	return e.checkSize()
}

// members writes named values: those of a dict whose keys are all str, or of a record.
func (e *encoder) members(k kind, m members, level int) *failure {
	if f := e.names(m.names); f != nil {
		return f
	}
	for i := len(m.values) - 1; i >= 0; i-- {
		mark := e.len()
		if f := e.tagged(m.values[i], level+1); f != nil {
			return f.field(m.names[i])
		}
		e.close(fieldItems, mark)
		if f := e.checkSize(); f != nil {
			return f
		}
	}
	if k == kindDict {
		e.kind(k)
	}
	return nil
}

func (e *encoder) names(names []string) *failure {
	for i := len(names) - 1; i >= 0; i-- {
		if !utf8.ValidString(names[i]) {
			return firstBadText(names, (*failure).key)
		}
		e.text(fieldTexts, names[i])
	}
	return nil
}

func (e *encoder) record(r Record, level int) *failure {
	m := members{make([]string, len(r.Fields)), make([]any, len(r.Fields))}
	seen := make(map[string]struct{}, len(r.Fields))
	for i, f := range r.Fields {
		if _, twice := seen[f.Name]; twice {
			return failf("the record %s has the field %s twice", quoted(r.Class), quoted(f.Name)).key(i)
		}
		seen[f.Name] = struct{}{}
		m.names[i], m.values[i] = f.Name, f.Value
	}
	if f := e.members(kindRecord, m, level); f != nil {
		return f
	}
	return e.taggedText(kindRecord, r.Class)
}

func (e *encoder) enum(x Enum, level int) *failure {
	if f := e.names([]string{x.Name}); f != nil {
		return f
	}
	mark := e.len()
	if f := e.tagged(x.Value, level+1); f != nil {
		return f.field("value")
	}
	e.close(fieldItems, mark)
	return e.taggedText(kindEnum, x.Class)
}
