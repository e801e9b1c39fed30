package toolbridge_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// stub is a server that answers what a bridge never would. It has no links.
type stub struct {
	bridgepb.UnimplementedSnakepitBridgeServer
	execute func(*bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error)
	chunks  []*bridgepb.ToolStreamChunk
	items   []*bridgepb.BatchItemResponse
	link    error
}

func (s *stub) InitializeSession(context.Context, *bridgepb.InitializeSessionRequest) (*bridgepb.InitializeSessionResponse, error) {
	return &bridgepb.InitializeSessionResponse{
		Success: true, Session: &bridgepb.Session{SessionId: "s", Epoch: 3, Revision: "r-1"}, BridgeRun: "run-1",
		Limits: &bridgepb.Limits{MaxValueBytes: 1000, MaxVariableBytes: 100, MaxBatchItems: 2, MaxCallDepth: 4, DefaultTimeoutUs: 30e6},
	}, nil
}

func (s *stub) ExecuteTool(_ context.Context, r *bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
	return s.execute(r)
}

func (s *stub) StreamTool(_ *bridgepb.ToolStreamRequest, out bridgepb.SnakepitBridge_StreamToolServer) error {
	for _, chunk := range s.chunks {
		if err := out.Send(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s *stub) StreamBatchExecuteTools(_ *bridgepb.BatchExecuteToolsRequest, out bridgepb.SnakepitBridge_StreamBatchExecuteToolsServer) error {
	for _, item := range s.items {
		if err := out.Send(item); err != nil {
			return err
		}
	}
	return nil
}

func (s *stub) WatchVariables(*bridgepb.WatchVariablesRequest, bridgepb.SnakepitBridge_WatchVariablesServer) error {
	return nil
}

func (s *stub) ExecuteAgent(*bridgepb.ExecuteAgentRequest, bridgepb.SnakepitBridge_ExecuteAgentServer) error {
	return nil
}

func (s *stub) Link(bridgepb.SnakepitBridge_LinkServer) error {
	if s.link != nil {
		return s.link
	}
	return status.Error(codes.Unimplemented, "no links here")
}

// serve runs the stub and returns the options that lead to it.
func (s *stub) serve(t *testing.T) toolbridge.DialOption {
	t.Helper()
	return serve(t, s)
}

func serve(t *testing.T, s bridgepb.SnakepitBridgeServer) toolbridge.DialOption {
	t.Helper()
	listener, server := bufconn.Listen(1<<20), grpc.NewServer()
	bridgepb.RegisterSnakepitBridgeServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	return toolbridge.WithGRPCOptions(grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
}

func (s *stub) session(t *testing.T) *toolbridge.Session {
	t.Helper()
	return attached(t, s)
}

func attached(t *testing.T, s bridgepb.SnakepitBridgeServer) *toolbridge.Session {
	t.Helper()
	client, err := toolbridge.Dial(t.Context(), "passthrough:///stub", serve(t, s), toolbridge.WithConnectTimeout(patience))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	session, err := client.Session(t.Context(), "s")
	require.NoError(t, err)
	return session
}

func TestABridgeWithoutLinksIsCalledByPlainRPCs(t *testing.T) {
	t.Parallel()
	var got *bridgepb.ToolCallRequest
	s := (&stub{execute: func(r *bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
		got = r
		return &bridgepb.ToolCallResponse{Success: true, Result: &anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.BoolValue"}}, nil
	}}).session(t)
	v, err := s.With(toolbridge.Timeout(time.Minute), toolbridge.RequestID("id-1")).Call(t.Context(), "t", 1)
	require.NoError(t, err)
	require.Equal(t, false, v)
	require.Equal(t, uint64(3), got.GetEpoch())
	require.Equal(t, "r-1", got.GetMinRevision())
	require.Equal(t, "id-1", got.GetRequestId())
	require.InDelta(t, 60e6, got.GetTimeoutUs(), 5e6)
}

func TestLimitsThatTheBridgeAnnouncedAreKeptBeforeSending(t *testing.T) {
	t.Parallel()
	s := (&stub{execute: func(*bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
		return &bridgepb.ToolCallResponse{Success: true, Result: &anypb.Any{
			TypeUrl: "type.googleapis.com/google.protobuf.BytesValue", Value: make([]byte, 2000),
		}}, nil
	}}).session(t)
	_, err := s.Call(t.Context(), "t", make([]byte, 2000))
	e := asError(t, err)
	require.Equal(t, tool.MessageTooLarge, e.Code)
	require.Contains(t, e.Message, "message too large: the arguments of tool \"t\"")
	require.Equal(t, "1000", e.Details["limit"])
	_, err = s.Call(t.Context(), "t")
	require.Contains(t, asError(t, err).Message, "message too large: the result of tool")
	_, err = s.Set(t.Context(), "x", make([]byte, 200))
	require.Equal(t, tool.MessageTooLarge, asError(t, err).Code)
	_, err = s.Batch(t.Context(), make([]toolbridge.Item, 3))
	require.Equal(t, tool.BatchTooLarge, asError(t, err).Code)
}

func TestAnswersThatMakeNoSenseAreErrors(t *testing.T) {
	t.Parallel()
	broken := &stub{
		execute: func(r *bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
			switch r.GetToolId() {
			case "unknown code":
				return &bridgepb.ToolCallResponse{Error: &bridgepb.ErrorInfo{Type: "Novel", Message: "m"}}, nil
			case "no error":
				return &bridgepb.ToolCallResponse{}, nil
			case "broken":
				return nil, status.Error(codes.Unavailable, "transport is closing")
			default:
				return nil, status.Error(codes.Unauthenticated, "who are you")
			}
		},
		chunks: []*bridgepb.ToolStreamChunk{{Content: &bridgepb.ToolStreamContent{}}},
		items:  []*bridgepb.BatchItemResponse{{Index: 5}},
	}
	s := broken.session(t)
	for name, code := range map[string]tool.Code{
		"unknown code": tool.Internal, "no error": tool.Internal, "broken": tool.WorkerLost, "other": tool.Unauthenticated,
	} {
		_, err := s.Call(t.Context(), name)
		require.Equal(t, code, asError(t, err).Code, name)
	}
	got := bridgetest.Record(s.Stream(t.Context(), "t"))
	require.Equal(t, tool.ProtocolError, asError(t, got.Err).Code, "a stream that ends without saying whether it is whole")
	_, err := s.Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("t")})
	require.Equal(t, tool.ProtocolError, asError(t, err).Code, "an item that does not exist")
	broken.items = nil
	_, err = s.Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("t")})
	require.Equal(t, tool.ProtocolError, asError(t, err).Code, "fewer answers than items")
	broken.items = []*bridgepb.BatchItemResponse{{Refused: &bridgepb.ErrorInfo{Type: "BatchTooLarge"}}}
	_, err = s.Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("t")})
	require.Equal(t, tool.BatchTooLarge, asError(t, err).Code)
	watched := bridgetest.Record(s.Watch(t.Context()))
	require.Equal(t, tool.ProtocolError, asError(t, watched.Err).Code)
	ran := bridgetest.Record(s.RunAgent(t.Context(), "a", nil))
	require.Equal(t, tool.ProtocolError, asError(t, ran.Err).Code)
	_, err = s.Get(t.Context(), "x")
	require.Equal(t, tool.Unimplemented, asError(t, err).Code)
}

func TestABridgeThatRefusesTheClientSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	refusing := &stub{link: status.Error(codes.Unauthenticated, "who are you")}
	_, err := toolbridge.Dial(t.Context(), "passthrough:///stub", refusing.serve(t), toolbridge.WithConnectTimeout(patience))
	require.Equal(t, tool.Unauthenticated, asError(t, err).Code)
	require.Less(t, time.Since(began), patience)
}

// slow is a bridge that answers no request but the first.
type slow struct{ stub }

func (*slow) GetVariable(ctx context.Context, _ *bridgepb.GetVariableRequest) (*bridgepb.GetVariableResponse, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func (*slow) ExecuteTool(ctx context.Context, _ *bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func (*slow) StreamTool(_ *bridgepb.ToolStreamRequest, out bridgepb.SnakepitBridge_StreamToolServer) error {
	<-out.Context().Done()
	return status.FromContextError(out.Context().Err()).Err()
}

func (*slow) StreamBatchExecuteTools(_ *bridgepb.BatchExecuteToolsRequest, out bridgepb.SnakepitBridge_StreamBatchExecuteToolsServer) error {
	<-out.Context().Done()
	return status.FromContextError(out.Context().Err()).Err()
}

func (*slow) WatchVariables(_ *bridgepb.WatchVariablesRequest, out bridgepb.SnakepitBridge_WatchVariablesServer) error {
	<-out.Context().Done()
	return status.FromContextError(out.Context().Err()).Err()
}

func (*slow) ExecuteAgent(_ *bridgepb.ExecuteAgentRequest, out bridgepb.SnakepitBridge_ExecuteAgentServer) error {
	<-out.Context().Done()
	return status.FromContextError(out.Context().Err()).Err()
}

func TestADeadlineThatPassedSaysWhatWasAskedWhereAndHowLong(t *testing.T) {
	t.Parallel()
	const limit = 40 * time.Millisecond
	s := attached(t, &slow{})
	for want, ask := range map[string]func(context.Context) error{
		`tool "sum" at `:                   func(ctx context.Context) error { _, err := s.Call(ctx, "sum"); return err },
		`tool "count" at `:                 func(ctx context.Context) error { return bridgetest.Record(s.Stream(ctx, "count")).Err },
		"GetVariable of the bridge at ":    func(ctx context.Context) error { _, err := s.Get(ctx, "x"); return err },
		"WatchVariables of the bridge at ": func(ctx context.Context) error { return bridgetest.Record(s.Watch(ctx)).Err },
		`agent "a" at `:                    func(ctx context.Context) error { return bridgetest.Record(s.RunAgent(ctx, "a", nil)).Err },
		"the batch of 1 calls at ": func(ctx context.Context) error {
			_, err := s.Batch(ctx, []toolbridge.Item{toolbridge.ItemOf("sum")})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := ask(ctx)
		cancel()
		e := asError(t, err)
		require.Equal(t, tool.DeadlineExceeded, e.Code)
		require.Contains(t, e.Message, want+"passthrough:///stub did not answer within the ")
		require.Regexp(t, `within the (\d+ms|0s) that`, e.Message)
	}
	for _, s := range []*toolbridge.Session{s, bridgetest.New(t).Session()} { // and over a link
		ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
		_, err := s.Call(ctx, "sum")
		cancel()
		require.Contains(t, asError(t, err).Message, `tool "sum" at `)
		require.Contains(t, asError(t, err).Message, "within the 0s that")
	}
	_, err := s.With(toolbridge.Timeout(limit)).Call(t.Context(), "sum")
	require.Equal(t, `tool "sum" at passthrough:///stub did not answer within the 40ms of its time limit`, asError(t, err).Message)
}
