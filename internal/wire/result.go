package wire

import (
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ResponseProto returns the answer to a call: the result, or the error if there is one.
func ResponseProto(requestID string, r tool.Result, err error) *bridgepb.ToolCallResponse {
	out := &bridgepb.ToolCallResponse{RequestId: requestID, Metrics: MetricsProto(r.Metrics), Replayed: r.Replayed}
	if err != nil {
		out.Error = ErrorProto(err)
		return out
	}
	out.Success = true
	out.Result = &anypb.Any{TypeUrl: r.Value.TypeURL, Value: r.Value.Bytes}
	return out
}

// ResultFromProto returns what an answer says: a result, or a *tool.Error.
func ResultFromProto(r *bridgepb.ToolCallResponse) (tool.Result, error) {
	out := tool.Result{Value: ValueFromProto(r.GetResult()), Metrics: MetricsFromProto(r.GetMetrics()), Replayed: r.GetReplayed()}
	if !r.GetSuccess() {
		return tool.Result{Metrics: out.Metrics, Replayed: out.Replayed}, ErrorFromProto(r.GetError())
	}
	return out, nil
}

// ChunkProto returns the chunk of that place in its stream.
func ChunkProto(streamID string, sequence uint64, c tool.Chunk) *bridgepb.ToolStreamChunk {
	data := &anypb.Any{TypeUrl: c.Value.TypeURL, Value: c.Value.Bytes}
	return &bridgepb.ToolStreamChunk{
		StreamId: streamID, Sequence: sequence,
		Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{Data: data}},
	}
}

// LastChunkProto returns the chunk that ends a stream after that many data chunks: whole, or broken off by err.
func LastChunkProto(streamID string, chunks uint64, m tool.Metrics, err error) *bridgepb.ToolStreamChunk {
	out := &bridgepb.ToolStreamChunk{StreamId: streamID, Sequence: chunks, Content: &bridgepb.ToolStreamContent{}}
	if err != nil {
		out.Content.Kind = &bridgepb.ToolStreamContent_Error{Error: ErrorProto(err)}
		return out
	}
	out.Content.Kind = &bridgepb.ToolStreamContent_Complete{
		Complete: &bridgepb.CompleteSignal{TotalChunks: chunks, Metrics: MetricsProto(m)},
	}
	return out
}

// ChunkEnd says how a chunk ends its stream, if it does.
type ChunkEnd struct {
	// Last says that nothing follows.
	Last bool
	// Metrics of a whole stream.
	Metrics tool.Metrics
	// Err is why the stream broke off; nil for a whole one.
	Err error
}

// ChunkFromProto returns what a chunk carries: data (ok), or an end. A chunk of an unknown kind is neither and is to
// be skipped.
func ChunkFromProto(c *bridgepb.ToolStreamChunk) (chunk tool.Chunk, ok bool, end ChunkEnd) {
	switch kind := c.GetContent().GetKind().(type) {
	case *bridgepb.ToolStreamContent_Data:
		return tool.Chunk{Value: ValueFromProto(kind.Data)}, true, ChunkEnd{}
	case *bridgepb.ToolStreamContent_Complete:
		return tool.Chunk{}, false, ChunkEnd{Last: true, Metrics: MetricsFromProto(kind.Complete.GetMetrics())}
	case *bridgepb.ToolStreamContent_Error:
		return tool.Chunk{}, false, ChunkEnd{Last: true, Err: ErrorFromProto(kind.Error)}
	default:
		return tool.Chunk{}, false, ChunkEnd{}
	}
}

// MetricsProto returns metrics as a message.
func MetricsProto(m tool.Metrics) *bridgepb.ExecutionMetrics {
	return &bridgepb.ExecutionMetrics{
		DurationMs:  Millis(m.Duration),
		QueueMs:     Millis(m.Queue),
		RouteMs:     Millis(m.Route),
		ExecuteMs:   Millis(m.Execute),
		TransportMs: Millis(m.Transport),
		Worker:      m.Worker,
		Attempts:    clampUint32(m.Attempts),
	}
}

// MetricsFromProto returns the metrics of a message.
func MetricsFromProto(m *bridgepb.ExecutionMetrics) tool.Metrics {
	return tool.Metrics{
		Duration:  FromMillis(m.GetDurationMs()),
		Queue:     FromMillis(m.GetQueueMs()),
		Route:     FromMillis(m.GetRouteMs()),
		Execute:   FromMillis(m.GetExecuteMs()),
		Transport: FromMillis(m.GetTransportMs()),
		Worker:    m.GetWorker(),
		Attempts:  clampInt(uint64(m.GetAttempts())),
	}
}

// Millis returns a span as metrics carry it.
func Millis(d time.Duration) float64 { return float64(max(d, 0)) / float64(time.Millisecond) }

// FromMillis returns the span that metrics carry; what is no sensible span becomes 0, what is too long the longest.
func FromMillis(ms float64) time.Duration {
	return fromFloat(ms, time.Millisecond)
}

func fromFloat(n float64, unit time.Duration) time.Duration {
	d := n * float64(unit)
	if !(d > 0) {
		return 0
	}
	if d >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(d))
}

// ProgressProto returns progress as a message.
func ProgressProto(p tool.Progress) *bridgepb.Progress {
	return &bridgepb.Progress{Done: p.Done, Total: p.Total, Message: Text(p.Message)}
}

// ProgressFromProto returns the progress of a message.
func ProgressFromProto(p *bridgepb.Progress) tool.Progress {
	return tool.Progress{Done: p.GetDone(), Total: p.GetTotal(), Message: p.GetMessage()}
}

// Text returns s with everything that is not UTF-8 replaced, as it must be before it is sent.
func Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
