package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

const jsonType = "application/json"

// replayedHeader says of an answer that it is that of an earlier request with the same Idempotency-Key.
const replayedHeader = "Idempotency-Replayed"

// Metrics say how long a call took and where, in milliseconds.
type Metrics struct {
	DurationMS  float64 `json:"duration_ms" doc:"From having read the request to its answer."`
	QueueMS     float64 `json:"queue_ms" doc:"Waiting for a worker, and in a batch for its turn."`
	RouteMS     float64 `json:"route_ms" doc:"From having read the request until a worker could take it, without queue_ms: decoding it, looking up session and tool, checking arguments."`
	ExecuteMS   float64 `json:"execute_ms" doc:"The tool itself."`
	TransportMS float64 `json:"transport_ms" doc:"The way to the worker and back."`
	Worker      string  `json:"worker" doc:"Who ran it; empty for a tool of the bridge itself."`
	Attempts    int     `json:"attempts" doc:"How often it was given to a worker."`
}

func metricsOf(m tool.Metrics) *Metrics {
	return &Metrics{
		DurationMS: wire.Millis(m.Duration), QueueMS: wire.Millis(m.Queue), RouteMS: wire.Millis(m.Route),
		ExecuteMS: wire.Millis(m.Execute), TransportMS: wire.Millis(m.Transport), Worker: wire.Text(m.Worker), Attempts: m.Attempts,
	}
}

// Result is the answer to a call.
type Result struct {
	Success bool            `json:"success" doc:"Always true: a failure is a problem document."`
	Result  json.RawMessage `json:"result" doc:"What the tool returned, as a value."`
	Metrics *Metrics        `json:"metrics"`
}

// encode writes a document as JSON in one line. Values stand in it as they are.
func encode(document any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return nil, tool.Errorf(tool.SerializationError, "the answer has no JSON form: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// writeDocument answers with a document. What fails here cannot be told to the client.
func writeDocument(w http.ResponseWriter, contentType string, status int, document any) {
	text, err := encode(document)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// toJSON gives the JSON form of a value, null for none at all.
func toJSON(codec *value.Codec, v tool.Value) (json.RawMessage, error) {
	if v.IsZero() {
		return json.RawMessage("null"), nil
	}
	return codec.ToJSON(v)
}

// moment is a point in time as documents say it; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
