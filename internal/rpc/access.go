package rpc

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// accessLog writes a line for each RPC and each call over a link: who asked for what, how it ended and how long it took. No values,
// metadata or messages of errors stand in it. A nil *accessLog writes nothing.
type accessLog struct{ logger *slog.Logger }

func newAccessLog(logger *slog.Logger) *accessLog {
	if logger == nil {
		return nil
	}
	return &accessLog{logger}
}

// options are those of a gRPC server whose RPCs are logged.
func (a *accessLog) options() []grpc.ServerOption {
	if a == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(a.unary), grpc.ChainStreamInterceptor(a.stream)}
}

// seen is what the handler of an RPC adds to its line.
type seen struct{ call string }

type seenKey struct{}

// note adds the name of a call to the line of the RPC that made it.
func (a *accessLog) note(ctx context.Context, id func(uint64) string, call *tool.Call) {
	if a == nil {
		return
	}
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		s.call = id(call.Number)
	}
}

func (a *accessLog) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	began, s := time.Now(), &seen{}
	answer, err := handle(context.WithValue(ctx, seenKey{}, s), request)
	a.rpc(ctx, info.FullMethod, request, codeIn(answer), err, s, began)
	return answer, err
}

func (a *accessLog) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	began, s := time.Now(), &seen{}
	watched := &watchedStream{ServerStream: stream, ctx: context.WithValue(stream.Context(), seenKey{}, s)}
	var to grpc.ServerStream = watched
	if info.IsClientStream { // a link: its calls have lines of their own
		to = stream
	}
	err := handle(service, to)
	a.rpc(stream.Context(), info.FullMethod, watched.request, watched.code, err, s, began)
	return err
}

// watchedStream keeps the request of a streaming RPC, and the code of its last answer.
type watchedStream struct {
	grpc.ServerStream
	ctx     context.Context //nolint:containedctx // it is the stream's
	request any
	code    string
}

// Context implements grpc.ServerStream.
func (w *watchedStream) Context() context.Context { return w.ctx }

// RecvMsg implements grpc.ServerStream.
func (w *watchedStream) RecvMsg(m any) error {
	w.request = m
	return w.ServerStream.RecvMsg(m)
}

// SendMsg implements grpc.ServerStream.
func (w *watchedStream) SendMsg(m any) error {
	w.code = codeIn(m)
	return w.ServerStream.SendMsg(m)
}

// codeIn is the code of the error that an answer holds; empty for none.
func codeIn(answer any) string {
	switch a := answer.(type) {
	case *bridgepb.ToolStreamChunk:
		return a.GetContent().GetError().GetType()
	case interface{ GetError() *bridgepb.ErrorInfo }:
		return a.GetError().GetType()
	case interface{ GetRefused() *bridgepb.ErrorInfo }:
		return a.GetRefused().GetType()
	default:
		return ""
	}
}

// link writes the line of a link that has ended.
func (a *accessLog) link(ctx context.Context, err error, began time.Time) {
	if a != nil {
		a.rpc(ctx, bridgepb.SnakepitBridge_Link_FullMethodName, nil, "", err, &seen{}, began)
	}
}

func (a *accessLog) rpc(ctx context.Context, method string, request any, code string, err error, s *seen, began time.Time) {
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("edge", "grpc"), slog.String("method", method))
	attrs = append(attrs, namesIn(request)...)
	if s.call != "" {
		attrs = append(attrs, slog.String("call", s.call))
	}
	if err != nil {
		code = status.Code(err).String()
	}
	a.write(append(attrs, slog.String("peer", address(ctx))), code, began)
}

// namesIn are the ids that a request names.
func namesIn(request any) (attrs []slog.Attr) {
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, wire.Text(value[:min(len(value), tool.MaxNameBytes)])))
		}
	}
	if r, is := request.(interface{ GetRequestId() string }); is {
		add("request_id", r.GetRequestId())
	}
	if r, is := request.(interface{ GetStreamId() string }); is {
		add("request_id", r.GetStreamId())
	}
	if r, is := request.(interface{ GetBatchId() string }); is {
		add("request_id", r.GetBatchId())
	}
	if r, is := request.(interface{ GetSessionId() string }); is {
		add("session", r.GetSessionId())
	}
	if r, is := request.(interface{ GetToolId() string }); is {
		add("tool", r.GetToolId())
	}
	return attrs
}

// accessed is a call over a link on whose end a line is written.
type accessed struct {
	process *process
	call    *tool.Call
	then    tool.Answerer
	began   time.Time
}

// Answer takes the call's result.
func (a *accessed) Answer(result tool.Result, err error) {
	a.process.links.access.call(a.process, a.call, err, a.began)
	a.then.Answer(result, err)
}

// now is when something begins that a line will tell of; a call of which nobody writes does not ask the clock.
func (a *accessLog) now() time.Time {
	if a == nil {
		return time.Time{}
	}
	return time.Now()
}

// call writes the line of a call over a link.
func (a *accessLog) call(p *process, call *tool.Call, err error, began time.Time) {
	if a == nil {
		return
	}
	name := call.RequestID
	if name == "" {
		name = call.StreamID
	}
	attrs := append(make([]slog.Attr, 0, 10), slog.String("edge", "link"), slog.String("peer", p.bridge.Identity()))
	attrs = append(attrs, namesIn(&bridgepb.ToolCallRequest{RequestId: name, SessionId: call.SessionID, ToolId: call.Tool})...)
	attrs = append(attrs, slog.String("call", p.links.broker.CallID(call.Number)))
	a.write(attrs, string(tool.CodeOf(err)), began)
}

// batch writes the line of a batch over a link.
func (a *accessLog) batch(p *process, b *link.Batch, err error, began time.Time) {
	if a == nil {
		return
	}
	attrs := append(make([]slog.Attr, 0, 10), slog.String("edge", "link"), slog.String("method", bridgepb.SnakepitBridge_BatchExecuteTools_FullMethodName),
		slog.String("peer", p.bridge.Identity()))
	attrs = append(attrs, namesIn(&bridgepb.BatchExecuteToolsRequest{BatchId: b.ID, SessionId: b.SessionID})...)
	a.write(attrs, string(tool.CodeOf(err)), began)
}

func (a *accessLog) write(attrs []slog.Attr, code string, began time.Time) {
	if code == "" {
		code = "OK"
	}
	attrs = append(attrs, slog.String("code", code), slog.Float64("duration_ms", wire.Millis(time.Since(began))))
	a.logger.LogAttrs(context.Background(), slog.LevelInfo, "access", attrs...)
}
