package frame

import (
	"bytes"
	"io"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// endMark is how many bytes the mark of a stream's end has.
const endMark = 8

// blamed is the error of a stream that the library could not read, with the path of the column that it could not read, if that is found:
// the library does not say which. A batch holds its columns one behind the other, so that it can be read as one of the first few only.
func blamed(kind string, data []byte, schema *arrow.Schema, err error, taken *int64) error {
	said := malformed(kind, err)
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
		return said
	}
	bad := sort.Search(columns, func(i int) bool { return !readable(i + 1) })
	if bad == columns || refused { // which says nothing of columns
		return said
	}
	name := schema.Field(bad).Name
	return failf("$"+step(name), "malformed %s: column %q: %s", kind, shortened(name), shortened(err.Error())).
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
	behind := data[schemaLength(data):]
	size := int64(len(data) + head.Len())
	stream := io.MultiReader(bytes.NewReader(head.Bytes()[:head.Len()-endMark]), bytes.NewReader(behind))
	r, err := ipc.NewReader(stream, ipc.WithAllocator(memory),
		ipc.WithBodySizeLimit(size), ipc.WithMetadataSizeLimit(size))
	if err != nil {
		return false
	}
	defer r.Release()
	for r.Next() {
		r.RecordBatch()
	}
	return r.Err() == nil
}
