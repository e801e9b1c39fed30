package value

import (
	"reflect"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// maxExactInt bounds the ints that every float holds.
const maxExactInt = 1 << 53

// assignWellKnown makes a message that travels as what it holds: a wrapper of a scalar, or one of JSON. It answers false
// for every other.
func (d *decoder) assignWellKnown(v any, to proto.Message) (bool, *failure) {
	switch m := to.(type) {
	case *wrapperspb.BoolValue, *wrapperspb.BytesValue, *wrapperspb.DoubleValue, *wrapperspb.FloatValue, *wrapperspb.Int32Value,
		*wrapperspb.Int64Value, *wrapperspb.StringValue, *wrapperspb.UInt32Value, *wrapperspb.UInt64Value:
		return true, d.assign(v, reflect.ValueOf(m).Elem().FieldByName("Value"))
	case *structpb.Value:
		made, f := jsonMessage(v)
		if f == nil {
			proto.Reset(m)
			proto.Merge(m, made)
		}
		return true, f
	case *structpb.ListValue, *structpb.Struct:
		made, f := jsonMessage(v)
		if f != nil {
			return true, f
		}
		return true, assignMessage(held(made), to)
	}
	return false, nil
}

// held is the list or the dict in a message of JSON, as a message of its own.
func held(m *structpb.Value) any {
	if s := m.GetStructValue(); s != nil {
		return s
	}
	if l := m.GetListValue(); l != nil {
		return l
	}
	return m
}

func jsonMessage(v any) (*structpb.Value, *failure) {
	switch x := v.(type) {
	case nil:
		return structpb.NewNullValue(), nil
	case bool:
		return structpb.NewBoolValue(x), nil
	case string:
		return structpb.NewStringValue(x), nil
	case float64:
		return structpb.NewNumberValue(x), nil
	case int64:
		if -maxExactInt <= x && x <= maxExactInt {
			return structpb.NewNumberValue(float64(x)), nil
		}
	case []any:
		return jsonList(x)
	case *Dict:
		return jsonStruct(x)
	case proto.Message:
		if m, ok := x.(*structpb.Value); ok {
			return m, nil
		}
	}
	return nil, mismatch("what JSON has, with ints that a float holds", typeName(v))
}

func jsonList(items []any) (*structpb.Value, *failure) {
	made := make([]*structpb.Value, len(items))
	for i, item := range items {
		var f *failure
		if made[i], f = jsonMessage(item); f != nil {
			return nil, f.index(i)
		}
	}
	return structpb.NewListValue(&structpb.ListValue{Values: made}), nil
}

func jsonStruct(dict *Dict) (*structpb.Value, *failure) {
	made := make(map[string]*structpb.Value, dict.Len())
	for i, key := range dict.keys {
		name, ok := key.(string)
		if !ok {
			return nil, mismatch("str", typeName(key)).key(i)
		}
		var f *failure
		if made[name], f = jsonMessage(dict.values[i]); f != nil {
			return nil, f.in(keyStep(key))
		}
	}
	return structpb.NewStructValue(&structpb.Struct{Fields: made}), nil
}
