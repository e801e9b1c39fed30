package frame

import (
	"bytes"
	"io"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

const urlPrefix = "type.googleapis.com/"

// Extension makes a codec decode tables as *Table and encode those. Typed decoding makes a slice of structs or maps of
// a table's rows, or a *Reader.
func Extension() value.Extension { return extension{} }

type extension struct{}

// Encode implements value.Extension.
func (extension) Encode(v any) (tool.Value, bool, error) {
	switch t := v.(type) {
	case *Table:
		if t != nil {
			return t.encode()
		}
	case Table:
		return t.encode()
	case *Reader:
		if t != nil {
			data, err := t.hold()
			return tool.Value{TypeURL: urlPrefix + t.kind, Bytes: data}, err == nil, err
		}
	}
	return tool.Value{}, false, nil
}

func (t *Table) encode() (tool.Value, bool, error) {
	data, err := t.sendable()
	return tool.Value{TypeURL: urlPrefix + t.kind, Bytes: data}, err == nil, err
}

// Decode implements value.Extension.
func (extension) Decode(v tool.Value) (any, bool, error) {
	return extension{}.DecodeWithin(v, new(int64))
}

// DecodeWithin implements value.BoundedExtension.
func (extension) DecodeWithin(v tool.Value, taken *int64) (any, bool, error) {
	kind := tool.TableKind(v.TypeURL)
	if !known(kind) {
		return nil, false, nil
	}
	t, err := read(kind, v.Bytes, taken)
	if err != nil {
		return nil, false, err
	}
	return t, true, nil
}

// Assign implements value.Extension.
func (extension) Assign(decoded, target any) (bool, error) {
	t, ok := decoded.(*Table)
	if !ok {
		return false, nil
	}
	switch to := target.(type) {
	case *Table:
		*to = *t
		return true, nil
	case *Reader:
		return true, to.OpenTable(t.kind, io.NopCloser(bytes.NewReader(t.encoded)))
	}
	return false, nil
}

// Rows implements value.RowExtension.
func (extension) Rows(decoded any, want value.RowsWanted) ([]any, bool, error) {
	t, ok := decoded.(*Table)
	if !ok {
		return nil, false, nil
	}
	rows, err := t.records(want)
	return rows, err == nil, err
}
