package valuetest

import "github.com/grpc-tool-bridge/toolbridge/value"

// FromPython returns what comes back from a Python program that sends back what it got: the same, but for objects of a Python
// class, of which only the text travels; Python takes it for a text.
func FromPython(v any) any {
	return Changed(v, func(part any) any {
		if o, is := part.(value.Opaque); is {
			if text, object := o.Text(); object {
				return text
			}
		}
		return part
	})
}

// Changed returns a value of which every part that is no container, keys too, is what change makes of it.
func Changed(v any, change func(part any) any) any {
	switch x := v.(type) {
	case []any:
		return eachChanged(x, change)
	case value.Tuple:
		return value.Tuple(eachChanged(x, change))
	case value.Set:
		return value.Set(eachChanged(x, change))
	case value.FrozenSet:
		return value.FrozenSet(eachChanged(x, change))
	case *value.Dict:
		d := value.NewDict()
		for k, item := range x.All() {
			d.Set(Changed(k, change), Changed(item, change))
		}
		return d
	case value.Record:
		r := value.Record{Class: x.Class, Fields: make([]value.Field, len(x.Fields))}
		for i, f := range x.Fields {
			r.Fields[i] = value.Field{Name: f.Name, Value: Changed(f.Value, change)}
		}
		return r
	case value.Enum:
		return value.Enum{Class: x.Class, Name: x.Name, Value: Changed(x.Value, change)}
	}
	return change(v)
}

func eachChanged(items []any, change func(any) any) []any {
	each := make([]any, len(items))
	for i, item := range items {
		each[i] = Changed(item, change)
	}
	return each
}
