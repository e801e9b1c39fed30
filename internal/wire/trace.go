package wire

// TraceContext is where a call keeps its W3C trace context, as libraries of tracing write and read it. The same for a
// request and for a call. It may be used by one goroutine at a time.
type TraceContext struct {
	// Parent is the traceparent.
	Parent *string
	// State is the tracestate.
	State *string
}

// Get returns a field; "" for one that there is not.
func (c TraceContext) Get(key string) string {
	if field := c.field(key); field != nil {
		return *field
	}
	return ""
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
