package link

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// pack is a message in the making: frames, behind room for the acknowledgement that is put before them when it leaves.
type pack struct {
	buf []byte
	// users are the window, which may have to send it again, and the stream.
	users   atomic.Int32
	release func()
	frames  int
	size    int // of the frames alone, without the tags around them
	bodies  int // of whole frames, as they count in the queue
	number  uint64
}

// packRoom is what is kept free in front of the frames: the tag and the longest number.
const packRoom = 11

// packs are kept for later messages, by size, so that an idle link does not hold large ones.
var packs = [...]sync.Pool{{New: makePack}, {New: makePack}, {New: makePack}}

// packSizes are the least capacities of the packs in each pool.
var packSizes = [...]int{2 << 10, 32 << 10, fullMessage + maxPiece + 4<<10}

func makePack() any { return new(pack) }

// newPack returns a pack for about so many bytes.
func newPack(number uint64, size int) *pack {
	class := 0
	for class < len(packSizes)-1 && size > packSizes[class] {
		class++
	}
	p, _ := packs[class].Get().(*pack)
	if cap(p.buf) == 0 {
		p.buf = make([]byte, packRoom, packSizes[class])
		p.release = p.free
	}
	p.buf, p.frames, p.size, p.bodies, p.number = p.buf[:packRoom], 0, 0, 0, number
	p.users.Store(2)
	return p
}

// free is called by each user that no longer needs the pack.
func (p *pack) free() {
	if p.users.Add(-1) != 0 {
		return
	}
	class := len(packSizes) - 1
	for class > 0 && cap(p.buf) < packSizes[class] {
		class--
	}
	packs[class].Put(p)
}

// message returns the finished message: the acknowledgement in front, then the frames.
func (p *pack) message(ack uint64) []byte {
	if ack == 0 {
		return p.buf[packRoom:]
	}
	at := packRoom - 1 - protowire.SizeVarint(ack)
	p.buf[at] = byte(messageAck) << 3
	protowire.AppendVarint(p.buf[:at+1], ack)
	return p.buf[at:]
}

func (p *pack) full() bool { return p.size >= fullMessage }

// header appends what stands before a frame's body.
func (p *pack) header(id uint64, kind protowire.Number, body int) {
	n := frameSize(id, kind, body)
	p.size += n
	p.frames++
	p.buf = append(p.buf, byte(messageFrames)<<3|byte(protowire.BytesType))
	p.buf = protowire.AppendVarint(p.buf, uint64(n))
	p.buf = appendFrameHeader(p.buf, id, kind, body)
}

func appendFrameHeader(b []byte, id uint64, kind protowire.Number, body int) []byte {
	if id != 0 {
		b = append(b, byte(frameCallID)<<3)
		b = protowire.AppendVarint(b, id)
	}
	b = protowire.AppendTag(b, kind, protowire.BytesType)
	return protowire.AppendVarint(b, uint64(body))
}

// frameSize is the length of a serialized Frame.
func frameSize(id uint64, kind protowire.Number, body int) int {
	n := protowire.SizeTag(kind) + protowire.SizeBytes(body)
	if id != 0 {
		n += 1 + protowire.SizeVarint(id)
	}
	return n
}

// bulk is a frame over 64 KiB that leaves in pieces.
type bulk struct {
	id     uint64 // of the fragment
	callID uint64
	head   []byte
	body   []byte
	taken  int
	// credit is the call's, for a chunk; nil for a frame that needs none.
	credit *credit
	// cancelled asks for a Cancel frame behind the last piece.
	cancelled *tool.Error
	// whole is told that the last piece has left; may be nil.
	whole chan<- struct{}
}

func (b *bulk) size() int { return len(b.head) + len(b.body) }

// piece returns how long the next piece is; 0 if it must wait for credit.
func (b *bulk) piece() int {
	n := min(maxPiece, b.size()-b.taken)
	if b.credit != nil && b.credit.left < int64(n) {
		return 0
	}
	return n
}

// allowed returns how many bytes may leave with the credit there is, in pieces as piece cuts them.
func (b *bulk) allowed() int {
	n := b.size() - b.taken
	if b.credit == nil || b.credit.left >= int64(n) {
		return n
	}
	return int(b.credit.left) / maxPiece * maxPiece
}

// credit is how many chunk bytes may be sent for a call. Guarded by the engine's mutex.
type credit struct {
	left int64
	// parked is the frame that waits for more.
	parked *bulk
	// waits is told that there is more; nil if nobody waits.
	waits chan struct{}
}

// queue holds what waits to be sent: whole frames, already packed, and frames that leave in pieces, in turn. It is
// part of engine and guarded by its mutex.
type queue struct {
	packs []*pack
	bulks []*bulk // of those with credit
	// bytes of calls, results and other frames without credit that have not left yet; a cut frame counts whole until
	// its last piece has left, so that the reader never holds more unfinished ones.
	bytes    int
	number   uint64 // of the newest pack
	left     uint64 // number of the newest pack that has left
	fragment uint64 // id of the newest fragment
	turn     bool   // the last message held no piece although one could go
	capacity int    // of the next pack
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

// add queues a whole frame and returns the number of the pack that it is in.
func (q *queue) add(id uint64, kind protowire.Number, body []byte) uint64 {
	p := q.open()
	p.header(id, kind, len(body))
	p.buf = append(p.buf, body...)
	p.bodies += len(body)
	q.bytes += len(body)
	return p.number
}

// addBulk queues a frame that leaves in pieces. Its body is head and rest; rest is kept and must not be changed afterwards.
func (q *queue) addBulk(id uint64, kind protowire.Number, head, rest []byte, c *credit) *bulk {
	q.fragment++
	b := &bulk{id: q.fragment, callID: id, body: rest, credit: c}
	b.head = append(appendFrameHeader(nil, id, kind, len(head)+len(rest)), head...)
	if c == nil {
		q.bytes += b.size()
	}
	q.bulks = append(q.bulks, b)
	return b
}

// drop forgets a cut frame.
func (q *queue) drop(b *bulk) {
	for i, other := range q.bulks {
		if other == b {
			q.bulks = append(q.bulks[:i], q.bulks[i+1:]...)
			break
		}
	}
	if b.credit != nil && b.credit.parked == b {
		b.credit.parked = nil
	}
	q.finish(b)
}

func (q *queue) finish(b *bulk) {
	if b.credit == nil {
		q.bytes -= b.size()
	}
	if b.whole != nil {
		b.whole <- struct{}{}
		b.whole = nil
	}
}

// ready reports whether something can be packed, and whether it makes a full message: exactly what take would give.
func (q *queue) ready() (some, full bool) {
	q.park()
	size, frames := 0, 0
	if len(q.packs) > 0 && (!q.turn || len(q.bulks) == 0) {
		size, frames = q.packs[0].size, q.packs[0].frames
	}
	for _, b := range q.bulks {
		if size >= fullMessage || frames >= maxFrames {
			break
		}
		n := b.allowed()
		size += n
		frames += (n + maxPiece - 1) / maxPiece
	}
	return !q.empty(), size >= fullMessage
}

// park puts aside the cut frames that wait for credit.
func (q *queue) park() {
	kept := q.bulks[:0]
	for _, b := range q.bulks {
		if b.piece() == 0 {
			b.credit.parked = b
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
	if len(q.packs) > 0 && (!q.turn || len(q.bulks) == 0) {
		p = q.packs[0]
		q.packs[0] = nil
		q.packs = q.packs[1:]
		q.left = p.number
		q.bytes -= p.bodies
	} else {
		p = newPack(0, fullMessage)
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

// moveTo appends the next n bytes as a Fragment frame.
func (b *bulk) moveTo(p *pack, n int) {
	total := 0
	if b.taken == 0 {
		total = b.size()
	}
	body := 1 + protowire.SizeVarint(b.id) + 1 + protowire.SizeBytes(n)
	if total > 0 {
		body += 1 + protowire.SizeVarint(uint64(total))
	}
	p.header(b.callID, frameFragment, body)
	e := encoder{buf: p.buf}
	e.varint(1, b.id)
	e.open(2, n)
	e.buf = b.appendBytes(e.buf, n)
	e.varint(3, uint64(total))
	p.buf = e.buf
	if b.credit != nil {
		b.credit.left -= int64(n)
	}
}

// appendBytes appends the next n bytes of the frame.
func (b *bulk) appendBytes(to []byte, n int) []byte {
	if rest := len(b.head) - b.taken; rest > 0 {
		k := min(n, rest)
		to = append(to, b.head[b.taken:b.taken+k]...)
		b.taken += k
		n -= k
	}
	at := b.taken - len(b.head)
	b.taken += n
	return append(to, b.body[at:at+n]...)
}

// addCancel queues a Cancel frame that says why.
func (q *queue) addCancel(callID uint64, reason *tool.Error) {
	var e encoder
	e.proto(&bridgepb.Cancel{Error: &bridgepb.ErrorInfo{Type: string(reason.Code), Message: wire.Text(reason.Message)}})
	q.add(callID, frameCancel, e.buf)
}
