package link

import (
	"context"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// inTables are the tables of the arguments of a call that runs here, as they come in pieces. Guarded by the engine's mutex.
type inTables struct {
	count   int
	left    int // tables that have not ended
	size    int // bytes that came
	pieces  []receivedChunk
	granted int64
	owed    int64
	begun   bool            // a piece was handed on
	last    []byte          // that was handed on, to be used again
	meter   tool.TableMeter // of what is handed on; the handler's
	err     *tool.Error
	// arrived tells the handler that there is something to take.
	arrived chan struct{}
}

// inTablesOf is a call as the tables that come and go with it.
type inTablesOf inCall

var _ tool.Tables = (*inTablesOf)(nil)

// announceTables takes what a call says of tables in pieces. Nobody else knows the call yet.
func (c *inCall) announceTables(head *callHead) {
	c.takes = head.takes && !c.call.Stream
	if head.tables > 0 {
		c.tables = &inTables{count: int(head.tables), left: int(head.tables), arrived: make(chan struct{}, 1)}
		c.tables.granted = c.engine.credit
	}
	c.call.Tables = (*inTablesOf)(c)
}

// takeTablePiece puts a piece of an argument's table into the inbox of its call.
func (d *delivery) takeTablePiece(e *engine, a *arrival, assembled bool) *tool.Error {
	c := e.in.Get(a.callID)
	if c == nil {
		return e.notForHost(a)
	}
	t := c.tables
	if t == nil || t.left == 0 {
		return tool.Errorf(tool.ProtocolError, "call %d: a piece of a table came that the call did not announce", c.id)
	}
	if err := checkTablePiece(a, assembled); err != nil {
		return err
	}
	if t.granted -= int64(a.size); t.granted < 0 {
		return tool.Errorf(tool.ProtocolError, "credit overrun: call %d sent %d bytes of tables more than it was granted", c.id, -t.granted)
	}
	n := len(a.chunk.value.Bytes)
	if n == 0 {
		t.left--
	}
	t.size += n
	if most := e.limits.Load().MaxTableBytes; t.size > most && t.err == nil {
		t.err, t.pieces = tool.TablesTooLarge(t.size, most), nil
	}
	if t.err == nil {
		t.pieces = append(t.pieces, receivedChunk{value: a.chunk.value, credit: int64(a.size)})
	}
	select {
	case t.arrived <- struct{}{}:
	default:
	}
	return nil
}

// Count implements tool.Tables.
func (c *inTablesOf) Count() int {
	if c.tables == nil {
		return 0
	}
	return c.tables.count
}

// Next implements tool.Tables.
func (c *inTablesOf) Next(ctx context.Context) ([]byte, error) {
	if c.tables == nil {
		return nil, io.EOF
	}
	for {
		piece, ok, err := c.take()
		if ok && err == nil {
			err = c.tables.meter.Pass(piece, c.engine.limits.Load().MaxValueBytes)
		}
		if ok || err != nil {
			return piece, err
		}
		select {
		case <-c.tables.arrived:
		case <-ctx.Done():
			return nil, wire.ContextError(ctx)
		}
	}
}

// take takes a piece that has come and grants its bytes anew.
func (c *inTablesOf) take() (piece []byte, ok bool, err error) {
	e, t := c.engine, c.tables
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.gone != nil || c.cancelled:
		return nil, false, (*inCall)(c).ended()
	case t.err != nil:
		return nil, false, t.err
	case len(t.pieces) == 0 && t.left == 0:
		return nil, false, io.EOF
	case len(t.pieces) == 0:
		return nil, false, nil
	}
	first := t.pieces[0]
	t.pieces[0] = receivedChunk{}
	t.pieces = t.pieces[1:]
	freePiece(t.last)
	t.begun, t.last = true, first.value.Bytes
	t.owed += first.credit
	if t.left > 0 && (t.owed >= grantAt || len(t.pieces) == 0 && t.granted < grantAt) {
		c.grant()
	}
	return first.value.Bytes, true, nil
}

// grant sends a Credit frame; the mutex is held.
func (c *inTablesOf) grant() {
	t := c.tables
	t.granted += t.owed
	c.engine.send(c.id, frameCredit, protowire.AppendVarint([]byte{1 << 3}, uint64(t.owed)))
	t.owed = 0
}

// Takes implements tool.Tables.
func (c *inTablesOf) Takes() bool { return c.takes }

// Put implements tool.Tables.
func (c *inTablesOf) Put(ctx context.Context, kind string, piece []byte) error {
	call := (*inCall)(c)
	if c.chunks > 0 {
		kind = "" // the first piece says it
	}
	err := c.engine.putTablePiece(ctx, c.id, &c.credit, tablePiece{c.chunks, kind, piece}, func() error {
		if c.cancelled {
			return call.ended()
		}
		return nil
	})
	if err == nil {
		c.chunks++
	}
	return err
}

// Moved implements tool.Tables.
func (c *inTablesOf) Moved() bool {
	if c.chunks > 0 {
		return true
	}
	if c.tables == nil {
		return false
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	return c.tables.begun
}

// tablesCapability is what a process has that takes tables in pieces.
const tablesCapability = "tables"
