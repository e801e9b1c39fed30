package link

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of LinkMessage.
const (
	messageAck    protowire.Number = 1
	messageFrames protowire.Number = 2
)

// Fields of Frame. Those of its oneof name the kinds of frames.
const (
	frameCallID        protowire.Number = 1
	frameCall          protowire.Number = 2
	frameResult        protowire.Number = 3
	frameChunk         protowire.Number = 4
	frameCredit        protowire.Number = 5
	frameCancel        protowire.Number = 6
	frameProgress      protowire.Number = 7
	frameLog           protowire.Number = 8
	frameFragment      protowire.Number = 9
	frameRegister      protowire.Number = 10
	frameRegistered    protowire.Number = 11
	frameUnregister    protowire.Number = 12
	frameToolsChanged  protowire.Number = 13
	framePing          protowire.Number = 14
	framePong          protowire.Number = 15
	frameHello         protowire.Number = 16
	frameWelcome       protowire.Number = 17
	frameDrain         protowire.Number = 18
	frameAuthenticate  protowire.Number = 19
	frameProtocolError protowire.Number = 20
	frameBatch         protowire.Number = 21
	frameBatchResult   protowire.Number = 22
)

// The sizes of the protocol, in bytes where nothing else is said.
const (
	// maxPiece is how long the pieces of a frame are that is cut.
	maxPiece = 64 << 10
	// maxWhole is how long a frame may be before it is cut: a value of 64 KiB fits with what stands around it.
	maxWhole = maxPiece + 1<<10
	// maxLead is how many bytes of whole chunks of one call may wait in the send queue, so that a stream does not hold up the
	// others for longer than one message.
	maxLead = fullMessage
	// fullMessage is from where on a message counts as full: no further frame is put into it.
	fullMessage = 256 << 10
	// maxFrames is how many frames a message holds.
	maxFrames = 512
	// maxMessage is what a reader accepts: a full message, a last frame beyond it, and tags.
	maxMessage = fullMessage + maxPiece + 16<<10 // what is beyond a whole frame counts among the tags
	// maxFrame is the transport's limit, which holds for a frame that was cut as well.
	maxFrame = 16 << 20
	// windowMessages is how many messages that are not full may be unacknowledged.
	windowMessages = 4
	// windowFull is how many bytes of full messages may be unacknowledged.
	windowFull = 8 << 20
	// maxQueued is how many bytes may wait in the send queue before it takes no further call or result: of whole frames,
	// and as much of frames that leave in pieces, so that these do not keep small ones out.
	maxQueued = 8 << 20
	// maxBacklog is how many bytes may wait in the send queue in all: what it takes in any case included, such as pongs.
	maxBacklog = 6 * maxQueued
	// ackOwed is how many messages are owed an acknowledgement before it is sent alone.
	ackOwed = 2
	// maxAssembling is how many bytes of unfinished frames, chunks aside, a reader keeps. A sender whose queue
	// is limited to maxQueued stays far below.
	maxAssembling = 128 << 20
	// defaultCredit is how many chunk bytes may be sent for a call before the first credit.
	defaultCredit = 1 << 20
	// defaultMaxCalls is how many calls a side takes at once.
	defaultMaxCalls = 4096
)

// frame is a Frame whose body is not decoded yet: kind is the number of the body's field, 0 for one without.
type frame struct {
	callID uint64
	kind   protowire.Number
	body   []byte
}

func decodeFrame(b []byte, fr *frame) (err error) {
	var merged []byte // one message in parts, as protobuf merges them; made once, so that many parts cost no more than few
	merging, whole := false, len(b)
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return err
		}
		switch {
		case f.num == frameCallID && f.isVarint():
			fr.callID = f.number
		case f.isBytes() && f.num == fr.kind && merging:
			fr.body = append(fr.body, f.data...)
		case f.isBytes() && f.num == fr.kind:
			if merged == nil {
				merged = make([]byte, 0, whole)
			}
			fr.body, merging = append(append(merged, fr.body...), f.data...), true
		case f.isBytes():
			fr.kind, fr.body, merging = f.num, f.data, false
		}
	}
	return nil
}

// decodeMessage reads a LinkMessage and calls each with every frame's bytes.
func decodeMessage(b []byte, each func(frame []byte) error) (ack uint64, err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return 0, err
		}
		switch {
		case f.num == messageAck && f.isVarint():
			ack = f.number
		case f.num == messageFrames && f.isBytes():
			if err := each(f.data); err != nil {
				return 0, err
			}
		}
	}
	return ack, nil
}

// decodeNumber reads a message whose only field of interest is number 1: Credit, Ping and Pong.
func decodeNumber(b []byte) (n uint64, err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return 0, err
		}
		if f.num == 1 && f.isVarint() {
			n = f.number
		}
	}
	return n, nil
}

// piece is a Fragment.
type piece struct {
	id    uint64
	data  Message
	total uint64
}

func decodeFragment(b []byte) (p piece, err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return p, err
		}
		switch {
		case f.num == 1 && f.isVarint():
			p.id = f.number
		case f.num == 2 && f.isBytes():
			p.data = Message{f.data}
		case f.num == 3 && f.isVarint():
			p.total = f.number
		}
	}
	return p, nil
}
