package toolbridge

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// carried are the tables of one call that are larger than one message: those of its arguments on their way to the bridge, and that of
// its result as it comes. It implements tool.Tables.
type carried struct {
	// moved says that a piece was handed over, and spent that what moved cannot be had again. Both directions tell it, and may run at once.
	moved atomic.Bool
	spent atomic.Bool

	takes     bool
	limit     int
	arguments []tool.Value
	// open are tables that are read while they are sent, behind the others.
	open []openTable
	// flow takes the result's table where the caller reads it while it comes; nil where it is kept in result.
	flow *flow

	openSize int
	buffer   []byte
	// current and sent say which table is being sent, and how much of it has been.
	current, sent int
	result        tool.TableBuffer
}

// carry lets the tables of a call that are larger than one message travel in pieces, if it is made over a link.
func (c *Client) carry(x *exchange) error {
	limits := c.limits()
	size := x.call.ArgumentBytes()
	over := limits.MaxValueBytes > 0 && size > limits.MaxValueBytes
	if c.link == nil || limits.MaxTableBytes <= 0 {
		if over {
			return tooLargeWithoutLink(&x.call, size, limits.MaxValueBytes)
		}
		return nil
	}
	x.tables.takes, x.tables.limit = true, limits.MaxTableBytes
	x.call.Tables = &x.tables
	open := x.tables.standing(&x.call)
	if !over {
		x.tables.numberOpen(open)
		return nil
	}
	defer func() { x.tables.numberOpen(open) }()
	x.tables.arguments = tool.SplitTables(x.call.Values(), limits.MaxValueBytes)
	if x.tables.arguments == nil {
		return advised(checkSize("the arguments of tool "+strconv.Quote(x.call.Tool), size, limits.MaxValueBytes), "only a table that is a whole argument may be larger, over a link")
	}
	size = 0
	for _, t := range x.tables.arguments {
		size += len(t.Bytes)
	}
	if size > limits.MaxTableBytes {
		return tool.TablesTooLarge(size, limits.MaxTableBytes)
	}
	return nil
}

// tooLargeWithoutLink refuses arguments that are larger than one message, and names the link where it would help.
func tooLargeWithoutLink(call *tool.Call, size, limit int) error {
	err := checkSize("the arguments of tool "+strconv.Quote(call.Tool), size, limit)
	for _, v := range call.Values() {
		if tool.IsTable(v.TypeURL) {
			return needsLink(err)
		}
	}
	return err
}

// needsLink adds to an error of size that a link would carry the tables.
func needsLink(err error) error {
	return advised(err, "a table of this size travels in pieces over a link only, and to a bridge that takes tables: dial with a link")
}

// advised adds to an error what to do.
func advised(err error, advice string) error {
	var known *tool.Error
	if !errors.As(err, &known) {
		return err
	}
	told := *known
	told.Message += "; " + advice
	return &told
}

// linkOnly refuses a call by plain RPC whose tables have to travel in pieces.
func linkOnly(call *tool.Call, limit int) error {
	if call.Tables == nil || call.Tables.Count() == 0 {
		return nil
	}
	return needsLink(tooMuch(call, limit))
}

// notInBatch refuses an item of a batch whose tables would have to travel in pieces.
func notInBatch(call *tool.Call, limit int) error {
	if call.Tables == nil || call.Tables.Count() == 0 {
		return nil
	}
	return advised(tooMuch(call, limit), "in a batch a table has to fit one message; a larger one is an argument of a call of its own, over a link")
}

// tooMuch is the error of arguments with tables that travel in pieces, where they cannot.
func tooMuch(call *tool.Call, limit int) error {
	size := 0
	if t, ok := call.Tables.(*carried); ok {
		for _, v := range t.arguments {
			size += v.Size()
		}
	}
	return checkSize("the arguments of tool "+strconv.Quote(call.Tool), max(size, limit+1), limit)
}

// rewind begins anew, before a call is made again.
func rewind(call *tool.Call) {
	if t, ok := call.Tables.(*carried); ok && !t.spent.Load() {
		t.current, t.sent, t.result = 0, 0, tool.TableBuffer{}
		t.moved.Store(false)
	}
}

// filled puts the table that came in pieces in the place of a result that stands for it.
func filled(call *tool.Call, result *tool.Result) (streamed bool, err error) {
	if _, _, streamed = result.Value.Streamed(); !streamed {
		return false, nil
	}
	t, ok := call.Tables.(*carried)
	if !ok {
		t = &carried{}
	}
	if t.flow != nil && t.flow.hasBegun() {
		return true, nil
	}
	return true, t.result.Fill(&result.Value)
}

// travelled reports whether a table was sent or has come in pieces, so that others may still hold on to t.
func (t *carried) travelled() bool {
	return t.flow != nil || t.arguments != nil || t.open != nil || t.moved.Load()
}

// Count implements tool.Tables.
func (t *carried) Count() int { return len(t.arguments) + len(t.open) }

// Next implements tool.Tables.
func (t *carried) Next(context.Context) ([]byte, error) {
	if t.current >= len(t.arguments) {
		return t.nextOpen()
	}
	t.moved.Store(true)
	rest := t.arguments[t.current].Bytes[t.sent:]
	if len(rest) == 0 {
		t.current, t.sent = t.current+1, 0
		return nil, nil
	}
	piece := rest[:min(len(rest), tool.TablePieceBytes)]
	t.sent += len(piece)
	return piece, nil
}

// Takes implements tool.Tables.
func (t *carried) Takes() bool { return t.takes }

// Put implements tool.Tables.
func (t *carried) Put(ctx context.Context, kind string, piece []byte) error {
	t.moved.Store(true)
	if t.flow != nil {
		t.spent.Store(true)
		return t.flow.put(ctx, kind, piece)
	}
	t.result.Limit = t.limit
	return t.result.Add(piece)
}

// Moved implements tool.Tables.
func (t *carried) Moved() bool { return t.moved.Load() }
