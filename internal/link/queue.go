package link

import (
	"iter"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// queue holds what waits to be sent: whole frames, already packed, and frames that leave in pieces, in turn. It is
// part of engine and guarded by its mutex.
type queue struct {
	packs []*pack
	bulks []*bulk // of those with credit
	// behind are the cut frames that may not leave yet, because whole frames wait that were queued before them: perhaps of
	// the same call, whose frames stay in order. Oldest first.
	behind []*bulk
	// bytes of whole frames that have not left yet, chunks included.
	bytes int
	// cut is how many bytes those have that leave in pieces, chunks aside, which credit limits. Each counts whole until its
	// last piece has left, so that the reader never holds more unfinished ones.
	cut      int
	number   uint64 // of the newest pack
	left     uint64 // number of the newest pack that has left
	fragment uint64 // id of the newest fragment
	turn     bool   // the last message held no piece although one could go
	capacity int    // of the next pack
	// creditWaits counts the chunks, whole or cut, that had to wait for credit.
	creditWaits uint64
}

func (q *queue) empty() bool { return len(q.packs) == 0 && len(q.bulks) == 0 }

// open returns the pack that takes the next frame.
func (q *queue) open() *pack {
	if n := len(q.packs); n > 0 {
		// One place is kept for a piece of a cut frame.
		if p := q.packs[n-1]; !p.full() && p.frames < maxFrames-1 {
			return p
		}
	}
	q.number++
	p := newPack(q.number, q.capacity)
	q.packs = append(q.packs, p)
	return p
}

// add queues a whole frame and returns the pack that it is in.
func (q *queue) add(id uint64, kind protowire.Number, body content) *pack {
	p := q.open()
	p.header(id, kind, body.size)
	p.content(body)
	p.bodies += body.size
	q.bytes += body.size
	return p
}

// addBulk queues a frame that leaves in pieces, none of them before the whole frames that are queued already. Nothing of its body may
// be changed afterwards.
func (q *queue) addBulk(id uint64, kind protowire.Number, body content, c *credit) *bulk {
	q.fragment++
	head := appendFrameHeader(nil, id, kind, body.size)
	b := &bulk{id: q.fragment, callID: id, total: len(head) + body.size, credit: c, after: q.number}
	b.rest = appendParts(append(make(Message, 0, 2+2*len(body.shared)), head), body.written, 0, body.shared)
	if c == nil {
		q.cut += b.size()
	}
	if b.after > q.left {
		q.behind = append(q.behind, b)
	} else {
		q.bulks = append(q.bulks, b)
	}
	return b
}

// release lets the cut frames leave that waited only for the packs that have left.
func (q *queue) release() {
	n := 0
	for n < len(q.behind) && q.behind[n].after <= q.left {
		n++
	}
	q.bulks = append(q.bulks, q.behind[:n]...)
	q.behind = slices.Delete(q.behind, 0, n)
}

// cuts are the cut frames that are not put aside, in turn.
func (q *queue) cuts() iter.Seq[*bulk] {
	return func(yield func(*bulk) bool) {
		for _, b := range q.bulks {
			if !yield(b) {
				return
			}
		}
		for _, b := range q.behind {
			if !yield(b) {
				return
			}
		}
	}
}

// drop forgets a cut frame.
func (q *queue) drop(b *bulk) {
	same := func(other *bulk) bool { return other == b }
	q.bulks = slices.DeleteFunc(q.bulks, same)
	q.behind = slices.DeleteFunc(q.behind, same)
	if b.credit != nil && b.credit.parked == b {
		b.credit.parked = nil
	}
	q.finish(b)
}

func (q *queue) finish(b *bulk) {
	if b.credit == nil {
		q.cut -= b.size()
	}
	if b.whole != nil {
		b.whole <- struct{}{}
		b.whole = nil
	}
}

// ready reports whether something can be packed, and whether it makes a full message: exactly what take would give.
func (q *queue) ready() (some, full bool) {
	q.park()
	size, frames, left := 0, 0, q.left
	if q.wholeNext() {
		size, frames, left = q.packs[0].size, q.packs[0].frames, q.packs[0].number
	}
	for round, more := 0, true; more; round++ { // a piece of each in turn, as take has them
		more = false
		for b := range q.cuts() {
			if b.after > left {
				break
			}
			if size >= fullMessage || frames >= maxFrames {
				return true, size >= fullMessage
			}
			if n := b.pieceAfter(round); n > 0 {
				size += frameSize(b.callID, frameFragment, b.fragmentSize(n, b.taken+round*maxPiece))
				frames++
				more = true
			}
		}
	}
	return !q.empty(), size >= fullMessage
}

// wholeNext reports whether the next message holds whole frames.
func (q *queue) wholeNext() bool { return len(q.packs) > 0 && (!q.turn || len(q.bulks) == 0) }

// park puts aside the cut frames that wait for credit.
func (q *queue) park() {
	kept := q.bulks[:0]
	for _, b := range q.bulks {
		if b.piece() == 0 {
			b.credit.parked = b
			q.creditWaits++
			continue
		}
		kept = append(kept, b)
	}
	clear(q.bulks[len(kept):])
	q.bulks = kept
}

// unpark lets a cut frame go on that got credit.
func (q *queue) unpark(c *credit) {
	if c.parked != nil && c.parked.piece() > 0 {
		q.bulks = append(q.bulks, c.parked)
		c.parked = nil
	}
}

// take returns the next message's frames: the oldest pack, filled up with pieces in turn. The queue must not be
// empty.
func (q *queue) take() *pack {
	var p *pack
	if q.wholeNext() {
		p = q.packs[0]
		q.packs[0] = nil
		q.packs = q.packs[1:]
		q.left = p.number
		q.bytes -= p.bodies
		p.leave()
		q.release()
	} else {
		p = newPack(0, 0)
	}
	pieces := 0
	for len(q.bulks) > 0 && !p.full() && p.frames < maxFrames {
		if !q.takePiece(p) {
			break
		}
		pieces++
	}
	q.turn = pieces == 0 && len(q.bulks) > 0
	q.capacity = len(p.buf)
	return p
}

// takePiece moves the next piece of the cut frame whose turn it is into p.
func (q *queue) takePiece(p *pack) bool {
	b := q.bulks[0]
	n := b.piece()
	if n == 0 {
		q.park()
		return len(q.bulks) > 0
	}
	b.moveTo(p, n)
	copy(q.bulks, q.bulks[1:])
	last := len(q.bulks) - 1
	if b.taken < b.size() {
		q.bulks[last] = b
		return true
	}
	q.bulks[last] = nil
	q.bulks = q.bulks[:last]
	q.finish(b)
	if b.cancelled != nil {
		q.addCancel(b.callID, b.cancelled)
	}
	return true
}

// addCancel queues a Cancel frame that says why.
func (q *queue) addCancel(callID uint64, reason *tool.Error) {
	var e encoder
	e.proto(&bridgepb.Cancel{Error: &bridgepb.ErrorInfo{Type: string(reason.Code), Message: wire.Text(tool.Shortened(reason.Message, maxReason))}})
	q.add(callID, frameCancel, e.content())
}
