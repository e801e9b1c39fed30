package toolbridge

import (
	"context"
	"iter"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Tool is a tool as a session sees it. It is callable; the bridge decides at each call who runs it.
type Tool struct {
	session *Session
	name    string
	spec    *tool.Spec
}

// Tools lists the tools that the session sees, its own and the shared ones, in the order in which they were registered.
func (s *Session) Tools(ctx context.Context) ([]*Tool, error) {
	epoch, revision := s.state.seen()
	answer, err := ask(ctx, s.client, s.client.stub.GetSessionTools, &bridgepb.GetSessionToolsRequest{SessionId: s.id, Epoch: epoch, MinRevision: revision})
	if err != nil {
		return nil, err
	}
	s.state.saw(answer.GetRevision())
	specs := wire.SpecsFromProto(answer.GetTools())
	s.state.list(specs)
	tools := make([]*Tool, len(specs))
	for i, spec := range specs {
		tools[i] = &Tool{session: s, name: spec.ID, spec: spec}
	}
	return tools, nil
}

// Tool returns the tool of that id or name, without asking the bridge: whether it exists is seen when it is called.
func (s *Session) Tool(name string) *Tool {
	return &Tool{session: s, name: name, spec: s.state.spec(name)}
}

// Name is what the tool is called.
func (t *Tool) Name() string {
	if t.spec != nil {
		return t.spec.Name
	}
	return t.name
}

// Spec describes the tool as it was last listed; nil if it never was. It must not be changed.
func (t *Tool) Spec() *tool.Spec { return t.spec }

// With returns the tool with options for its calls, besides those that t has.
func (t *Tool) With(options ...CallOption) *Tool {
	view := *t
	view.session = t.session.With(options...)
	return &view
}

// Call calls the tool and returns its result as package value decodes it. Keyword arguments are given as Kw.
func (t *Tool) Call(ctx context.Context, args ...any) (any, error) {
	return t.session.Call(ctx, t.name, args...)
}

// Stream calls the tool and yields its results as they come; see Session.Stream.
func (t *Tool) Stream(ctx context.Context, args ...any) iter.Seq2[any, error] {
	return t.session.Stream(ctx, t.name, args...)
}

// RegisterTools records tools of the session that have no host yet, all or none: until a worker offers the same tools to
// the session, calls answer WorkerUnavailable. It returns their ids.
func (s *Session) RegisterTools(ctx context.Context, specs ...*tool.Spec) ([]string, error) {
	answer, err := ask(ctx, s.client, s.client.stub.RegisterTools, &bridgepb.RegisterToolsRequest{SessionId: s.id, Epoch: s.Epoch(), Tools: wire.SpecsProto(specs)})
	s.state.saw(answer.GetRevision())
	return answer.GetToolIds(), err
}

// UnregisterTools forgets tools of the session, all or none.
func (s *Session) UnregisterTools(ctx context.Context, ids ...string) error {
	answer, err := ask(ctx, s.client, s.client.stub.UnregisterTools, &bridgepb.UnregisterToolsRequest{SessionId: s.id, Epoch: s.Epoch(), ToolIds: ids})
	s.state.saw(answer.GetRevision())
	return err
}
