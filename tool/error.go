package tool

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// Error is the one error of the product: what every call, session verb and registration answers when it fails.
// An Error is not changed once it was returned; the With methods return a changed copy.
type Error struct {
	// Code from the error table.
	Code Code
	// Message says what was wrong, with what, and what to do.
	Message string
	// Details are fields for programs, such as "argument", "limit" or "path".
	Details map[string]string
	// Retryable says that another attempt of the same may succeed and does no harm.
	Retryable bool
	// RetryAfter says how long to wait before the next attempt; 0 gives no advice.
	RetryAfter time.Duration
	// Class is the class of the error that the tool raised, such as "ValueError"; ExecutionError only.
	Class string
	// Exception is that error as a value, if it could be encoded; ExecutionError only.
	Exception Value
	// Stack is the tool's stack, only when it was asked for.
	Stack string
	// Cause is what the error was made from, in this process only.
	Cause error
}

// Errorf makes an Error. Its Retryable is the table's. A %w verb sets Cause.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), Retryable: code.Retryable(), Cause: errors.Unwrap(wrapped)}
}

// Error returns the code and the message.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an Error of the same code whose message is empty or the same, so that
// errors.Is(err, &tool.Error{Code: tool.ToolNotFound}) asks for a code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Message == "" || t.Message == e.Message)
}

// With returns a copy with one more detail.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Details = maps.Clone(e.Details)
	if c.Details == nil {
		c.Details = make(map[string]string, 1)
	}
	c.Details[key] = value
	return &c
}

// WithRetryAfter returns a copy that advises to wait, also in its details as "retry_after" in seconds.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	seconds := float64(d) / float64(time.Second) // Seconds() rounds twice: 1.985 s would be 1.9849999999999999
	c := e.With("retry_after", strconv.FormatFloat(seconds, 'f', -1, 64))
	c.RetryAfter = d
	return c
}

// CodeOf returns the code of err: of the first Error in its chain, "" for nil, otherwise Internal.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Retryable reports whether the table lets anybody retry an error of this code. What it lets only idempotent tools
// retry (DeadlineExceeded, WorkerLost) is not: whoever knows the tool decides that.
func (c Code) Retryable() bool {
	switch c {
	case RateLimitExceeded, Overloaded, WorkerUnavailable, StoreUnavailable:
		return true
	default:
		return false
	}
}

// RetryableIfIdempotent reports whether the table lets an idempotent tool be retried after an error of this code.
func (c Code) RetryableIfIdempotent() bool {
	return c.Retryable() || c == DeadlineExceeded || c == WorkerLost
}
