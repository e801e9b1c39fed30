package value

import (
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
	v, err := bare.DecodeJSON(data)
	if err != nil {
		return tool.Value{}, err
	}
	return c.Encode(v)
}

// DecodeJSON gives the Go value of which data is the JSON form.
func (c *Codec) DecodeJSON(data []byte) (any, error) {
	single, f := scanJSON(data)
	if f != nil {
		return nil, f.err()
	}
	r := jsonReader{scanner: scanner{data: data, single: single}, decoder: decoder{codec: c}}
	v, f := r.read(1)
	if f != nil {
		return nil, f.err()
	}
	return v, nil
}

// jsonReader reads a text that scanner has checked, so that it need not look for errors of the grammar.
type jsonReader struct {
	scanner
	decoder
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
	items, f := r.readItems(level)
	return items, f
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
	if r.single[r.pos] {
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
	return dictOf(keys, values)
}
