package frame

import (
	"bytes"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
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
		return nil, longRow()
	default:
		return again.encoded, nil
	}
}

func withinLimit(stream []byte) bool {
	var meter tool.TableMeter
	return meter.Pass(stream, batchLimit) == nil
}

// longRow is the error of a row that cannot be sent.
func longRow() error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: one row of a table, or its categories, has more than %d bytes, which is the limit of a record batch: send long texts or bytes as values of their own", batchLimit).
		With("limit", strconv.Itoa(batchLimit))
}
