package valuetest

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Difference says where two values first differ, in type or value, and how; "" if they do not. A NaN equals a NaN of the
// same sign, 0.0 is not -0.0, dicts and records have an order, sets have none, a datetime has its offset and the name
// of its zone.
func Difference(want, got any) string { return difference("$", want, got) }

func difference(path string, want, got any) string {
	if reflect.TypeOf(want) != reflect.TypeOf(got) {
		return fmt.Sprintf("%s: want a %T, got a %T (%.80s)", path, want, got, fmt.Sprint(got))
	}
	switch w := want.(type) {
	case []any:
		return ofItems(path, w, got.([]any))
	case value.Tuple:
		return ofItems(path, w, got.(value.Tuple))
	case value.Set:
		return ofSets(path, w, got.(value.Set))
	case value.FrozenSet:
		return ofSets(path, w, got.(value.FrozenSet))
	case *value.Dict:
		return ofDicts(path, w, got.(*value.Dict))
	case value.Record:
		return ofRecords(path, w, got.(value.Record))
	case value.Enum:
		g := got.(value.Enum)
		if w.Class != g.Class || w.Name != g.Name {
			return differs(path, want, got)
		}
		return difference(path+".value", w.Value, g.Value)
	default:
		return ofScalars(path, want, got)
	}
}

func ofScalars(path string, want, got any) string {
	var same bool
	switch w := want.(type) {
	case float64:
		same = sameFloat(w, got.(float64))
	case complex128:
		g := got.(complex128)
		same = sameFloat(real(w), real(g)) && sameFloat(imag(w), imag(g))
	case time.Time:
		g := got.(time.Time)
		same = w.Format(time.RFC3339Nano) == g.Format(time.RFC3339Nano) && offset(w) == offset(g) && w.Location().String() == g.Location().String()
	case *big.Int:
		same = w.Cmp(got.(*big.Int)) == 0
	case *big.Rat:
		same = w.Cmp(got.(*big.Rat)) == 0
	case proto.Message:
		same = proto.Equal(w, got.(proto.Message))
	case []byte:
		same = bytes.Equal(w, got.([]byte))
	case value.Opaque:
		g := got.(value.Opaque)
		same = w.TypeURL == g.TypeURL && bytes.Equal(w.Bytes, g.Bytes)
	default:
		same = reflect.DeepEqual(want, got)
	}
	if same {
		return ""
	}
	return differs(path, want, got)
}

func differs(path string, want, got any) string {
	return fmt.Sprintf("%s: want %T %.200s, got %.200s", path, want, fmt.Sprint(want), fmt.Sprint(got))
}

// offset is in seconds, which RFC 3339 does not write.
func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}

func sameFloat(a, b float64) bool {
	return math.Float64bits(canonical(a)) == math.Float64bits(canonical(b))
}

func ofItems(path string, want, got []any) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%s: want %d items, got %d", path, len(want), len(got))
	}
	for i := range want {
		if d := difference(fmt.Sprintf("%s[%d]", path, i), want[i], got[i]); d != "" {
			return d
		}
	}
	return ""
}

// ofSets looks for each item that is wanted among those that are there, because 1 and 1.0 are equal as items.
func ofSets(path string, want, got []any) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%s: want %d items, got %d", path, len(want), len(got))
	}
	found := make([]bool, len(got))
	for _, w := range want {
		at := -1
		for i, g := range got {
			if !found[i] && difference(path, w, g) == "" {
				at = i
				break
			}
		}
		if at < 0 {
			return fmt.Sprintf("%s: the item %T %.80s is missing in %.200s", path, w, fmt.Sprint(w), fmt.Sprint(got))
		}
		found[at] = true
	}
	return ""
}

func ofDicts(path string, want, got *value.Dict) string {
	wantKeys, wantValues := split(want)
	gotKeys, gotValues := split(got)
	if d := ofItems(path+".keys()", wantKeys, gotKeys); d != "" {
		return d
	}
	return ofItems(path+".values()", wantValues, gotValues)
}

func split(d *value.Dict) (keys, values []any) {
	for k, v := range d.All() {
		keys, values = append(keys, k), append(values, v)
	}
	return keys, values
}

func ofRecords(path string, want, got value.Record) string {
	if want.Class != got.Class || len(want.Fields) != len(got.Fields) {
		return differs(path, want, got)
	}
	for i, w := range want.Fields {
		g := got.Fields[i]
		if w.Name != g.Name {
			return fmt.Sprintf("%s: want field %q, got %q", path, w.Name, g.Name)
		}
		if d := difference(path+"."+w.Name, w.Value, g.Value); d != "" {
			return d
		}
	}
	return ""
}
