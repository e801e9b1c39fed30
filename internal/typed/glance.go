package typed

import (
	"encoding"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// glance looks at a Go value and says whether it surely keeps what a schema of constraints asks: then nobody need look at it again. Where it
// does not say so, the schema itself has to, which also says what is wrong. A glance that is nil is never sure.
type glance func(v reflect.Value) bool

func (g glance) holds(v reflect.Value) bool { return g != nil && g(v) }

// glances makes glances of the schemas that constraintSchemas makes.
type glances struct {
	// sent says that what was sent is held to the schema, not the Go value that it became: a float32 may be less exact.
	sent    bool
	structs map[reflect.Type]*glance
}

func newGlances(sent bool) *glances { return &glances{sent: sent, structs: map[reflect.Type]*glance{}} }

// of returns the glance at values of a type; nil where they have forms that only the schema knows to read.
func (g *glances) of(t reflect.Type, s *jsonschema.Schema) glance {
	if t.Kind() == reflect.Pointer {
		return g.behind(t.Elem(), s)
	}
	if !byKind(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return glanceText(s)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return glanceInt(s, reflect.Value.Int)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return glanceUint(s)
	case reflect.Float32:
		if !g.sent {
			return glanceFloat(s)
		}
	case reflect.Float64:
		return glanceFloat(s)
	case reflect.Slice, reflect.Array:
		return g.list(t, s)
	case reflect.Map:
		return g.entries(t, s)
	case reflect.Struct:
		return g.fields(t, s)
	default:
	}
	return nil
}

// byKind reports whether values of a type are decoded and encoded as all of its kind are.
func byKind(t reflect.Type) bool {
	return knownTypeName(t) == "" && typeName(t) == kindName(t) &&
		!value.Implements[value.Unmarshaler](t) && !value.Implements[encoding.TextUnmarshaler](t)
}

// takesNone reports whether none keeps a schema, of which only a list of choices can say no to it.
func takesNone(s *jsonschema.Schema) bool {
	return s.Enum == nil || slices.Contains(s.Enum.Values, nil)
}

// behind is the glance at what a pointer leads to.
func (g *glances) behind(t reflect.Type, s *jsonschema.Schema) glance {
	there, none := g.of(t, s), takesNone(s)
	return func(v reflect.Value) bool {
		if v.IsNil() {
			return none
		}
		return there.holds(v.Elem())
	}
}

func glanceText(s *jsonschema.Schema) glance {
	var choices []string
	if s.Enum != nil {
		choices = chosen(s.Enum, func(choice any) (string, bool) {
			text, is := choice.(string)
			return text, is
		})
	}
	return func(v reflect.Value) bool {
		text := v.String()
		return (s.Enum == nil || slices.Contains(choices, text)) &&
			(s.MinLength == nil && s.MaxLength == nil || within(utf8.RuneCountInString(text), s.MinLength, s.MaxLength)) &&
			(s.Pattern == nil || s.Pattern.MatchString(text))
	}
}

// chosen returns the choices that are of one type.
func chosen[T any](enum *jsonschema.Enum, of func(choice any) (T, bool)) []T {
	var choices []T
	for _, choice := range enum.Values {
		if made, is := of(choice); is {
			choices = append(choices, made)
		}
	}
	return choices
}

// glanceInt is the glance at ints that an int64 can hold.
func glanceInt(s *jsonschema.Schema, of func(reflect.Value) int64) glance {
	least, most, can := wholeBounds(s)
	if !can {
		return nil
	}
	var choices []int64
	if s.Enum != nil {
		choices = chosen(s.Enum, func(choice any) (int64, bool) {
			number, is := choice.(json.Number)
			n, err := strconv.ParseInt(string(number), 10, 64)
			return n, is && err == nil
		})
	}
	return func(v reflect.Value) bool {
		n := of(v)
		return n >= least && n <= most && (s.Enum == nil || slices.Contains(choices, n))
	}
}

// wholeBounds are the bounds of a schema as the outermost ints within them; false if there is none in an int64.
func wholeBounds(s *jsonschema.Schema) (least, most int64, can bool) {
	least, most = math.MinInt64, math.MaxInt64
	if s.Minimum != nil {
		up := floor(new(big.Rat).Neg(s.Minimum))
		switch up.Neg(up); {
		case up.IsInt64():
			least = up.Int64()
		case up.Sign() > 0:
			return 0, 0, false
		}
	}
	if s.Maximum != nil {
		switch down := floor(s.Maximum); {
		case down.IsInt64():
			most = down.Int64()
		case down.Sign() < 0:
			return 0, 0, false
		}
	}
	return least, most, true
}

// floor is the greatest int that is not above a number.
func floor(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }

func glanceUint(s *jsonschema.Schema) glance {
	low := glanceInt(s, func(v reflect.Value) int64 { return int64(v.Uint()) })
	return func(v reflect.Value) bool { return v.Uint() <= math.MaxInt64 && low.holds(v) }
}

// glanceFloat is the glance at floats, which are told apart as their shortest texts are, and so as the bounds. NaN is within no bounds.
func glanceFloat(s *jsonschema.Schema) glance {
	if s.Enum != nil {
		return nil
	}
	least, most := math.Inf(-1), math.Inf(1)
	if s.Minimum != nil {
		least, _ = s.Minimum.Float64()
	}
	if s.Maximum != nil {
		most, _ = s.Maximum.Float64()
	}
	return func(v reflect.Value) bool {
		f := v.Float()
		return f >= least && f <= most
	}
}

// within reports whether a length lies within its bounds, of which each may be nil.
func within(n int, least, most *int) bool {
	return (least == nil || n >= *least) && (most == nil || n <= *most)
}

// list is the glance at a slice or an array.
func (g *glances) list(t reflect.Type, s *jsonschema.Schema) glance {
	if s.Enum != nil {
		return nil
	}
	var item glance
	if s.Items2020 != nil {
		item = g.of(t.Elem(), s.Items2020)
	}
	return func(v reflect.Value) bool {
		if !within(v.Len(), s.MinItems, s.MaxItems) {
			return false
		}
		for i := 0; s.Items2020 != nil && i < v.Len(); i++ {
			if !item.holds(v.Index(i)) {
				return false
			}
		}
		return true
	}
}

// entries is the glance at a map, or at a set, which is a list to schemas.
func (g *glances) entries(t reflect.Type, s *jsonschema.Schema) glance {
	if s.Enum != nil {
		return nil
	}
	var item glance
	items, asked := s.AdditionalProperties.(*jsonschema.Schema)
	if asked {
		item = g.of(t.Elem(), items)
	}
	return func(v reflect.Value) bool {
		if !within(v.Len(), s.MinProperties, s.MaxProperties) || !within(v.Len(), s.MinItems, s.MaxItems) {
			return false
		}
		for entries := v.MapRange(); asked && entries.Next(); {
			if !item.holds(entries.Value()) {
				return false
			}
		}
		return true
	}
}

// glancedField is a field of a struct of which something is asked.
type glancedField struct {
	index []int
	glance
	none bool // it may be none, which it is where an embedded pointer before it is nil
}

// fields is the glance at a struct, which may be inside of itself.
func (g *glances) fields(t reflect.Type, s *jsonschema.Schema) glance {
	if s.Ref == nil || s.Enum != nil || s.MinProperties != nil || s.MaxProperties != nil {
		return nil
	}
	made, known := g.structs[t]
	if !known {
		made = new(glance)
		g.structs[t] = made
		*made = glanceFields(g.fieldsOf(t, s.Ref.Properties))
	}
	return func(v reflect.Value) bool { return (*made)(v) }
}

func (g *glances) fieldsOf(t reflect.Type, asked map[string]*jsonschema.Schema) []glancedField {
	var held []glancedField
	fields, _ := value.FieldsOf(t) // of one that has none so nothing is asked
	for _, f := range fields {
		if s := asked[f.Name]; s != nil {
			held = append(held, glancedField{f.Index, g.of(t.FieldByIndex(f.Index).Type, s), takesNone(s)})
		}
	}
	return held
}

func glanceFields(held []glancedField) glance {
	return func(v reflect.Value) bool {
		for i := range held {
			f := &held[i]
			field, err := v.FieldByIndexErr(f.index)
			if err != nil && !f.none || err == nil && !f.holds(field) {
				return false
			}
		}
		return true
	}
}
