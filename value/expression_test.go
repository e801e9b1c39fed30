package value_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

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
