package typed

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// firstCause is the cause that is told of several. Those in the fields of an object, which the library finds in any order, it takes by name.
func firstCause(of *jsonschema.ValidationError) *jsonschema.ValidationError {
	first, depth := of.Causes[0], len(of.InstanceLocation)
	switch of.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference:
	default: // such as anyOf, whose causes are in the order of its schemas
		return first
	}
	for _, cause := range of.Causes[1:] {
		if len(first.InstanceLocation) > depth && len(cause.InstanceLocation) > depth &&
			stepBefore(cause.InstanceLocation[depth], first.InstanceLocation[depth]) {
			first = cause
		}
	}
	return first
}

// stepBefore reports whether a place of an item, or a name of a field, comes before another.
func stepBefore(a, b string) bool {
	i, errI := strconv.Atoi(a)
	j, errJ := strconv.Atoi(b)
	if errI == nil && errJ == nil {
		return i < j
	}
	return a < b
}

// explained says what a part of a value should be. A number is told with all its digits.
func explained(k jsonschema.ErrorKind, found any) string {
	switch k := k.(type) {
	case *kind.Minimum:
		return fmt.Sprintf("minimum: got %s, want %s", told(found), number(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("maximum: got %s, want %s", told(found), number(k.Want))
	case *kind.Enum:
		return (&kind.Enum{Got: k.Got, Want: withoutNearest32(k.Want)}).LocalizedString(message.NewPrinter(language.English))
	default:
		return k.LocalizedString(message.NewPrinter(language.English))
	}
}

// number writes a bound as the shortest text of its float, or of its float32, which a bound of a float32 may be.
func number(bound *big.Rat) string {
	f, _ := bound.Float64()
	if !bound.IsInt() && nearest32(f) == f {
		return strconv.FormatFloat(f, 'g', -1, 32)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func told(found any) string {
	switch found {
	case aboveAll, belowAll:
		return "NaN"
	case json.Number(infinite):
		return "Infinity"
	case json.Number("-" + infinite):
		return "-Infinity"
	}
	return fmt.Sprint(found)
}

// located returns a part of a value with its path in the form that values have, see docs/values.md.
func located(in any, steps []string) (path string, part any) {
	var b strings.Builder
	b.WriteByte('$')
	for _, step := range steps {
		switch held := in.(type) {
		case []any:
			b.WriteString("[" + step + "]")
			if i, err := strconv.Atoi(step); err == nil && i < len(held) {
				in = held[i]
			}
		case map[string]any:
			in = held[step]
			b.WriteString(stepOf(step))
		}
	}
	return b.String(), in
}
