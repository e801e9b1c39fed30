package typed

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxExceptionBytes is how large an error may be as a value before only its text travels.
const maxExceptionBytes = 64 << 10

// panicError is a panic of a user's function. It stays in this process, as the Cause of an ExecutionError.
type panicError struct {
	value any
	stack []byte
}

// Error says what the panic said, with the stack, for logs.
func (p *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// Panicked returns what a user's function panicked with and where, for the log of whoever runs it, if err comes from a
// panic.
func Panicked(err error) (text string, ok bool) {
	var p *panicError
	if !errors.As(err, &p) {
		return "", false
	}
	return p.Error(), true
}

// recovered makes the error for a panic, nil where there was none. Called by a deferred function.
func recovered(name string, value any, call *tool.Call) error {
	if value == nil {
		return nil
	}
	cause := &panicError{value: value, stack: debug.Stack()}
	e := tool.Errorf(tool.ExecutionError, "tool %q panicked: %v", name, value)
	e.Class, e.Cause = "panic", cause
	if call.WantStack {
		e.Stack = string(cause.stack)
	}
	return e
}

// failure turns what a user's function returned into the error that its caller gets.
func (t *Tool) failure(ctx context.Context, err error) error {
	name := t.spec.Name
	if ended := contextEnded(ctx, name, err); ended != nil {
		return ended
	}
	var known *tool.Error
	if errors.As(err, &known) && !saysWhetherStarted(known.Code) {
		return named(known, err)
	}
	e := tool.Errorf(tool.ExecutionError, "%s", err.Error())
	e.Class, e.Cause = className(err), err
	if exception, broken := t.codec.Encode(err); broken == nil && exception.Size() <= maxExceptionBytes {
		e.Exception = exception
	}
	if known != nil {
		e.Class, e.Details = string(known.Code), known.Details
	}
	return e
}

// named keeps the words that a function wrapped around an error.
func named(known *tool.Error, err error) *tool.Error {
	if outer, ok := err.(*tool.Error); ok && outer == known { //nolint:errorlint // it asks whether there is a wrapping
		return known
	}
	c := *known
	c.Message, c.Cause = err.Error(), err
	return &c
}

// saysWhetherStarted reports whether a code is an answer about this very call: the bridge would start a call again
// that a tool failed with, because a call nested in it was not started.
func saysWhetherStarted(c tool.Code) bool {
	switch c {
	case tool.WorkerUnavailable, tool.WorkerLost, tool.OutcomeUnknown, tool.Overloaded, tool.StoreUnavailable, tool.ProtocolError:
		return true
	default:
		return false
	}
}

// contextEnded returns the error for a function that gave up because its context ended, otherwise nil.
func contextEnded(ctx context.Context, name string, err error) error {
	if ctx.Err() == nil {
		return nil
	}
	code := tool.CodeOf(err)
	ours := code == tool.DeadlineExceeded || code == tool.Cancelled
	if !ours && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return ContextError(ctx, name)
}

// ContextError returns why a call of the named tool must end with its context, nil while it need not.
func ContextError(ctx context.Context, name string) error {
	ended := ctx.Err()
	if ended == nil {
		return nil
	}
	var cause *tool.Error
	switch {
	case errors.As(context.Cause(ctx), &cause):
		return cause
	case errors.Is(ended, context.DeadlineExceeded):
		return tool.Errorf(tool.DeadlineExceeded, "tool %q did not end in the time that it was given", name)
	default:
		return tool.Errorf(tool.Cancelled, "the call of tool %q was cancelled while it ran", name)
	}
}

// className is the name of an error's Go type, "error" for those of the standard constructors.
func className(err error) string {
	name := strings.TrimLeft(reflect.TypeOf(err).String(), "*")
	switch name {
	case "errors.errorString", "fmt.wrapError", "fmt.wrapErrors", "errors.joinError":
		return "error"
	default:
		return name[strings.LastIndexByte(name, '.')+1:]
	}
}
