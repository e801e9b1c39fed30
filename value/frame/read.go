package frame

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// Read reads a table from an Arrow IPC stream and checks it. It keeps data, which must not be changed afterwards. A compressed stream may
// grow to 64 times its bytes and 10 MiB.
func Read(kind string, data []byte) (t *Table, err error) { return read(kind, data, new(int64)) }

// read reads a table where others took so much out of proportion before.
func read(kind string, data []byte, taken *int64) (t *Table, err error) {
	defer recovered(&err, "read")
	if !known(kind) {
		return nil, failf("$", "unknown kind of table %q", kind)
	}
	if err := verifyStream(data); err != nil {
		return nil, malformed(kind, err)
	}
	size := int64(len(data))
	allocator := newBounded(len(data), taken)
	defer allocator.settle(taken)
	r, err := ipc.NewReader(bytes.NewReader(data), ipc.WithAllocator(allocator),
		ipc.WithBodySizeLimit(max(size, 1)), ipc.WithMetadataSizeLimit(max(size, 1)))
	if err != nil {
		return nil, malformed(kind, err)
	}
	t = &Table{kind: kind, encoded: data, schema: r.Schema()}
	for r.Next() {
		b := r.RecordBatch()
		b.Retain()
		if err := checkBatch(b, rowLimit(data)); err != nil {
			return nil, err
		}
		t.batches = append(t.batches, b)
		t.rows += int(b.NumRows())
	}
	if err := r.Err(); err != nil {
		return nil, blamed(kind, data, t.schema, err, taken)
	}
	return t, nil
}

func malformed(kind string, err error) error {
	return failf("$", "malformed %s: %s", kind, shortened(err.Error())).
		With("expected", "an Arrow IPC stream").With("got", "malformed or truncated bytes")
}

// rowLimit is how many rows a stream may have: columns of nulls take no bytes for theirs, so there is some leeway.
func rowLimit(data []byte) int { return rowLimitOf(len(data)) }

func rowLimitOf(bytes int) int { return 1<<22 + 8*bytes }

// checkBatch checks offsets, lengths and indices, so that later reading cannot go out of bounds.
func checkBatch(b arrow.RecordBatch, limit int) error {
	if b.NumRows() < 0 || b.NumRows() > int64(limit) {
		return failf("$", "%d rows in a stream that can hold %d", b.NumRows(), limit)
	}
	for i, column := range b.Columns() {
		if int64(column.Len()) != b.NumRows() {
			return failf("$"+step(b.ColumnName(i)), "column %q has %d rows instead of %d", b.ColumnName(i), column.Len(), b.NumRows())
		}
		if err := checkArray(column, limit); err != nil {
			return failf("$"+step(b.ColumnName(i)), "column %q is malformed: %s", b.ColumnName(i), shortened(err.Error()))
		}
	}
	return nil
}

func checkArray(a arrow.Array, limit int) error {
	if a.Len() > limit {
		return failf("$", "%d items in a stream that can hold %d", a.Len(), limit)
	}
	if err := checkBuffers(a); err != nil {
		return err
	}
	if v, ok := a.(interface{ ValidateFull() error }); ok {
		if err := v.ValidateFull(); err != nil {
			return err
		}
	}
	switch x := a.(type) {
	case *array.Dictionary:
		return checkDictionary(x, limit)
	case array.ListLike:
		return checkArray(x.ListValues(), limit)
	case *array.Struct:
		for i := range x.NumField() {
			if err := checkArray(x.Field(i), limit); err != nil {
				return err
			}
		}
	case array.ExtensionArray:
		return checkArray(x.Storage(), limit)
	}
	return nil
}

// checkBuffers checks the bitmaps, whose lengths the library takes for granted.
func checkBuffers(a arrow.Array) error {
	data := a.Data()
	bits := data.Offset() + data.Len()
	for i, buffer := range data.Buffers() {
		if buffer == nil || i > 0 && a.DataType().ID() != arrow.BOOL || i > 1 {
			continue
		}
		if a.DataType().ID() == arrow.DENSE_UNION || a.DataType().ID() == arrow.SPARSE_UNION {
			continue
		}
		if buffer.Len() > 0 && buffer.Len()*8 < bits || i == 1 && buffer.Len()*8 < bits {
			return failf("$", "a bitmap of %d bytes for %d rows", buffer.Len(), bits)
		}
	}
	return nil
}

func checkDictionary(d *array.Dictionary, limit int) error {
	for i := range d.Len() {
		if !d.IsNull(i) {
			if at := d.GetValueIndex(i); at < 0 || at >= d.Dictionary().Len() {
				return failf("$", "category %d of %d", at, d.Dictionary().Len())
			}
		}
	}
	return checkArray(d.Dictionary(), limit)
}
