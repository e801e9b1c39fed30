package wire

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/grpc/status"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Error returns err as the product's error: itself if there is one in its chain, DeadlineExceeded and Cancelled for
// those of a context, what FromStatus says for a gRPC status, otherwise Internal. Nil stays nil.
func Error(err error) *tool.Error {
	var known *tool.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return tool.Errorf(tool.DeadlineExceeded, "the time that was given for the call has passed: %w", err)
	case errors.Is(err, context.Canceled):
		return tool.Errorf(tool.Cancelled, "the call was cancelled by its caller: %w", err)
	}
	if _, ok := status.FromError(err); ok {
		return FromStatus(err)
	}
	return tool.Errorf(tool.Internal, "%w", err)
}

// ContextError returns why ctx ended, as the product's error: its cause if that is one. Nil while it has not ended.
func ContextError(ctx context.Context) *tool.Error {
	if ctx.Err() == nil {
		return nil
	}
	var known *tool.Error
	if errors.As(context.Cause(ctx), &known) {
		return known
	}
	return Error(ctx.Err())
}

// ErrorProto returns any error as a message; see Error. What is too long in it is cut down; see tool.Error.Bounded.
func ErrorProto(err error) *bridgepb.ErrorInfo {
	e := Error(err)
	if e == nil {
		return nil
	}
	e = e.Bounded(0)
	return &bridgepb.ErrorInfo{
		Type:       Text(string(e.Code)),
		Message:    Text(e.Message),
		Details:    detailsProto(e),
		Retryable:  e.Retryable,
		RetryAfter: max(e.RetryAfter, 0).Seconds(),
		ClassName:  Text(e.Class),
		Exception:  ValueProto(e.Exception),
		StackTrace: Text(e.Stack),
	}
}

// detailsProto repairs text and says retry_after there too.
func detailsProto(e *tool.Error) map[string]string {
	out := e.Details
	if len(out) > 0 {
		out = make(map[string]string, len(e.Details)+1)
		for k, v := range e.Details {
			out[Text(k)] = Text(v)
		}
	}
	if e.RetryAfter > 0 && out["retry_after"] == "" {
		if out == nil {
			out = make(map[string]string, 1)
		}
		out["retry_after"] = strconv.FormatFloat(e.RetryAfter.Seconds(), 'f', -1, 64)
	}
	return out
}

// ErrorFromProto returns the error of a message, never nil. An unknown code becomes Internal and is kept in the
// detail "type".
func ErrorFromProto(e *bridgepb.ErrorInfo) *tool.Error {
	if e == nil {
		return tool.Errorf(tool.Internal, "the answer says that it failed, but not why: it holds no error")
	}
	out := &tool.Error{
		Code:       tool.Code(e.GetType()),
		Message:    e.GetMessage(),
		Details:    e.GetDetails(),
		Retryable:  e.GetRetryable(),
		RetryAfter: fromFloat(e.GetRetryAfter(), time.Second),
		Class:      e.GetClassName(),
		Exception:  ValueFromProto(e.GetException()),
		Stack:      e.GetStackTrace(),
	}
	if !Known(out.Code) {
		out.Code = tool.Internal
		out = out.With("type", e.GetType())
	}
	return out
}
