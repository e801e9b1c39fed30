package value

import (
	"math"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// FromJSON encodes the value of which data is the JSON form.
func FromJSON(data []byte) (tool.Value, error) { return plainCodec().FromJSON(data) }

// DecodeJSON gives the Go value of which data is the JSON form.
func DecodeJSON(data []byte) (any, error) { return plainCodec().DecodeJSON(data) }

// FromJSON encodes the value of which data is the JSON form.
func (c *Codec) FromJSON(data []byte) (tool.Value, error) {
	bare := *c
	bare.extensions = nil
	v, f := bare.readJSON(data, true)
	if f != nil {
		return tool.Value{}, f.err()
	}
	return c.Encode(v)
}

// DecodeJSON gives the Go value of which data is the JSON form.
func (c *Codec) DecodeJSON(data []byte) (any, error) {
	v, f := c.readJSON(data, false)
	if f != nil {
		return nil, f.err()
	}
	return v, nil
}

// readJSON reads a text; packed reads lists of numbers into slices of them, as they are to be encoded.
func (c *Codec) readJSON(data []byte, packed bool) (any, *failure) {
	single, f := scanJSON(data, c.maxBytes)
	if f != nil {
		return nil, f
	}
	r := jsonReader{scanner: scanner{data: data, single: single, most: math.MaxInt}, decoder: decoder{codec: c}, packsRuns: packed}
	return r.read(1)
}

// jsonReader reads a text that scanner has checked, so that it need not look for errors of the grammar.
type jsonReader struct {
	scanner
	decoder
	packsRuns bool // lists of ints and of floats are read as []int64 and []float64, which take a third of the memory
}

// read reads a value. The level is that which it has if it is a container.
func (r *jsonReader) read(level int) (any, *failure) {
	switch r.next() {
	case '{':
		return r.readObject(level)
	case '[':
		return r.readList(level)
	case '"':
		return r.readText(), nil
	case 't':
		r.pos += len("true")
		return true, nil
	case 'f':
		r.pos += len("false")
		return false, nil
	case 'n':
		r.pos += len("null")
		return nil, nil
	}
	start := r.pos
	r.pos = r.numberEnd()
	return number(string(r.data[start:r.pos]))
}

// readText reads a quoted text.
func (r *jsonReader) readText() string {
	r.space()
	start := r.pos + 1
	end := start
	for r.data[end] != '"' {
		if r.data[end] == '\\' {
			end++
		}
		end++
	}
	r.pos = end + 1
	return unquote(r.data[start:end])
}

func (r *jsonReader) readList(level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	if r.packsRuns {
		return r.readPacked(level)
	}
	items, f := r.readItems(level)
	return items, f
}

// readPacked reads a list into a slice of numbers as long as it has no other items.
func (r *jsonReader) readPacked(level int) (any, *failure) {
	start := r.pos
	if run, ok := readRun[int64](r, level); ok {
		return run, nil
	}
	r.pos = start
	if run, ok := readRun[float64](r, level); ok {
		return run, nil
	}
	r.pos = start
	items, f := r.readItems(level)
	return items, f
}

// readRun reads a list whose items are all T, or reports that it is none.
func readRun[T int64 | float64](r *jsonReader, level int) ([]T, bool) {
	run := []T{}
	r.pos++
	for r.next() != ']' {
		if c := r.next(); c != '-' && (c < '0' || c > '9') {
			return nil, false
		}
		item, f := r.read(level + 1)
		n, ok := item.(T)
		if f != nil || !ok {
			return nil, false
		}
		run = append(run, n)
		if r.next() == ',' {
			r.pos++
		}
	}
	r.pos++
	return run, len(run) > 0
}

func (r *jsonReader) readItems(level int) ([]any, *failure) {
	items := []any{}
	r.pos++
	for r.next() != ']' {
		item, f := r.read(level + 1)
		if f != nil {
			return nil, f.index(len(items))
		}
		items = append(items, item)
		if r.next() == ',' {
			r.pos++
		}
	}
	r.pos++
	return items, nil
}

func (r *jsonReader) readObject(level int) (any, *failure) {
	if r.single.has(r.pos) {
		return r.readTagged(level)
	}
	return r.readDict(level)
}

// readDict reads an object as a dict, whatever its keys are.
func (r *jsonReader) readDict(level int) (*Dict, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	keys, values := []any{}, []any{}
	r.pos++
	for r.next() != '}' {
		key := r.readText()
		r.next()
		r.pos++
		v, f := r.read(level + 1)
		if f != nil {
			return nil, f.field(key)
		}
		keys, values = append(keys, key), append(values, v)
		if r.next() == ',' {
			r.pos++
		}
	}
	r.pos++
	return dictOf(keys, values, r.remembering())
}
