package typed

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// oddKey begins what stands in an object for a key that is no text: its place and its step in a path follow, each behind an oddKey. Steps of
// long keys alone may be the same.
const oddKey = "\x00"

// nameOf is the name in an object of the nth key of a dict.
func nameOf(n int, key any) string {
	if name, ok := key.(string); ok {
		return name
	}
	return oddKey + strconv.Itoa(n) + oddKey + value.Step(key)
}

// stepOf is the step of a path to what an object has under a name.
func stepOf(name string) string {
	if odd, is := strings.CutPrefix(name, oddKey); is {
		_, step, _ := strings.Cut(odd, oddKey)
		return step
	}
	return value.Step(name)
}

// A plainer brings values into the form that the validator reads.
type plainer struct {
	nan    json.Number // what stands for NaN, which lies within no bounds: so it is looked at as one above all and as one below all
	sawNaN bool
}

const (
	infinite = "1e400"
	aboveAll = json.Number(infinite + "1") // 1e4001
	belowAll = json.Number("-" + infinite + "1")
)

// plain turns a decoded value into the form that the validator reads: objects as those of their fields, members of enumerations as their
// values, tuples and sets as lists, objects of which only the text came as that. What is not JSON (dates, bytes) becomes an object, which a
// schema that leaves it open takes and one that wants text or a number refuses. What is infinite becomes a number that no float reaches, for
// JSON has none.
func (p *plainer) plain(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int64:
		return v
	case float64:
		return p.float(v)
	case *big.Int:
		return json.Number(v.String())
	case value.UUID:
		return v.String()
	case value.Opaque:
		if text, is := v.Text(); is {
			return text
		}
		return notJSON()
	case value.Enum:
		return p.plain(v.Value)
	case []any:
		return p.items(v)
	case value.Tuple:
		return p.items(v)
	case value.Set:
		return p.items(v)
	case value.FrozenSet:
		return p.items(v)
	case *value.Dict:
		return p.dict(v)
	case value.Record:
		object := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			object[f.Name] = p.plain(f.Value)
		}
		return object
	default:
		return notJSON()
	}
}

func (p *plainer) float(f float64) any {
	switch {
	case math.IsNaN(f):
		p.sawNaN = true
		return p.nan
	case math.IsInf(f, 1):
		return json.Number(infinite)
	case math.IsInf(f, -1):
		return json.Number("-" + infinite)
	}
	return f
}

func (p *plainer) items(values []any) []any {
	items := make([]any, len(values))
	for i := range values {
		items[i] = p.plain(values[i])
	}
	return items
}

func (p *plainer) dict(d *value.Dict) any {
	object := make(map[string]any, d.Len())
	for key, item := range d.All() {
		object[nameOf(len(object), key)] = p.plain(item)
	}
	return object
}

// notJSON stands for what JSON cannot say.
func notJSON() any { return map[string]any{"$value": nil} }
