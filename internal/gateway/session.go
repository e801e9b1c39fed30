package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SessionPath names a session in the path of a request.
type SessionPath struct {
	SessionID string `path:"session_id" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The session." example:"my-session"`
}

// Session is a session as documents say it.
type Session struct {
	SessionID  string            `json:"session_id"`
	Epoch      uint64            `json:"epoch" doc:"Grows when an ended session's id is used again."`
	ToolCount  int               `json:"tool_count" doc:"How many tools it sees."`
	CreatedAt  string            `json:"created_at" format:"date-time"`
	LastUsedAt string            `json:"last_used_at" format:"date-time" doc:"To within a quarter of its time to live."`
	TTLSeconds float64           `json:"ttl_seconds" doc:"How long it lives without use."`
	Metadata   map[string]string `json:"metadata" doc:"Free labels."`
	Revision   string            `json:"revision" doc:"An opaque token of its last change."`
}

func sessionOf(s tool.Session, lastUsed time.Time, tools int) Session {
	return Session{
		SessionID: s.Key.ID, Epoch: s.Epoch, ToolCount: tools, CreatedAt: moment(s.CreatedAt), LastUsedAt: moment(lastUsed),
		TTLSeconds: s.TTL.Seconds(), Metadata: labels(s.Metadata), Revision: s.Revision,
	}
}

// labels are metadata as a document says them: an object also where there are none.
func labels(metadata map[string]string) map[string]string {
	if metadata == nil {
		return map[string]string{}
	}
	return metadata
}

// SessionRequest asks for a session.
type SessionRequest struct {
	SessionID  string            `json:"session_id,omitempty" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"Its id. Defaults to one that the bridge makes."`
	TTLSeconds float64           `json:"ttl_seconds,omitempty" exclusiveMinimum:"0" maximum:"2592000" doc:"How long it lives without use. Defaults to an hour."`
	Metadata   map[string]string `json:"metadata,omitempty" doc:"Free labels, kept if it is created."`
}

type createdSession struct {
	Session
	Created   bool   `json:"created" doc:"It did not exist."`
	BridgeRun string `json:"bridge_run" doc:"Changes at every start of the bridge."`
}

// createSession attaches to a session or creates it.
func (g *Gateway) createSession(w http.ResponseWriter, r *http.Request) {
	rec, created, err := g.initialized(w, r)
	if err != nil {
		g.fail(w, err)
		return
	}
	tools, err := g.broker.ToolCount(r.Context(), rec)
	if err != nil {
		g.fail(w, err)
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	w.Header().Set("Location", "/api/sessions/"+url.PathEscape(rec.Key.ID))
	writeDocument(w, jsonType, status, createdSession{Session: sessionOf(rec.Session, time.Now(), tools), Created: created, BridgeRun: g.broker.Run()})
}

func (g *Gateway) initialized(w http.ResponseWriter, r *http.Request) (*broker.SessionRecord, bool, error) {
	if _, err := query(r); err != nil {
		return nil, false, err
	}
	_, createOnly, err := condition(r, "If-None-Match")
	if err != nil {
		return nil, false, err
	}
	data, done, err := g.read(w, r)
	if err != nil {
		return nil, false, err
	}
	defer done()
	request, err := g.readSessionRequest(data)
	if err != nil {
		return nil, false, err
	}
	request.CreateOnly = createOnly
	return g.broker.InitializeSession(r.Context(), principal(r.Context()), request)
}

func (g *Gateway) readSessionRequest(data []byte) (broker.SessionRequest, error) {
	var out broker.SessionRequest
	err := body(data).members(func(m member) (err error) {
		switch m.name {
		case "session_id":
			if err = m.decode(&out.ID, "a text"); err == nil && out.ID == "" {
				err = tool.CheckName("session id", "")
			}
		case "metadata":
			out.Metadata, err = g.readLabels(m.text)
		case "ttl_seconds":
			out.TTL, err = m.span(0)
		default:
			err = unknownMember(m)
		}
		return err
	})
	return out, err
}

// readLabels reads free labels, not many more than the broker takes.
func (g *Gateway) readLabels(t text) (map[string]string, error) {
	most, size := g.broker.Limits().MetadataBytes, 0
	out := map[string]string{}
	err := t.members(func(m member) error {
		var label string
		if err := m.decode(&label, "a text"); err != nil {
			return err
		}
		out[m.name] = label
		if size += len(m.name) + len(label); size <= most {
			return nil
		}
		return tool.Errorf(tool.MessageTooLarge, "message too large: %s has more than %d bytes of keys and values: leave some out", t.path, most).
			With("path", t.path).With("limit", strconv.Itoa(most))
	})
	return out, err
}

type sessionOutput struct{ Body Session }

func (g *Gateway) getSession(ctx context.Context, in *SessionPath) (*sessionOutput, error) {
	rec, lastUsed, err := g.broker.Session(ctx, principal(ctx), in.SessionID, 0, "")
	if err != nil {
		return nil, err
	}
	tools, err := g.broker.ToolCount(ctx, rec)
	if err != nil {
		return nil, err
	}
	return &sessionOutput{sessionOf(rec.Session, lastUsed, tools)}, nil
}

type endSessionInput struct {
	SessionPath
	Force bool `query:"force" doc:"Also while calls run: they are cancelled."`
}

type endSessionOutput struct{ Body Removed }

// Removed counts what ended with a session.
type Removed struct {
	ToolsRemoved     int `json:"tools_removed"`
	VariablesRemoved int `json:"variables_removed"`
	AgentsRemoved    int `json:"agents_removed"`
}

func (g *Gateway) endSession(ctx context.Context, in *endSessionInput) (*endSessionOutput, error) {
	removed, err := g.broker.CleanupSession(ctx, principal(ctx), in.SessionID, 0, in.Force)
	if err != nil {
		return nil, err
	}
	return &endSessionOutput{Removed{removed.Tools, removed.Variables, removed.Agents}}, nil
}

func (g *Gateway) routeSessions(mux *http.ServeMux) {
	g.serve(mux, operation(http.MethodPost, "/api/sessions", "create-session", "Sessions", "Attach to a session, or create it where there is none"), g.createSession,
		header("If-None-Match", "* refuses a session that exists.", oneOf("*")),
		takes(g.schema(SessionRequest{})), answers(http.StatusOK, jsonType, g.schema(createdSession{})), answers(http.StatusCreated, jsonType, g.schema(createdSession{})))
	register(g, operation(http.MethodGet, "/api/sessions/{session_id}", "get-session", "Sessions", "Read a session, which is no use of it"), g.getSession)
	register(g, operation(http.MethodDelete, "/api/sessions/{session_id}", "end-session", "Sessions", "End a session and delete everything in it"), g.endSession)
	register(g, operation(http.MethodGet, "/api/sessions/{session_id}/tools", "list-tools", "Tools", "List the tools that a session sees"), g.listTools)
}
