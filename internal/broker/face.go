package broker

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Broker is the core of the bridge. Its methods may be called by any number of goroutines. Errors are *tool.Error.
type Broker struct{ limits Limits }

var errTODO = tool.Errorf(tool.Unimplemented, "not there yet")

// New makes a broker. It takes calls after Start.
func New(cfg Config) (*Broker, error) { cfg, err := cfg.withDefaults(); return &Broker{limits: cfg.Limits}, err }

// Start checks the store and begins to take calls.
func (b *Broker) Start(ctx context.Context) error { return errTODO }

// Stop drains.
func (b *Broker) Stop(ctx context.Context) error { return errTODO }

// Run names this run of the bridge: it changes at every start.
func (b *Broker) Run() string { return "" }

// Limits returns the limits with their defaults filled in.
func (b *Broker) Limits() Limits { return b.limits }

// Call runs a call that wants one result.
func (b *Broker) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	return tool.Result{}, errTODO
}

// Stream runs a call that wants chunks.
func (b *Broker) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return tool.Metrics{}, errTODO
}

// Batch is many calls at once.
type Batch struct {
	// Calls are the items.
	Calls []*tool.Call
	// MaxConcurrency is how many run at once. Defaults to Limits.BatchConcurrency.
	MaxConcurrency int
	// FailFast lets the first failure cancel what has not ended.
	FailFast bool
}

// Batch runs many calls; each is told of every item as it ends, by one goroutine at a time.
func (b *Broker) Batch(ctx context.Context, batch Batch, each func(index int, r tool.Result, err error)) error {
	return errTODO
}

// SessionRequest asks for a session.
type SessionRequest struct {
	// ID of the session. Empty: the broker mints one.
	ID string
	// Metadata is kept if the session is created.
	Metadata map[string]string
	// CreateOnly makes an existing session SessionAlreadyExists.
	CreateOnly bool
	// TTL is kept if the session is created. Defaults to Limits.SessionTTL.
	TTL time.Duration
}

// InitializeSession attaches to a session or creates it.
func (b *Broker) InitializeSession(ctx context.Context, p tool.Principal, req SessionRequest) (rec *SessionRecord, created bool, err error) {
	return nil, false, errTODO
}

// CleanupSession ends a session.
func (b *Broker) CleanupSession(ctx context.Context, p tool.Principal, id string, epoch uint64, force bool) (Removed, error) {
	return Removed{}, errTODO
}

// Session reads a session without counting as use.
func (b *Broker) Session(ctx context.Context, p tool.Principal, id, minRevision string) (rec *SessionRecord, lastUsed time.Time, err error) {
	return nil, time.Time{}, errTODO
}

// SessionPage is a page of sessions.
type SessionPage struct {
	// Sessions in the order of their ids.
	Sessions []*SessionRecord
	// LastUsed of each.
	LastUsed []time.Time
	// Next is the `after` of the next page; empty on the last.
	Next string
}

// Sessions lists sessions. Limit 0 means 100; at most 1,000.
func (b *Broker) Sessions(ctx context.Context, p tool.Principal, prefix, after string, limit int) (SessionPage, error) {
	return SessionPage{}, errTODO
}

// Tools lists what a session sees.
func (b *Broker) Tools(ctx context.Context, p tool.Principal, id, minRevision string) (specs []*tool.Spec, revision string, err error) {
	return nil, "", errTODO
}

// ToolCount returns how many tools Tools would list for the session.
func (b *Broker) ToolCount(ctx context.Context, rec *SessionRecord) (int, error) { return 0, errTODO }

// RegisterTools records tools of a session and returns their ids and the session's revision.
func (b *Broker) RegisterTools(ctx context.Context, p tool.Principal, id string, specs []*tool.Spec) (ids []string, revision string, err error) {
	return nil, "", errTODO
}

// UnregisterTools forgets tools of a session and returns the session's revision.
func (b *Broker) UnregisterTools(ctx context.Context, p tool.Principal, id string, ids []string) (revision string, err error) {
	return "", errTODO
}

// SetVariables writes variables, all or none, and returns them without values.
func (b *Broker) SetVariables(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, writes []VariableWrite) ([]tool.Variable, error) {
	return nil, errTODO
}

// Variable reads a variable.
func (b *Broker) Variable(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, name string) (tool.Variable, error) {
	return tool.Variable{}, errTODO
}

// DeleteVariable deletes a variable.
func (b *Broker) DeleteVariable(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, name string, cond Condition) error {
	return errTODO
}

// VariableQuery says which variables to list.
type VariableQuery struct {
	// Prefix of the names.
	Prefix string
	// After this name.
	After string
	// Limit on their number; 0 means 1,000; at most 10,000.
	Limit int
	// Values too; a page then ends early at Limits.ValueBytes.
	Values bool
}

// Variables lists variables; next is the After of the next page, empty on the last.
func (b *Broker) Variables(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, q VariableQuery) (vars []tool.Variable, next string, err error) {
	return nil, "", errTODO
}

// WatchVariables calls each with the present variables, then Current, then each change, until ctx or the session ends.
func (b *Broker) WatchVariables(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, names []string, each func(VariableChange) error) error {
	return errTODO
}

// CreateAgent stores an agent and returns it as stored.
func (b *Broker) CreateAgent(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, agent tool.Agent) (tool.Agent, error) {
	return agent, errTODO
}

// Agent returns one agent.
func (b *Broker) Agent(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, id string) (tool.Agent, error) {
	return tool.Agent{}, errTODO
}

// Agents lists a session's agents.
func (b *Broker) Agents(ctx context.Context, p tool.Principal, sessionID string) ([]tool.Agent, error) {
	return nil, errTODO
}

// DeleteAgent deletes an agent.
func (b *Broker) DeleteAgent(ctx context.Context, p tool.Principal, sessionID, id string) error {
	return errTODO
}

// AttachOptions describe a host.
type AttachOptions struct {
	// Principal owns what the host registers.
	Principal tool.Principal
	// MaxCalls is how many calls it runs at once. Defaults to 4,096.
	MaxCalls int
	// Labels are free, for people.
	Labels map[string]string
	// Address is where it is, for people.
	Address string
	// Incarnation names this attachment, for people.
	Incarnation string
	// Local hosts run in the bridge's own process: metrics do not name them, Workers leaves them out.
	Local bool
}

// Attachment is a host's place at the broker.
type Attachment struct{}

// Attach gives a host a place.
func (b *Broker) Attach(host Host, o AttachOptions) (*Attachment, error) { return nil, errTODO }

// Register offers tools, all or none.
func (a *Attachment) Register(ctx context.Context, specs []*tool.Spec) (ids []string, err error) {
	return nil, errTODO
}

// Unregister withdraws tools.
func (a *Attachment) Unregister(ctx context.Context, sessionID string, ids []string) error {
	return errTODO
}

// SetState says whether the host gets calls.
func (a *Attachment) SetState(s HostState) {}

// Detach ends the attachment.
func (a *Attachment) Detach() {}

// WorkerInfo is a worker as operators see it.
type WorkerInfo struct {
	// Identity, Incarnation, Labels and Address as it attached.
	Identity, Incarnation, Address string
	// Labels as it attached.
	Labels map[string]string
	// State now.
	State HostState
	// Tools that it offers.
	Tools []*tool.Spec
	// Running calls, of MaxCalls.
	Running, MaxCalls int
	// AttachedAt says since when.
	AttachedAt time.Time
	// CallsTotal is how many calls it was given.
	CallsTotal uint64
}

// Workers lists the workers, oldest first.
func (b *Broker) Workers() []WorkerInfo { return nil }

// Event tells that the tools that a session sees have changed.
type Event struct {
	// Session; the zero key when the shared tools changed, and so what every session sees.
	Session tool.SessionKey
	// Revision of the session now; empty for the shared tools or an ended session.
	Revision string
}

// Subscribe calls each for every change, merged where it is slow, by one goroutine at a time, until cancel is called.
func (b *Broker) Subscribe(each func(Event)) (cancel func()) { return func() {} }
