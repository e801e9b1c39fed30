package link

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// longestBatch is how many bytes a batch has at most that travels as one frame: a longer one gains nothing by it.
const longestBatch = 512 << 10

// outBatch is a batch of this side. Guarded by the engine's mutex until its call is done.
type outBatch struct {
	answers []Answer
	came    []bool
	left    int // items without an answer
}

// Batch runs the calls of a batch at the bridge, as one frame, and waits until all are answered; then it tells take of every answer that has
// come, in the order of the items. An error is the batch's own, and those of Call. It reports false where the batch cannot be sent at
// once, because the bridge takes no batches, this one is too large, or a queue or a limit is in the way: then nothing was sent.
func (p *Process) Batch(ctx context.Context, batch *Batch, take func(i int, a *Answer)) (sent bool, err error) {
	e := p.current()
	if !e.batches.Load() || ctx.Err() != nil {
		return false, nil
	}
	enc := newEncoder()
	defer enc.free()
	enc.batch(batch, wire.TimeLeft(ctx))
	if enc.invalid || enc.size() > longestBatch {
		return false, nil
	}
	n := len(batch.Calls)
	out := &outBatch{answers: make([]Answer, n), came: make([]bool, n), left: n}
	c := e.newOutCall()
	c.call, c.batch = &tool.Call{Tool: batchTool}, out
	if !e.issueNow(c, enc) {
		c.free()
		return false, nil
	}
	if c.wait(ctx) {
		defer c.free()
	}
	_, err = c.answer()
	for i := range out.answers {
		if out.came[i] {
			take(i, &out.answers[i])
		}
	}
	return true, err
}

// batch writes a BatchExecuteToolsRequest that takes its answers in parts.
func (e *encoder) batch(b *Batch, timeout uint64) {
	e.text(1, b.SessionID)
	for _, call := range b.Calls {
		e.open(2, 0)
		at := len(e.buf)
		e.call(call, callHead{timeout: wire.Micros(call.Timeout), depth: call.Depth})
		e.close(at)
		if len(e.buf) > longestBatch {
			return
		}
	}
	e.varint(3, uint64(max(b.MaxConcurrency, 0)))
	e.flag(4, b.FailFast)
	e.text(5, b.ID)
	e.varint(6, timeout)
	e.flag(7, true)
}

// batchResult is a BatchExecuteToolsResponse.
type batchResult struct {
	refused *tool.Error // the batch as such
	answers []Answer
	places  []int // of the answers; where there are none, they begin with the first item
}

// decodeBatchResult reads a BatchExecuteToolsResponse. Texts and values are parts of b.
func decodeBatchResult(b []byte) (*batchResult, error) {
	n, err := countItems(b, 3)
	if err != nil {
		return nil, err
	}
	if n > wire.MaxParts {
		return nil, tool.Errorf(tool.ProtocolError, "message too large: a frame answers %d items of a batch; the limit is %d", n, wire.MaxParts)
	}
	r := &batchResult{answers: make([]Answer, 0, n)}
	accepted := false
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return nil, err
		}
		switch {
		case f.num == 1 && f.isVarint():
			accepted = f.number != 0
		case f.num == 2 && f.isBytes():
			r.refused, err = decodeError(f.data)
		case f.num == 3 && f.isBytes():
			err = r.add(f.data)
		case f.num == 4:
			err = r.place(&f, n)
		}
		if err != nil {
			return nil, fmt.Errorf("field %d of a batch's result: %w", f.num, err)
		}
	}
	if !accepted && r.refused == nil {
		r.refused = wire.ErrorFromProto(nil)
	}
	return r, nil
}

// add reads the answer to an item.
func (r *batchResult) add(b []byte) error {
	var a Answer
	why, err := decodeResponse(b, &a.Result)
	if why != nil { // no nil of that type
		a.Err = why
	}
	r.answers = append(r.answers, a)
	return err
}

// place reads which items are answered, no more than n: one as a number, or many in one field.
func (r *batchResult) place(f *field, n int) error {
	if f.isVarint() {
		f.data = protowire.AppendVarint(nil, f.number)
	}
	for b := f.data; len(b) > 0; {
		at, size := protowire.ConsumeVarint(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		if len(r.places) == n {
			return tool.Errorf(tool.ProtocolError, "a frame names more than the %d items of a batch that it answers", n)
		}
		r.places, b = append(r.places, int(uint32(at))), b[size:]
	}
	return nil
}

// takeBatchResult puts answers to a batch where they belong, and ends it with the last one.
func (d *delivery) takeBatchResult(e *engine, a *arrival) *tool.Error {
	if !e.process {
		return noBatch(a)
	}
	c, err := e.host(a)
	if c == nil {
		return err
	}
	if c.batch == nil {
		return noBatch(a)
	}
	r := a.batch
	if len(r.places) > 0 && len(r.places) != len(r.answers) {
		return tool.Errorf(tool.ProtocolError, "a frame answers %d items of batch %d and names %d", len(r.answers), c.id, len(r.places))
	}
	for k := range r.answers {
		i := k
		if len(r.places) > 0 {
			i = r.places[k]
		}
		if i >= len(c.batch.answers) || c.batch.came[i] {
			return tool.Errorf(tool.ProtocolError, "a frame answers item %d of batch %d, which does not exist or was answered before; the batch has %d", i, c.id, len(c.batch.answers))
		}
		c.batch.answers[i], c.batch.came[i] = r.answers[k], true
		c.batch.left--
	}
	if c.batch.left == 0 || r.refused != nil {
		c.err = r.refused
		d.done(e, c)
	}
	return nil
}

func noBatch(a *arrival) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "frame of kind %d answers a batch of call %d, which this side has not made", a.kind, a.callID)
}

// notBatch is the violation of a frame that answers a batch as if it were a call.
func notBatch(a *arrival) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "frame of kind %d answers call %d, which is a batch", a.kind, a.callID)
}
