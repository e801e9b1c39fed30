package frame

import (
	"bytes"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// endMark is how many bytes the mark of a stream's end has.
const endMark = 8

// blamed is the error of a stream that the library could not read, with the path of the column that it could not read, if that is found:
// the library does not say which. A batch holds its columns one behind the other, so that it can be read as one of the first few only.
func blamed(kind string, data []byte, schema *arrow.Schema, err error, taken *int64) error {
	whole := malformed(kind, err)
	columns := schema.NumFields()
	spent, refused := *taken, false
	readable := func(first int) bool {
		memory := newBounded(len(data), &spent)
		defer func() {
			memory.settle(&spent)
			refused = refused || memory.refused
		}()
		return readsColumns(data, schema, first, memory)
	}
	if columns == 0 || !readable(0) {
		return whole
	}
	bad := sort.Search(columns, func(i int) bool { return !readable(i + 1) })
	if bad == columns || refused { // which says nothing of columns
		return whole
	}
	name := schema.Field(bad).Name
	return failf("$"+step(name), "malformed %s: column %q: %s", kind, shortened(name), said(err.Error())).
		With("expected", "an Arrow IPC stream").With("got", "malformed or truncated bytes")
}

// readsColumns reports whether the batches of a stream that was verified can be read as ones of its first columns.
func readsColumns(data []byte, schema *arrow.Schema, first int, memory *bounded) (reads bool) {
	defer func() {
		if recover() != nil { // the library does so
			reads = false
		}
	}()
	var head bytes.Buffer
	w := ipc.NewWriter(&head, ipc.WithSchema(arrow.NewSchema(schema.Fields()[:first], nil)))
	if w.Close() != nil {
		return false
	}
	stream, err := verifyStream(data)
	if err != nil {
		return false
	}
	at, size, err := messageAt(head.Bytes())
	if err != nil {
		return false
	}
	stream.memory, stream.all[0].head = memory, head.Bytes()[at:at+size]
	r, err := ipc.NewReaderFromMessageReader(stream, ipc.WithAllocator(memory))
	if err != nil {
		return false
	}
	defer r.Release()
	for r.Next() {
		r.RecordBatch()
	}
	return r.Err() == nil
}

// blame is blamed for the batch that a reader got last and could not read.
func (r *Reader) blame(err error) error {
	schema, ok := withoutDictionaries(r.from.Schema())
	if !ok || r.stream.held == nil {
		return malformed(r.kind, err)
	}
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	if w.Close() != nil {
		return malformed(r.kind, err)
	}
	stream.Truncate(stream.Len() - endMark)
	for _, part := range [][]byte{r.stream.metadata, r.stream.held, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}} {
		stream.Write(part)
	}
	return blamed(r.kind, stream.Bytes(), schema, err, new(int64))
}

// withoutDictionaries is a schema whose batches can be read without the dictionaries that came before; it is not known where those are
// inside of other columns.
func withoutDictionaries(schema *arrow.Schema) (*arrow.Schema, bool) {
	fields := schema.Fields()
	for i, f := range fields {
		t := f.Type
		if x, ok := t.(arrow.ExtensionType); ok {
			t = x.StorageType()
		}
		if d, ok := t.(*arrow.DictionaryType); ok {
			t = d.IndexType
		}
		if _, ok := t.(arrow.NestedType); ok {
			return nil, false
		}
		fields[i] = arrow.Field{Name: f.Name, Type: t, Nullable: true}
	}
	return arrow.NewSchema(fields, nil), true
}
