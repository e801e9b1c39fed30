package link

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
)

// pack is a message in the making: frames, behind room for the acknowledgement that is put before them when it leaves.
type pack struct {
	buf []byte
	// shared are bytes that are not in buf; parts is all of it, once it leaves.
	shared []shared
	parts  Message
	// leads are the chunks in it.
	leads []lead
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
var packs = [...]sync.Pool{{New: makePack}, {New: makePack}, {New: makePack}, {New: makePack}}

// packSizes are the least capacities of the packs in each pool.
var packSizes = [...]int{2 << 10, 16 << 10, 64 << 10, fullMessage + maxPiece + 4<<10}

func makePack() any { return new(pack) }

// spare returns a pack that has room for so many bytes, or as many as packs have.
func spare(size int) *pack {
	class := 0
	for class < len(packSizes)-1 && size > packSizes[class] {
		class++
	}
	p, _ := packs[class].Get().(*pack)
	if cap(p.buf) == 0 {
		p.buf = make([]byte, packRoom, packSizes[class])
		p.release = func() { p.free() }
	}
	return p
}

// keep keeps a pack that nobody uses.
func (p *pack) keep() {
	for i := range p.shared {
		if release := p.shared[i].release; release != nil {
			release()
		}
	}
	clear(p.shared)
	clear(p.parts)
	p.shared, p.parts = p.shared[:0], p.parts[:0]
	class := len(packSizes) - 1
	for class > 0 && cap(p.buf) < packSizes[class] {
		class--
	}
	packs[class].Put(p)
}

// newPack returns a pack for about so many bytes.
func newPack(number uint64, size int) *pack {
	p := spare(size)
	p.buf, p.frames, p.size, p.bodies, p.number = p.buf[:packRoom], 0, 0, 0, number
	p.users.Store(2)
	return p
}

// free is called by each user that no longer needs the pack. It reports whether that was the last one.
func (p *pack) free() bool {
	last := p.users.Add(-1) == 0
	if last {
		p.keep()
	}
	return last
}

// reserve makes room for so many more bytes: it takes the buffer of a larger pack.
func (p *pack) reserve(n int) {
	if n <= cap(p.buf)-len(p.buf) {
		return
	}
	larger := spare(len(p.buf) + n)
	larger.buf = append(larger.buf[:0], p.buf...)
	p.buf, larger.buf = larger.buf, p.buf
	larger.keep()
}

// message returns the finished message: the acknowledgement in front, then the frames.
func (p *pack) message(ack uint64) Message {
	at := packRoom
	if ack != 0 {
		at = packRoom - 1 - protowire.SizeVarint(ack)
		p.buf[at] = byte(messageAck) << 3
		protowire.AppendVarint(p.buf[:at+1], ack)
	}
	p.parts = appendParts(p.parts[:0], p.buf, at, p.shared)
	return p.parts
}

func (p *pack) full() bool { return p.size >= fullMessage }

// headerRoom is more than what stands before a frame's body has.
const headerRoom = 48

// header appends what stands before a frame's body.
func (p *pack) header(id uint64, kind protowire.Number, body int) {
	n := frameSize(id, kind, body)
	p.size += n
	p.frames++
	p.reserve(headerRoom)
	p.buf = append(p.buf, byte(messageFrames)<<3|byte(protowire.BytesType))
	p.buf = protowire.AppendVarint(p.buf, uint64(n))
	p.buf = appendFrameHeader(p.buf, id, kind, body)
}

// content appends a frame's body.
func (p *pack) content(c content) {
	p.reserve(len(c.written))
	from := 0
	for _, s := range c.shared {
		p.buf = append(p.buf, c.written[from:s.at]...)
		p.share(s)
		from = s.at
	}
	p.buf = append(p.buf, c.written[from:]...)
}

// bytes appends bytes that nobody changes any more.
func (p *pack) bytes(b []byte) {
	if len(b) < sharedFrom {
		p.reserve(len(b))
		p.buf = append(p.buf, b...)
		return
	}
	p.share(shared{data: b})
}

func (p *pack) share(s shared) {
	s.at = len(p.buf)
	p.shared = append(p.shared, s)
}

// lead is how many bytes of chunks of a call are in a pack.
type lead struct {
	credit *credit
	bytes  int64
}

// lead notes bytes of chunks that were just queued, which hold their call's next ones back until the pack leaves.
func (p *pack) lead(c *credit, bytes int64) {
	c.queued += bytes
	if n := len(p.leads); n > 0 && p.leads[n-1].credit == c {
		p.leads[n-1].bytes += bytes
		return
	}
	p.leads = append(p.leads, lead{c, bytes})
}

// leave lets the calls go on whose chunks leave with the pack.
func (p *pack) leave() {
	for i := range p.leads {
		l := &p.leads[i]
		l.credit.queued -= l.bytes
		l.credit.now()
	}
	clear(p.leads)
	p.leads = p.leads[:0]
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
