package typed

import (
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// DefaultMaxValueBytes is how many value bytes a result or a chunk may have by default.
const DefaultMaxValueBytes = 10 << 20

// Options describe a tool beyond what its function's signature says.
type Options struct {
	// Codec encodes and decodes. Required.
	Codec Codec
	// ID of the tool. Defaults to its name.
	ID string
	// Description is for people and models. Defaults to none.
	Description string
	// Argument names the one argument of a function whose argument is not a struct. Defaults to "value".
	Argument string
	// InputSchema replaces the inferred JSON Schema of the arguments; values are checked against it. Defaults to the
	// inferred one.
	InputSchema string
	// OutputSchema replaces the inferred JSON Schema of the result. Defaults to the inferred one.
	OutputSchema string
	// Idempotent tools may be run again when it is not known whether they ran. Defaults to false.
	Idempotent bool
	// Sticky tools prefer the worker that took the session's last call. Defaults to false.
	Sticky bool
	// Hidden tools are not listed. Defaults to false.
	Hidden bool
	// MaxConcurrency is how many calls of it a worker runs at once. Defaults to as many as the worker runs.
	MaxConcurrency int
	// Timeout is a call's time limit where the caller names none. Defaults to the bridge's.
	Timeout time.Duration
	// RatePerSecond is how many calls of it each session may make a second on average. Defaults to no limit.
	RatePerSecond float64
	// RateBurst is how many of them may come at once. Defaults to a second's worth, at least 1.
	RateBurst int
	// SessionID is the session that the tool belongs to. Defaults to none: it is offered to every session.
	SessionID string
	// Metadata are free labels. Defaults to none.
	Metadata map[string]string
	// MaxValueBytes limits a result or a chunk. Defaults to DefaultMaxValueBytes.
	MaxValueBytes int
}

func (o Options) withDefaults() Options {
	if o.Argument == "" {
		o.Argument = "value"
	}
	if o.MaxValueBytes <= 0 {
		o.MaxValueBytes = DefaultMaxValueBytes
	}
	return o
}

// spec returns what the options say of a tool.
func (o Options) spec(name string, kind tool.Type) tool.Spec {
	s := tool.Spec{
		ID: o.ID, Name: name, Description: o.Description, Type: kind,
		InputSchema: o.InputSchema, OutputSchema: o.OutputSchema,
		Idempotent: o.Idempotent, Sticky: o.Sticky, Hidden: o.Hidden,
		MaxConcurrency: o.MaxConcurrency, Timeout: o.Timeout, SessionID: o.SessionID, Metadata: o.Metadata,
		RatePerSecond: o.RatePerSecond, RateBurst: o.RateBurst,
	}
	if s.ID == "" {
		s.ID = name
	}
	return s
}
