package toolbridge

import (
	"context"
	"iter"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Session is a session at the bridge, or a view of it with options for its calls (With). All views share what is known of
// the session.
type Session struct {
	client  *Client
	id      string
	state   *sessionState
	options callOptions
}

// sessionState is what a client knows of a session. Any goroutine may use it.
type sessionState struct {
	mu       sync.Mutex
	epoch    uint64
	revision string
	created  bool
	specs    map[string]*tool.Spec // by id and by name, as last listed
}

// SessionOption configures Client.Session.
type SessionOption func(*bridgepb.InitializeSessionRequest)

// CreateOnly refuses with SessionAlreadyExists to attach to a session that exists.
func CreateOnly() SessionOption {
	return func(r *bridgepb.InitializeSessionRequest) { r.CreateOnly = true }
}

// TTL is how long the session lives without use, if it is created; without it 1 h.
func TTL(d time.Duration) SessionOption {
	return func(r *bridgepb.InitializeSessionRequest) { r.Ttl = durationpb.New(d) }
}

// SessionMetadata labels the session, if it is created.
func SessionMetadata(labels map[string]string) SessionOption {
	return func(r *bridgepb.InitializeSessionRequest) { r.Metadata = labels }
}

// Session attaches to the session of that id, or creates it where it does not exist or has ended. An empty id creates
// one that the bridge names.
func (c *Client) Session(ctx context.Context, id string, options ...SessionOption) (*Session, error) {
	request := &bridgepb.InitializeSessionRequest{SessionId: id}
	if c.link == nil || !c.link.usable.Load() {
		request.Client = c.labels // a link has told the bridge already
	}
	for _, option := range options {
		option(request)
	}
	answer, err := ask(ctx, c, c.stub.InitializeSession, request)
	if err != nil {
		return nil, err
	}
	c.learn(wire.LimitsFromProto(answer.GetLimits()), answer.GetBridgeRun())
	s := &Session{client: c, id: answer.GetSession().GetSessionId(), state: &sessionState{
		epoch: answer.GetSession().GetEpoch(), revision: answer.GetSession().GetRevision(), created: answer.GetCreated(),
	}}
	s.state.list(wire.SpecsFromProto(answer.GetTools()))
	return s, nil
}

// list remembers what a listing said of the tools.
func (s *sessionState) list(specs []*tool.Spec) {
	var byName map[string]*tool.Spec
	if len(specs) > 0 {
		byName = make(map[string]*tool.Spec, 2*len(specs))
	}
	for _, spec := range specs {
		byName[spec.Name] = spec
	}
	for _, spec := range specs {
		byName[spec.ID] = spec
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.specs = byName
}

// spec returns what the last listing said of a tool, or nil.
func (s *sessionState) spec(name string) *tool.Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.specs[name]
}

// seen returns the epoch and the newest revision that are known.
func (s *sessionState) seen() (epoch uint64, revision string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch, s.revision
}

func (s *sessionState) saw(revision string) {
	if revision == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision = revision
}

// ID names the session.
func (s *Session) ID() string { return s.id }

// Epoch is the session's epoch: it grows each time that an ended session's id is initialized again. What is asked with an
// older one is refused with SessionExpired.
func (s *Session) Epoch() uint64 {
	epoch, _ := s.state.seen()
	return epoch
}

// Created reports whether the session did not exist before Client.Session.
func (s *Session) Created() bool { return s.state.created }

// With returns a view of the session whose calls have these options besides those that s has.
func (s *Session) With(options ...CallOption) *Session {
	view := *s
	for _, option := range options {
		option(&view.options)
	}
	return &view
}

// SessionInfo describes a session.
type SessionInfo struct {
	tool.Session
	// LastUsed is when the session was last used, to within a quarter of its time to live.
	LastUsed time.Time
	// ToolCount is how many tools it sees.
	ToolCount int
}

func sessionInfo(s *bridgepb.Session) SessionInfo {
	return SessionInfo{
		Session: wire.SessionFromProto(s), LastUsed: wire.TimeFromProto(s.GetLastUsedAt()), ToolCount: int(s.GetToolCount()),
	}
}

// Info reads the session as the bridge knows it. It does not count as use.
func (s *Session) Info(ctx context.Context) (SessionInfo, error) {
	epoch, revision := s.state.seen()
	answer, err := ask(ctx, s.client, s.client.stub.GetSession, &bridgepb.GetSessionRequest{SessionId: s.id, Epoch: epoch, MinRevision: revision})
	if err != nil {
		return SessionInfo{}, err
	}
	return sessionInfo(answer.GetSession()), nil
}

// EndOption configures Session.End.
type EndOption func(*bridgepb.CleanupSessionRequest)

// Force ends a session also while calls run, and cancels them.
func Force() EndOption { return func(r *bridgepb.CleanupSessionRequest) { r.Force = true } }

// Ended counts what was deleted with a session.
type Ended struct {
	// Tools of the session.
	Tools int
	// Variables of the session.
	Variables int
	// Agents of the session.
	Agents int
}

// End ends the session and deletes its tools, variables and agents. While calls run it is refused with
// ValidationError, unless forced.
func (s *Session) End(ctx context.Context, options ...EndOption) (Ended, error) {
	request := &bridgepb.CleanupSessionRequest{SessionId: s.id, Epoch: s.Epoch()}
	for _, option := range options {
		option(request)
	}
	answer, err := ask(ctx, s.client, s.client.stub.CleanupSession, request)
	if err != nil {
		return Ended{}, err
	}
	return Ended{
		Tools: int(answer.GetToolsRemoved()), Variables: int(answer.GetVariablesRemoved()), Agents: int(answer.GetAgentsRemoved()),
	}, nil
}

// EndSession ends a session that this program is not attached to; see Session.End.
func (c *Client) EndSession(ctx context.Context, id string, options ...EndOption) (Ended, error) {
	return (&Session{client: c, id: id, state: &sessionState{}}).End(ctx, options...)
}

// Sessions lists the sessions whose ids begin with prefix, in the order of their ids. An error ends the listing.
func (c *Client) Sessions(ctx context.Context, prefix string) iter.Seq2[SessionInfo, error] {
	return pages(func(token string) ([]*bridgepb.Session, string, error) {
		answer, err := ask(ctx, c, c.stub.ListSessions, &bridgepb.ListSessionsRequest{Prefix: prefix, PageToken: token})
		return answer.GetSessions(), answer.GetNextPageToken(), err
	}, sessionInfo)
}

// pages lists what comes page by page.
func pages[From, To any](page func(token string) ([]From, string, error), translate func(From) To) iter.Seq2[To, error] {
	return func(yield func(To, error) bool) {
		for token := ""; ; {
			items, next, err := page(token)
			if err != nil {
				var none To
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(translate(item), nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}
