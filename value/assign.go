package value

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// DecodeInto decodes a value into what target points to, checking types and ranges. An int is accepted where a float is
// wanted, if that can hold it exactly; never the reverse. A list, tuple or set is accepted where a slice or an array of
// its length is wanted, a dict or a record where a struct is. It must have all fields of the struct, but for those that are tagged optional, omitempty or
// omitzero, may be nil, are behind an embedded pointer, or hold something already; and none that the struct does not have, but with AllowSurplus.
// A float is rounded to the nearest float32, if that is neither 0 nor infinite. None is the zero value of pointers, slices, maps and interfaces, and refused elsewhere.
func (c *Codec) DecodeInto(v tool.Value, target any) error {
	if c.quickScalar(v, target) {
		return nil
	}
	d := decoder{codec: c}
	if done, f := d.quickly(v, target); done || f != nil {
		return f.err()
	}
	r := reflect.ValueOf(target)
	if r.Kind() != reflect.Pointer || r.IsNil() {
		return failf("the target must be a pointer that is not nil, got %T", target).err()
	}
	decoded, f := d.outermost(v)
	if f != nil {
		return f.err()
	}
	return d.assign(decoded, r.Elem()).err()
}

// Assign puts a decoded value into what target points to, as DecodeInto does.
func (c *Codec) Assign(decoded, target any) error {
	r := reflect.ValueOf(target)
	if r.Kind() != reflect.Pointer || r.IsNil() {
		return failf("the target must be a pointer that is not nil, got %T", target).err()
	}
	d := decoder{codec: c}
	return d.assign(decoded, r.Elem()).err()
}

// assign puts a decoded value into a place of any type.
func (d *decoder) assign(v any, to reflect.Value) *failure {
	if done, f := d.assignSpecial(v, to); done || f != nil {
		return f
	}
	switch to.Kind() {
	case reflect.Pointer:
		return d.assignPointer(v, to)
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			return misfit(to, v)
		}
		to.SetBool(b)
	case reflect.String:
		return assignText(v, to)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return assignInt(v, to)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return assignUint(v, to)
	case reflect.Float32, reflect.Float64:
		return assignFloat(v, to)
	case reflect.Complex64, reflect.Complex128:
		return assignComplex(v, to)
	case reflect.Slice:
		return d.assignSlice(v, to)
	case reflect.Array:
		return d.assignArray(v, to)
	case reflect.Map:
		return d.assignMap(v, to)
	case reflect.Struct:
		return d.assignStruct(v, to)
	default:
		return misfit(to, v)
	}
	return nil
}

// assignSpecial handles types that choose their own form, extensions, and values that fit as they are.
func (d *decoder) assignSpecial(v any, to reflect.Value) (bool, *failure) {
	if u, ok := addressed[Unmarshaler](to); ok && d.reads(to, readsValue) && (v != nil || to.Kind() != reflect.Pointer) {
		return true, setValue(u, v)
	}
	if isEncoded(to.Type()) {
		return true, d.assignEncoded(v, to)
	}
	if done, f := d.assignExtended(v, to); done {
		return true, f
	}
	if v == nil {
		switch to.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
			to.SetZero()
			return true, nil
		}
		if to.Type() == reflect.TypeFor[struct{}]() { // what a function without an argument or a result has
			return true, nil
		}
		if m, ok := addressed[*structpb.Value](to); ok {
			_, f := d.assignWellKnown(v, m)
			return true, f
		}
		return true, misfit(to, v)
	}
	if from := reflect.TypeOf(v); from.AssignableTo(to.Type()) && (isSet(from) || !isSet(to.Type())) {
		to.Set(reflect.ValueOf(v))
		return true, nil
	}
	if span, ok := v.(time.Duration); ok && to.Type() == reflect.TypeFor[Timedelta]() {
		to.Set(reflect.ValueOf(timedeltaOf(span)))
		return true, nil
	}
	if name, ok := ownType(to.Type()); ok {
		return true, mismatch(name, typeName(v))
	}
	if member, ok := v.(Enum); ok {
		return true, d.assign(member.Value, to)
	}
	return d.assignOwn(v, to)
}

// assignExtended handles what extensions decoded.
func (d *decoder) assignExtended(v any, to reflect.Value) (bool, *failure) {
	if !to.CanAddr() {
		return false, nil
	}
	for _, x := range d.codec.extensions {
		ok, err := x.Assign(v, to.Addr().Interface())
		if err != nil {
			return true, foreign(err)
		}
		if ok {
			return true, nil
		}
		if done, f := d.assignRows(x, v, to); done {
			return true, f
		}
	}
	return false, nil
}

// ownType names the types that take only values of their own.
func ownType(t reflect.Type) (string, bool) {
	if !t.Comparable() && t.Kind() != reflect.Struct {
		return "", false
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "timedelta of at most 292 years", true
	case reflect.TypeFor[time.Time]():
		return "datetime with an offset", true
	case reflect.TypeFor[LocalDateTime]():
		return "datetime without an offset", true
	case reflect.TypeFor[Record]():
		return "record", true
	case reflect.TypeFor[Enum]():
		return "Enum", true
	case reflect.TypeFor[Opaque]():
		return "a value of a type that this program does not know", true
	case reflect.TypeFor[Unknown]():
		return "a value of a later version", true
	case reflect.TypeFor[tool.Value]():
		return "a value", true
	case reflect.TypeFor[Date](), reflect.TypeFor[TimeOfDay](), reflect.TypeFor[Timedelta](), reflect.TypeFor[UUID]():
		return typeName(reflect.Zero(t).Interface()), true
	}
	return "", false
}

// assignOwn converts between the codec's own types.
func (d *decoder) assignOwn(v any, to reflect.Value) (bool, *failure) {
	if !to.CanAddr() {
		return false, nil
	}
	switch t := to.Addr().Interface().(type) {
	case *big.Int:
		n := bigOf(v)
		if n == nil {
			return true, mismatch("int", typeName(v))
		}
		t.Set(n)
		return true, nil
	case *big.Rat:
		return true, assignRat(v, t)
	case *big.Float: // which reads texts with 64 bits
		return true, noFloat()
	case *Decimal:
		n := bigOf(v)
		if n == nil {
			return true, mismatch("Decimal", typeName(v))
		}
		*t = Decimal{n.String()}
		return true, nil
	case *json.Number:
		return true, assignNumber(v, t)
	case *Dict:
		return true, assignDict(v, t)
	case *Set, *FrozenSet:
		return true, d.assignSet(v, to)
	}
	if m, ok := addressed[proto.Message](to); ok && d.reads(to, isAMessage) {
		if done, f := d.assignWellKnown(v, m); done {
			return true, f
		}
		return true, assignMessage(v, m)
	}
	if text, ok := v.(string); ok {
		if u, ok := addressed[encoding.TextUnmarshaler](to); ok && d.reads(to, readsText) {
			return true, readText(u, text)
		}
	}
	return false, nil
}

// addressed returns the pointer to a place as an interface that it implements.
func addressed[T any](to reflect.Value) (t T, ok bool) {
	if !to.CanAddr() || to.Type().Name() == "" {
		return t, false
	}
	t, ok = to.Addr().Interface().(T)
	return t, ok
}

// reads reports whether the methods of a voice that a place has are those of all of it, and not of an embedded field.
func (d *decoder) reads(to reflect.Value, voice voices) bool {
	return to.Kind() != reflect.Struct || d.codec.planOf(to.Type(), &d.plans).swallowed&voice == 0
}

func assignRat(v any, to *big.Rat) *failure {
	switch x := v.(type) {
	case *big.Rat:
		to.Set(x)
		return nil
	case Decimal:
		if r, ok := x.Rat(); ok {
			to.Set(r)
			return nil
		}
	}
	if n := bigOf(v); n != nil {
		to.SetInt(n)
		return nil
	}
	return mismatch("Fraction", typeName(v))
}

func assignDict(v any, to *Dict) *failure {
	switch x := v.(type) {
	case *Dict:
		*to = *x
	case Record:
		*to = Dict{}
		for _, f := range x.Fields {
			to.Set(f.Name, f.Value)
		}
	default:
		return mismatch("dict", typeName(v))
	}
	return nil
}

// isSet reports whether a type is one of the codec's sets.
func isSet(t reflect.Type) bool {
	return t == reflect.TypeFor[Set]() || t == reflect.TypeFor[FrozenSet]()
}

func (d *decoder) assignSet(v any, to reflect.Value) *failure {
	items, ok := itemsOf(v)
	if !ok {
		return mismatch("set", typeName(v))
	}
	if at, f := d.repeated(items); f != nil {
		return f.index(at)
	}
	to.Set(reflect.ValueOf(items).Convert(to.Type()))
	return nil
}

func assignMessage(v any, to proto.Message) *failure {
	want := "message " + string(to.ProtoReflect().Descriptor().FullName())
	switch x := v.(type) {
	case proto.Message:
		if x.ProtoReflect().Descriptor() == to.ProtoReflect().Descriptor() {
			proto.Reset(to)
			proto.Merge(to, x)
			return nil
		}
	case Opaque:
		if afterSlash(x.TypeURL) != string(to.ProtoReflect().Descriptor().FullName()) {
			break
		}
		if err := proto.Unmarshal(x.Bytes, to); err != nil {
			return mismatch(want, "other bytes")
		}
		return nil
	}
	return mismatch(want, typeName(v))
}

func (d *decoder) assignPointer(v any, to reflect.Value) *failure {
	fresh := reflect.New(to.Type().Elem())
	if f := d.assign(v, fresh.Elem()); f != nil {
		return f
	}
	to.Set(fresh)
	return nil
}

// misfit says which type was wanted.
func misfit(to reflect.Value, v any) *failure {
	f := mismatch(wanted(to.Type()), typeName(v))
	if table, ok := v.(Opaque); ok && tool.IsTable(table.TypeURL) {
		f.message += ", which this codec does not read: make one by value.New(value.With(frame.Extension())), with the package value/frame," +
			" and give it to toolbridge.WithCodec"
	}
	return f
}

// wanted names a Go type as the protocol does, and as Go does where that says more.
func wanted(t reflect.Type) string {
	if own, ok := ownType(t); ok {
		return own
	}
	if t == reflect.TypeFor[json.Number]() {
		return finiteNumber
	}
	name := t.String()
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "str"
	case reflect.Int, reflect.Int64:
		return "int"
	case reflect.Float64:
		return "float"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "list (" + name + ")"
	case reflect.Map, reflect.Struct:
		return "dict (" + name + ")"
	}
	return name
}
