package link

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// told counts how often it hears of an end.
type told int

func (n *told) ContextEnded() { *n++ }

func TestTheContextOfACallTellsOneWatcherOnce(t *testing.T) {
	t.Parallel()
	var c inCall
	var first, second told
	require.True(t, c.Watch(&first))
	require.False(t, c.Watch(&second), "somebody else is told")
	require.False(t, c.Unwatch(&second))

	c.end(context.DeadlineExceeded)
	c.end(context.Canceled)

	require.Equal(t, told(1), first)
	require.Equal(t, told(0), second)
	require.Equal(t, context.DeadlineExceeded, c.Err())
	require.False(t, c.Unwatch(&first), "it was told")
	require.False(t, c.Watch(&second), "it has ended")
}

func TestAWatcherThatLeftIsNotTold(t *testing.T) {
	t.Parallel()
	var c inCall
	var first, second told
	require.True(t, c.Watch(&first))
	require.True(t, c.Unwatch(&first))
	require.True(t, c.Watch(&second))
	c.end(context.Canceled)
	require.Equal(t, []told{0, 1}, []told{first, second})
}

func TestACallThatIsCancelledAfterItsTimeHasRunOutOfIt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var limited, unlimited inCall
	limited.at = now
	require.True(t, limited.ranOut(tool.Cancelled, now))
	require.True(t, limited.ranOut("", now.Add(time.Second)))
	require.False(t, limited.ranOut(tool.Cancelled, now.Add(-1)))
	require.True(t, limited.ranOut(tool.DeadlineExceeded, now.Add(-time.Hour)), "its caller knows better")
	require.False(t, unlimited.ranOut("", now))
}
