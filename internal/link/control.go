package link

import (
	"context"

	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// control runs a registration, a withdrawal or a new credential in its turn; the mutex is held.
func (e *engine) control(m proto.Message, size int) *tool.Error {
	e.controlBytes += size
	if e.controlBytes > maxAssembling {
		return tool.Errorf(tool.ProtocolError, "registrations of %d bytes wait to be answered; the limit is %d", e.controlBytes, maxAssembling)
	}
	waiting := e.controls.run(func() {
		e.runControl(m)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.controlBytes -= size
	})
	if waiting > maxControls {
		return tool.Errorf(tool.ProtocolError, "more than %d registrations wait to be answered", maxControls)
	}
	return nil
}

const maxControls = 1024

func (e *engine) runControl(m proto.Message) {
	var answer *bridgepb.Registered
	switch m := m.(type) {
	case *bridgepb.Register:
		ids, err := e.runRegister(e.ctx, wire.OffersFromProto(m.GetTools()))
		answer = &bridgepb.Registered{Id: m.GetId(), ToolIds: ids, Error: wire.ErrorProto(err)}
	case *bridgepb.Unregister:
		err := e.runUnregister(e.ctx, m.GetSessionId(), m.GetToolIds())
		answer = &bridgepb.Registered{Id: m.GetId(), ToolIds: m.GetToolIds(), Error: wire.ErrorProto(err)}
	case *bridgepb.Authenticate:
		if e.authenticate == nil {
			return
		}
		if err := e.authenticate(e.ctx, m.GetToken()); err != nil {
			e.violate(wire.Error(err))
		}
		return
	}
	_ = e.note(frameRegistered, answer) // an error says that nobody waits for it
}

func (e *engine) runRegister(ctx context.Context, specs []*tool.Spec) ([]string, error) {
	if e.register == nil {
		return nil, tool.Errorf(tool.Unimplemented, "this link takes no tools")
	}
	return e.register(ctx, specs)
}

func (e *engine) runUnregister(ctx context.Context, sessionID string, ids []string) error {
	if e.unregister == nil {
		return tool.Errorf(tool.Unimplemented, "this link takes no tools")
	}
	return e.unregister(ctx, sessionID, ids)
}
