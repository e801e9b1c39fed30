package link

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/memory"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// arrival is a frame that was read, decoded as far as it can be without the engine's state.
type arrival struct {
	frame
	size   int // of the serialized frame
	call   *inCall
	head   callHead
	result tool.Result
	answer *tool.Error
	chunk  chunkFrame
	number uint64
	piece  piece
	cold   proto.Message
	batch  *batchResult
	// claimed says that the call id was noted as used when the first piece of the frame came.
	claimed bool
}

// decode reads a Frame. What is kept of the bytes is copied to keep; if there is none, they are the frame's own.
func (a *arrival) decode(e *engine, b []byte, keep *arena) (err error) {
	a.size = len(b)
	if err := decodeFrame(b, &a.frame); err != nil {
		return err
	}
	body := a.body
	if a.kind == frameChunk && isTablePiece(body) {
		return a.decodePiece(body)
	}
	switch a.kind {
	case frameCall, frameResult, frameChunk, frameBatch, frameBatchResult:
		if keep != nil {
			body = keep.copy(body)
		}
	default: // what is kept is copied as it is decoded
	}
	a.body = nil
	if err := checkParts(a.kind, body); err != nil {
		return err
	}
	switch a.kind {
	case frameCall:
		a.call, err = e.newCall(a.callID, body, &a.head)
	case frameBatch:
		a.call, err = e.newBatch(a.callID, body)
	case frameBatchResult:
		if e.process { // nobody answers to a bridge
			a.batch, err = decodeBatchResult(body)
		}
	case frameResult:
		a.answer, err = decodeResponse(body, &a.result)
	case frameChunk:
		err = decodeChunk(body, &a.chunk)
	case frameCredit, framePing, framePong:
		a.number, err = decodeNumber(body)
	case frameFragment:
		a.piece, err = decodeFragment(body)
	default:
		if a.cold = coldMessage(a.kind); a.cold != nil {
			err = proto.Unmarshal(body, a.cold)
		}
	}
	return err
}

// decodeFragment reads a Fragment that lies in several parts, without putting it together. It reports false for anything else, and for a
// Fragment that is not written as everybody writes it.
func (a *arrival) decodeFragment(frame Message) bool {
	c := readMessage(frame)
	callID := c.field(frameCallID)
	if n, ok := c.open(frameFragment); !ok || n != c.size() {
		return false
	}
	var p piece
	p.id = c.field(1)
	n, ok := c.open(2)
	if !ok || n > c.size() {
		return false
	}
	p.data = c.take(make(Message, 0, len(frame)), n)
	p.total = c.field(3)
	if !c.empty() {
		return false
	}
	a.callID, a.kind, a.piece, a.size = callID, frameFragment, p, frame.size()
	return true
}

// decodeWhole reads a frame that lies in several parts, and puts it together where it stays.
func (a *arrival) decodeWhole(e *engine, frame Message) error {
	var whole gathered
	whole.grow(frame.size())
	whole.add(frame)
	return a.decode(e, whole.bytes(), nil)
}

// decodeChunk reads a chunk that lies in several parts. In a bridge it goes on to somebody else, and then its memory is used again; in a
// process it is the caller's, who may keep it, and its memory is used again once the collector finds that nobody does.
func (a *arrival) decodeChunk(e *engine, frame Message) error {
	if e.process {
		if b := memory.Lend(frame.size()); b != nil {
			return a.decode(e, frame.appendTo(b), nil)
		}
		return a.decodeWhole(e, frame)
	}
	block := memory.Get(frame.size())
	if block == nil {
		return a.decodeWhole(e, frame)
	}
	err := a.decode(e, frame.appendTo(block.Bytes()), nil)
	a.chunk.release = block.Release
	return err
}

// checkParts refuses a body of very many parts before memory is taken for them.
func checkParts(kind protowire.Number, body []byte) error {
	if !wire.MayHaveManyParts(len(body)) {
		return nil
	}
	var m proto.Message
	switch kind {
	case frameCall:
		m = (*bridgepb.ToolCallRequest)(nil)
	case frameResult:
		m = (*bridgepb.ToolCallResponse)(nil)
	case frameChunk:
		m = (*bridgepb.ToolStreamChunk)(nil)
	case frameBatch:
		m = (*bridgepb.BatchExecuteToolsRequest)(nil)
	default:
		m = coldMessage(kind)
	}
	if m == nil || !wire.TooManyParts(body, m.ProtoReflect().Descriptor()) {
		return nil
	}
	return tool.Errorf(tool.ProtocolError, "message too large: a frame of kind %d has more than %d tools, arguments and the like: send them in parts", kind, wire.MaxParts)
}

// coldMessage returns an empty message for the body of a frame that is not hot; nil for an unknown one.
func coldMessage(kind protowire.Number) proto.Message {
	switch kind {
	case frameCancel:
		return &bridgepb.Cancel{}
	case frameProgress:
		return &bridgepb.Progress{}
	case frameLog:
		return &bridgepb.LogRecord{}
	case frameRegister:
		return &bridgepb.Register{}
	case frameRegistered:
		return &bridgepb.Registered{}
	case frameUnregister:
		return &bridgepb.Unregister{}
	case frameToolsChanged:
		return &bridgepb.ToolsChanged{}
	case frameHello:
		return &bridgepb.Hello{}
	case frameWelcome:
		return &bridgepb.Welcome{}
	case frameDrain:
		return &bridgepb.Drain{}
	case frameAuthenticate:
		return &bridgepb.Authenticate{}
	case frameProtocolError:
		return &bridgepb.ProtocolError{}
	default:
		return nil
	}
}

func undecodable(err error) *tool.Error {
	if known := wire.Error(err); known.Code == tool.ProtocolError {
		return known
	}
	return tool.Errorf(tool.ProtocolError, "frame cannot be decoded: %w", err)
}
