package link

import (
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// assembly puts frames together that arrive in pieces. It is part of engine and guarded by its mutex.
type assembly struct {
	parts map[uint64]*part
	// bytes are those that unfinished frames have so far, chunks aside: those are limited by credit.
	bytes int
}

type part struct {
	callID uint64
	total  int
	data   []byte
	chunk  bool
}

// begin starts a frame with its first piece.
func (a *assembly) begin(callID uint64, p piece) (*part, *tool.Error) {
	if p.total == 0 || p.total > maxFrame {
		return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d: its frame has %d bytes; a frame that is cut has 1 to %d", p.id, callID, p.total, maxFrame)
	}
	if _, twice := a.parts[p.id]; twice {
		return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d begins twice", p.id, callID)
	}
	if a.parts == nil {
		a.parts = make(map[uint64]*part)
	}
	made := &part{callID: callID, total: int(p.total), chunk: isChunk(p.data)}
	a.parts[p.id] = made
	return made, nil
}

// isChunk reports whether the first piece of a frame is that of a chunk.
func isChunk(data []byte) bool {
	for len(data) > 0 {
		f, rest, err := nextHeader(data)
		if err != nil {
			return false
		}
		if f.num != frameCallID {
			return f.num == frameChunk
		}
		data = rest
	}
	return false
}

// add appends a piece and returns the whole frame if it is the last one.
func (a *assembly) add(id uint64, pt *part, p piece) ([]byte, *tool.Error) {
	if len(p.data) == 0 || len(p.data) > maxPiece || len(pt.data)+len(p.data) > pt.total {
		return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d: a piece of %d bytes after %d of %d; a piece has 1 to %d",
			id, pt.callID, len(p.data), len(pt.data), pt.total, maxPiece)
	}
	if pt.data == nil {
		pt.data = make([]byte, 0, min(pt.total, firstAssembly))
	}
	pt.data = append(pt.data, p.data...)
	if !pt.chunk {
		a.bytes += len(p.data)
		if a.bytes > maxAssembling {
			return nil, tool.Errorf(tool.ProtocolError, "frames in pieces have %d bytes although none is whole; the limit is %d", a.bytes, maxAssembling)
		}
	}
	if len(pt.data) < pt.total {
		return nil, nil
	}
	a.remove(id, pt)
	return pt.data, nil
}

// firstAssembly is how much is allocated before it has arrived.
const firstAssembly = 256 << 10

func (a *assembly) remove(id uint64, pt *part) {
	if !pt.chunk {
		a.bytes -= len(pt.data)
	}
	delete(a.parts, id)
}

// forget drops what has arrived for a call that has ended.
func (a *assembly) forget(callID uint64) {
	for id, pt := range a.parts {
		if pt.callID == callID {
			a.remove(id, pt)
		}
	}
}
