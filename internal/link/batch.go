package link

import (
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// batchesCapability is what a bridge announces that takes batches.
const batchesCapability = "batches"

// batchTool stands for the tool's name where a batch as such is spoken of.
const batchTool = "batch"

// newBatch makes the call of a frame that holds a batch and whose body is b, which nobody else changes.
func (e *engine) newBatch(id uint64, b []byte) (*inCall, error) {
	c := &inCall{engine: e, id: id, batch: &Batch{}}
	c.call.Tool, c.call.Received = batchTool, time.Now()
	timeout, inParts, err := decodeBatch(b, c.batch, e.limits.Load().MaxBatchItems, c.call.Received)
	if err != nil {
		return nil, fmt.Errorf("batch %d: %w", id, err)
	}
	if inParts {
		c.inParts()
	}
	if timeout != 0 {
		c.at = c.call.Received.Add(min(wire.Duration(timeout), maxTimeout))
	}
	return c, nil
}

// item is a call of a batch, with room for its first arguments.
type item struct {
	call tool.Call
	few  [2]tool.Value
}

// decodeBatch reads a BatchExecuteToolsRequest. Texts and values are parts of b. Of a batch with more than most items only the number of
// them is kept; 0 is no limit.
func decodeBatch(b []byte, batch *Batch, most int, received time.Time) (timeout uint64, inParts bool, err error) {
	if batch.Items, err = countItems(b, 2); err != nil {
		return 0, false, err
	}
	var items []item
	var surplus item
	if n := batch.Items; most <= 0 || n <= most {
		items, batch.Calls = make([]item, 0, n), make([]*tool.Call, 0, n)
	}
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return 0, false, err
		}
		switch {
		case f.num == 1 && f.isBytes():
			batch.SessionID = f.text(&err)
		case f.num == 2 && f.isBytes() && items == nil: // one of too many: it is read all the same, so that what cannot be decoded is a violation
			surplus = item{}
			err = decodeItem(f.data, &surplus)
		case f.num == 2 && f.isBytes():
			items = append(items, item{})
			i := &items[len(items)-1]
			i.call.Received = received
			batch.Calls = append(batch.Calls, &i.call)
			err = decodeItem(f.data, i)
		case f.num == 3 && f.isVarint():
			batch.MaxConcurrency = int(min(f.number&math.MaxUint32, math.MaxInt32))
		case f.num == 4 && f.isVarint():
			batch.FailFast = f.number != 0
		case f.num == 5 && f.isBytes():
			batch.ID = f.text(&err)
		case f.num == 6 && f.isVarint():
			timeout = f.number
		case f.num == 7 && f.isVarint():
			inParts = f.number != 0
		}
		if err != nil {
			return 0, false, fmt.Errorf("field %d of a batch: %w", f.num, err)
		}
	}
	return timeout, inParts, nil
}

// countItems says how often a field of bytes with that number is there.
func countItems(b []byte, num protowire.Number) (n int, err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return 0, err
		}
		if f.num == num && f.isBytes() {
			n++
		}
	}
	return n, nil
}

// decodeItem reads a call of a batch. What only a call of its own has is left out.
func decodeItem(b []byte, i *item) error {
	c := &i.call
	c.Args = i.few[:0]
	var head callHead
	if err := decodeCall(b, c, &head); err != nil {
		return err
	}
	if len(c.Args) == 0 {
		c.Args = nil
	}
	c.Stream, c.StreamID, c.Asks, c.Timeout = false, "", "", min(wire.Duration(head.timeout), maxTimeout)
	return nil
}

// takeBatch starts a batch.
func (d *delivery) takeBatch(e *engine, a *arrival) *tool.Error {
	if e.process {
		return tool.Errorf(tool.ProtocolError, "only a process sends frames of kind %d", a.kind)
	}
	return d.takeCall(e, a)
}

// runBatch lets the handler run a batch.
func (c *inCall) runBatch() (answers []Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			e := tool.Errorf(tool.Internal, "the batch panicked: %v", p)
			e.Stack = string(debug.Stack())
			answers, err = nil, e
		}
	}()
	h, ok := c.engine.handler.(Batcher)
	if !ok {
		return nil, tool.Errorf(tool.Unimplemented, "this bridge takes no batches over links, and its welcome did not announce them: use BatchExecuteTools")
	}
	if most := c.engine.limits.Load().MaxBatchItems; most > 0 && c.batch.Items > most {
		return nil, tool.Errorf(tool.BatchTooLarge, "the batch has %d items, the limit is %d: send it in parts", c.batch.Items, most).With("limit", fmt.Sprint(most))
	}
	return h.Batch(c, c.batch)
}

// finishBatch answers a batch, once.
func (c *inCall) finishBatch(answers []Answer, err error) {
	if c.parts != nil && answers == nil {
		enc, empty := c.parts.end(err)
		kind := frameBatchResult
		if empty {
			kind = 0 // all has been said
		}
		c.answer(enc, kind, true)
		return
	}
	enc := newEncoder()
	if err != nil {
		enc.batchRefusal(c.shown(err))
	} else {
		enc.flag(1, true)
		for i := range answers {
			enc.batchAnswer(&answers[i], c.batch.Calls[i])
			if enc.size() > maxBody {
				break
			}
		}
	}
	if size := enc.size(); size > maxBody {
		enc.reset()
		enc.batchRefusal(errAnswerTooLong(&c.call, size))
	}
	c.answer(enc, frameBatchResult, true)
}

// batchAnswer writes the answer to one item.
func (e *encoder) batchAnswer(a *Answer, call *tool.Call) {
	e.open(3, 0)
	at := len(e.buf)
	e.response(a.RequestID, &a.Result, shown(a.Err, call))
	if e.invalid {
		e.buf, e.invalid = e.buf[:at], false
		e.response("", &tool.Result{}, errNotText(call.Tool))
	}
	e.close(at)
}

// batchRefusal writes the answer to a batch that is refused as such.
func (e *encoder) batchRefusal(why error) { e.message(2, wire.ErrorProto(why)) }
