package tool

// Code names an error. The table is proto/errors.json, the same for every language.
type Code string

// The codes.
const (
	// ToolNotFound: no tool of this id or name is visible in the session.
	ToolNotFound Code = "ToolNotFound"
	// ToolConflict: the name or id is taken in this scope, by another tool or another owner.
	ToolConflict Code = "ToolConflict"
	// ValidationError: an argument, a name or a field of the request is missing, surplus, misnamed, mistyped or out of bounds.
	ValidationError Code = "ValidationError"
	// SessionNotFound: there is no session of this id, or it belongs to somebody else.
	SessionNotFound Code = "SessionNotFound"
	// SessionExpired: the session has ended or expired, or the caller knows an older epoch of it.
	SessionExpired Code = "SessionExpired"
	// SessionAlreadyExists: a session of this id exists and create_only was asked for.
	SessionAlreadyExists Code = "SessionAlreadyExists"
	// VariableNotFound: the session has no variable of this name.
	VariableNotFound Code = "VariableNotFound"
	// RevisionConflict: the variable is not at the revision that was named, or exists although it was not to.
	RevisionConflict Code = "RevisionConflict"
	// AgentNotFound: the session has no agent of this id.
	AgentNotFound Code = "AgentNotFound"
	// CallNotFound: no call of this id is known, or none that runs where it is to be cancelled.
	CallNotFound Code = "CallNotFound"
	// RateLimitExceeded: too many calls in a span of time; details.retry_after says when to come again, in seconds.
	RateLimitExceeded Code = "RateLimitExceeded"
	// QuotaExceeded: a quota of the principal is used up.
	QuotaExceeded Code = "QuotaExceeded"
	// Overloaded: the queue of the tool is full; details.retry_after says when to come again, in seconds.
	Overloaded Code = "Overloaded"
	// MessageTooLarge: message too large: the value bytes of arguments, result, chunk, batch, variable or metadata exceed the limit.
	MessageTooLarge Code = "MessageTooLarge"
	// BatchTooLarge: the batch has more items than the limit.
	BatchTooLarge Code = "BatchTooLarge"
	// DeadlineExceeded: the time that was given passed while the call was queued, running or streaming.
	DeadlineExceeded Code = "DeadlineExceeded"
	// Cancelled: the caller, or whoever it acts for, cancelled the call.
	Cancelled Code = "Cancelled"
	// WorkerUnavailable: the tool is known and nobody offers it now; the call was not started.
	WorkerUnavailable Code = "WorkerUnavailable"
	// WorkerLost: the worker went away after the call was started; what it did is not known.
	WorkerLost Code = "WorkerLost"
	// OutcomeUnknown: the call or write may or may not have taken effect, and it is not known which.
	OutcomeUnknown Code = "OutcomeUnknown"
	// RequestConflict: the request id was used before with another payload.
	RequestConflict Code = "RequestConflict"
	// StreamGone: the part of the stream that is wanted is no longer kept.
	StreamGone Code = "StreamGone"
	// CallDepthExceeded: calls are nested deeper than the limit.
	CallDepthExceeded Code = "CallDepthExceeded"
	// SerializationError: a value cannot be encoded or decoded; details.path says which part.
	SerializationError Code = "SerializationError"
	// ProtocolError: a message breaks the rules of the protocol.
	ProtocolError Code = "ProtocolError"
	// Unimplemented: the bridge or the host does not serve this.
	Unimplemented Code = "Unimplemented"
	// Unauthenticated: no valid credential.
	Unauthenticated Code = "Unauthenticated"
	// PermissionDenied: the credential does not allow this.
	PermissionDenied Code = "PermissionDenied"
	// StoreUnavailable: the store cannot be read or written now; nothing was acknowledged.
	StoreUnavailable Code = "StoreUnavailable"
	// ExecutionError: the tool itself raised an error.
	ExecutionError Code = "ExecutionError"
	// Internal: the bridge or an SDK failed in a way that it should not.
	Internal Code = "Internal"
)
