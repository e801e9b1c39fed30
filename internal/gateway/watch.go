package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxWatched is how many variables a watch may name.
const maxWatched = 1000

// VariableEvent is an event of a watch.
type VariableEvent struct {
	Event string `json:"event" enum:"set,deleted,current,error" doc:"current: those that were there when the watch began have all been told."`
	*Variable
	Error *Problem `json:"error,omitempty" doc:"Why the watch ended."`
}

func (g *Gateway) routeWatches(mux *http.ServeMux) {
	names := &huma.Schema{Type: "array", Items: nameSchema()}
	g.serve(mux, operation(http.MethodGet, inSession+"/watch", "watch-variables", "Variables", "Get the variables as they are and then each change"), g.watch,
		inQuery("name", "Only these; may be given several times.", names), inQuery("ints", "How ints of values are written.", oneOf("number", "string")),
		inQuery("frames", framesHelp, oneOf("arrow", "records")), g.streams(VariableEvent{}))
}

// watch sends the variables as they are and then each change, as server-sent events unless the client wants lines.
func (g *Gateway) watch(w http.ResponseWriter, r *http.Request) {
	kind, err := negotiate(r, eventsType, ndjsonType)
	if err != nil {
		g.fail(w, err)
		return
	}
	names, q, err := watchQuery(r)
	if err != nil {
		g.fail(w, err)
		return
	}
	codec, err := g.codecFor(q.Get("ints"), q.Get("frames"))
	if err != nil {
		g.fail(w, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	f, stop := g.newFeed(w, kind, cancel)
	defer stop()
	var sent uint64
	err = g.broker.WatchVariables(ctx, principal(ctx), r.PathValue("session_id"), 0, names, func(c broker.VariableChange) error {
		v, err := variableOf(codec, c.Variable)
		if err != nil {
			return err
		}
		event := VariableEvent{Event: changeName(c), Variable: &v}
		if c.Current {
			event.Variable = nil
		}
		err = f.send(event.Event, sent, event)
		sent++
		return err
	})
	stop()
	switch {
	case err == nil || ctx.Err() != nil:
	case !f.started():
		g.fail(w, err)
	default:
		_ = f.send("error", sent, VariableEvent{Event: "error", Error: g.newProblem(err)})
	}
}

// watchQuery returns which variables are to be watched, which may be given several times, and the other parameters.
func watchQuery(r *http.Request) (names []string, q url.Values, err error) {
	q, err = url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, tool.Errorf(tool.ValidationError, "the query cannot be read: %w", err).With("field", "query")
	}
	names = q["name"]
	if len(names) > maxWatched {
		return nil, nil, tool.Errorf(tool.ValidationError, "%d names are to be watched, at most %d can be: name none to watch all", len(names), maxWatched).
			With("field", "name").With("limit", strconv.Itoa(maxWatched))
	}
	q.Del("name")
	return names, q, checkQuery(q, "ints", "frames", "name")
}

func changeName(c broker.VariableChange) string {
	switch {
	case c.Current:
		return "current"
	case c.Deleted:
		return "deleted"
	default:
		return "set"
	}
}
