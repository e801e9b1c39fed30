package typed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// checkOf is the check of an argument of a type with tags.
func checkOf(t *testing.T, of reflect.Type, tags reflect.StructTag) *check {
	t.Helper()
	codec := value.New()
	in := reflect.StructOf([]reflect.StructField{{Name: "Held", Type: of, Tag: tags}})
	p, err := newPlan(in, Options{Codec: codec})
	require.NoError(t, err)
	require.NoError(t, p.compileChecks("", false))
	require.NotNil(t, p.fields[0].check)
	return p.fields[0].check
}

// glanced returns whether a glance is sure of a Go value, and what the schema says is wrong with the form in which that was sent. What the
// glance is sure of is not wrong.
func glanced(t *testing.T, look glance, c *check, made reflect.Value, sent any) (sure bool, wrong string) {
	t.Helper()
	sure = look.holds(made)
	_, wrong = c.validate(sent)
	if sure {
		require.Empty(t, wrong, "%v of type %v, sent as %#v", made, made.Type(), sent)
	}
	return sure, wrong
}

// encoded is what a Go value is as it is decoded from what it is encoded as.
func encoded(t *testing.T, v any) any {
	t.Helper()
	sent, err := asSent(value.New(), v)
	require.NoError(t, err)
	return sent
}

type (
	color string
	grade int16
	node  struct {
		Name   string          `json:"name" min:"2" max:"4" pattern:"^[bré]"`
		Color  color           `json:"color" enum:"red|blue"`
		Grade  *grade          `json:"grade" enum:"1|2"`
		Level  uint64          `json:"level" max:"9"`
		Ratio  float64         `json:"ratio" min:"-0.5" max:"1e3"`
		Narrow float32         `json:"narrow" max:"0.5"`
		Alias  **string        `json:"alias" max:"4"`
		Tags   []string        `json:"tags" min:"1"`
		Pair   [2]leaf         `json:"pair"`
		Kids   []node          `json:"kids,omitempty" max:"2"`
		ByName map[string]leaf `json:"by_name,omitempty" min:"1"`
		ByID   map[int]*leaf   `json:"by_id,omitempty"`
		Set    map[int]any     `json:"set,omitempty" max:"1"`
		*Behind
		At *time.Time `json:"at"`
	}
	leaf struct {
		X int `json:"x" min:"0" max:"2"`
	}
	Behind struct {
		Deep string `json:"deep" enum:"a|b"`
	}
)

// quiet is a text in small letters, in whatever letters it is sent.
type quiet string

// MarshalText implements encoding.TextMarshaler.
func (q quiet) MarshalText() ([]byte, error) { return []byte(q), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (q *quiet) UnmarshalText(text []byte) error {
	*q = quiet(strings.ToLower(string(text)))
	return nil
}

// edges are values at which a constraint may say something else than at their neighbours, for each kind of type.
func edges(t reflect.Type) []any {
	switch t.Kind() {
	case reflect.Float32:
		return []any{float32(0), float32(0.1), float32(0.5), float32(1), math.Float32frombits(0x3dcccccc), float32(math.Inf(1)), float32(math.NaN()), float32(math.MaxFloat32)}
	case reflect.Float64:
		return []any{
			0.0, math.Copysign(0, -1), 0.1, 0.1 + 0.2, 0.3, 1.0, math.Nextafter(1, 0), math.Nextafter(1, 2), -1.0, 1e3, 1e21, 1e22, 1e300, 5e-324, -5e-324,
			math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(math.NaN(), -1), 9007199254740993.0, 0x1p60, 0x1p63,
		}
	case reflect.String:
		return []any{"", "a", "ab", "abc", "é", "éé", "ééé", "日本語", "👍🏽", "e\u0301", "a\n", "\nab", "red", "Red", "red ", "1", "null", "\x00", strings.Repeat("x", 1000)}
	case reflect.Bool:
		return []any{true, false}
	default:
		return []any{0, 1, 2, 3, -1, -2, 9, 10, 100, 127, -128, 255, 1<<53 + 1, 1 << 60, 1<<60 + 500, 1<<60 + 501, math.MaxInt64, math.MinInt64, uint64(1) << 63, uint64(math.MaxUint64)}
	}
}

func TestAGlanceAndTheSchemaSayTheSameOfEachKind(t *testing.T) {
	t.Parallel()
	numbers := []string{
		`min:"0"`, `min:"-0"`, `max:"0"`, `min:"1" max:"2"`, `min:"-9" max:"9"`, `min:"0.5"`, `max:"-1.5"`, `min:"0.3" max:"0.30000000000000004"`, `max:"0.1"`, `min:"5e-324"`, `max:"1e21"`, `min:"1e22"`,
		`max:"9007199254740993"`, `min:"1152921504606846976"`, `max:"1152921504606846976"`, `max:"9223372036854775807"`, `min:"9223372036854775807"`, `min:"-9223372036854775808"`,
		`max:"-9223372036854775808"`, `min:"-1e300" max:"1e300"`, `min:"1e300"`, `max:"-1e300"`,
	}
	texts := []string{`min:"1"`, `max:"0"`, `min:"2" max:"3"`, `pattern:"a"`, `pattern:"^a"`, `pattern:"b$"`, `pattern:"^ab$"`, `pattern:"^.$"`, `enum:"red|blue"`, `enum:"|1|null" max:"3"`, `pattern:"^r" enum:"red|Red"`}
	for _, c := range []struct {
		of     reflect.Type
		tags   []string
		unsure bool // whatever the tags are
	}{
		{of: reflect.TypeFor[int](), tags: append(numbers, `enum:"1|-2|9223372036854775807"`, `enum:"1|100" max:"9"`)},
		{of: reflect.TypeFor[grade](), tags: append(numbers, `enum:"1|-2"`)},
		{of: reflect.TypeFor[*int8](), tags: append(numbers, `enum:"1|-2"`)},
		{of: reflect.TypeFor[uint8](), tags: append(numbers, `enum:"1|255"`)},
		{of: reflect.TypeFor[float64](), tags: numbers},
		{of: reflect.TypeFor[**float64](), tags: numbers},
		{of: reflect.TypeFor[float32](), tags: numbers},
		{of: reflect.TypeFor[string](), tags: texts},
		{of: reflect.TypeFor[color](), tags: texts},
		{of: reflect.TypeFor[*string](), tags: texts},
		{of: reflect.TypeFor[uint64](), tags: append(numbers, `enum:"1|18446744073709551615"`), unsure: true}, // above an int64
		{of: reflect.TypeFor[float64](), tags: []string{`enum:"0|0.1|1e3"`}, unsure: true},
		{of: reflect.TypeFor[float32](), tags: []string{`enum:"0|0.1|1e3"`}, unsure: true},
		{of: reflect.TypeFor[bool](), tags: []string{`enum:"true"`}, unsure: true},
		{of: reflect.TypeFor[any](), tags: append(numbers, `enum:"1|2"`), unsure: true},
	} {
		for _, tags := range c.tags {
			held := checkOf(t, c.of, reflect.StructTag(tags))
			look := newGlances(false).of(c.of, held.schema)
			for _, v := range madeOf(c.of) {
				sent := encoded(t, v.Interface())
				sure, wrong := glanced(t, look, held, v, sent)
				require.True(t, sure || wrong != "" || c.unsure, "%v %s %v", c.of, tags, sent)
				glanced(t, held.sent, held, v, sent)
			}
		}
	}
}

// madeOf are the edges that a type can hold, and nil if it can hold that.
func madeOf(t reflect.Type) []reflect.Value {
	if t.Kind() == reflect.Pointer {
		made := []reflect.Value{reflect.Zero(t)}
		for _, v := range madeOf(t.Elem()) {
			p := reflect.New(t.Elem())
			p.Elem().Set(v)
			made = append(made, p)
		}
		return made
	}
	var made []reflect.Value
	for _, edge := range edges(t) {
		v := reflect.New(t)
		sent, err := value.Encode(edge)
		if err == nil && value.New().DecodeInto(sent, v.Interface()) == nil {
			made = append(made, v.Elem())
		}
	}
	return made
}

func TestAGlanceIsSureOnlyOfWhatKeepsTheSchemaInTheFormItWasSentIn(t *testing.T) {
	t.Parallel()
	member := func(v any) any { return value.Enum{Class: "Color", Name: "A", Value: v} }
	long := func(v any) any { return value.Enum{Class: strings.Repeat("C", 60), Name: "A", Value: v} } // of which paths show the same
	text := func(s string) any {
		return value.Opaque{TypeURL: "type.googleapis.com/python.Pattern", Bytes: []byte(s)}
	}
	for _, c := range []struct {
		of   reflect.Type
		tags reflect.StructTag
		sent []any // of which the first keeps the tags, and no other
	}{
		{reflect.TypeFor[float32](), `max:"0.7"`, []any{0.7, 0.700000001}}, // which are the same float32
		{reflect.TypeFor[float64](), `max:"3"`, []any{3, 4, math.NaN()}},
		{reflect.TypeFor[string](), `enum:"a|b"`, []any{member("a"), member("c"), text("c")}},
		{reflect.TypeFor[string](), `enum:"a|b"`, []any{text("a"), "c"}},
		{reflect.TypeFor[string](), `pattern:"^a$"`, []any{text("a"), text("b")}},
		{reflect.TypeFor[string](), `max:"36"`, []any{value.UUID{1}, strings.Repeat("a", 37)}},
		{reflect.TypeFor[quiet](), `pattern:"^[a-z]*$"`, []any{"a", "A"}},
		{reflect.TypeFor[[]int](), `max:"1"`, []any{value.Tuple{1}, value.SetOf(1, 2), value.Tuple{1, 2}}},
		{reflect.TypeFor[map[string]struct{}](), `min:"2"`, []any{value.SetOf("a", "b"), value.SetOf("a")}},
		{reflect.TypeFor[map[string]leaf](), `min:"2"`, []any{
			value.NewDict(long("a"), value.NewDict("x", 1), long("b"), value.NewDict("x", 1)),
			value.NewDict(long("a"), value.NewDict("x", 3), long("b"), value.NewDict("x", 1)),
			value.NewDict("a", value.NewDict("x", 1)),
			value.NewDict("a", value.NewDict("x", 1), "b", value.NewDict("x", 3)),
		}},
		{reflect.TypeFor[Behind](), ``, []any{value.Record{Class: "C", Fields: []value.Field{{Name: "deep", Value: "a"}}}, value.NewDict("deep", "c")}},
		{reflect.TypeFor[struct{ *Behind }](), ``, []any{value.NewDict("deep", "a"), value.NewDict("deep", nil)}},
		{reflect.TypeFor[*big.Int](), `max:"3"`, []any{3, 4}},
	} {
		held := checkOf(t, c.of, c.tags)
		for i, sent := range c.sent {
			encoded, err := value.Encode(sent)
			require.NoError(t, err)
			target := reflect.New(c.of)
			require.NoError(t, value.New().DecodeInto(encoded, target.Interface()))
			decoded, err := value.Decode(encoded)
			require.NoError(t, err)
			_, wrong := glanced(t, held.sent, held, target.Elem(), decoded)
			require.Equal(t, i == 0, wrong == "", "%v %s %#v: %s", c.of, c.tags, sent, wrong)
		}
	}
}

func TestAGlanceAndTheSchemaSayTheSameOfStructsThatAreMadeUp(t *testing.T) {
	t.Parallel()
	held := checkOf(t, reflect.TypeFor[[]node](), `max:"3"`)
	made := maker{rand.New(rand.NewPCG(4, 15))}
	took, refused := 0, 0
	for range 500 {
		v := reflect.New(reflect.TypeFor[[]node]()).Elem()
		made.fill(v, 3)
		sent := encoded(t, v.Interface())
		glanced(t, held.sent, held, v, sent)
		switch sure, wrong := glanced(t, held.made, held, v, sent); {
		case sure:
			took++
		case wrong != "":
			refused++
		}
		for i, row := range sent.([]any) {
			glanced(t, held.row.made, held.row, v.Index(i), row)
		}
	}
	require.Greater(t, took, 100, "refused: %d", refused)
	require.Greater(t, refused, 100, "took: %d", took)
}

// maker makes values up, most of them such as node asks for.
type maker struct{ *rand.Rand }

func (m maker) fill(v reflect.Value, levels int) {
	switch v.Kind() {
	case reflect.Pointer:
		if levels > 0 && m.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem(), levels-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Type != reflect.TypeFor[*time.Time]() {
				m.fill(v.Field(i), levels)
			}
		}
		if n, is := v.Addr().Interface().(*node); is && m.IntN(4) > 0 {
			n.Behind = &Behind{[]string{"a", "b", "c"}[min(m.IntN(60), 2)%3]}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), m.IntN(2*levels+1)/2, 9))
		m.items(v, levels)
	case reflect.Array:
		m.items(v, levels)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range m.IntN(levels + 1) {
			key, item := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			m.fill(key, levels-1)
			m.fill(item, levels-1)
			v.SetMapIndex(key, item)
		}
	case reflect.String:
		v.SetString([]string{"red", "blue"}[m.IntN(2)])
	case reflect.Interface:
		v.Set(reflect.ValueOf(m.IntN(3)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(m.Float64())
	case reflect.Uint64:
		v.SetUint(m.Uint64N(10))
	default:
		v.SetInt(m.Int64N(2) + 1)
	}
	if m.IntN(40) > 0 {
		return
	}
	if edges := madeOf(v.Type()); len(edges) > 0 {
		v.Set(edges[m.IntN(len(edges))])
	}
}

func (m maker) items(v reflect.Value, levels int) {
	for i := range v.Len() {
		m.fill(v.Index(i), levels-1)
	}
}
