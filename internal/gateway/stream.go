package gateway

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// StreamLine is a line of a stream: a chunk, or its end.
type StreamLine struct {
	Sequence  uint64          `json:"sequence" doc:"0, 1, 2 … without gaps."`
	Data      json.RawMessage `json:"data,omitempty" doc:"A chunk: a value."`
	Complete  *Complete       `json:"complete,omitempty" doc:"The stream is whole."`
	Error     *Problem        `json:"error,omitempty" doc:"The stream broke off."`
	Heartbeat bool            `json:"heartbeat,omitempty" doc:"Nothing happened for a while; the line says nothing else."`
}

// Complete ends a whole stream.
type Complete struct {
	TotalChunks uint64   `json:"total_chunks"`
	Metrics     *Metrics `json:"metrics"`
}

func (g *Gateway) routeStreams(mux *http.ServeMux) {
	list := "A JSON list of positional arguments."
	object := "A JSON object of keyword arguments."
	g.serve(mux, operation(http.MethodGet, atTool+"/stream", "stream-tool-by-query", "Tools", "Call a tool and get its results as it makes them"), g.stream,
		ofCall, inQuery("args", list, textSchema()), inQuery("kwargs", object, textSchema()), g.streams(StreamLine{}))
	g.serve(mux, operation(http.MethodPost, atTool+"/stream", "stream-tool", "Tools", "Call a tool and get its results as it makes them"), g.stream,
		ofCall, takes(g.schema(CallRequest{})), takesTable, g.streams(StreamLine{}))
}

// stream calls a tool and sends its results as it makes them. Closing the connection cancels the call.
func (g *Gateway) stream(w http.ResponseWriter, r *http.Request) {
	kind, err := negotiate(r, ndjsonType, eventsType)
	if err != nil {
		g.fail(w, err)
		return
	}
	q, call, done, err := g.streamCall(w, r)
	if err != nil {
		g.fail(w, err)
		return
	}
	done = sync.OnceFunc(done)
	defer done()
	ctx, cancel := q.context(r.Context())
	defer cancel()
	w.Header().Set("Stream-Id", call.StreamID)
	f, stop := g.newFeed(w, kind, cancel)
	defer stop()
	var sent uint64
	metrics, err := g.broker.Stream(ctx, call, func(c tool.Chunk) error {
		text, err := toJSON(q.codec, c.Value)
		if err != nil {
			return err
		}
		err = f.send("chunk", sent, &StreamLine{Sequence: sent, Data: text})
		sent++
		return err
	})
	g.noteCall(w, call)
	done()
	stop()
	switch {
	case err == nil:
		_ = f.send("complete", sent, &StreamLine{Sequence: sent, Complete: &Complete{sent, metricsOf(metrics)}})
	case !f.started():
		g.fail(w, err)
	default:
		_ = f.send("error", sent, &StreamLine{Sequence: sent, Error: g.newProblem(err)})
	}
}

// streamCall reads the call that a body asks for, or the query of a GET.
func (g *Gateway) streamCall(w http.ResponseWriter, r *http.Request) (q *request, call *tool.Call, done func(), err error) {
	if r.Method == http.MethodPost {
		if q, err = g.newRequest(r, callParameters(r)...); err == nil {
			call, done, err = g.bodyCall(w, r, q)
		}
	} else {
		q, call, err = g.queryCall(r)
		done = func() {}
	}
	if err != nil {
		return nil, nil, nil, err
	}
	call.Stream, call.StreamID, call.RequestID = true, streamID(q), ""
	return q, call, done, nil
}

// streamID names a stream as the client does, or anew.
func streamID(q *request) string {
	if q.requestID != "" {
		return q.requestID
	}
	return rand.Text()
}

// queryCall reads the call that a query asks for.
func (g *Gateway) queryCall(r *http.Request) (q *request, call *tool.Call, err error) {
	if q, err = g.newRequest(r, "args", "kwargs"); err != nil {
		return nil, nil, err
	}
	call = q.call(r, r.PathValue("tool_id"))
	return q, call, g.queryArguments(r, q, call)
}

// queryArguments reads the arguments that stand in a query.
func (g *Gateway) queryArguments(r *http.Request, q *request, call *tool.Call) (err error) {
	left := g.newRoom()
	if q.query.Has("args") {
		if call.Args, err = g.readArgs(r.Context(), text{[]byte(q.query.Get("args")), "args"}, left); err != nil {
			return err
		}
	}
	if q.query.Has("kwargs") {
		call.Kwargs, err = g.readKwargs(r.Context(), text{[]byte(q.query.Get("kwargs")), "kwargs"}, left)
	}
	return err
}
