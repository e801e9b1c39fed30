package tool_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestTheAdviceToComeAgainHasNoDigitsOfARounding(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{1985 * time.Millisecond: "1.985", time.Millisecond: "0.001", 10 * time.Second: "10"} {
		e := tool.Errorf(tool.RateLimitExceeded, "later").WithRetryAfter(wait)
		require.Equal(t, want, e.Details["retry_after"])
		require.Equal(t, wait, e.RetryAfter)
	}
}
