package broker

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SessionRecord is a session with its tools as they were at one revision. It is shared and never changed: a
// store publishes a new one for each change.
type SessionRecord struct {
	tool.Session
	// Tools are the session's own, without the shared ones.
	Tools *Catalog
}

// Removed counts what ended with a session.
type Removed struct {
	// Tools of the session.
	Tools int
	// Variables of the session.
	Variables int
	// Agents of the session.
	Agents int
}

// Condition says when a variable may be written. The zero Condition means always.
type Condition struct {
	// Revision that the variable must be at; empty for any.
	Revision string
	// Absent demands that the variable does not exist.
	Absent bool
}

// VariableWrite is one write of a variable.
type VariableWrite struct {
	// Name, Value and Metadata are written; Revision and UpdatedAt are the store's to set.
	tool.Variable
	// If says when.
	If Condition
	// RequestID lets a repeated write be recognised while its effect still stands: it then succeeds with the
	// revision of the first.
	RequestID string
}

// VariableChange is one event of a watch.
type VariableChange struct {
	// Variable as it is now; of a deleted one only Name and Revision.
	Variable tool.Variable
	// Deleted says that it is gone.
	Deleted bool
	// Current marks the end of the variables that were present when the watch began; Variable is then zero.
	Current bool
}

// Change tells of something that changed in the store, whoever changed it.
type Change struct {
	// Session whose record changed; the zero key when the shared tools changed.
	Session tool.SessionKey
	// Ended says that the session ended or expired.
	Ended bool
}

// Store keeps sessions, tools, variables and agents. It is the only place where state is written: what a method
// has answered is durable (for stores that keep anything at all) and visible to every later call on the same Store.
//
// All methods may be called by any number of goroutines. Records that they return are shared and must not be changed.
// Errors are *tool.Error: SessionNotFound where a session does not live (also after it ended: see Tombstone),
// StoreUnavailable where the store cannot be reached or refuses to write (then nothing was acknowledged), and those named at each method.
type Store interface {
	// CreateSession creates a session of key, TTL and metadata; everything else of s is set by the store. A living
	// session is SessionAlreadyExists; an ended one begins a new epoch.
	CreateSession(ctx context.Context, s tool.Session) (*SessionRecord, error)
	// Session returns a living session, from memory, without blocking in the common case.
	Session(ctx context.Context, key tool.SessionKey) (*SessionRecord, error)
	// Tombstone returns the last epoch of an ended session for as long as it is remembered (24 h), otherwise 0.
	Tombstone(ctx context.Context, key tool.SessionKey) (epoch uint64, err error)
	// Sessions lists living sessions of an owner in the order of their ids: at most limit of those whose id begins with prefix and comes after the given one.
	Sessions(ctx context.Context, owner, prefix, after string, limit int) ([]*SessionRecord, error)
	// LastUsed returns when the session was last touched.
	LastUsed(ctx context.Context, key tool.SessionKey) (time.Time, error)
	// Touch marks a session as used. Cheap: it writes at most once a quarter of the session's time to live.
	Touch(ctx context.Context, key tool.SessionKey) error
	// EndSession ends the session at that epoch (0: whichever) and deletes everything in it at once.
	EndSession(ctx context.Context, key tool.SessionKey, epoch uint64) (Removed, error)
	// Sweep ends every session that was not used for its time to live, except those that busy names, which it
	// touches instead, and returns those it ended. Any number of stores on the same data may sweep at once.
	Sweep(ctx context.Context, busy func(tool.SessionKey) bool) ([]tool.SessionKey, error)

	// RegisterTools adds tools to a session or replaces them, all or none. ToolConflict as Catalog.With says.
	RegisterTools(ctx context.Context, key tool.SessionKey, specs []*tool.Spec) (*SessionRecord, error)
	// UnregisterTools removes tools of a session, all or none; an unknown id is ToolNotFound.
	UnregisterTools(ctx context.Context, key tool.SessionKey, ids []string) (*SessionRecord, error)
	// SharedTools returns the tools offered to every session, whether somebody offers them now or not. From memory.
	SharedTools(ctx context.Context) (*Catalog, error)
	// RegisterShared adds shared tools or replaces them, all or none. ToolConflict as Catalog.With says, or when another owner has the id or name.
	RegisterShared(ctx context.Context, specs []*tool.Spec) (*Catalog, error)
	// UnregisterShared forgets shared tools; unknown ids are passed over.
	UnregisterShared(ctx context.Context, ids []string) error

	// SetVariables writes variables of a session, all or none, and returns them without values in the same order.
	// A condition that does not hold is RevisionConflict.
	SetVariables(ctx context.Context, key tool.SessionKey, writes []VariableWrite) ([]tool.Variable, error)
	// Variable reads a variable, linearizably; VariableNotFound.
	Variable(ctx context.Context, key tool.SessionKey, name string) (tool.Variable, error)
	// DeleteVariable deletes a variable; VariableNotFound, RevisionConflict.
	DeleteVariable(ctx context.Context, key tool.SessionKey, name string, cond Condition) error
	// Variables lists variables in the order of their names, as Sessions does; values only if asked for.
	Variables(ctx context.Context, key tool.SessionKey, prefix, after string, limit int, values bool) ([]tool.Variable, error)
	// WatchVariables calls each with every present variable, then with Current, then with each change in order, until ctx
	// ends (nil), each returns an error (that error), or the session ends (SessionExpired). No names means all.
	// A slow reader may miss intermediate values of a variable, never the last.
	WatchVariables(ctx context.Context, key tool.SessionKey, names []string, each func(VariableChange) error) error

	// PutAgent stores an agent. The same again is no error; another one under the same id is ValidationError.
	PutAgent(ctx context.Context, key tool.SessionKey, agent tool.Agent) error
	// Agents lists a session's agents in the order in which they were created.
	Agents(ctx context.Context, key tool.SessionKey) ([]tool.Agent, error)
	// DeleteAgent deletes an agent; AgentNotFound.
	DeleteAgent(ctx context.Context, key tool.SessionKey, id string) error

	// WaitRevision returns when everything up to the revision is visible here, at once for a token of another
	// generation, and also when it is visible already and ctx is done. An undecodable token is ValidationError.
	WaitRevision(ctx context.Context, revision string) error
	// Watch calls each for every change of a session's record or of the shared tools, in order, until ctx ends. It
	// may merge several changes of one session into one.
	Watch(ctx context.Context, each func(Change)) error
	// Healthy returns nil while the store reads and writes.
	Healthy(ctx context.Context) error
	// Close releases everything and waits for it. No method may be called afterwards.
	Close() error
}
