package value

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// quickly decodes runs of numbers without making Go values of their parts first.
func (d *decoder) quickly(v tool.Value, target any) (bool, *failure) {
	switch t := target.(type) {
	case *any:
		decoded, f := d.outermost(v)
		*t = decoded
		return true, f
	case *[]int64:
		return quickRun(v, fieldInts, func(p *parts) int { return p.ints }, int64s, t)
	case *[]float64:
		return quickRun(v, fieldFloats, func(p *parts) int { return p.floats }, float64s, t)
	}
	return false, nil
}

// quickScalar decodes a scalar in its own form into a place of its own type. It answers false for all others, and for what
// cannot be decoded: those go the long way, which says why.
func (c *Codec) quickScalar(v tool.Value, target any) bool {
	if v.Size() > c.maxBytes {
		return false
	}
	switch t := target.(type) {
	case *string:
		return t != nil && v.TypeURL == urlString && quickText(v.Bytes, t)
	case *int:
		return strconv.IntSize == 64 && quickNumber(v, urlInt, protowire.VarintType, t, func(n uint64) int { return int(n) })
	case *int64:
		return quickNumber(v, urlInt, protowire.VarintType, t, func(n uint64) int64 { return int64(n) })
	case *float64:
		return quickNumber(v, urlFloat, protowire.Fixed64Type, t, math.Float64frombits)
	case *bool:
		return quickNumber(v, urlBool, protowire.VarintType, t, func(n uint64) bool { return n != 0 })
	}
	return false
}

func quickText(b []byte, to *string) bool {
	contents, f := delimited(b, true)
	if f != nil {
		return false
	}
	*to = string(contents)
	return true
}

func quickNumber[T any](v tool.Value, url string, form protowire.Type, to *T, convert func(uint64) T) bool {
	if to == nil || v.TypeURL != url {
		return false
	}
	n, f := wrapped(v, form)
	if f == nil {
		*to = convert(n)
	}
	return f == nil
}

func quickRun[T any](v tool.Value, field protowire.Number, count func(*parts) int, read func([]byte, []T) []T, to *[]T) (bool, *failure) {
	if v.TypeURL != urlTagged || len(v.Bytes) > DefaultMaxBytes {
		return false, nil
	}
	p, f := scan(v.Bytes)
	if f != nil || p.kind != kindList || p.later || p.count() == 0 || count(&p) != p.count() {
		return false, nil
	}
	run, f := numbers(&p, field, p.count(), read)
	if f == nil {
		*to = run
	}
	return f == nil, f
}
