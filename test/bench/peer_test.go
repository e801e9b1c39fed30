package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serving serves an echo in this process until the test ends and returns where.
func serving(t *testing.T, s echoServer) string {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, writer, s) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	said := make([]byte, 100)
	n, err := reader.Read(said)
	require.NoError(t, err)
	return string(said[len("listening on ") : n-1])
}

func TestTheRawPeerEchoesCallsAndStreamsAlsoThroughTheRelay(t *testing.T) {
	t.Parallel()
	conn, err := dial(serving(t, echo{}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	relayed, err := dial(serving(t, relay{to: conn}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, relayed.Close()) })
	for name, c := range map[string]caller{
		"call": rawUnary(conn), "stream": rawStream(conn), "relayed call": rawUnary(relayed), "relayed stream": rawStream(relayed),
	} {
		got, err := loop(c)(t.Context(), 2, 5*time.Millisecond)
		require.NoError(t, err, name)
		require.GreaterOrEqual(t, got.Calls, 2, name)
	}
}

func TestAnEchoThatAnswersSomethingElseIsAnError(t *testing.T) {
	t.Parallel()
	require.NoError(t, same(payload()))
	require.ErrorContains(t, same("y"), `"y"`)
}

func TestAnUnknownPartIsRefused(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, runPeer(t.Context(), "sing", nil, io.Discard), `unknown part "sing"`)
}
