package frame

import (
	"bytes"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Reader is a table that is read batch by batch, for tables that need not, or cannot, be held as a whole. It is an array.RecordReader,
// which the packages of Arrow take and give, and is used by one goroutine.
//
//   - A tool whose argument is a *Reader runs while its table still comes, and holds back whoever sends it.
//   - Call[*Reader] returns when the result begins to come. Read it to its end, or Release it, which cancels a call that still runs; the
//     time limit of the call, and its context, hold until then.
//   - A tool that returns a *Reader, and a caller that gives one as an argument, have it read while it is sent; batches over 2 MiB are
//     sent in parts. A reader that was not read yet is passed on as it came, without loss.
//
// Only a whole argument and a whole result are read while they come. Elsewhere, as in a list, a stream or a variable, a *Reader stands for a
// table that fits one message, 10 MiB.
type Reader struct {
	kind    string
	from    array.RecordReader
	stream  *checked // of bytes that came; nil for a reader of batches made here
	close   io.Closer
	begun   bool
	checked checks
	rec     arrow.RecordBatch
	err     error
	done    bool

	retained int
	held     *whole
}

var (
	_ array.RecordReader = (*Reader)(nil)
	_ tool.TableSink     = (*Reader)(nil)
	_ tool.TableSource   = (*Reader)(nil)
)

// NewReader makes a reader of a kind of table that gives the batches of another reader, such as one of a file;
// array.ReaderFromIter makes one of an iterator. It releases that reader at its own end.
func NewReader(kind string, batches array.RecordReader) (*Reader, error) {
	if !known(kind) {
		return nil, failf("$", "unknown kind of table %q", kind)
	}
	return &Reader{kind: kind, from: batches}, nil
}

// Reader returns a reader of the table's batches.
func (t *Table) Reader() (*Reader, error) {
	batches, err := array.NewRecordReader(t.schema, t.batches)
	if err != nil {
		return nil, failf("$", "the table cannot be read: %v", err)
	}
	return NewReader(t.kind, batches)
}

// OpenTable implements tool.TableSink: it reads the schema. The reader is made anew.
func (r *Reader) OpenTable(kind string, stream io.ReadCloser) (err error) {
	if kind == "" {
		kind = PyarrowTable
	}
	*r = Reader{kind: kind, close: stream}
	defer func() {
		if err != nil {
			_ = stream.Close() // what went wrong is told already
		}
	}()
	defer recovered(&err, "read")
	if !known(kind) {
		return failf("$", "unknown kind of table %q", kind)
	}
	r.stream = newChecked(stream)
	from, err := ipc.NewReader(r.stream, ipc.WithAllocator(r.stream.memory), ipc.WithDelayReadSchema(false))
	if err != nil {
		return r.unread(err)
	}
	r.from = from
	return nil
}

// Kind returns what the table is in Python, such as PandasDataFrame.
func (r *Reader) Kind() string { return r.kind }

// Schema returns the Arrow schema with its metadata.
func (r *Reader) Schema() *arrow.Schema { return r.from.Schema() }

// Next waits for the next batch, which RecordBatch then returns. It is false behind the last one, or where Err says why not.
func (r *Reader) Next() (more bool) {
	if r.done {
		return false
	}
	r.begun = true
	defer func() {
		if !more {
			r.finish()
		}
	}()
	defer recovered(&r.err, "read")
	r.rec = nil
	if r.stream != nil {
		r.stream.forget()
	}
	if !r.from.Next() {
		if err := r.from.Err(); err != nil {
			r.err = r.unread(err)
		}
		return false
	}
	rec := r.from.RecordBatch()
	if r.stream != nil {
		if r.err = r.checked.batch(rec, rowLimitOf(r.stream.last)); r.err != nil {
			return false
		}
	}
	r.rec = rec
	return true
}

// unread says why bytes that came are no table.
func (r *Reader) unread(err error) error {
	var known *tool.Error
	if errors.As(err, &known) {
		return known
	}
	if r.stream == nil {
		return failf("$", "a batch of a %s cannot be read: %s", r.kind, shortened(err.Error()))
	}
	if r.stream.failed != nil && errors.As(r.stream.failed, &known) {
		return known
	}
	if r.from == nil {
		return malformed(r.kind, err)
	}
	return r.blame(err)
}

// RecordBatch returns the batch that Next found. It is valid until Next is called again, unless it is retained.
func (r *Reader) RecordBatch() arrow.RecordBatch { return r.rec }

// Record is RecordBatch under its former name.
//
// Deprecated: use RecordBatch.
func (r *Reader) Record() arrow.RecordBatch { return r.rec }

// Err says why Next was false, nil at the end of the table. It is a *tool.Error: that of the call, if the call failed meanwhile.
func (r *Reader) Err() error { return r.err }

// Retain counts one more Release that is needed to end reading.
func (r *Reader) Retain() { r.retained++ }

// Release ends reading, if it is called once more than Retain. After the end of the table it does nothing.
func (r *Reader) Release() {
	if r.retained--; r.retained < 0 {
		r.finish()
	}
}

// finish lets go of what the reader reads from.
func (r *Reader) finish() {
	r.done, r.rec = true, nil
	if r.from != nil && r.stream == nil {
		from := r.from
		r.from = released{from.Schema()}
		from.Release()
	}
	if r.close != nil {
		_ = r.close.Close() // nothing more is read from it
		r.close = nil
	}
}

// released stands for a reader that was let go.
type released struct{ schema *arrow.Schema }

func (released) Retain()                        {}
func (released) Release()                       {}
func (r released) Schema() *arrow.Schema        { return r.schema }
func (released) Next() bool                     { return false }
func (released) RecordBatch() arrow.RecordBatch { return nil }
func (released) Record() arrow.RecordBatch      { return nil }
func (released) Err() error                     { return nil }

// Table reads the rest of the table as a whole.
func (r *Reader) Table() (*Table, error) {
	kind, stream := r.SendTable()
	if stream == nil {
		return nil, failf("$", "a reader that was not made by a function of this package has no table")
	}
	defer r.finish()
	data, err := io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	return Read(kind, data)
}

// SendTable implements tool.TableSource. It gives what was not read yet.
func (r *Reader) SendTable() (kind string, stream io.ReadCloser) {
	switch {
	case r == nil || r.from == nil:
		return "", nil
	case r.stream != nil && !r.begun && !r.done:
		return r.kind, &sent{io.MultiReader(bytes.NewReader(r.stream.remembered), &rest{r}), r}
	default:
		return r.kind, &sent{newWritten(r), r}
	}
}

// sent is the stream of a reader that is sent.
type sent struct {
	io.Reader
	reader *Reader
}

// Close implements io.Closer.
func (s *sent) Close() error {
	s.reader.finish()
	return nil
}

// rest is the stream of a reader behind its schema, as it came.
type rest struct{ reader *Reader }

// Read implements io.Reader.
func (s *rest) Read(p []byte) (int, error) {
	r := s.reader
	if r.done {
		return 0, io.EOF
	}
	r.begun, r.stream.asIs = true, true
	r.stream.forget()
	n, err := r.stream.Read(p)
	if err != nil {
		if err != io.EOF { //nolint:errorlint // which is never wrapped
			err = r.unread(err)
		}
		r.finish()
	}
	return n, err
}
