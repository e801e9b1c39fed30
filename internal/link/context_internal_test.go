package link

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
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
