package tool

import "time"

// Type says what kind of answer a tool gives.
type Type uint8

// The types of tools.
const (
	// Standard tools answer with one result.
	Standard Type = iota + 1
	// Streaming tools yield results as they make them.
	Streaming
	// External tools are hosted by a worker whose kind of answer is not known to whoever registered them.
	External
)

// Kind says how an argument may be passed.
type Kind uint8

// The kinds of arguments.
const (
	// PositionalOrKeyword arguments are passed by position or by name.
	PositionalOrKeyword Kind = iota
	// PositionalOnly arguments are passed by position.
	PositionalOnly
	// KeywordOnly arguments are passed by name.
	KeywordOnly
	// VarPositional takes every surplus positional argument.
	VarPositional
	// VarKeyword takes every surplus keyword argument.
	VarKeyword
)

// Argument is one argument of a tool.
type Argument struct {
	// Name is unique within the tool.
	Name string
	// Type is one of the names that TypeNames lists; empty means "any".
	Type string
	// Nullable arguments accept nil as well.
	Nullable bool
	// Required arguments must be given.
	Required bool
	// Kind says how it may be passed.
	Kind Kind
	// Streamed arguments arrive as chunks after the call.
	Streamed bool
	// Description is for people and models.
	Description string
	// Default is what the host uses when the argument is not given; for display.
	Default Value
}

// Spec is a tool as it is offered. A Spec that was handed to a broker or a store is shared and must not be changed.
type Spec struct {
	// ID is unique in the tool's scope: one session, or the shared tools.
	ID string
	// Name is what callers call it.
	Name string
	// Description is for people and models.
	Description string
	// Arguments in order of position.
	Arguments []Argument
	// Type says what kind of answer it gives.
	Type Type
	// ReturnType is the declared type of the result or of each chunk; empty means "any".
	ReturnType string
	// InputSchema is the JSON Schema of the arguments as one object; may be empty.
	InputSchema string
	// OutputSchema is the JSON Schema of the result or of each chunk; may be empty.
	OutputSchema string
	// Idempotent tools may be run again when it is not known whether they ran.
	Idempotent bool
	// Once tools run at most once for each request id.
	Once bool
	// Sticky tools prefer the worker that took the session's last call.
	Sticky bool
	// Hidden tools are not listed.
	Hidden bool
	// Available says that somebody offers it now. Set by the broker in what it lists.
	Available bool
	// MaxConcurrency is how many calls of it a worker runs at once; 0 means as many as the worker runs.
	MaxConcurrency int
	// Timeout is a call's time limit where the caller names none; 0 means the bridge's default.
	Timeout time.Duration
	// RatePerSecond is how many calls of it each session may make a second on average; 0 means no limit.
	RatePerSecond float64
	// RateBurst is how many may come at once under RatePerSecond; 0 means a second's worth, at least 1.
	RateBurst int
	// SessionID is the session that it belongs to; empty for a shared tool.
	SessionID string
	// Owner is who registered it.
	Owner string
	// Metadata are free labels.
	Metadata map[string]string
	// Hash is the schema's hash, see SchemaHash.
	Hash string
	// Order is its place in the listing; set by the store at the first registration and kept by later ones.
	Order uint64
	// LastSeen is when a worker last offered it; kept for shared tools, to within an hour.
	LastSeen time.Time
}
