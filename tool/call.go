package tool

import "time"

// Call is one call of a tool on its way from an edge through the broker to a host. Its deadline and its
// cancellation are those of the context that travels with it. A Call is not changed once it was handed on, except
// by the broker before it dispatches.
type Call struct {
	// Principal is who makes the call.
	Principal Principal
	// SessionID is the session in which it is made.
	SessionID string
	// Epoch of the session that the caller knows; 0 for whichever is current.
	Epoch uint64
	// MinRevision is the revision that the broker must have seen before it looks at the session; may be empty.
	MinRevision string
	// Tool is the tool's id or name as the caller gave it.
	Tool string
	// Asks names, over links, what the bridge itself is asked for instead of a tool; empty for a call of a tool.
	Asks string
	// Spec is what the broker found; nil until then.
	Spec *Spec
	// Args are the positional arguments.
	Args []Value
	// Kwargs are the keyword arguments, each name once.
	Kwargs []Keyword
	// StreamID is the caller's name of the stream.
	StreamID string
	// RequestID names the call for de-duplication; may be empty.
	RequestID string
	// Key is the broker's own name of a dispatched call, unique in its run; 0 until it is dispatched.
	Key uint64
	// Number is the broker's own name of a call under way, by which operators know it; 0 until the broker has it.
	Number uint64
	// Parent is the Key of the call during which this one is made; 0 for none.
	Parent uint64
	// Depth is how many calls this one is nested in.
	Depth int
	// Attempt is how many earlier attempts of the call ended without an answer, so that they may have been started. Above 0,
	// and where nothing is recorded of them, the call is started only if its tool is idempotent.
	Attempt int
	// BridgeRun is the run of the bridge that got the first of them.
	BridgeRun string
	// TraceParent is the W3C trace context.
	TraceParent string
	// TraceState is the W3C trace state.
	TraceState string
	// Timeout limits an item of a batch, whose items share one context; 0 for no limit of its own. Elsewhere the
	// context says how much time is left.
	Timeout time.Duration
	// Received is when the edge received the request; metrics count from it.
	Received time.Time
	// OnProgress, if set, is told how far the host is, by one goroutine at a time. It must not block.
	OnProgress func(Progress)
	// Tables carries those tables of the call that are larger than one message; nil where there are none and the caller takes none.
	Tables Tables

	// Stream says that chunks are wanted.
	Stream bool
	// Linger lets a call with a RequestID run on for the grace when its caller leaves, who may come back for the answer.
	Linger bool
	// PlainValues asks the host to encode the result with Struct and ListValue at any size.
	PlainValues bool
	// WantStack asks the host for the stack of an error.
	WantStack bool
	// Batched says that the call is an item of a batch: until the broker takes it, it waits for its turn.
	Batched bool
}

// Keyword is a keyword argument.
type Keyword struct {
	// Name of the argument.
	Name string
	// Value of the argument.
	Value Value
}

// ArgumentBytes returns the value bytes of all arguments, which count against the limit of a call.
func (c *Call) ArgumentBytes() int {
	n := 0
	for _, v := range c.Args {
		n += v.Size()
	}
	for i := range c.Kwargs {
		n += c.Kwargs[i].Value.Size()
	}
	return n
}

// Result is what a call returned.
type Result struct {
	// Value is the tool's result.
	Value Value
	// Metrics say how long it took. A host sets Execute, the broker the rest.
	Metrics Metrics
	// Replayed says that this is the answer of an earlier call with the same RequestID, also where the call failed.
	Replayed bool
}

// Chunk is one result of a streaming call. Its sequence is its place among those that were sent.
type Chunk struct {
	// Value is the result.
	Value Value
	// Release, where it is set, may be called, once, by who has the chunk last and no longer reads any of its value: the memory is used for
	// another one then. Nobody has to call it.
	Release func()
}

// Progress says how far a call is.
type Progress struct {
	// Done of Total, in the same units.
	Done float64
	// Total is 0 when it is not known.
	Total float64
	// Message says what is being done.
	Message string
}

// Metrics say how long a call took and where: Queue, Route, Execute and Transport add up to Duration. Where a call ended before its host
// answered, because its time was over, it was cancelled or the host was lost, the time since it was given to the host counts as Execute.
type Metrics struct {
	// Duration from the edge's receiving the request to its answer; for a caller whom no answer reached, how long it has waited.
	Duration time.Duration
	// Queue is the time spent waiting: for a worker with a free place, before another attempt, as an item of a batch for its turn, for
	// another call of the same request id.
	Queue time.Duration
	// Route is everything else until the broker gives the call to a host: looking up session and tool, checking arguments.
	Route time.Duration
	// Execute is the time the user's function took, measured by its host; in attempts that no host answered, all time since then.
	Execute time.Duration
	// Transport is the rest of the way to the host and back.
	Transport time.Duration
	// Worker is the identity of who ran it; empty for a tool of the bridge's own process.
	Worker string
	// Attempts is how often the broker dispatched it.
	Attempts int
}

// Split reports whether it is known where the time went. It is not for a caller whom no answer of the bridge reached.
func (m *Metrics) Split() bool { return m.Queue+m.Route+m.Execute+m.Transport > 0 }

// Answerer takes the result of a call that nobody waits for, once. It must not block.
type Answerer interface {
	// Answer takes the result, or why there is none.
	Answer(result Result, err error)
}
