package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestTraceContextIsThatOfTheCall(t *testing.T) {
	t.Parallel()
	call := &tool.Call{TraceParent: "p", TraceState: "s"}
	c := wire.TraceContext{Parent: &call.TraceParent, State: &call.TraceState}

	got := map[string]string{}
	for _, key := range append(c.Keys(), "baggage") {
		got[key] = c.Get(key)
	}
	require.Equal(t, map[string]string{"traceparent": "p", "tracestate": "s", "baggage": ""}, got)

	call.TraceState = strings.Repeat("s", 512)
	require.Equal(t, call.TraceState, c.Get("tracestate"))
	call.TraceState += "s"
	require.Empty(t, c.Get("tracestate"), "too long for a span")
	call.TraceParent = strings.Repeat("p", 513)
	require.Equal(t, call.TraceParent, c.Get("traceparent"))

	for _, key := range []string{"traceparent", "tracestate", "baggage"} {
		c.Set(key, "new "+key)
	}
	require.Equal(t, &tool.Call{TraceParent: "new traceparent", TraceState: "new tracestate"}, call)
}
