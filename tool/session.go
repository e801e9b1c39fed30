package tool

import "time"

// Principal is who makes a request. The zero Principal is the only one where no credentials are asked for.
type Principal struct {
	// Name is unique; it owns sessions and tools.
	Name string
}

// SessionKey names a session: its id is unique for its owner.
type SessionKey struct {
	// Owner is the name of the principal that created it.
	Owner string
	// ID as given by the client.
	ID string
}

// Session is one epoch of a session.
type Session struct {
	// Key names it.
	Key SessionKey
	// Epoch starts at 1 and grows each time that an ended session's id is initialized again.
	Epoch uint64
	// Metadata are free labels of its creator.
	Metadata map[string]string
	// CreatedAt is when this epoch began.
	CreatedAt time.Time
	// TTL is how long it lives without use.
	TTL time.Duration
	// Revision is the opaque token of its last change or of its tools' last change.
	Revision string
}

// Variable is a variable of a session.
type Variable struct {
	// Name is unique in the session.
	Name string
	// Value as it was written; the zero Value in listings without values.
	Value Value
	// Metadata are free labels.
	Metadata map[string]string
	// Revision is the opaque token of the last write.
	Revision string
	// UpdatedAt is when it was last written.
	UpdatedAt time.Time
}

// Agent is the description of a ReAct agent.
type Agent struct {
	// ID is unique in the session.
	ID string
	// Signature as in DSPy: "question -> answer".
	Signature string
	// Tools that it may call; none means every tool that the session lists.
	Tools []string
	// MaxIters is the largest number of steps.
	MaxIters int
	// Model that it uses; empty means the worker's own.
	Model string
	// Instructions besides the signature.
	Instructions string
	// Metadata are free labels.
	Metadata map[string]string
	// CreatedAt is when it was created.
	CreatedAt time.Time
}
