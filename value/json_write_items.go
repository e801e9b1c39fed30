package value

import "strings"

func (w *jsonWriter) container(v any, level int) *failure {
	switch x := v.(type) {
	case []any:
		return w.list(x, level)
	case *Dict:
		return w.dict(x.keys, x.values, level)
	case map[string]any:
		m := sortedMembers(x)
		return w.object(m.names, m.values, level)
	case members:
		return w.object(x.names, x.values, level)
	case pairs:
		return w.dict(x.keys, x.values, level)
	case Tuple:
		return w.wrapped("$tuple", func() *failure { return w.list(x, level) })
	case Set:
		return w.set("$set", x, level)
	case FrozenSet:
		return w.set("$frozenset", x, level)
	case Enum:
		return w.enum(x, level)
	case Record:
		return w.record(x, level)
	case []int64:
		return writeEach(w, x, level)
	case []int:
		return writeEach(w, x, level)
	case []float64:
		return writeEach(w, x, level)
	case []string:
		return writeEach(w, x, level)
	}
	return failf("a %T has no JSON form", v)
}

// wrapped writes an object with one key.
func (w *jsonWriter) wrapped(tag string, contents func() *failure) *failure {
	w.out = append(appendText(append(w.out, '{'), tag), ':')
	f := contents()
	w.out = append(w.out, '}')
	return f
}

func (w *jsonWriter) list(items []any, level int) *failure { return writeEach(w, items, level) }

func writeEach[T any](w *jsonWriter, items []T, level int) *failure {
	w.out = append(w.out, '[')
	for i, item := range items {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if f := w.value(item, level+1); f != nil {
			return f.index(i)
		}
		if f := w.checkSize(); f != nil {
			return f
		}
	}
	w.out = append(w.out, ']')
	return nil
}

// set writes the items in canonical order, that of their encodings. It is known of frozensets in a set, which was encoded as a whole.
func (w *jsonWriter) set(tag string, items []any, level int) *failure {
	id, _ := frozenOf(items)
	inOrder, known := w.orders[id]
	if !known {
		var f *failure
		if inOrder, f = w.inOrder(items, level); f != nil {
			return f
		}
	}
	return w.wrapped(tag, func() *failure { return w.list(inOrder, level) })
}

// dict writes an object if all keys are str, otherwise pairs.
func (w *jsonWriter) dict(keys, values []any, level int) *failure {
	if at, f := w.repeated(keys); f != nil {
		return f.key(at)
	}
	keys, f := w.normalItems(keys)
	if f != nil {
		return f
	}
	if len(keys) == 0 || runOf(keys) == textRun {
		names := make([]string, len(keys))
		for i, k := range keys {
			names[i], _ = k.(string)
		}
		return w.object(names, values, level)
	}
	return w.wrapped("$map", func() *failure { return w.pairs(keys, values, level) })
}

func (w *jsonWriter) pairs(keys, values []any, level int) *failure {
	w.out = append(w.out, '[')
	for i := range keys {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, '[')
		if f := w.value(keys[i], level+1); f != nil {
			return f.key(i)
		}
		w.out = append(w.out, ',')
		if f := w.value(values[i], level+1); f != nil {
			return f.in(keyStep(keys[i]))
		}
		w.out = append(w.out, ']')
		if f := w.checkSize(); f != nil {
			return f
		}
	}
	w.out = append(w.out, ']')
	return nil
}

// object writes a dict, wrapped if it would be taken for something else.
func (w *jsonWriter) object(names []string, values []any, level int) *failure {
	if len(names) == 1 && strings.HasPrefix(names[0], "$") {
		return w.wrapped("$object", func() *failure { return w.fields(names, values, level) })
	}
	return w.fields(names, values, level)
}

func (w *jsonWriter) fields(names []string, values []any, level int) *failure {
	w.out = append(w.out, '{')
	for i, name := range names {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if f := w.text(name); f != nil {
			return f.key(i)
		}
		w.out = append(w.out, ':')
		if f := w.value(values[i], level+1); f != nil {
			return f.field(name)
		}
		if f := w.checkSize(); f != nil {
			return f
		}
	}
	w.out = append(w.out, '}')
	return nil
}

// enum is refused for its name, its value or its class, as it is where it is encoded.
func (w *jsonWriter) enum(x Enum, level int) *failure {
	return w.wrapped("$enum", func() *failure {
		w.out = append(w.out, `{"class_name":`...)
		noClass := w.text(x.Class)
		w.out = append(w.out, `,"name":`...)
		if f := w.text(x.Name); f != nil {
			return f.key(0)
		}
		w.out = append(w.out, `,"value":`...)
		if f := w.value(x.Value, level+1); f != nil {
			return f.field("value")
		}
		w.out = append(w.out, '}')
		return noClass
	})
}

func (w *jsonWriter) record(x Record, level int) *failure {
	names, values := make([]string, len(x.Fields)), make([]any, len(x.Fields))
	seen := make(map[string]struct{}, len(x.Fields))
	for i, f := range x.Fields {
		if _, twice := seen[f.Name]; twice {
			return failf("the record %s has the field %s twice", quoted(x.Class), quoted(f.Name)).key(i)
		}
		seen[f.Name] = struct{}{}
		names[i], values[i] = f.Name, f.Value
	}
	return w.wrapped("$record", func() *failure {
		w.out = append(w.out, `{"class_name":`...)
		noClass := w.text(x.Class)
		w.out = append(w.out, `,"fields":`...)
		if f := w.fields(names, values, level); f != nil {
			return f
		}
		w.out = append(w.out, '}')
		return noClass
	})
}
