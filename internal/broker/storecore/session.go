package storecore

import (
	"reflect"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// DefaultTTL is the time to live of a session that names none.
	DefaultTTL = time.Hour
	// TombstoneTTL is for how long the end of a session is remembered.
	TombstoneTTL = 24 * time.Hour
	// touchFraction of the time to live passes at least between two writes of when a session was last used.
	touchFraction = 4
)

// NeedsTouch reports whether a use at now must be written, given the last one that was.
func NeedsTouch(lastUsed, now time.Time, ttl time.Duration) bool {
	return now.Sub(lastUsed) >= ttl/touchFraction
}

// Expired reports whether a session last used then has outlived its time.
func Expired(lastUsed, now time.Time, ttl time.Duration) bool {
	return now.Sub(lastUsed) >= ttl
}

// SessionNotFound is the error where a session does not live.
func SessionNotFound(key tool.SessionKey) *tool.Error {
	return tool.Errorf(tool.SessionNotFound, "session %q does not exist: initialize it first", key.ID).With("session", key.ID)
}

// SessionAlreadyExists is the error where a session to be created lives already.
func SessionAlreadyExists(key tool.SessionKey) *tool.Error {
	return tool.Errorf(tool.SessionAlreadyExists, "session %q already exists: attach to it, or choose another id", key.ID).With("session", key.ID)
}

// SessionEnded is the error of a watch whose session ended.
func SessionEnded(key tool.SessionKey) *tool.Error {
	return tool.Errorf(tool.SessionExpired, "session %q has ended: initialize it again", key.ID).With("session", key.ID)
}

// VariableNotFound is the error where a session has no such variable.
func VariableNotFound(key tool.SessionKey, name string) *tool.Error {
	return tool.Errorf(tool.VariableNotFound, "session %q has no variable %q: set it first", key.ID, name).With("variable", name)
}

// AgentNotFound is the error where a session has no such agent.
func AgentNotFound(key tool.SessionKey, id string) *tool.Error {
	return tool.Errorf(tool.AgentNotFound, "session %q has no agent %q: create it first", key.ID, id).With("agent", id)
}

// CheckAgent returns ValidationError unless agent says the same as the one stored under its id.
func CheckAgent(stored, agent tool.Agent) error {
	if reflect.DeepEqual(described(stored), described(agent)) {
		return nil
	}
	return tool.Errorf(tool.ValidationError, "agent %q already exists with another description: delete it first, or choose another id", agent.ID).With("agent", agent.ID)
}

// described returns a without what the store adds, and with nil for whatever is empty.
func described(a tool.Agent) tool.Agent {
	a.CreatedAt = time.Time{}
	if len(a.Tools) == 0 {
		a.Tools = nil
	}
	if len(a.Metadata) == 0 {
		a.Metadata = nil
	}
	return a
}
