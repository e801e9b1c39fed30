package wire_test

import (
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

	for _, key := range []string{"traceparent", "tracestate", "baggage"} {
		c.Set(key, "new "+key)
	}
	require.Equal(t, &tool.Call{TraceParent: "new traceparent", TraceState: "new tracestate"}, call)
}
