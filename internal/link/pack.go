package link

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
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
