package wire_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestARunOfAnAgentTravelsAsACallOfTheHiddenTool(t *testing.T) {
	t.Parallel()
	request := wire.AgentRunProto(&wire.AgentRun{
		SessionID: "s", AgentID: "a", Input: []tool.Keyword{{Name: "q", Value: tool.Value{TypeURL: "t/x", Bytes: []byte("why?")}}},
		History: []tool.Value{{TypeURL: "t/y"}}, RunID: "run", Model: "m", TimeoutUs: 7, TraceParent: "tp",
	})
	require.True(t, request.GetStream(), "every event is wanted")
	request.CallDepth, request.Epoch = 3, 2

	call, err := wire.AgentCall(tool.Agent{ID: "a", Signature: "q -> a"}, request)
	require.NoError(t, err)
	argument := call.Args[0]
	call.Args = nil
	require.Equal(t, &tool.Call{
		SessionID: "s", Epoch: 2, Tool: wire.AgentTool, Stream: true, StreamID: "run", Depth: 3, TraceParent: "tp",
	}, call)

	var run bridgepb.ReActRun
	require.NoError(t, (&anypb.Any{TypeUrl: argument.TypeURL, Value: argument.Bytes}).UnmarshalTo(&run))
	require.Equal(t, "q -> a", run.GetAgent().GetSignature())
	require.True(t, proto.Equal(request, run.GetRequest()))
}

func TestARunThatCannotBeEncodedIsRefused(t *testing.T) {
	t.Parallel()
	_, err := wire.AgentCall(tool.Agent{}, &bridgepb.ExecuteAgentRequest{AgentId: "\xff"})
	require.Equal(t, tool.SerializationError, tool.CodeOf(err))
}

// eventChunk is a chunk as a worker that hosts agents sends it.
func eventChunk(t *testing.T, e *bridgepb.AgentEvent) tool.Chunk {
	t.Helper()
	var packed anypb.Any
	require.NoError(t, packed.MarshalFrom(e))
	return tool.Chunk{Value: tool.Value{TypeURL: packed.GetTypeUrl(), Bytes: packed.GetValue()}}
}

func TestEventsOfAgentsTravelWhole(t *testing.T) {
	t.Parallel()
	v := &anypb.Any{TypeUrl: "t/x", Value: []byte("1")}
	got, err := wire.AgentEventFromChunk(eventChunk(t, &bridgepb.AgentEvent{
		Type: "result", Step: 4, Text: "so", ToolName: "add", ToolArgs: map[string]*anypb.Any{"a": v}, Observation: v, FinalAnswer: v,
		Outputs: map[string]*anypb.Any{"answer": v}, Error: &bridgepb.ErrorInfo{Type: "ExecutionError"},
		Metrics: wire.MetricsProto(tool.Metrics{Execute: time.Second}),
	}))
	require.NoError(t, err)
	require.Equal(t, tool.ExecutionError, tool.CodeOf(got.Err))
	got.Err = nil
	x := tool.Value{TypeURL: "t/x", Bytes: []byte("1")}
	require.Equal(t, &wire.AgentEvent{
		Type: "result", Step: 4, Text: "so", Tool: "add", Args: []tool.Keyword{{Name: "a", Value: x}}, Observation: x, Answer: x,
		Outputs: []tool.Keyword{{Name: "answer", Value: x}}, Metrics: &tool.Metrics{Execute: time.Second},
	}, got)

	got, err = wire.AgentEventFromChunk(eventChunk(t, &bridgepb.AgentEvent{Type: "from the future"}))
	require.NoError(t, err)
	require.Equal(t, &wire.AgentEvent{Type: "from the future"}, got)
}

func TestOnlyAResultOrAnErrorIsTheLastEvent(t *testing.T) {
	t.Parallel()
	for kind, last := range map[string]bool{"result": true, "error": true, "thought": false, "": false} {
		require.Equal(t, last, (&wire.AgentEvent{Type: kind}).Last(), kind)
	}
}

func TestAChunkThatIsNoEventIsAProtocolError(t *testing.T) {
	t.Parallel()
	event := eventChunk(t, &bridgepb.AgentEvent{})
	event.Value.Bytes = []byte{0xff}
	for _, c := range []tool.Chunk{{Value: tool.Value{TypeURL: "t/x"}}, event} {
		_, err := wire.AgentEventFromChunk(c)
		require.Equal(t, tool.ProtocolError, tool.CodeOf(err))
	}
}

func TestTheEndOfARunWithoutALastEventIsAnError(t *testing.T) {
	t.Parallel()
	ended := wire.AgentError("run", "a", tool.Metrics{Worker: "w"}, nil)
	require.Equal(t, tool.ProtocolError, tool.CodeOf(ended))
	require.ErrorContains(t, ended, `worker "w"`)
	require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(wire.AgentError("run", "a", tool.Metrics{}, tool.Errorf(tool.ToolNotFound, "no tool"))))
	other := errors.New("other")
	require.Equal(t, other, wire.AgentError("run", "a", tool.Metrics{}, other))
}
