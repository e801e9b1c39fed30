package wire

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// statusClientClosedRequest is the customary status for a request that its client gave up; net/http does not name it.
const statusClientClosedRequest = 499

// GRPC returns the gRPC status of a code; Internal for one that is not in the table.
func GRPC(code tool.Code) codes.Code {
	grpc, _, _ := statuses(code)
	return grpc
}

// HTTP returns the HTTP status of a code; 500 for one that is not in the table.
func HTTP(code tool.Code) int {
	_, http, _ := statuses(code)
	return http
}

// Known reports whether the table holds the code.
func Known(code tool.Code) bool {
	_, _, known := statuses(code)
	return known
}

// statuses is the table of proto/errors.json.
func statuses(code tool.Code) (codes.Code, int, bool) {
	switch code {
	case tool.ToolNotFound, tool.SessionNotFound, tool.VariableNotFound, tool.AgentNotFound, tool.CallNotFound:
		return codes.NotFound, http.StatusNotFound, true
	case tool.ToolConflict, tool.SessionAlreadyExists, tool.RequestConflict:
		return codes.AlreadyExists, http.StatusConflict, true
	case tool.ValidationError, tool.SerializationError:
		return codes.InvalidArgument, http.StatusUnprocessableEntity, true
	case tool.SessionExpired:
		return codes.FailedPrecondition, http.StatusGone, true
	case tool.CallDepthExceeded:
		return codes.FailedPrecondition, http.StatusLoopDetected, true
	case tool.RevisionConflict:
		return codes.Aborted, http.StatusPreconditionFailed, true
	case tool.OutcomeUnknown:
		return codes.Aborted, http.StatusConflict, true
	case tool.RateLimitExceeded, tool.QuotaExceeded:
		return codes.ResourceExhausted, http.StatusTooManyRequests, true
	case tool.MessageTooLarge, tool.BatchTooLarge:
		return codes.ResourceExhausted, http.StatusRequestEntityTooLarge, true
	case tool.Overloaded, tool.WorkerUnavailable, tool.StoreUnavailable:
		return codes.Unavailable, http.StatusServiceUnavailable, true
	case tool.WorkerLost:
		return codes.Unavailable, http.StatusBadGateway, true
	case tool.DeadlineExceeded:
		return codes.DeadlineExceeded, http.StatusGatewayTimeout, true
	case tool.Cancelled:
		return codes.Canceled, statusClientClosedRequest, true
	case tool.StreamGone:
		return codes.OutOfRange, http.StatusGone, true
	case tool.ProtocolError:
		return codes.Internal, http.StatusBadGateway, true
	case tool.Unimplemented:
		return codes.Unimplemented, http.StatusNotImplemented, true
	case tool.Unauthenticated:
		return codes.Unauthenticated, http.StatusUnauthorized, true
	case tool.PermissionDenied:
		return codes.PermissionDenied, http.StatusForbidden, true
	case tool.ExecutionError:
		return codes.Unknown, http.StatusInternalServerError, true
	case tool.Internal:
		return codes.Internal, http.StatusInternalServerError, true
	default:
		return codes.Internal, http.StatusInternalServerError, false
	}
}

// Status returns any error as the gRPC status with which an RPC ends; the error itself is among its details, so that
// FromStatus finds it. Nil stays nil.
func Status(err error) error {
	e := Error(err)
	if e == nil {
		return nil
	}
	s := status.New(GRPC(e.Code), Text(e.Message))
	if detailed, detailErr := s.WithDetails(ErrorProto(e)); detailErr == nil {
		s = detailed
	}
	return s.Err()
}

// FromStatus returns the error that a gRPC status stands for: the one in its details, otherwise what its code says. A
// connection that could not be made is WorkerUnavailable, one that broke is WorkerLost. The detail "grpc" names the
// status. Nil stays nil.
func FromStatus(err error) *tool.Error {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*bridgepb.ErrorInfo); ok {
			return ErrorFromProto(info)
		}
	}
	e := tool.Errorf(codeOf(s), "the bridge did not answer the request: %s", s.Message())
	e.Cause = err
	return e.With("grpc", s.Code().String())
}

// codeOf maps what a gRPC runtime itself answers.
func codeOf(s *status.Status) tool.Code {
	switch s.Code() {
	case codes.Canceled:
		return tool.Cancelled
	case codes.DeadlineExceeded:
		return tool.DeadlineExceeded
	case codes.ResourceExhausted:
		return tool.MessageTooLarge
	case codes.InvalidArgument:
		return tool.ProtocolError
	case codes.Unimplemented:
		return tool.Unimplemented
	case codes.Unauthenticated:
		return tool.Unauthenticated
	case codes.PermissionDenied:
		return tool.PermissionDenied
	case codes.Unavailable:
		if neverConnected(s.Message()) {
			return tool.WorkerUnavailable
		}
		return tool.WorkerLost
	default:
		return tool.Internal
	}
}

// neverConnected recognises grpc-go's words for a connection that could not be made: nothing was sent.
func neverConnected(message string) bool {
	return strings.Contains(message, "connection error: ") || strings.Contains(message, "name resolver error: ") ||
		strings.Contains(message, "Error while dialing")
}
