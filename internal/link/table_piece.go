package link

import (
	"bytes"
	"strings"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// urlTablePiece is the type URL of a piece of a table.
const urlTablePiece = "type.googleapis.com/dspex.bridge.TablePiece"

// tablePiece is a piece of a table on its way out.
type tablePiece struct {
	sequence uint64
	kind     string // of a result's table, in its first piece
	data     []byte
}

// tablePiece writes a ToolStreamChunk with a piece of a table.
func (e *encoder) tablePiece(p tablePiece) {
	e.chunk("", p.sequence, tool.Value{TypeURL: urlTablePiece, Bytes: p.data})
	e.text(4, p.kind)
}

// checkTablePiece checks what holds for pieces of both directions.
func checkTablePiece(a *arrival, assembled bool) *tool.Error {
	switch v := a.chunk.value; {
	case !a.chunk.data || v.TypeURL != urlTablePiece:
		return tool.Errorf(tool.ProtocolError, "call %d: a chunk of type %.100q where a piece of a table is due, %q", a.callID, v.TypeURL, urlTablePiece)
	case assembled || len(v.Bytes) > tool.TablePieceBytes:
		return tool.Errorf(tool.ProtocolError, "call %d: a piece of a table has %d bytes; the limit is %d, so that it is never cut", a.callID, len(v.Bytes), tool.TablePieceBytes)
	default:
		return nil
	}
}

// headOfPiece is how far into a chunk its type URL begins at most.
const headOfPiece = 32

// isTablePiece reports whether a chunk is one of the long pieces of which tables mostly consist.
func isTablePiece(body []byte) bool {
	if len(body) < tool.TablePieceBytes/2 {
		return false
	}
	return bytes.Contains(body[:headOfPiece+len(urlTablePiece)], []byte(urlTablePiece))
}

// mayBeTablePiece reports whether a frame in several parts looks like a chunk that isTablePiece is to judge.
func mayBeTablePiece(frame Message) bool {
	if frame.size() < tool.TablePieceBytes/2 {
		return false
	}
	var head [2*headOfPiece + len(urlTablePiece)]byte
	c := readMessage(frame)
	return bytes.Contains(head[:c.peek(head[:])], []byte(urlTablePiece))
}

// decodePiece reads a chunk whose value is a piece of a table. The piece is copied into a buffer that is used again, so that a
// large table leaves no garbage of its size behind.
func (a *arrival) decodePiece(body []byte) (err error) {
	a.body = nil
	if err := decodeChunk(body, &a.chunk); err != nil {
		return err
	}
	v := &a.chunk.value
	a.chunk.kind = strings.Clone(a.chunk.kind)
	if v.TypeURL == urlTablePiece {
		v.TypeURL = urlTablePiece // not a part of body
	} else {
		v.TypeURL = strings.Clone(v.TypeURL)
	}
	if len(v.Bytes) > tool.TablePieceBytes {
		v.Bytes = bytes.Clone(v.Bytes)
		return nil
	}
	buffer, _ := pieces.Get().(*[tool.TablePieceBytes]byte)
	v.Bytes = buffer[:copy(buffer[:], v.Bytes)]
	return nil
}

// pieces are buffers for pieces of tables, of whatever link.
//
//nolint:gochecknoglobals // a pool of buffers
var pieces = sync.Pool{New: func() any { return new([tool.TablePieceBytes]byte) }}

// freePiece lets the buffer of a piece be used again, if it is one of pieces. Nobody may use the piece any more.
func freePiece(piece []byte) {
	if cap(piece) == tool.TablePieceBytes {
		pieces.Put((*[tool.TablePieceBytes]byte)(piece[:tool.TablePieceBytes]))
	}
}
