package value_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// nativesPath is the file that has the Go expressions of the vectors as compiled Go.
const nativesPath = "natives_test.go"

// native is what an expression of the vectors is.
type native struct {
	name  string
	value any
}

// must returns the first of two results, of which the second says whether there is one. The expressions use it.
func must[T any](v T, failed any) T {
	if ok, said := failed.(bool); said && !ok || !said && failed != nil {
		panic(failed)
	}
	return v
}

// alikeFrom is from how many equal items on an expression repeats one.
const alikeFrom = 16

// expression is a Go expression of a decoded value; besides value and the standard library it uses must.
func expression(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case bool:
		return strconv.FormatBool(x)
	case int64:
		return intExpression(x)
	case float64:
		return floatExpression(x)
	case complex128:
		return "complex(" + floatExpression(real(x)) + ", " + floatExpression(imag(x)) + ")"
	case string:
		return textExpression(x)
	case []byte:
		return "[]byte(" + textExpression(string(x)) + ")"
	case *big.Int:
		return bigExpression(x)
	case *big.Rat:
		return fmt.Sprintf("new(big.Rat).SetFrac(%s, %s)", bigExpression(x.Num()), bigExpression(x.Denom()))
	case proto.Message:
		return messageExpression(x.ProtoReflect())
	default:
		if text, ok := clockExpression(v); ok {
			return text
		}
		return containerExpression(v)
	}
}

func intExpression(n int64) string {
	switch n {
	case math.MaxInt64:
		return "int64(math.MaxInt64)"
	case math.MinInt64:
		return "int64(math.MinInt64)"
	}
	return fmt.Sprintf("int64(%d)", n)
}

func floatExpression(f float64) string {
	switch {
	case math.IsNaN(f) && math.Signbit(f):
		return "math.Copysign(math.NaN(), -1)"
	case math.IsNaN(f):
		return "math.NaN()"
	case math.IsInf(f, 0):
		return fmt.Sprintf("math.Inf(%+d)", map[bool]int{true: 1, false: -1}[f > 0])
	case f == 0 && math.Signbit(f):
		return "math.Copysign(0, -1)"
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// textExpression writes long texts of one part as often as it stands there.
func textExpression(s string) string {
	for size := 1; size <= 4 && len(s) >= 300; size++ {
		if n := len(s) / size; strings.Repeat(s[:size], n) == s {
			return fmt.Sprintf("strings.Repeat(%s, %d)", strconv.Quote(s[:size]), n)
		}
	}
	return strconv.Quote(s)
}

func bigExpression(n *big.Int) string {
	if n.IsInt64() {
		return fmt.Sprintf("big.NewInt(%d)", n.Int64())
	}
	return fmt.Sprintf("must(new(big.Int).SetString(%q, 10))", n.String())
}

func messageExpression(m protoreflect.Message) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", m.Interface()), "*")
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		return fmt.Sprintf("func() *%s { m := &%s{}; m.ProtoReflect().SetUnknown(%s); return m }()", name, name, expression([]byte(unknown)))
	}
	var fields []string
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if !m.Has(f) {
			continue
		}
		held := m.Get(f)
		text := held.String()
		if f.IsList() {
			var items []string
			for j := range held.List().Len() {
				items = append(items, strconv.Quote(held.List().Get(j).String()))
			}
			text = "[]string{" + strings.Join(items, ", ") + "}"
		}
		fields = append(fields, strings.ToUpper(string(f.Name()[:1]))+string(f.Name()[1:])+": "+text)
	}
	return "&" + name + "{" + strings.Join(fields, ", ") + "}"
}

// literal is a composite literal without the fields that are zero.
func literal(name string, pairs ...any) string {
	var set []string
	for i := 0; i < len(pairs); i += 2 {
		if text := fmt.Sprint(pairs[i+1]); !slices.Contains([]string{"", "0", "false"}, text) {
			set = append(set, fmt.Sprintf("%s: %s", pairs[i], text))
		}
	}
	return name + "{" + strings.Join(set, ", ") + "}"
}

func dateExpression(d value.Date) string {
	return literal("value.Date", "Year", d.Year, "Month", int(d.Month), "Day", d.Day)
}

func clockExpression(v any) (string, bool) {
	switch x := v.(type) {
	case time.Time:
		return momentExpression(x), true
	case value.LocalDateTime:
		return literal("value.LocalDateTime", "Date", dateExpression(x.Date), "Hour", x.Hour, "Minute", x.Minute, "Second", x.Second,
			"Nanosecond", x.Nanosecond, "Fold", x.Fold), true
	case value.Date:
		return dateExpression(x), true
	case value.TimeOfDay:
		return literal("value.TimeOfDay", "Hour", x.Hour, "Minute", x.Minute, "Second", x.Second, "Nanosecond", x.Nanosecond,
			"HasOffset", x.HasOffset, "Offset", x.Offset, "Fold", x.Fold), true
	case time.Duration:
		return fmt.Sprintf("time.Duration(%d)", int64(x)), true
	case value.Timedelta:
		return literal("value.Timedelta", "Days", x.Days, "Nanoseconds", x.Nanoseconds), true
	case value.Decimal:
		return fmt.Sprintf("value.MustDecimal(%q)", x), true
	case value.UUID:
		return fmt.Sprintf("must(value.ParseUUID(%q))", x), true
	}
	return "", false
}

// momentExpression names the zone if there is one of that name; of two moments that a clock shows alike, time.Date takes either.
func momentExpression(t time.Time) string {
	date := func(t time.Time, zone string) string {
		return fmt.Sprintf("time.Date(%d, %d, %d, %d, %d, %d, %d, %s)", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	}
	if t.Location() == time.UTC {
		return date(t, "time.UTC")
	}
	_, offset := t.Zone()
	name := t.Location().String()
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "UTC" || valuetest.Difference(t, t.In(zone)) != "" {
		return date(t, fmt.Sprintf("time.FixedZone(%q, %d)", name, offset))
	}
	loaded := fmt.Sprintf("must(time.LoadLocation(%q))", name)
	reading := value.LocalDateTimeOf(t)
	first := reading.In(zone)
	reading.Fold = true
	if reading.In(zone).Equal(first) {
		return date(t, loaded)
	}
	return date(t.UTC(), "time.UTC") + ".In(" + loaded + ")"
}

func containerExpression(v any) string {
	switch x := v.(type) {
	case []any:
		return listExpression(x)
	case value.Tuple:
		return "value.Tuple{" + expressions(x) + "}"
	case value.Set:
		return "value.Set{" + expressions(x) + "}"
	case value.FrozenSet:
		return "value.FrozenSet{" + expressions(x) + "}"
	case *value.Dict:
		var pairs []any
		for k, held := range x.All() {
			pairs = append(pairs, k, held)
		}
		return "value.NewDict(" + expressions(pairs) + ")"
	case value.Record:
		var items []string
		for _, f := range x.Fields {
			items = append(items, fmt.Sprintf("{Name: %q, Value: %s}", f.Name, expression(f.Value)))
		}
		if len(items) == 0 {
			return fmt.Sprintf("value.Record{Class: %q}", x.Class)
		}
		return fmt.Sprintf("value.Record{Class: %q, Fields: []value.Field{%s}}", x.Class, strings.Join(items, ", "))
	case value.Enum:
		return fmt.Sprintf("value.Enum{Class: %q, Name: %q, Value: %s}", x.Class, x.Name, expression(x.Value))
	case value.Opaque:
		return fmt.Sprintf("value.Opaque{TypeURL: %q, Bytes: %s}", x.TypeURL, expression(x.Bytes))
	case value.Unknown:
		return fmt.Sprintf("value.Unknown{Kind: %d, Bytes: %s}", x.Kind, expression(x.Bytes))
	default:
		panic(fmt.Sprintf("no expression of a %T", v))
	}
}

func listExpression(items []any) string {
	counted, alike := len(items) > 100, len(items) > alikeFrom
	for i, item := range items {
		counted = counted && item == any(int64(i))
		alike = alike && valuetest.Difference(items[0], item) == ""
	}
	switch {
	case counted:
		return fmt.Sprintf("func() (items []any) { for i := range int64(%d) { items = append(items, i) }; return items }()", len(items))
	case alike:
		return fmt.Sprintf("slices.Repeat([]any{%s}, %d)", expression(items[0]), len(items))
	}
	return "[]any{" + expressions(items) + "}"
}

func expressions(items []any) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = expression(item)
	}
	return strings.Join(texts, ", ")
}

// nativesSource is the Go file that has the expressions of these vectors.
func nativesSource(t testing.TB, vectors []vector) []byte {
	t.Helper()
	var body strings.Builder
	for _, v := range vectors {
		fmt.Fprintf(&body, "\t\t{%q, %s},\n", v.Name, v.Go)
	}
	paths := map[string]string{
		"durationpb": "google.golang.org/protobuf/types/known/durationpb", "emptypb": "google.golang.org/protobuf/types/known/emptypb",
		"fieldmaskpb": "google.golang.org/protobuf/types/known/fieldmaskpb", "timestamppb": "google.golang.org/protobuf/types/known/timestamppb",
	}
	var b strings.Builder
	b.WriteString("// Code generated by go test ./value -run Vectors -update; DO NOT EDIT.\n\npackage value_test\n\nimport (\n\t\"math\"\n\t\"math/big\"\n\t\"slices\"\n\t\"strings\"\n\t\"time\"\n\n")
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		fmt.Fprintf(&b, "\t%q\n", paths[name])
	}
	b.WriteString("\n\t\"github.com/grpc-tool-bridge/toolbridge/value\"\n)\n\n// natives are the values of the vectors' Go expressions.\nfunc natives() []native {\n\treturn []native{\n")
	b.WriteString(body.String() + "\t}\n}\n")
	source, err := format.Source([]byte(b.String()))
	require.NoError(t, err, "an expression of the vectors is no Go")
	return source
}

// committedVectors are those of the files, in the order of their names.
func committedVectors(t testing.TB) []vector {
	t.Helper()
	var all []vector
	for _, name := range slices.Sorted(maps.Keys(vectorFiles())) {
		raw, err := os.ReadFile(filepath.Join("testdata", "vectors", name+".json"))
		require.NoError(t, err)
		var contents struct{ Vectors []vector }
		require.NoError(t, json.Unmarshal(raw, &contents))
		all = append(all, contents.Vectors...)
	}
	return all
}

func TestTheGoExpressionsOfTheVectorsAreCompiledAsTheyAre(t *testing.T) {
	t.Parallel()
	source := nativesSource(t, committedVectors(t))
	committed, err := os.ReadFile(nativesPath)
	require.NoError(t, err)
	require.True(t, bytes.Equal(committed, source), "%s has other expressions: go test ./value -run Vectors -update", nativesPath)
}

func TestTheVectorsAreTheValuesOfTheirGoExpressionsBothWays(t *testing.T) {
	t.Parallel()
	vectors, all := committedVectors(t), natives()
	require.Len(t, all, len(vectors))
	for i, v := range vectors {
		require.Equal(t, v.Name, all[i].name)
		encoded := unpacked(t, v.Any)

		decoded, err := value.Decode(encoded)
		require.NoError(t, err, v.Name)
		require.Empty(t, valuetest.Difference(all[i].value, decoded), "%s: %s", v.Name, v.Go)

		again, err := value.Encode(all[i].value)
		require.NoError(t, err, v.Name)
		require.Equal(t, v.Any, serialized(t, again), "%s: %s", v.Name, v.Go)
	}
}

func TestOtherGoTypesThanTheVectorsOwnHaveTheirBytes(t *testing.T) {
	t.Parallel()
	known := map[string]string{}
	for _, v := range committedVectors(t) {
		known[v.Name] = v.Any
	}
	type text string
	type UUID [16]byte
	type keyed struct {
		Key string `json:"key"`
	}
	type lower struct {
		A uint8 `json:"a"`
		B uint8 `json:"b"`
	}
	type other struct {
		B int `json:"b"`
		A int `json:"a"`
	}
	minusZero := math.Copysign(0, -1)
	for name, others := range map[string][]any{
		"int 42":                     {42, int8(42), int16(42), int32(42), uint(42), uint8(42), uint16(42), uint32(42), uint64(42), big.NewInt(42), json.Number("42")},
		"int 2**64-1":                {uint64(math.MaxUint64), json.Number("18446744073709551615")},
		"edge -(2**7)":               {int8(math.MinInt8)},
		"int 65535":                  {uint16(math.MaxUint16)},
		"float 0.1 of 32 bits":       {float32(0.1)},
		"float -0.0":                 {float32(minusZero)},
		"float -nan":                 {float32(math.Copysign(math.NaN(), -1))},
		"float inf":                  {float32(math.Inf(1))},
		"float 1.5":                  {float32(1.5), json.Number("1.5")},
		"complex":                    {complex64(complex(1, -2.5))},
		"complex -0.0":               {complex64(complex(minusZero, minusZero))},
		"complex -0.0 and 0.0":       {complex64(complex(minusZero, 0))},
		"complex 0.0 and -0.0":       {complex64(complex(0, minusZero))},
		"complex nan and inf":        {complex64(complex(math.NaN(), math.Inf(-1)))},
		"str ascii":                  {text("hello")},
		"list empty":                 {[]int{}, []string(nil), [0]int{}},
		"list 1 2 3":                 {[]int{1, 2, 3}, []uint16{1, 2, 3}, [3]int64{1, 2, 3}, []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3)}},
		"list mixed":                 {[]any{nil, true, 1, float32(1.5), text("a"), []any{}, map[string]any{}}},
		"list 1.0":                   {[]float64{1}, []float32{1}, [1]float64{1}},
		"list -0.0":                  {[]float64{minusZero}, []float32{float32(minusZero)}},
		"run of ints at the edges":   {[]int64{math.MinInt64, math.MaxInt64, 0, -1}},
		"dict empty":                 {map[string]int{}, map[int]string(nil), struct{}{}},
		"dict key value":             {map[string]any{"key": "value"}, map[text]text{"key": "value"}, keyed{"value"}},
		"dict keys ascending":        {map[string]int{"a": 1, "b": 2}, lower{1, 2}},
		"dict keys not ascending":    {value.NewDict("b", 1, "a", 2), other{1, 2}},
		"key int":                    {map[int]string{7: "v"}, map[uint8]string{7: "v"}},
		"key true":                   {map[bool]string{true: "v"}},
		"tuple of ints":              {value.Tuple{1, 2}},
		"set of ints":                {value.SetOf(3, -1, 200, 2), value.Set{200, 2, -1, 3}},
		"frozenset of ints":          {value.FrozenSetOf(2, 1)},
		"matrix of ints":             {[][]int{{1, 2}, {3, 4}}, [2][2]int8{{1, 2}, {3, 4}}},
		"embedding":                  {[]float64{0.25, -0.5, 1, 0}, []float32{0.25, -0.5, 1, 0}},
		"uuid":                       {UUID(must(value.ParseUUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")))},
		"timedelta 36h":              {36 * time.Hour, value.Timedelta{Days: 1, Nanoseconds: int64(12 * time.Hour)}},
		"datetime of another offset": {time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("Europe/Berlin", 5*3600))},
		"datetime Europe/Berlin":     {must(time.Parse(time.RFC3339Nano, "2024-05-06T05:08:09.000001Z")).In(zone("Europe/Berlin"))},
		"datetime first of a repeated hour": {
			value.LocalDateTime{Date: value.Date{Year: 2024, Month: 10, Day: 27}, Hour: 2, Minute: 30}.In(zone("Europe/Berlin")),
		},
		"record": {&value.Record{Class: "Point", Fields: []value.Field{{Name: "x", Value: 1}, {Name: "y", Value: 2.5}}}},
	} {
		want, ok := known[name]
		require.True(t, ok, "no vector is called %s", name)
		for _, other := range others {
			got, err := value.Encode(other)
			require.NoError(t, err, "%s: %T %v", name, other, other)
			require.Equal(t, want, serialized(t, got), "%s: %T %v", name, other, other)
		}
	}
}
