package wire

// TraceContext is where a call keeps its W3C trace context, as libraries of tracing write and read it. The same for a
// request and for a call. It may be used by one goroutine at a time.
type TraceContext struct {
	// Parent is the traceparent.
	Parent *string
	// State is the tracestate.
	State *string
}

// maxSpanStateBytes is how long a trace state may be that becomes part of a span: what everybody must be able to pass on (W3C Trace
// Context, 3.3.1.5). A longer one travels on with its call, and a span has none: with what one caller writes, a batch of spans would
// else be longer than a collector takes.
const maxSpanStateBytes = 512

// Get returns a field as a span may have it; "" for one that there is not, and for a state that is too long.
func (c TraceContext) Get(key string) string {
	field := c.field(key)
	if field == nil || field == c.State && len(*field) > maxSpanStateBytes {
		return ""
	}
	return *field
}

// Set sets a field; others than those of the W3C are dropped.
func (c TraceContext) Set(key, value string) {
	if field := c.field(key); field != nil {
		*field = value
	}
}

// Keys lists the fields.
func (c TraceContext) Keys() []string { return []string{"traceparent", "tracestate"} }

func (c TraceContext) field(key string) *string {
	switch key {
	case "traceparent":
		return c.Parent
	case "tracestate":
		return c.State
	default:
		return nil
	}
}
