package toolbridge

import (
	"context"
	"io"
	"reflect"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// flow is the table of a result that its caller reads while it comes: the link puts pieces in, and waits until they were read. It is the
// stream that the reader reads from.
type flow struct {
	limit    int
	cancel   context.CancelFunc
	begun    chan struct{} // closed with the first piece
	finished chan struct{} // closed when the call is over, with result and err
	arrived  chan struct{} // told of a piece; has room for one
	drained  chan struct{} // told when it was read; has room for one
	result   tool.Result
	err      error

	mu    sync.Mutex
	kind  string
	piece []byte // what is left of the sender's piece
	size  int
	ended bool // the last piece has come
}

func newFlow(limit int, cancel context.CancelFunc) *flow {
	return &flow{
		limit: limit, cancel: cancel, begun: make(chan struct{}), finished: make(chan struct{}),
		arrived: make(chan struct{}, 1), drained: make(chan struct{}, 1),
	}
}

// open makes a call whose result T reads while it comes. It returns when the table begins to come, or the call is over.
func open[T any](ctx context.Context, s *Session, name string, args []any) (out T, err error) {
	x, err := s.prepare(ctx, name, args)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithCancel(ctx)
	f := newFlow(s.client.limits().MaxTableBytes, cancel)
	if x.call.Tables != nil {
		x.tables.flow = f
	}
	go func() {
		defer close(f.finished)
		f.err = s.complete(ctx, x)
		f.result = x.result
	}()
	select {
	case <-f.begun:
	case <-f.finished:
	}
	if !f.hasBegun() {
		cancel()
		if f.err != nil {
			return out, f.err
		}
		return decode[T](s.client, f.result.Value)
	}
	reader, _ := reflect.New(reflect.TypeFor[T]().Elem()).Interface().(tool.TableSink)
	if err := reader.OpenTable(f.kindOf(), f); err != nil {
		_ = f.Close() // it is told what went wrong
		return out, err
	}
	out, _ = reader.(T)
	return out, nil
}

func (f *flow) hasBegun() bool {
	select {
	case <-f.begun:
		return true
	default:
		return false
	}
}

func (f *flow) kindOf() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kind
}

// put takes a piece and waits until it was read.
func (f *flow) put(ctx context.Context, kind string, piece []byte) error {
	first, err := f.take(kind, piece)
	if err != nil || len(piece) == 0 {
		return err
	}
	if first {
		close(f.begun)
	}
	tell(f.arrived)
	select {
	case <-f.drained:
		return nil
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		f.piece = nil
		return wire.ContextError(ctx)
	}
}

func (f *flow) take(kind string, piece []byte) (first bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(piece) == 0 {
		f.ended = true
		return false, nil
	}
	first = f.size == 0
	f.kind, f.piece = kind, piece
	if f.size += len(piece); f.size > f.limit {
		return false, tool.TablesTooLarge(f.size, f.limit)
	}
	return first, nil
}

// Read implements io.Reader. The table has ended when the call has, and is whole.
func (f *flow) Read(p []byte) (int, error) {
	for {
		if n := f.read(p); n > 0 {
			return n, nil
		}
		select {
		case <-f.arrived:
		case <-f.finished:
			return f.end()
		}
	}
}

// read reads what is left of the piece.
func (f *flow) read(p []byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(p, f.piece)
	if n == 0 {
		return 0
	}
	if f.piece = f.piece[n:]; len(f.piece) == 0 {
		tell(f.drained)
	}
	return n
}

// tell tells a channel that has room for one something that it may know already.
func tell(channel chan<- struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}

// end says how the call ended.
func (f *flow) end() (int, error) {
	switch {
	case f.err != nil:
		return 0, f.err
	case !f.ended:
		return 0, tool.Errorf(tool.ProtocolError, "a result came before the end of its table")
	default:
		return 0, io.EOF
	}
}

// Close ends a call that still runs and waits for its end.
func (f *flow) Close() error {
	f.cancel()
	<-f.finished
	return nil
}

// openTable is a table of a call's arguments that is read while it is sent.
type openTable struct {
	kind  string
	from  io.Reader
	close io.Closer
}

// beginTable begins to read a table that is made while it is sent. One that fits a message is a value like any other; what stands for
// another one says only which it is.
func (c *Client) beginTable(kind string, stream io.ReadCloser, x *exchange) (tool.Value, error) {
	limits := c.limits()
	most := limits.MaxValueBytes
	if most <= 0 {
		most = tool.DefaultTableBytes
	}
	table := tool.Value{TypeURL: "type.googleapis.com/" + kind}
	begun, whole, err := tool.BeginTable(stream, most-len(table.TypeURL))
	if err != nil {
		_ = stream.Close() // it is told what went wrong
		return tool.Value{}, err
	}
	if table.Bytes = begun; whole {
		_ = stream.Close() // it was read
		return table, nil
	}
	if c.link == nil || limits.MaxTableBytes <= 0 {
		_ = stream.Close() // it is told what went wrong
		return tool.Value{}, needsLink(checkSize("a table", most+1, most))
	}
	x.tables.open = append(x.tables.open, openTable{kind, io.MultiReader(newSpent(begun), stream), stream})
	return tool.StandIn(kind, len(x.tables.open)-1, 0), nil
}

// spent is memory that is let go when it was read.
type spent struct{ left []byte }

func newSpent(data []byte) io.Reader { return &spent{data} }

// Read implements io.Reader.
func (s *spent) Read(p []byte) (int, error) {
	n := copy(p, s.left)
	if s.left = s.left[n:]; len(s.left) == 0 {
		s.left = nil
		return n, io.EOF
	}
	return n, nil
}

// numberOpen gives the tables that are read while they are sent the numbers behind those that are whole, so that a host may read the last
// one while it comes.
func (t *carried) numberOpen(values []*tool.Value) {
	for i, v := range values {
		if v == nil {
			continue // a value of the caller's own stands for it
		}
		*v = tool.StandIn(t.open[i].kind, len(t.arguments)+i, 0)
	}
}

// standing are the values that stand for such tables, in the tables' order.
func (t *carried) standing(call *tool.Call) []*tool.Value {
	if len(t.open) == 0 {
		return nil
	}
	values := make([]*tool.Value, len(t.open))
	for _, v := range call.Values() {
		if index, _, ok := v.Streamed(); ok && index < uint64(len(values)) {
			values[index] = v
		}
	}
	return values
}

// nextOpen returns the next piece of the tables that are read while they are sent.
func (t *carried) nextOpen() ([]byte, error) {
	if t.current == len(t.arguments)+len(t.open) {
		return nil, io.EOF
	}
	t.moved.Store(true)
	t.spent.Store(true)
	if t.buffer == nil {
		t.buffer = make([]byte, tool.TablePieceBytes)
	}
	n, err := tool.FillPiece(t.open[t.current-len(t.arguments)].from, t.buffer)
	if err != nil && err != io.EOF { //nolint:errorlint // which is never wrapped
		return nil, err
	}
	if t.openSize += n; t.openSize > t.limit {
		return nil, tool.TablesTooLarge(t.openSize, t.limit)
	}
	if n == 0 {
		t.current++
		return nil, nil
	}
	return t.buffer[:n], nil
}

// closeOpen lets go of the tables that are read while they are sent, once nobody reads more of them.
func (t *carried) closeOpen() {
	for i := range t.open {
		_ = t.open[i].close.Close() // what was read counts
	}
}

// closeTables is closeOpen for the tables of a call that is over.
func closeTables(call *tool.Call) {
	if t, is := call.Tables.(*carried); is {
		t.closeOpen()
	}
}

// repeatable reports whether a call may be made again as far as its tables are concerned: what was read while it was sent, or came and was
// read, is gone.
func repeatable(call *tool.Call) bool {
	t, is := call.Tables.(*carried)
	return !is || !t.spent.Load()
}
