package value

import (
	"math"
	"unicode/utf8"
)

// exactInt is the largest int up to which every int is a double of its own.
const exactInt = 1 << 53

// The fields of google.protobuf.Value.
const (
	plainNull   = 1
	plainNumber = 2
	plainText   = 3
	plainBool   = 4
	plainStruct = 5
	plainItems  = 6
)

// lossless reports whether a list or dict is small and can be written as ListValue or Struct without loss.
func (e *encoder) lossless(v any) bool {
	c := counter{encoder: e, elements: smallElements, levels: smallLevels}
	if e.codec.plain {
		c.elements, c.levels = e.codec.maxBytes, MaxDepth
	}
	switch v.(type) {
	case []any, []int64, []int, []float64, []string, map[string]any, members, *Dict:
		return c.fits(v, 1)
	}
	return false
}

// counter counts elements against what is left of the limits.
type counter struct {
	*encoder
	elements int
	levels   int
}

func (c *counter) fits(v any, level int) bool {
	if c.elements--; c.elements < 0 {
		return false
	}
	if i, ok := asInt(v); ok {
		return -exactInt <= i && i <= exactInt
	}
	switch x := v.(type) {
	case nil, bool:
		return true
	case string:
		return utf8.ValidString(x)
	case float64:
		return losslessFloat(x)
	}
	if native(v) {
		return level <= c.levels && c.fitsContainer(v, level)
	}
	if c.extends(v) {
		return false
	}
	n, f := c.normal(v)
	if f != nil || level > c.levels+1 {
		return false
	}
	c.elements++
	return c.fits(n, level)
}

func losslessFloat(f float64) bool {
	return !math.IsNaN(f) && !math.IsInf(f, 0) && (f != math.Trunc(f) || math.Abs(f) > exactInt)
}

func (c *counter) fitsContainer(v any, level int) bool {
	switch x := v.(type) {
	case []any:
		return c.fitsAll(x, level)
	case *Dict:
		return (len(x.keys) == 0 || ascending(x.keys)) && c.validKeys(x.keys) && c.fitsAll(x.values, level)
	case map[string]any:
		return c.fitsMap(x, level)
	case members:
		return c.fitsMembers(x, level)
	case []int64:
		return fitsEach(c, x, level)
	case []int:
		return fitsEach(c, x, level)
	case []float64:
		return fitsEach(c, x, level)
	case []string:
		return fitsEach(c, x, level)
	}
	return false
}

func fitsEach[T any](c *counter, items []T, level int) bool {
	if len(items) > c.elements {
		return false
	}
	for _, item := range items {
		if !c.fits(item, level+1) {
			return false
		}
	}
	return true
}

func (c *counter) fitsAll(items []any, level int) bool {
	return fitsEach(c, items, level)
}

func (c *counter) fitsMap(m map[string]any, level int) bool {
	if len(m) > c.elements {
		return false
	}
	for k, v := range m {
		if !utf8.ValidString(k) || !c.fits(v, level+1) {
			return false
		}
	}
	return true
}

func (c *counter) fitsMembers(m members, level int) bool {
	for i, name := range m.names {
		if !utf8.ValidString(name) || i > 0 && name <= m.names[i-1] {
			return false
		}
	}
	return c.fitsAll(m.values, level)
}

func (c *counter) validKeys(keys []any) bool {
	for _, k := range keys {
		if s, _ := k.(string); !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

// plainList writes the items of a list that is lossless as a ListValue.
func (e *encoder) plainList(v any) {
	switch x := v.(type) {
	case []any:
		for i := len(x) - 1; i >= 0; i-- {
			e.plainItem(x[i])
		}
	case []int64:
		for i := len(x) - 1; i >= 0; i-- {
			e.plainNumberItem(float64(x[i]))
		}
	case []int:
		for i := len(x) - 1; i >= 0; i-- {
			e.plainNumberItem(float64(x[i]))
		}
	case []float64:
		for i := len(x) - 1; i >= 0; i-- {
			e.plainNumberItem(x[i])
		}
	case []string:
		for i := len(x) - 1; i >= 0; i-- {
			mark := e.len()
			e.text(plainText, x[i])
			e.close(1, mark)
		}
	}
}

func (e *encoder) plainItem(v any) {
	mark := e.len()
	e.plainValue(v)
	e.close(1, mark)
}

func (e *encoder) plainNumberItem(f float64) {
	e.plainFloat(f)
	e.byte(9)
	e.byte(1<<3 | 2)
}

func (e *encoder) plainFloat(f float64) {
	e.fixed64(math.Float64bits(f))
	e.byte(plainNumber<<3 | 1)
}

// plainValue writes a google.protobuf.Value.
func (e *encoder) plainValue(v any) {
	if i, ok := asInt(v); ok {
		e.plainFloat(float64(i))
		return
	}
	switch x := v.(type) {
	case nil:
		e.byte(0)
		e.byte(plainNull << 3)
	case bool:
		b := byte(0)
		if x {
			b = 1
		}
		e.byte(b)
		e.byte(plainBool << 3)
	case float64:
		e.plainFloat(x)
	case string:
		e.text(plainText, x)
	default:
		e.plainContainer(v)
	}
}

func (e *encoder) plainContainer(v any) {
	if !native(v) {
		n, _ := e.normal(v)
		e.plainValue(n)
		return
	}
	mark := e.len()
	if isDict(v) {
		e.plainDict(v)
		e.close(plainStruct, mark)
		return
	}
	e.plainList(v)
	e.close(plainItems, mark)
}

// plainDict writes the entries of a dict that is lossless as a Struct.
func (e *encoder) plainDict(v any) {
	switch x := v.(type) {
	case *Dict:
		for i := len(x.keys) - 1; i >= 0; i-- {
			name, _ := x.keys[i].(string)
			e.plainEntry(name, x.values[i])
		}
	case map[string]any:
		e.plainMembers(sortedMembers(x))
	case members:
		e.plainMembers(x)
	}
}

func (e *encoder) plainMembers(m members) {
	for i := len(m.names) - 1; i >= 0; i-- {
		e.plainEntry(m.names[i], m.values[i])
	}
}

func (e *encoder) plainEntry(name string, v any) {
	mark := e.len()
	e.plainValue(v)
	e.close(2, mark)
	e.text(1, name)
	e.close(1, mark)
}
