package value

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"regexp"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// members are named values in their order: a struct or a map with string keys on its way to the wire.
type members struct {
	names  []string
	values []any
}

// pairs are a map's keys and values on their way to the wire.
type pairs struct {
	keys, values []any
}

// native reports whether v is of one of the types that the encoder writes without converting them first.
func native(v any) bool {
	if _, ok := asInt(v); ok {
		return true
	}
	switch x := v.(type) {
	case nil, bool, float64, string, []byte, []any, map[string]any, members, pairs, []int64, []int, []float64, []string,
		Tuple, Set, FrozenSet, Record, Enum, time.Time, LocalDateTime, Date, TimeOfDay, time.Duration, Timedelta, Decimal,
		UUID, complex128, Unknown, Opaque:
		return true
	case *Dict:
		return x != nil
	case *big.Int:
		return x != nil && !x.IsInt64()
	case *big.Rat:
		return x != nil
	case proto.Message:
		return isMessage(x)
	}
	return false
}

// isContainer reports whether a native value is a level of its own.
func isContainer(v any) bool {
	switch v.(type) {
	case []any, map[string]any, members, pairs, *Dict, []int64, []int, []float64, []string, Tuple, Set, FrozenSet, Record, Enum:
		return true
	}
	return false
}

// isDict reports whether a native value is a dict.
func isDict(v any) bool {
	switch v.(type) {
	case map[string]any, members, pairs, *Dict:
		return true
	}
	return false
}

// scalarType reports whether a value that is not native may turn out to be no container.
func scalarType(v any) bool {
	switch v.(type) {
	case Marshaler, encoding.TextMarshaler, error, tool.Value, *tool.Value:
		return true
	}
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		return t == reflect.TypeFor[big.Int]() || t == reflect.TypeFor[big.Rat]() || native(reflect.Zero(t).Interface())
	case reflect.Map:
		return false
	case reflect.Slice, reflect.Array:
		return t.Elem().Kind() == reflect.Uint8
	default:
		return true
	}
}

// identity tells a container from others, so that one that contains itself is found; 0 for what cannot.
func identity(v any) uintptr {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer, reflect.Map:
		return r.Pointer()
	case reflect.Slice:
		if r.Len() > 0 {
			return r.Pointer()
		}
	}
	return 0
}

// normal converts a value that is not native by one level into one that is, or that an extension may know.
func (e *encoder) normal(v any) (any, *failure) {
	switch x := v.(type) {
	case Marshaler:
		if !e.swallows(v, writesValue) {
			return e.marshaled(x)
		}
	case tool.Value:
		return e.heldBy(x)
	case json.Number:
		return spelled(x)
	case float32:
		return float64(x), nil
	case complex64:
		return complex128(x), nil
	case big.Int:
		return shortInt(&x), nil
	case *big.Int:
		if x != nil {
			return shortInt(x), nil
		}
	case big.Rat:
		return &x, nil
	case Dict:
		return &x, nil
	}
	r := reflect.ValueOf(v)
	if isNil(r) && r.Kind() != reflect.Slice && r.Kind() != reflect.Map {
		return nil, nil
	}
	switch x := v.(type) { // which have texts
	case *time.Time:
		return *x, nil
	case *time.Duration, *Decimal, *UUID, *Date, *LocalDateTime, *TimeOfDay, *Timedelta:
		return r.Elem().Interface(), nil
	}
	if id := reflect.Indirect(r); isUUID(id.Type()) { // before its text, which those of other packages have too
		return octets(id), nil
	}
	switch x := v.(type) {
	case Classed:
		return e.classed(r, x)
	case error:
		return errorRecord(x)
	case big.Float:
		return nil, noFloat()
	case encoding.TextMarshaler:
		if !e.swallows(v, writesText) {
			return textOf(x)
		}
	}
	return e.reflected(r)
}

// textOf returns the text that a value writes of itself. Those of the standard library's types say all that there is to say, but for two.
func textOf(v encoding.TextMarshaler) (any, *failure) {
	text, f := writtenText(v)
	if f != nil {
		return nil, f
	}
	switch x := v.(type) {
	case *big.Float:
		return nil, noFloat()
	case *regexp.Regexp:
		if same, err := regexp.Compile(string(text)); err != nil || !reflect.DeepEqual(x, same) {
			return nil, mismatch("a *regexp.Regexp that regexp.Compile makes of its text", "one that prefers the longest match, which its text does not say: send that text")
		}
	}
	return string(text), nil
}

// noFloat refuses a big.Float, whose text has neither its precision nor, read again, all of its digits.
func noFloat() *failure {
	return mismatch("a number that is exact in every language: a *big.Rat (x.Rat(nil)), a value.Decimal or a float64, or x.Text('p', 0) as a text",
		"big.Float, whose precision would be lost")
}

func (e *encoder) marshaled(m Marshaler) (any, *failure) {
	for range MaxDepth {
		if isNil(reflect.ValueOf(m)) {
			return nil, nil
		}
		v, f := valueOf(m)
		if f != nil {
			return nil, f
		}
		next, ok := v.(Marshaler)
		if !ok {
			return v, nil
		}
		m = next
	}
	return nil, tooDeep()
}

func (e *encoder) classed(r reflect.Value, c Classed) (any, *failure) {
	for r.Kind() == reflect.Pointer {
		r = r.Elem()
	}
	if r.Kind() != reflect.Struct {
		return nil, failf("%s implements BridgeClass but is no struct", r.Type())
	}
	m, f := e.fieldsOf(r)
	if f != nil {
		return nil, f
	}
	class, f := classOf(c)
	if f != nil {
		return nil, f
	}
	record := Record{Class: class, Fields: make([]Field, len(m.names))}
	for i := range m.names {
		record.Fields[i] = Field{m.names[i], m.values[i]}
	}
	return record, nil
}

// reflected converts by kind.
func (e *encoder) reflected(r reflect.Value) (any, *failure) {
	switch r.Kind() {
	case reflect.Pointer, reflect.Interface:
		return e.pointedTo(r)
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.String:
		if hasText(r.Type()) { // by a pointer, else it were none to reflect
			at := reflect.New(r.Type())
			at.Elem().Set(r)
			return at.Interface(), nil
		}
		return r.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if u := r.Uint(); int64(u) < 0 {
			return new(big.Int).SetUint64(u), nil
		}
		return int64(r.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return r.Float(), nil
	case reflect.Complex64, reflect.Complex128:
		return r.Complex(), nil
	case reflect.Struct:
		return e.fieldsOf(r)
	case reflect.Map:
		return e.mapped(r)
	case reflect.Slice, reflect.Array:
		return items(r), nil
	default:
		return nil, failf("a %s cannot be encoded", r.Type())
	}
}

// pointedTo follows pointers to what they lead to, or to the first that is a value itself. Chains that never end are cut.
func (e *encoder) pointedTo(r reflect.Value) (any, *failure) {
	for range MaxDepth {
		if r.IsNil() {
			return nil, nil
		}
		r = r.Elem()
		if r.Kind() == reflect.Interface {
			continue
		}
		if v := r.Interface(); r.Kind() != reflect.Pointer || native(v) || special(v) || e.extends(v) {
			return v, nil
		}
	}
	return nil, tooDeep()
}

// special reports whether a value says itself what it is encoded as.
func special(v any) bool {
	switch v.(type) {
	case Marshaler, Classed, encoding.TextMarshaler, error:
		return true
	}
	return false
}

// hasText reports whether values of a type, or pointers to them, write their own text, which is what is read again.
func hasText(t reflect.Type) bool {
	text := reflect.TypeFor[encoding.TextMarshaler]()
	return t.PkgPath() != "" && (t.Implements(text) || reflect.PointerTo(t).Implements(text))
}

// items converts slices and arrays: those of bytes to bytes, others to lists.
func items(r reflect.Value) any {
	if r.Type().Elem().Kind() == reflect.Uint8 {
		return octets(r)
	}
	list := make([]any, r.Len())
	for i := range list {
		list[i] = r.Index(i).Interface()
	}
	return list
}

func octets(r reflect.Value) any {
	if r.Kind() == reflect.Slice {
		return r.Bytes()
	}
	b := make([]byte, r.Len())
	for i := range b { // reflect.Copy wants the very type byte
		b[i] = byte(r.Index(i).Uint())
	}
	if isUUID(r.Type()) {
		return UUID(b)
	}
	return b
}

// isUUID reports whether a type is a UUID, of whatever package.
func isUUID(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8 && t.Name() == "UUID"
}

func isNil(r reflect.Value) bool {
	switch r.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return r.IsNil()
	}
	return false
}
