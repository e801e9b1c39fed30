package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// serving serves an echo in this process until the test ends and returns where.
func serving(t *testing.T, s echoServer) string {
	t.Helper()
	return playing(t, func(ctx context.Context, out io.Writer) error { return serve(ctx, out, s) })
}

// playing plays a part in this process until the test ends and returns where it listens.
func playing(t *testing.T, part func(ctx context.Context, out io.Writer) error) string {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx, writer) }()
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

func TestARawStreamOfChunksIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	conn, err := dial(serving(t, echo{}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	_, err = loop(rawChunks(conn))(t.Context(), 1, time.Millisecond)
	require.NoError(t, err)
	_, err = loop(rawText(conn, 1<<20))(t.Context(), 1, time.Millisecond)
	require.NoError(t, err)
}

func TestTheOtherPeersEcho(t *testing.T) {
	t.Parallel()
	web := playing(t, serveJSON)
	_, err := loop(postJSON(web))(t.Context(), 2, 5*time.Millisecond)
	require.NoError(t, err)

	tools := playing(t, serveMCP)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: "http://" + tools}, nil)
	require.NoError(t, err)
	_, err = loop(callMCP(session))(t.Context(), 2, 5*time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, session.Close())
}

func TestTheSinkTakesWhateverComes(t *testing.T) {
	t.Parallel()
	conn, err := dial(playing(t, serveSink))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	require.NoError(t, conn.Invoke(t.Context(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export", wrapperspb.String("spans"), new(emptypb.Empty)))
}

func TestAnUnknownPartIsRefused(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, runPeer(t.Context(), "sing", nil, io.Discard), `unknown part "sing"`)
	require.ErrorContains(t, runPeer(t.Context(), "relay", nil, io.Discard), "want ADDRESS")
	require.ErrorContains(t, runPeer(t.Context(), "links", []string{"a", "many"}, io.Discard), `COUNT is "many"`)
}
