package link

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// inbox holds the chunks of a streaming call that its user has not taken yet.
type inbox struct {
	chunks []receivedChunk
	// granted is how many bytes the host may still send.
	granted int64
	// owed are bytes of a chunk in pieces that are granted when the inbox is empty.
	owed int64
	// assembling says that a chunk has come in part. There is one at most, because chunks come in order.
	assembling bool
	// signalled says that ready holds a signal.
	signalled bool
}

type receivedChunk struct {
	value   tool.Value
	release func() // see tool.Chunk
	// credit is granted when the chunk is taken.
	credit int64
}

// takeChunks empties the inbox.
func (e *engine) takeChunks(c *outCall) (chunks []receivedChunk, done bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	chunks = c.inbox.chunks
	c.inbox.chunks, c.inbox.signalled = nil, false
	return chunks, c.done
}

// grantAt is how many taken bytes are granted in one frame; fewer only when the inbox is empty.
const grantAt = defaultCredit / 4

// grant lets the host send more: the bytes of a chunk that its user has taken.
func (e *engine) grant(c *outCall, bytes int64, last bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.inbox.owed += bytes
	if c.done || e.gone != nil || c.inbox.owed == 0 {
		return
	}
	if c.inbox.owed >= grantAt || last && c.inbox.granted < grantAt {
		e.grantOwed(c)
	}
}

// grantOwed sends a Credit frame; the mutex is held.
func (e *engine) grantOwed(c *outCall) {
	var body [11]byte
	credit := protowire.AppendVarint(append(body[:0], 1<<3), uint64(c.inbox.owed))
	c.inbox.granted += c.inbox.owed
	c.inbox.owed = 0
	e.send(c.id, frameCredit, credit)
}

// receive takes bytes of a chunk off the host's credit; the mutex is held.
func (c *outCall) receive(n int) *tool.Error {
	c.inbox.granted -= int64(n)
	if c.inbox.granted < 0 {
		return tool.Errorf(tool.ProtocolError, "credit overrun: call %d sent %d chunk bytes more than it was granted", c.id, -c.inbox.granted)
	}
	return nil
}
