package value

import (
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ToJSON gives the JSON form of an encoded value.
func ToJSON(v tool.Value) ([]byte, error) { return plainCodec().ToJSON(v) }

// EncodeJSON gives the JSON form of a Go value.
func EncodeJSON(v any) ([]byte, error) { return plainCodec().EncodeJSON(v) }

// ToJSON gives the JSON form of an encoded value.
func (c *Codec) ToJSON(v tool.Value) ([]byte, error) {
	// Tables have one JSON form whether or not this codec can read them, so extensions are not asked.
	bare := *c
	bare.extensions = nil
	decoded, err := bare.Decode(v)
	if err != nil {
		return nil, err
	}
	return c.EncodeJSON(decoded)
}

// EncodeJSON gives the JSON form of a Go value.
func (c *Codec) EncodeJSON(v any) ([]byte, error) {
	w := jsonWriter{encoder: encoder{codec: c, again: true}, out: make([]byte, 0, 64)}
	if f := w.value(v, 1); f != nil {
		return nil, f.err()
	}
	return w.out, nil
}

// jsonWriter writes the JSON form.
type jsonWriter struct {
	encoder
	out []byte
}

func (w *jsonWriter) value(v any, level int) *failure {
	if i, ok := asInt(v); ok {
		w.integer(strconv.AppendInt(nil, i, 10))
		return nil
	}
	switch x := v.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, x)
	case float64:
		w.float(x)
	case string:
		return w.text(x)
	case []byte:
		w.tagged("$bytes", x)
	default:
		return w.rare(v, level)
	}
	return nil
}

// rare goes on where value ends.
func (w *jsonWriter) rare(v any, level int) *failure {
	if !native(v) {
		return w.converted(v, level)
	}
	if isContainer(v) {
		if level > MaxDepth {
			return tooDeep()
		}
		return w.container(v, level).through(identity(v))
	}
	switch x := v.(type) {
	case *big.Int:
		if manyDigits(x) {
			return tooManyDigits()
		}
		w.integer(x.Append(nil, 10))
	case *big.Rat:
		if manyDigits(x.Num()) || manyDigits(x.Denom()) {
			return tooManyDigits()
		}
		w.tag("$fraction", "["+x.Num().String()+","+x.Denom().String()+"]")
	case complex128:
		w.out = append(w.out, `{"$complex":[`...)
		w.float(real(x))
		w.out = append(w.out, ',')
		w.float(imag(x))
		w.out = append(w.out, "]}"...)
	case Opaque:
		return w.opaque(x, level)
	case Unknown:
		return w.opaque(Opaque{urlTagged, x.Bytes}, level)
	case proto.Message:
		return w.message(x)
	default:
		return w.textual(v)
	}
	return nil
}

// textual writes the kinds that are a text in both forms.
func (w *jsonWriter) textual(v any) *failure {
	switch x := v.(type) {
	case time.Time:
		s, f := datetimeText(x)
		if f != nil {
			return f
		}
		w.tag("$datetime", `"`+s+`"`)
	case LocalDateTime:
		return w.checked("$datetime", x.valid(), x.String())
	case Date:
		return w.checked("$date", x.valid(), x.String())
	case TimeOfDay:
		return w.checked("$time", x.valid(), x.String())
	case time.Duration:
		return w.checked("$timedelta", true, timedeltaOf(x).String())
	case Timedelta:
		return w.checked("$timedelta", x.valid(), x.String())
	case Decimal:
		return w.checked("$decimal", true, x.String())
	case UUID:
		return w.checked("$uuid", true, x.String())
	default:
		return failf("a %T has no JSON form", v)
	}
	return nil
}

func (w *jsonWriter) checked(tag string, valid bool, s string) *failure {
	if !valid {
		return failf("%s is out of range", s)
	}
	w.tag(tag, `"`+s+`"`)
	return nil
}

// converted writes what is not one of the codec's own types by what it stands for.
func (w *jsonWriter) converted(v any, level int) *failure {
	if encoded, ok, f := w.extended(v); f != nil {
		return f
	} else if ok {
		return w.opaque(Opaque(encoded), level)
	}
	n, f := w.normal(v)
	if f != nil {
		return f
	}
	return w.value(n, level).through(identity(v))
}

// tag writes an object with one key.
func (w *jsonWriter) tag(tag, contents string) {
	w.out = append(w.out, '{', '"')
	w.out = append(w.out, tag...)
	w.out = append(w.out, '"', ':')
	w.out = append(w.out, contents...)
	w.out = append(w.out, '}')
}

func (w *jsonWriter) tagged(tag string, b []byte) {
	w.tag(tag, `"`+base64.StdEncoding.EncodeToString(b)+`"`)
}

func (w *jsonWriter) integer(digits []byte) {
	if w.codec.intsAsText {
		w.out = append(append(append(w.out, '"'), digits...), '"')
		return
	}
	w.out = append(w.out, digits...)
}

func (w *jsonWriter) float(f float64) {
	switch {
	case math.IsNaN(f) && math.Signbit(f):
		w.tag("$float", `"-NaN"`)
	case math.IsNaN(f):
		w.tag("$float", `"NaN"`)
	case math.IsInf(f, 1):
		w.tag("$float", `"Infinity"`)
	case math.IsInf(f, -1):
		w.tag("$float", `"-Infinity"`)
	default:
		w.out = appendFloat(w.out, f)
	}
}

func (w *jsonWriter) text(s string) *failure {
	if !utf8.ValidString(s) {
		return badText(s)
	}
	w.out = appendText(w.out, s)
	return nil
}

// appendText quotes a text as Python's json does with ensure_ascii off.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(append(b, s[start:i]...), '\\')
		start = i + 1
		if at := strings.IndexByte("\"\\\b\f\n\r\t", c); at >= 0 {
			b = append(b, `"\bfnrt`[at])
			continue
		}
		b = append(b, 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return append(append(b, s[start:]...), '"')
}

// checkSize refuses what can be no value that fits. It is asked after every part, for what is small in memory may be large in JSON: one that
// is there many times.
func (w *jsonWriter) checkSize() *failure {
	if len(w.out) > jsonInflation*w.codec.maxBytes {
		return tooLarge(w.codec.maxBytes)
	}
	return nil
}

// jsonInflation is how much longer the JSON form may be than the encoded one: every byte of a text may become \u0000.
const jsonInflation = 8

// opaque writes tables by their kind, whatever else is unknown by its type URL. A table under another host than ours is written with
// its URL, which its kind alone would lose.
func (w *jsonWriter) opaque(x Opaque, level int) *failure {
	name, ok := frameName(x.TypeURL)
	if ok && w.codec.rows {
		return w.rowsOf(x, level)
	}
	if ok && x.TypeURL == urlPrefix+name {
		w.tag("$frame", `{"kind":"`+name+`","arrow":"`+base64.StdEncoding.EncodeToString(x.Bytes)+`"}`)
		return nil
	}
	if !utf8.ValidString(x.TypeURL) {
		return badText(x.TypeURL)
	}
	w.packed(x.TypeURL, x.Bytes)
	return nil
}

func (w *jsonWriter) packed(url string, b []byte) {
	quoted := string(appendText(nil, url))
	w.tag("$any", `{"type_url":`+quoted+`,"base64":"`+base64.StdEncoding.EncodeToString(b)+`"}`)
}

// rowsOf writes a table as a list of its rows.
func (w *jsonWriter) rowsOf(x Opaque, level int) *failure {
	for _, extension := range w.codec.extensions {
		table, ok, err := extension.Decode(tool.Value(x))
		if err != nil {
			return foreign(err)
		}
		if !ok {
			continue
		}
		rower, ok := extension.(RowExtension)
		if !ok {
			continue
		}
		rows, ok, err := rower.Rows(table, RowsWanted{ToShow: true})
		if err != nil {
			return foreign(err)
		}
		if ok {
			return w.value(rows, level)
		}
	}
	return failf("this program cannot read a %s, and so not write its rows", afterSlash(x.TypeURL))
}

// frameName returns the kind of table, series or array that a type URL names.
func frameName(url string) (string, bool) {
	switch name := afterSlash(url); name {
	case "pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series", "pyarrow.Table", "numpy.ndarray":
		return name, true
	}
	return "", false
}
