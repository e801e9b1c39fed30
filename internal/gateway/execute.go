package gateway

import (
	"net/http"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallRequest asks for a call.
type CallRequest struct {
	Args   []Value          `json:"args,omitempty" nullable:"false" doc:"Positional arguments."`
	Kwargs map[string]Value `json:"kwargs,omitempty" doc:"Keyword arguments."`
}

func (g *Gateway) routeCalls(mux *http.ServeMux) {
	g.serve(mux, operation(http.MethodPost, atTool+"/execute", "execute-tool", "Tools", "Call a tool and wait for its result"), g.execute,
		ofCall, takes(g.schema(CallRequest{})), takesTable, answers(http.StatusOK, jsonType, g.schema(Result{})), answersTable)
}

// execute calls a tool and waits for its result.
func (g *Gateway) execute(w http.ResponseWriter, r *http.Request) {
	if err := g.executed(w, r); err != nil {
		g.fail(w, err)
	}
}

func (g *Gateway) executed(w http.ResponseWriter, r *http.Request) error {
	q, err := g.newRequest(r, callParameters(r)...)
	if err != nil {
		return err
	}
	call, done, err := g.bodyCall(w, r, q)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := q.context(r.Context())
	defer cancel()
	tables := g.takeDownload(w, r, call)
	result, err := g.broker.Call(ctx, call)
	g.noteCall(w, call)
	if tables.down.begun() {
		g.completeDownload(w, tables, tables.down.whole(result.Value, err))
		return nil
	}
	if result.Replayed {
		w.Header().Set(replayedHeader, "true")
	}
	if err != nil {
		return namesArrow(r, tables.cause(err))
	}
	if done, err := writeTable(w, r, result.Value); done || err != nil {
		return err
	}
	text, err := toJSON(q.codec, result.Value)
	if err == nil {
		writeDocument(w, jsonType, http.StatusOK, &Result{Success: true, Result: text, Metrics: metricsOf(result.Metrics)})
	}
	return err
}

// bodyCall reads the call that a body asks for.
func (g *Gateway) bodyCall(w http.ResponseWriter, r *http.Request, q *request) (*tool.Call, func(), error) {
	if givesTable(r) {
		return g.tableCall(w, r, q)
	}
	data, done, err := q.read(g, w, r)
	if err != nil {
		return nil, nil, err
	}
	call := q.call(r, r.PathValue("tool_id"))
	err = g.readCall(r.Context(), body(data), call, g.newRoom(), func(member) (bool, error) { return false, nil })
	if err != nil {
		done()
		return nil, nil, err
	}
	return call, done, nil
}
