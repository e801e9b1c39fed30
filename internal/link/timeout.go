package link

import (
	"context"
	"time"
)

// WithTimeout returns a context for one call on a link: the call ends after d, kept by the link's own timer instead of
// one for the context. Its Done is parent's: nothing but the call notices the deadline. It needs no cancel.
func WithTimeout(parent context.Context, d time.Duration) context.Context {
	at := time.Now().Add(d)
	if earlier, ok := parent.Deadline(); ok && earlier.Before(at) {
		return parent
	}
	return &timeoutContext{Context: parent, at: at}
}

type timeoutContext struct {
	context.Context //nolint:containedctx // it is a context
	at              time.Time
}

// Deadline returns the call's deadline.
func (c *timeoutContext) Deadline() (time.Time, bool) { return c.at, true }
