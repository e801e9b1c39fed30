package link

import (
	"context"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// reply is what somebody waits for who sent a frame of the link itself: register, unregister or ping.
type reply struct {
	ready chan struct{} // closed
	ids   []string
	err   *tool.Error
}

// ask sends a frame of the link with an id of its own and waits for the reply.
func (e *engine) ask(ctx context.Context, kind protowire.Number, body func(id uint64) proto.Message) (*reply, error) {
	r := &reply{ready: make(chan struct{})}
	e.mu.Lock()
	if e.gone != nil {
		defer e.mu.Unlock()
		return nil, e.unreachable()
	}
	if e.replies == nil {
		e.replies, e.nextReply = make(map[uint64]*reply), pingKeepalive
	}
	e.nextReply++
	id := e.nextReply
	var enc encoder
	enc.proto(body(id))
	if enc.invalid {
		e.mu.Unlock()
		return nil, tool.Errorf(tool.ValidationError, "a tool's description holds text that is not UTF-8")
	}
	if err := checkNote(kind, enc.buf); err != nil {
		e.mu.Unlock()
		return nil, err
	}
	e.replies[id] = r
	e.send(0, kind, enc.buf)
	e.mu.Unlock()
	select {
	case <-r.ready:
	case <-ctx.Done():
		e.mu.Lock()
		delete(e.replies, id)
		e.mu.Unlock()
		return nil, wire.ContextError(ctx)
	}
	if r.err != nil {
		return nil, r.err
	}
	return r, nil
}

// unreachable is the error of whatever needs a link that is gone; the mutex is held.
func (e *engine) unreachable() *tool.Error {
	err := tool.Errorf(tool.WorkerUnavailable, "the link to %s is gone: %s", e.peer, e.gone.Message)
	err.Cause = e.gone
	return err
}

// Register offers tools.
func (e *engine) Register(ctx context.Context, specs []*tool.Spec) ([]string, error) {
	r, err := e.ask(ctx, frameRegister, func(id uint64) proto.Message {
		return &bridgepb.Register{Id: id, Tools: wire.SpecsProto(specs)}
	})
	if err != nil {
		return nil, err
	}
	return r.ids, nil
}

// Unregister withdraws tools.
func (e *engine) Unregister(ctx context.Context, sessionID string, ids []string) error {
	_, err := e.ask(ctx, frameUnregister, func(id uint64) proto.Message {
		return &bridgepb.Unregister{Id: id, ToolIds: ids, SessionId: sessionID}
	})
	return err
}

// Ping waits for a sign of life and returns how long it took.
func (e *engine) Ping(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	if _, err := e.ask(ctx, framePing, func(id uint64) proto.Message { return &bridgepb.Ping{Id: id} }); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

// note sends a frame of the link that nobody answers.
func (e *engine) note(kind protowire.Number, m proto.Message) error {
	var enc encoder
	enc.proto(m)
	if enc.invalid {
		return tool.Errorf(tool.ValidationError, "text that is not UTF-8 cannot be sent")
	}
	if err := checkNote(kind, enc.buf); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone != nil {
		return e.unreachable()
	}
	e.send(0, kind, enc.buf)
	return nil
}

// Drain asks for no new calls and waits until those that run here have ended and their results were read.
func (e *engine) Drain(ctx context.Context, reason string) error {
	drain := &bridgepb.Drain{Reason: wire.Text(reason), DeadlineUs: wire.TimeLeft(ctx)}
	if err := e.note(frameDrain, drain); err != nil {
		return err
	}
	// The pong says that the other side knows: it sends no call after it.
	if _, err := e.Ping(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	quiet := e.await(&e.roomWaiters, ctx.Done(), func() bool { return e.in.Len() == 0 })
	e.mu.Unlock()
	if !quiet {
		return wire.ContextError(ctx)
	}
	// This one says that it has read their results: it reads in order.
	_, err := e.Ping(ctx)
	return err
}

func (d *delivery) takeReply(e *engine, id uint64, ids []string, err *tool.Error) {
	r := e.replies[id]
	if r == nil {
		return
	}
	delete(e.replies, id)
	r.ids, r.err = ids, err
	close(r.ready)
}
