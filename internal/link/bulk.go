package link

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// bulk is a frame over 64 KiB that leaves in pieces.
type bulk struct {
	id     uint64 // of the fragment
	callID uint64
	rest   Message // what has not left
	total  int     // bytes of the whole frame
	taken  int     // bytes that have left
	// after is the number of the newest pack with whole frames that were queued before.
	after uint64
	// credit is the call's, for a chunk; nil for a frame that needs none.
	credit *credit
	// cancelled asks for a Cancel frame behind the last piece.
	cancelled *tool.Error
	// whole is told that the last piece has left; may be nil.
	whole chan<- struct{}
}

func (b *bulk) size() int { return b.total }

// piece returns how long the next piece is; 0 if it must wait for credit.
func (b *bulk) piece() int { return b.pieceAfter(0) }

// pieceAfter returns how long the piece after so many further ones is; 0 if there is none, or it must wait for credit.
func (b *bulk) pieceAfter(others int) int {
	n := min(maxPiece, b.size()-b.taken-others*maxPiece)
	if n <= 0 || (b.credit != nil && b.credit.left-int64(others*maxPiece) < int64(n)) {
		return 0
	}
	return n
}

// fragmentSize is the length of the Fragment with n bytes from a place on. The first one says how long the whole is.
func (b *bulk) fragmentSize(n, from int) int {
	size := 1 + protowire.SizeVarint(b.id) + 1 + protowire.SizeBytes(n)
	if from == 0 {
		size += 1 + protowire.SizeVarint(uint64(b.size()))
	}
	return size
}

// moveTo appends the next n bytes as a Fragment frame.
func (b *bulk) moveTo(p *pack, n int) {
	total := 0
	if b.taken == 0 {
		total = b.size()
	}
	p.header(b.callID, frameFragment, b.fragmentSize(n, b.taken))
	e := encoder{buf: p.buf}
	e.varint(1, b.id)
	e.open(2, n)
	p.buf = e.buf
	b.moveBytes(p, n)
	e.buf = p.buf
	e.varint(3, uint64(total))
	p.buf = e.buf
	if b.credit != nil {
		b.credit.left -= int64(n)
	}
}

// moveBytes appends the next n bytes of the frame.
func (b *bulk) moveBytes(p *pack, n int) {
	b.taken += n
	for n > 0 {
		first := b.rest[0]
		k := min(n, len(first))
		p.bytes(first[:k])
		n -= k
		if b.rest[0] = first[k:]; k == len(first) {
			b.rest = b.rest[1:]
		}
	}
}

// credit is how many chunk bytes may be sent for a call. Guarded by the engine's mutex.
type credit struct {
	left int64
	// queued is how many of the bytes that took credit are in the send queue.
	queued int64
	// parked is the frame that waits for more.
	parked *bulk
	// waits is told that there is more; nil if nobody waits.
	waits chan struct{}
}
