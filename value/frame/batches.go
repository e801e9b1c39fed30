package frame

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// batchBytes is about how long the parts are that a long record batch is written in.
	batchBytes = 1 << 20
	// longBatch is how long a record batch is that is written in parts.
	longBatch = 2 << 20
	// batchLimit is how long a record batch of a table that is larger than one message may be, unless a bridge sets another limit.
	batchLimit = 10 << 20
)

// writeBatch writes a record batch: a long one in parts of fewer rows, so that whoever passes the table on, or reads it batch by batch,
// needs little memory.
func writeBatch(b arrow.RecordBatch, write func(arrow.RecordBatch) error) error {
	b = compacted(b)
	defer b.Release()
	if roughSize(b) <= longBatch { // which is quicker to tell, and more for a part of a batch
		return write(b)
	}
	size, err := encodedSize(b)
	if err != nil || size <= longBatch {
		return firstError(err, func() error { return write(b) })
	}
	rows := max(1, b.NumRows()*batchBytes/size)
	for from := int64(0); from < b.NumRows(); from += rows {
		part := b.NewSlice(from, min(from+rows, b.NumRows()))
		err := writePart(part, write)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// roughSize is how many bytes the columns of a record batch have in memory.
func roughSize(b arrow.RecordBatch) uint64 {
	n := uint64(0)
	for _, column := range b.Columns() {
		n += column.Data().SizeInBytes()
	}
	return n
}

// writePart writes a part of a record batch, in halves if its rows are much longer than others. One row may be over the limit here:
// such a table can be made, though not sent.
func writePart(part arrow.RecordBatch, write func(arrow.RecordBatch) error) error {
	part = compacted(part)
	defer part.Release()
	size, err := encodedSize(part)
	if err != nil || size <= batchLimit || part.NumRows() == 1 {
		return firstError(err, func() error { return write(part) })
	}
	half := part.NumRows() / 2
	for _, rows := range [][2]int64{{0, half}, {half, part.NumRows()}} {
		piece := part.NewSlice(rows[0], rows[1])
		err := writePart(piece, write)
		piece.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func firstError(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

// encodedSize is how many bytes a record batch takes in a stream, without its dictionaries.
func encodedSize(b arrow.RecordBatch) (int64, error) {
	p, err := ipc.GetRecordBatchPayload(b)
	if err != nil {
		return 0, err
	}
	defer p.Release()
	var n counter
	if err := p.SerializeBody(&n); err != nil {
		return 0, err
	}
	meta := p.Meta()
	defer meta.Release()
	return int64(n) + int64(meta.Len()), nil
}

// writeTo is writeBatch into a buffer, which gets room for all of a long record batch first: one that grows copies what it has again and
// again.
func writeTo(out *bytes.Buffer, b arrow.RecordBatch, write func(arrow.RecordBatch) error) error {
	b = compacted(b)
	defer b.Release()
	if roughSize(b) > longBatch {
		size, err := encodedSize(b)
		if err != nil {
			return err
		}
		out.Grow(int(size + size/128)) // what its parts say of themselves
	}
	return writeBatch(b, write)
}

// counter counts what is written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// sendable returns the table's stream with no batch over the limit. One that was read from elsewhere may have such.
func (t *Table) sendable() ([]byte, error) {
	if len(t.encoded) <= batchLimit {
		return t.encoded, nil
	}
	if withinLimit(t.encoded) {
		return t.encoded, nil
	}
	again, err := FromBatches(t.kind, t.schema, t.batches)
	switch {
	case err != nil:
		return nil, err
	case !withinLimit(again.encoded):
		return nil, tooLong(0, t.batches...)
	default:
		return again.encoded, nil
	}
}

func withinLimit(stream []byte) bool {
	var meter tool.TableMeter
	return meter.Pass(stream, batchLimit) == nil
}

// tooLong is the error of batches of which a row or a dictionary is too long to be sent; the row, which is counted from first, is named
// with its longest column.
func tooLong(first int64, batches ...arrow.RecordBatch) error {
	var named error
	for _, batch := range batches {
		err := writeBatch(batch, func(part arrow.RecordBatch) error {
			size, err := encodedSize(part)
			if err == nil && size > batchLimit && part.NumRows() == 1 && named == nil {
				column := longestColumn(part)
				named = overLimit("row %d of a table has %d bytes, most of them in column %.60q", first, size, column).With("column", column)
			}
			first += part.NumRows()
			return err
		})
		if err := cmp.Or(named, err); err != nil {
			return err
		}
	}
	return overLimit("the categories of a column of a table are too long")
}

func overLimit(format string, about ...any) *tool.Error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: %s; the limit of a record batch is %d bytes: send long texts or bytes as values of their own", fmt.Sprintf(format, about...), batchLimit).
		With("limit", strconv.Itoa(batchLimit))
}

// longestColumn is the name of the column that has the most bytes.
func longestColumn(b arrow.RecordBatch) (name string) {
	most := int64(-1)
	for i, column := range b.Columns() {
		alone := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{b.Schema().Field(i)}, nil), []arrow.Array{column}, b.NumRows())
		if size, err := encodedSize(alone); err == nil && size > most {
			most, name = size, b.ColumnName(i)
		}
		alone.Release()
	}
	return name
}
