package link

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The tests of this file look inside: what is written and read by hand must be what protobuf writes and reads.

func drawValue(rt *rapid.T, name string) tool.Value {
	return tool.Value{TypeURL: rapid.String().Draw(rt, name+" type"), Bytes: rapid.SliceOf(rapid.Byte()).Draw(rt, name+" bytes")}
}

func drawCall(rt *rapid.T) *tool.Call {
	text := func(name string) string { return rapid.String().Draw(rt, name) }
	c := &tool.Call{
		SessionID: text("session"), Tool: text("tool"), RequestID: text("request"), StreamID: text("stream id"),
		MinRevision: text("revision"), TraceParent: text("traceparent"), TraceState: text("tracestate"), BridgeRun: text("run"),
		Epoch: rapid.Uint64().Draw(rt, "epoch"), Depth: rapid.IntRange(0, 1<<31).Draw(rt, "depth"), Attempt: rapid.IntRange(0, 9).Draw(rt, "attempt"),
		Stream: rapid.Bool().Draw(rt, "stream"), PlainValues: rapid.Bool().Draw(rt, "plain"), WantStack: rapid.Bool().Draw(rt, "stack"),
	}
	for range rapid.IntRange(0, 4).Draw(rt, "args") {
		c.Args = append(c.Args, drawValue(rt, "arg"))
	}
	for _, name := range slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.String(), 0, 5, rapid.ID).Draw(rt, "kwargs"))) {
		c.Kwargs = append(c.Kwargs, tool.Keyword{Name: name, Value: drawValue(rt, "kwarg")})
	}
	return c
}

func TestCallsAreWrittenAndReadAsProtobufDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCall(rt)
		head := callHead{timeout: rapid.Uint64().Draw(rt, "timeout"), parent: rapid.Uint64().Draw(rt, "parent"), depth: c.Depth, principal: "p"}
		var e encoder
		e.call(c, head)
		require.False(rt, e.invalid)

		want := wire.CallProto(c)
		want.TimeoutUs, want.ParentCall, want.Principal = head.timeout, head.parent, head.principal
		var got bridgepb.ToolCallRequest
		require.NoError(rt, proto.Unmarshal(e.buf, &got))
		require.Empty(rt, cmpProto(want, &got))

		written, err := proto.Marshal(want)
		require.NoError(rt, err)
		for _, b := range [][]byte{e.buf, written} {
			var read tool.Call
			var readHead callHead
			require.NoError(rt, decodeCall(b, &read, &readHead))
			slices.SortFunc(read.Kwargs, func(a, b tool.Keyword) int { return strings.Compare(a.Name, b.Name) })
			require.Empty(rt, cmpProto(wire.CallProto(c), wire.CallProto(&read)))
			require.Equal(rt, head.timeout, readHead.timeout)
			require.Equal(rt, head.parent, readHead.parent)
		}
	})
}

func TestAnswersAreWrittenAndReadAsProtobufDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := tool.Result{Value: drawValue(rt, "result"), Metrics: tool.Metrics{
			Execute: 5, Worker: rapid.String().Draw(rt, "worker"), Attempts: rapid.IntRange(0, 3).Draw(rt, "attempts"),
		}, Replayed: rapid.Bool().Draw(rt, "replayed")}
		var failure error
		if rapid.Bool().Draw(rt, "failed") {
			failure = tool.Errorf(tool.ExecutionError, "%s", rapid.String().Draw(rt, "message"))
		}
		var e encoder
		e.response("q", &r, failure)
		want := wire.ResponseProto("q", r, failure)
		var got bridgepb.ToolCallResponse
		require.NoError(rt, proto.Unmarshal(e.buf, &got))
		require.Empty(rt, cmpProto(want, &got))

		var read tool.Result
		answer, err := decodeResponse(e.buf, &read)
		require.NoError(rt, err)
		wantResult, wantErr := wire.ResultFromProto(&got)
		if failure == nil {
			require.Equal(rt, wantResult.Metrics, read.Metrics)
			require.Equal(rt, wantResult.Value.TypeURL, read.Value.TypeURL)
			require.Equal(rt, string(wantResult.Value.Bytes), string(read.Value.Bytes))
			require.Nil(rt, answer)
		} else {
			require.Equal(rt, wantErr, answer)
		}
	})
}

func TestChunksAreWrittenAndReadAsProtobufDoes(t *testing.T) {
	t.Parallel()
	v := tool.Value{TypeURL: "t/x", Bytes: []byte("abc")}
	m := tool.Metrics{Execute: 7, Worker: strings.Repeat("w", 300)}
	failed := tool.Errorf(tool.ExecutionError, "broke")
	for name, c := range map[string]struct {
		write func(*encoder)
		want  *bridgepb.ToolStreamChunk
	}{
		"data":     {func(e *encoder) { e.chunk("s", 3, v) }, wire.ChunkProto("s", 3, tool.Chunk{Value: v})},
		"complete": {func(e *encoder) { e.lastChunk("s", 3, &m, nil) }, wire.LastChunkProto("s", 3, m, nil)},
		"error":    {func(e *encoder) { e.lastChunk("s", 3, &m, failed) }, wire.LastChunkProto("s", 3, m, failed)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e encoder
			c.write(&e)
			var got bridgepb.ToolStreamChunk
			require.NoError(t, proto.Unmarshal(e.buf, &got))
			if name == "complete" { // metrics without a duration are written without it
				require.Equal(t, m.Worker, got.GetContent().GetComplete().GetMetrics().GetWorker())
			}
			require.Empty(t, cmpProto(c.want, &got))
			var read chunkFrame
			require.NoError(t, decodeChunk(e.buf, &read))
			chunk, ok, end := wire.ChunkFromProto(&got)
			require.Equal(t, ok, read.data)
			require.Equal(t, chunk.Value, read.value)
			require.Equal(t, end.Last, read.end.Last)
			require.Equal(t, end.Metrics, read.end.Metrics)
			require.Equal(t, wire.Error(end.Err), wire.Error(read.end.Err))
		})
	}
}

func TestBatchesAreReadAsProtobufDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := &bridgepb.BatchExecuteToolsRequest{
			SessionId: rapid.String().Draw(rt, "session"), MaxConcurrency: rapid.Uint32Max(1<<31-1).Draw(rt, "concurrency"),
			FailFast: rapid.Bool().Draw(rt, "fail fast"), BatchId: rapid.String().Draw(rt, "batch id"), TimeoutUs: rapid.Uint64().Draw(rt, "timeout"),
			InParts: rapid.Bool().Draw(rt, "in parts"),
		}
		for range rapid.IntRange(0, 5).Draw(rt, "items") {
			item := wire.CallProto(drawCall(rt))
			item.TimeoutUs = rapid.Uint64Range(0, 1<<40).Draw(rt, "item's timeout")
			want.Requests = append(want.Requests, item)
		}
		written, err := proto.Marshal(want)
		require.NoError(rt, err)
		for _, most := range []int{0, 3} {
			var read Batch
			received := time.Unix(1, 0)
			timeout, inParts, err := decodeBatch(written, &read, most, received)
			require.NoError(rt, err)
			require.Equal(rt, want.GetTimeoutUs(), timeout)
			require.Equal(rt, want.GetInParts(), inParts)
			requireSameBatch(rt, want, &read, most)
			for _, c := range read.Calls {
				require.Equal(rt, received, c.Received)
			}
		}
	})
}

// requireSameBatch compares what protobuf and the link have read.
func requireSameBatch(tb require.TestingT, want *bridgepb.BatchExecuteToolsRequest, read *Batch, most int) {
	require.Equal(tb, want.GetSessionId(), read.SessionID)
	require.Equal(tb, want.GetBatchId(), read.ID)
	require.Equal(tb, want.GetFailFast(), read.FailFast)
	require.Equal(tb, int(min(want.GetMaxConcurrency(), 1<<31-1)), read.MaxConcurrency)
	require.Equal(tb, len(want.GetRequests()), read.Items)
	if most > 0 && read.Items > most {
		require.Empty(tb, read.Calls)
		return
	}
	require.Len(tb, read.Calls, read.Items)
	for i, c := range read.Calls {
		asked, _ := proto.Clone(want.GetRequests()[i]).(*bridgepb.ToolCallRequest)
		item := wire.CallFromProto(asked)
		item.Stream, item.StreamID, item.Timeout = false, "", min(wire.Duration(asked.GetTimeoutUs()), maxTimeout)
		require.Equal(tb, item.Timeout, c.Timeout)
		require.Len(tb, c.Kwargs, len(item.Kwargs))
		sorted := *c
		sorted.Kwargs = slices.SortedFunc(slices.Values(c.Kwargs), func(a, b tool.Keyword) int { return strings.Compare(a.Name, b.Name) })
		require.Empty(tb, cmpProto(wire.CallProto(item), wire.CallProto(&sorted)))
	}
}

// batchSeed is a message with a batch, as protobuf writes it.
func batchSeed(tb testing.TB) []byte {
	tb.Helper()
	item := wire.CallProto(&tool.Call{SessionID: "s", Tool: "t", Args: []tool.Value{{TypeURL: "x"}}, Kwargs: []tool.Keyword{{Name: "k"}}})
	item.TimeoutUs = 5
	b, err := proto.Marshal(&bridgepb.LinkMessage{Frames: []*bridgepb.Frame{{CallId: 1, Body: &bridgepb.Frame_Batch{Batch: &bridgepb.BatchExecuteToolsRequest{
		SessionId: "s", Requests: []*bridgepb.ToolCallRequest{item, {}}, MaxConcurrency: 2, FailFast: true, BatchId: "b", TimeoutUs: 9,
	}}}}})
	require.NoError(tb, err)
	return b
}

func TestAnswersToBatchesAreWrittenAsProtobufDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var e encoder
		want := &bridgepb.BatchExecuteToolsResponse{Success: true}
		e.flag(1, true)
		for range rapid.IntRange(0, 5).Draw(rt, "answers") {
			a := Answer{RequestID: rapid.String().Draw(rt, "request"), Result: tool.Result{Value: drawValue(rt, "result"), Metrics: tool.Metrics{
				Execute: 5, Worker: rapid.String().Draw(rt, "worker"),
			}, Replayed: rapid.Bool().Draw(rt, "replayed")}}
			if rapid.Bool().Draw(rt, "failed") {
				a.Err = tool.Errorf(tool.ExecutionError, "%s", rapid.String().Draw(rt, "message"))
			}
			e.batchAnswer(&a, &tool.Call{})
			want.Responses = append(want.Responses, wire.ResponseProto(a.RequestID, a.Result, a.Err))
		}
		var got bridgepb.BatchExecuteToolsResponse
		require.NoError(rt, proto.Unmarshal(e.buf, &got))
		require.Empty(rt, cmpProto(want, &got))
	})
}

func TestABatchIsWrittenAsProtobufReadsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := Batch{
			ID: rapid.String().Draw(rt, "id"), SessionID: rapid.String().Draw(rt, "session"), FailFast: rapid.Bool().Draw(rt, "fail fast"),
			MaxConcurrency: rapid.IntRange(-1, 100).Draw(rt, "concurrency"),
		}
		want := &bridgepb.BatchExecuteToolsRequest{
			SessionId: b.SessionID, BatchId: b.ID, FailFast: b.FailFast, MaxConcurrency: uint32(max(b.MaxConcurrency, 0)), TimeoutUs: 7, InParts: true,
		}
		for range rapid.IntRange(0, 5).Draw(rt, "items") {
			call := drawCall(rt)
			call.Timeout = time.Duration(rapid.Int64Range(0, 1<<40).Draw(rt, "item's timeout"))
			b.Calls = append(b.Calls, call)
			item := wire.CallProto(call)
			item.TimeoutUs = wire.Micros(call.Timeout)
			want.Requests = append(want.Requests, item)
		}
		var e encoder
		e.batch(&b, 7)
		var got bridgepb.BatchExecuteToolsRequest
		require.NoError(rt, proto.Unmarshal(e.buf, &got))
		require.Empty(rt, cmpProto(want, &got))
	})
}

func TestAnswersToBatchesAreReadAsProtobufDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := &bridgepb.BatchExecuteToolsResponse{Success: rapid.Bool().Draw(rt, "accepted")}
		for range rapid.IntRange(0, 5).Draw(rt, "answers") {
			var failed error
			if rapid.Bool().Draw(rt, "failed") {
				failed = tool.Errorf(tool.ExecutionError, "%s", rapid.String().Draw(rt, "message"))
			}
			want.Responses = append(want.Responses, wire.ResponseProto("", tool.Result{Value: drawValue(rt, "result")}, failed))
			want.Places = append(want.Places, rapid.Uint32Max(1<<31-1).Draw(rt, "place"))
		}
		written, err := proto.Marshal(want)
		require.NoError(rt, err)
		if len(want.GetPlaces()) == 1 && rapid.Bool().Draw(rt, "not packed") {
			want.Places = nil
			written, err = proto.Marshal(want)
			require.NoError(rt, err)
			want.Places = []uint32{3}
			written = append(written, 4<<3, 3)
		}
		read, err := decodeBatchResult(written)
		require.NoError(rt, err)
		require.Equal(rt, want.GetSuccess(), read.refused == nil)
		require.Len(rt, read.answers, len(want.GetResponses()))
		require.Len(rt, read.places, len(want.GetPlaces()))
		for i, a := range read.answers {
			result, failed := wire.ResultFromProto(want.GetResponses()[i])
			require.Equal(rt, result.Value.TypeURL, a.Result.Value.TypeURL)
			require.Equal(rt, string(result.Value.Bytes), string(a.Result.Value.Bytes))
			require.Equal(rt, wire.Error(failed), wire.Error(a.Err))
			require.Equal(rt, int(want.GetPlaces()[i]), read.places[i])
		}
	})
}

func cmpProto(a, b proto.Message) string {
	if proto.Equal(a, b) {
		return ""
	}
	return a.(interface{ String() string }).String() + " is not " + b.(interface{ String() string }).String()
}

// FuzzDecode reads arbitrary bytes by hand and with protobuf: whatever protobuf can read, the link can, and finds the same calls and acknowledgement.
func FuzzDecode(f *testing.F) {
	var e encoder
	e.call(&tool.Call{SessionID: "s", Tool: "t", Args: []tool.Value{{TypeURL: "x"}}, Kwargs: []tool.Keyword{{Name: "k"}}}, callHead{})
	p := newPack(1, 0)
	p.header(1, frameCall, len(e.buf))
	p.buf = append(p.buf, e.buf...)
	f.Add(p.message(7).bytes())
	f.Add(batchSeed(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		engine := newEngine(settings{})
		defer engine.stop()
		var d delivery
		err := d.decode(engine, Message{b})
		var inParts delivery
		require.Equal(t, err == nil, inParts.decode(engine, split(b, 7)) == nil)
		var m bridgepb.LinkMessage
		if proto.Unmarshal(b, &m) != nil || len(m.GetFrames()) > maxFrames || len(b) > maxMessage {
			return
		}
		require.NoError(t, err)
		require.Equal(t, m.GetAck(), d.ack)
		require.Equal(t, d.ack, inParts.ack)
		require.Len(t, inParts.arrivals, len(d.arrivals))
		require.Len(t, d.arrivals, len(m.GetFrames()))
		for i, fr := range m.GetFrames() {
			if c := fr.GetCall(); c != nil && d.arrivals[i].kind == frameCall {
				require.Equal(t, c.GetToolId(), d.arrivals[i].call.call.Tool)
				require.Len(t, d.arrivals[i].call.call.Args, len(c.GetArgs()))
			}
			if b := fr.GetBatch(); b != nil && d.arrivals[i].kind == frameBatch {
				requireSameBatch(t, b, d.arrivals[i].call.batch, wire.DefaultLimits().MaxBatchItems)
			}
		}
	})
}
