package tool

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
)

// Tables carries the tables of a call that are larger than one message, in pieces, beside the call: those of its arguments to
// the host, that of its result to the caller. An Arrow stream's pieces come in order, and an empty piece ends it. The
// methods of each direction are called by one goroutine at a time.
type Tables interface {
	// Count is how many tables come with the arguments.
	Count() int
	// Next returns the next piece of the arguments' tables, which is valid until Next is called again; io.EOF behind the end of the
	// last.
	Next(ctx context.Context) ([]byte, error)
	// Takes reports whether the caller takes a result in pieces.
	Takes() bool
	// Put hands over the next piece of the result's table, and waits while the caller is slow. Kind is what stands behind the slash
	// of the table's type URL, with every piece the same; empty if a host did not say it. The piece is the caller's again when it
	// returns.
	Put(ctx context.Context, kind string, piece []byte) error
	// Moved reports whether a piece of either direction was handed over. Such a call cannot be made again.
	Moved() bool
}

const (
	// TablePieceBytes is how long a piece of a table is at most.
	TablePieceBytes = 60 << 10
	// DefaultTableBytes is how many bytes the tables of a call may have that travel in pieces: 1 GiB.
	DefaultTableBytes = 1 << 30

	streamedPrefix = "stream.dspex.bridge/"
)

// IsTable reports whether values of a type URL are tables: Arrow streams.
func IsTable(typeURL string) bool {
	switch messageName(typeURL) {
	case "pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series", "pyarrow.Table", "numpy.ndarray":
		return true
	default:
		return false
	}
}

// StreamedTable returns what stands for a table that travels in pieces as the nth of its direction.
func StreamedTable(table Value, index int) Value {
	return StandIn(TableKind(table.TypeURL), index, len(table.Bytes))
}

// StandIn returns what stands for a table of a kind that travels in pieces as the nth of its direction; size is 0 where it is not
// known yet.
func StandIn(kind string, index, size int) Value {
	var b []byte
	if index > 0 {
		b = binary.AppendUvarint(append(b, 1<<3), uint64(index))
	}
	if size > 0 {
		b = binary.AppendUvarint(append(b, 2<<3), uint64(size))
	}
	return Value{TypeURL: streamedPrefix + kind, Bytes: b}
}

// TableKind is what stands behind the slash of a table's type URL, such as "pandas.DataFrame".
func TableKind(typeURL string) string { return messageName(typeURL) }

// Streamed returns which table a value stands for: how many came before it, and how long it says that it will be. Ok is
// false for every other value.
func (v Value) Streamed() (index, size uint64, ok bool) {
	if !strings.HasPrefix(v.TypeURL, streamedPrefix) {
		return 0, 0, false
	}
	for b := v.Bytes; len(b) > 1; {
		number, n := binary.Uvarint(b[1:])
		if n <= 0 {
			break
		}
		switch b[0] {
		case 1 << 3:
			index = number
		case 2 << 3:
			size = number
		}
		b = b[1+n:]
	}
	return index, size, true
}

// SplitTables puts what stands for them in the place of tables among values, the largest first, until the rest has at most so many
// bytes, and returns the tables. Values and what they point to are the caller's own. Without enough tables it changes nothing.
func SplitTables(values []*Value, limit int) []Value {
	size, left := 0, 0
	for _, v := range values {
		size += v.Size()
		if !IsTable(v.TypeURL) {
			left += v.Size()
		}
	}
	if left > limit {
		return nil
	}
	var tables []Value
	for size > limit {
		largest := largestTable(values)
		if largest == nil {
			return nil
		}
		stands := StreamedTable(*largest, len(tables))
		size -= largest.Size() - stands.Size()
		tables = append(tables, *largest)
		*largest = stands
	}
	return tables
}

func largestTable(values []*Value) *Value {
	var largest *Value
	for _, v := range values {
		if !strings.HasPrefix(v.TypeURL, streamedPrefix) && IsTable(v.TypeURL) && (largest == nil || v.Size() > largest.Size()) {
			largest = v
		}
	}
	return largest
}

// PutTable hands a table's bytes to put piece by piece, and then the end.
func PutTable(table []byte, put func(piece []byte) error) error {
	for len(table) > 0 {
		n := min(len(table), TablePieceBytes)
		if err := put(table[:n]); err != nil {
			return err
		}
		table = table[n:]
	}
	return put(nil)
}

// TableBuffer puts tables together that come in pieces.
type TableBuffer struct {
	// Limit is how many bytes they may have together.
	Limit int
	// Hints are how long the tables may be, in their order, as far as that is known.
	Hints  map[uint64]uint64
	tables [][]byte
	open   []byte
	size   int
}

// Add takes the next piece. The error is MessageTooLarge.
func (t *TableBuffer) Add(piece []byte) error {
	if len(piece) == 0 {
		t.tables, t.open = append(t.tables, t.open), nil
		return nil
	}
	if t.size += len(piece); t.size > t.Limit {
		return TablesTooLarge(t.size, t.Limit)
	}
	if len(t.open)+len(piece) > cap(t.open) {
		t.grow(len(piece))
	}
	t.open = append(t.open, piece...)
	return nil
}

// grow makes room for a piece: no more than what has come is worth, and not beyond the end that is expected.
func (t *TableBuffer) grow(n int) {
	have := len(t.open) + n
	size := max(have+have/4, 1<<20)
	if hint := t.Hints[uint64(len(t.tables))]; hint >= uint64(have) {
		size = int(min(hint, uint64(max(4*have, 1<<20))))
	}
	t.open = append(make([]byte, 0, size), t.open...)
}

// Fill puts the table in the place of a value that stands for it. Other values stay as they are.
func (t *TableBuffer) Fill(v *Value) error {
	index, _, ok := v.Streamed()
	if !ok {
		return nil
	}
	kind := v.TypeURL[len(streamedPrefix):]
	if index >= uint64(len(t.tables)) || t.tables[index] == nil || !IsTable(kind) {
		return Errorf(SerializationError, "a value stands for table %d of kind %s in pieces, but %d tables came, each for one value", index, shown(kind), len(t.tables)).With("path", "$")
	}
	*v = Value{TypeURL: "type.googleapis.com/" + kind, Bytes: t.tables[index]}
	t.tables[index] = nil
	return nil
}

// TablesTooLarge is the error of tables that have more bytes than may travel in pieces with one call.
func TablesTooLarge(size, limit int) *Error {
	return Errorf(MessageTooLarge, "message too large: tables in pieces: %d bytes and more with one call, the limit is %d; send less at once", size, limit).
		With("limit", strconv.Itoa(limit)).With("size", strconv.Itoa(size))
}

// WithTables returns a call whose arguments hold the tables that came in pieces; the call itself if there are none.
func WithTables(ctx context.Context, call *Call) (*Call, error) {
	if call.Tables == nil || call.Tables.Count() == 0 {
		return call, withoutTables(call)
	}
	return withTables(ctx, call, call.Tables.Count())
}

// withTables returns a call whose arguments hold the first tables, and whose other tables have not begun to come.
func withTables(ctx context.Context, call *Call, count int) (*Call, error) {
	own := *call
	own.Args = append([]Value(nil), call.Args...)
	own.Kwargs = append([]Keyword(nil), call.Kwargs...)
	values := own.Values()
	buffer := TableBuffer{Limit: DefaultTableBytes, Hints: map[uint64]uint64{}}
	for _, v := range values {
		if index, size, ok := v.Streamed(); ok {
			buffer.Hints[index] = size
		}
	}
	all := count == call.Tables.Count()
	for all || len(buffer.tables) < count {
		piece, err := call.Tables.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = buffer.Add(piece)
		}
		if err != nil {
			return nil, err
		}
	}
	left := !all
	for _, v := range values {
		if index, _, ok := v.Streamed(); ok && left && index == uint64(count) {
			left = false // it is read while it comes
			continue
		}
		if err := buffer.Fill(v); err != nil {
			return nil, err
		}
	}
	return &own, nil
}

// withoutTables refuses values that stand for tables of which none came.
func withoutTables(call *Call) error {
	var none TableBuffer
	for i := range call.Args {
		if strings.HasPrefix(call.Args[i].TypeURL, streamedPrefix) {
			return none.Fill(&call.Args[i])
		}
	}
	for i := range call.Kwargs {
		if strings.HasPrefix(call.Kwargs[i].Value.TypeURL, streamedPrefix) {
			return none.Fill(&call.Kwargs[i].Value)
		}
	}
	return nil
}

// Values returns pointers to the values of all arguments.
func (c *Call) Values() []*Value {
	values := make([]*Value, 0, len(c.Args)+len(c.Kwargs))
	for i := range c.Args {
		values = append(values, &c.Args[i])
	}
	for i := range c.Kwargs {
		values = append(values, &c.Kwargs[i].Value)
	}
	return values
}
