package frame

import (
	"bytes"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// written is the Arrow stream of a reader's batches, written as it is read.
type written struct {
	reader *Reader
	writer *ipc.Writer
	ready  bytes.Buffer        // what was written and not read yet
	parts  []arrow.RecordBatch // of the batch that comes next
	row    int64               // the first of that
	err    error
}

func newWritten(r *Reader) *written {
	w := &written{reader: r}
	if w.err = checkSchema(r.Schema()); w.err != nil {
		return w
	}
	w.writer = ipc.NewWriter(&w.ready, ipc.WithSchema(r.Schema()))
	return w
}

// Read implements io.Reader.
func (w *written) Read(p []byte) (int, error) {
	for w.ready.Len() == 0 {
		if w.err != nil {
			return 0, w.err
		}
		w.err = w.write()
	}
	return w.ready.Read(p)
}

// write writes the next part of a batch, or the end, which is io.EOF.
func (w *written) write() (err error) {
	defer recovered(&err, "write")
	if len(w.parts) == 0 {
		if more, err := w.next(); !more {
			return err
		}
	}
	part := w.parts[0]
	w.parts[0], w.parts = nil, w.parts[1:]
	defer part.Release()
	before := w.ready.Len()
	if err := w.writer.Write(part); err != nil {
		return failf("$", "a batch of a %s cannot be written: %v", w.reader.kind, err)
	}
	if w.ready.Len()-before > batchLimit && !withinLimit(w.ready.Bytes()) {
		return tooLong(w.row, part)
	}
	w.row += part.NumRows()
	return nil
}

// next takes the next batch in parts.
func (w *written) next() (more bool, err error) {
	if !w.reader.Next() {
		if err := w.reader.Err(); err != nil {
			return false, err
		}
		if err := w.writer.Close(); err != nil {
			return false, failf("$", "the end of a %s cannot be written: %v", w.reader.kind, err)
		}
		return false, io.EOF
	}
	batch := w.reader.RecordBatch()
	return true, writeBatch(batch, func(part arrow.RecordBatch) error {
		part.Retain()
		w.parts = append(w.parts, part)
		return nil
	})
}

// whole is a reader's table where it was sent as a whole, for the codec may ask for it twice.
type whole struct {
	data []byte
	err  error
}

// hold reads the table as a whole, for a place in which it cannot travel in pieces.
func (r *Reader) hold() (data []byte, err error) {
	if r.held == nil {
		data, err := r.holdOnce()
		r.held = &whole{data, err}
	}
	return r.held.data, r.held.err
}

func (r *Reader) holdOnce() (data []byte, err error) {
	_, stream := r.SendTable()
	if stream == nil {
		return nil, failf("$", "a reader of a table that reads from nothing cannot be sent")
	}
	defer func() { _ = stream.Close() }() // what was read counts
	data, whole, err := tool.BeginTable(stream, batchLimit)
	if err == nil && !whole {
		err = tool.Errorf(tool.MessageTooLarge, "message too large: a table that is read batch by batch has more than %d bytes; a larger one has to be a whole argument or the whole result of a call over a link", batchLimit).
			With("limit", "10485760")
	}
	return data, err
}
