package tool

import (
	"context"
	"errors"
	"io"
)

// TableSink is what reads a table while it comes, instead of when it is whole; package value/frame has one.
type TableSink interface {
	// OpenTable is given a table's kind, such as "pandas.DataFrame", and its Arrow stream. It reads as far as it needs to know that it is
	// one, and closes the stream when it is read no more.
	OpenTable(kind string, stream io.ReadCloser) error
}

// TableSource is a table that is made while it is sent.
type TableSource interface {
	// SendTable returns the table's kind and its Arrow stream, which is read once, and closed when nobody reads more of it; nil where
	// there is none.
	SendTable() (kind string, stream io.ReadCloser)
}

// OpenTable is the table of a call that is read while it comes.
type OpenTable struct {
	// Index is which of the call's tables it is.
	Index uint64

	ctx    context.Context //nolint:containedctx // that of the call
	tables Tables
	rest   []byte // of the piece that came last
	ended  bool
	size   int
}

// OpenTables is WithTables for a host that reads the last table while it comes. Its value stands for it still; all others are there. The
// table is nil where none comes in pieces.
func OpenTables(ctx context.Context, call *Call) (*Call, *OpenTable, error) {
	if call.Tables == nil || call.Tables.Count() == 0 {
		return call, nil, withoutTables(call)
	}
	last := uint64(call.Tables.Count() - 1)
	own, err := withTables(ctx, call, int(last))
	if err != nil {
		return nil, nil, err
	}
	return own, &OpenTable{Index: last, ctx: ctx, tables: call.Tables}, nil
}

// Read implements io.Reader. It waits for pieces.
func (t *OpenTable) Read(p []byte) (int, error) {
	for len(t.rest) == 0 {
		switch {
		case t.ctx.Err() != nil: // also once the tool has returned
			return 0, Errorf(Cancelled, "the call that the table belongs to has ended")
		case t.ended:
			return 0, io.EOF
		}
		piece, err := t.tables.Next(t.ctx)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		t.rest, t.ended = piece, len(piece) == 0
		if t.size += len(piece); t.size > DefaultTableBytes {
			return 0, TablesTooLarge(t.size, DefaultTableBytes)
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Close does nothing: the table belongs to its call.
func (t *OpenTable) Close() error { return nil }

// Fill reads the rest of the table and puts it in the place of the value that stands for it.
func (t *OpenTable) Fill(v *Value) error {
	_, size, _ := v.Streamed()
	buffer := TableBuffer{Limit: DefaultTableBytes, Hints: map[uint64]uint64{0: size}}
	for {
		piece, err := t.tables.Next(t.ctx)
		if err == nil {
			err = buffer.Add(piece)
		}
		if err != nil {
			return err
		}
		if len(piece) == 0 {
			break
		}
	}
	whole := StandIn(TableKind(v.TypeURL), 0, 0)
	if err := buffer.Fill(&whole); err != nil {
		return err
	}
	*v, t.ended = whole, true
	return nil
}

// FillPiece reads as much of a table's stream as fits, less only at its end or where it fails. The error is that of the stream.
func FillPiece(stream io.Reader, piece []byte) (n int, err error) {
	for n < len(piece) && err == nil {
		var more int
		more, err = stream.Read(piece[n:])
		n += more
	}
	return n, err
}

// BeginTable reads a table as it is made, up to a byte more than a limit, and says whether that is the whole of it.
func BeginTable(stream io.Reader, limit int) (begun []byte, whole bool, err error) {
	begun, err = io.ReadAll(io.LimitReader(stream, int64(limit)+1))
	return begun, len(begun) <= limit, err
}
