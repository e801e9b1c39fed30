package link

import (
	"context"
	"log/slog"

	"google.golang.org/protobuf/encoding/protowire"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// progress sends how far a call is. It is dropped while the send queue is full or a chunk leaves in pieces.
func (c *inCall) progress(p tool.Progress) {
	enc := newEncoder()
	defer enc.free()
	enc.proto(wire.ProgressProto(p))
	c.sendAside(frameProgress, enc)
}

// Log sends a log record: of the call whose context ctx is, or of the link.
func (e *engine) Log(ctx context.Context, r LogRecord) {
	enc := newEncoder()
	defer enc.free()
	enc.proto(logProto(r))
	if c, ok := ctx.Value(callKey{}).(*inCall); ok && c.engine == e {
		c.sendAside(frameLog, enc)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hasRoom(0) && len(enc.buf) < maxPiece-packRoom {
		e.send(0, frameLog, enc.buf)
	}
}

// sendAside sends a frame of a call that may as well be dropped.
func (c *inCall) sendAside(kind protowire.Number, enc *encoder) {
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone != nil || c.cancelled || e.in.Get(c.id) != c || !e.hasRoom(0) || frameSize(c.id, kind, len(enc.buf)) > maxPiece {
		return
	}
	if c.credit.parked != nil {
		return
	}
	for b := range e.queue.cuts() {
		if b.callID == c.id {
			return
		}
	}
	e.send(c.id, kind, enc.buf)
}

func logProto(r LogRecord) *bridgepb.LogRecord {
	out := &bridgepb.LogRecord{Time: wire.TimeProto(r.Time), Level: int32(r.Level), Message: wire.Text(r.Message)}
	if len(r.Fields) > 0 {
		out.Fields = make(map[string]string, len(r.Fields))
		for k, v := range r.Fields {
			out.Fields[wire.Text(k)] = wire.Text(v)
		}
	}
	return out
}

func logFromProto(r *bridgepb.LogRecord) LogRecord {
	return LogRecord{
		Time: wire.TimeFromProto(r.GetTime()), Level: slog.Level(r.GetLevel()), Message: r.GetMessage(), Fields: r.GetFields(),
	}
}
