package link

import (
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// partAfter is how long an answer of a batch in parts may wait for others to leave with. It delays nobody: the caller waits for all.
const partAfter = 5 * time.Millisecond

// batchParts sends the answers of a batch that takes them in parts.
type batchParts struct {
	call *inCall

	mu     sync.Mutex
	enc    *encoder // the next part; nil until something is told
	places []byte   // of its answers
	told   int
	timer  *time.Timer
	due    bool // the timer runs
	over   bool // the batch's last words are said by somebody else
}

// inParts lets a batch be answered in parts.
func (c *inCall) inParts() {
	c.parts = &batchParts{call: c}
	c.batch.Tell = c.parts.tell
}

// tell puts an answer into the next part. It blocks while the send queue is full.
func (p *batchParts) tell(i int, a *Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	if p.enc == nil {
		p.begin()
	}
	p.told++
	p.add(a, p.call.batch.Calls[i])
	p.places = protowire.AppendVarint(p.places, uint64(i))
	switch {
	case p.enc.size() >= maxPiece:
		p.send()
	case p.due:
	case p.timer == nil:
		p.due, p.timer = true, time.AfterFunc(partAfter, p.expired)
	default:
		p.due = true
		p.timer.Reset(partAfter)
	}
}

// add writes an answer into the part, or one into the next part that would be too long with those before it; p's mutex is held.
func (p *batchParts) add(a *Answer, call *tool.Call) {
	from := len(p.enc.buf)
	p.enc.batchAnswer(a, call)
	if p.enc.size() <= maxPartBody {
		return
	}
	p.enc.buf = p.enc.buf[:from]
	if len(p.places) > 0 {
		p.send()
		from = len(p.enc.buf)
		p.enc.batchAnswer(a, call)
	}
	if size := p.enc.size(); size > maxPartBody {
		p.enc.buf = p.enc.buf[:from]
		p.enc.batchAnswer(&Answer{RequestID: a.RequestID, Err: errAnswerTooLong(call, size)}, call)
	}
}

// maxPartBody leaves room for the places of the answers in a part, each of which has more bytes than its place.
const maxPartBody = maxBody - maxPiece

// begin begins a part.
func (p *batchParts) begin() {
	p.enc = newEncoder()
	p.enc.flag(1, true)
}

// expired sends what has waited long enough.
func (p *batchParts) expired() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = false
	if !p.over && len(p.places) > 0 {
		p.send()
	}
}

// send sends a part as soon as there is room for it, and begins the next one; p's mutex is held.
func (p *batchParts) send() {
	p.enc.bytes(4, p.places)
	c, e, size := p.call, p.call.engine, p.enc.size()
	e.mu.Lock()
	if !e.hasRoom(size) {
		e.await(e.waitersFor(size), nil, func() bool { return c.cancelled || e.hasRoom(size) })
	}
	if !c.cancelled && e.gone == nil {
		if _, cut := e.put(c.id, frameBatchResult, p.enc.content()); cut != nil {
			p.enc.buf = nil
		}
	}
	e.mu.Unlock()
	p.enc.free()
	p.places = p.places[:0]
	p.begin()
}

// end returns the last part, which may be empty, or that of a batch that is refused. From then on nobody else sends for it.
func (p *batchParts) end(refused error) (last *encoder, empty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.enc == nil {
		p.begin()
	}
	if n := p.call.batch.Items; refused == nil && p.told != n {
		refused = tool.Errorf(tool.Internal, "the bridge answered %d of the %d items of a batch", p.told, n)
	}
	if len(p.places) > 0 {
		p.enc.bytes(4, p.places)
	}
	if refused != nil {
		p.enc.batchRefusal(p.call.shown(refused))
	}
	return p.enc, refused == nil && len(p.places) == 0 && p.told > 0
}
