package testkit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/examples/testkit"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// A whole bridge runs in the test's process; calls go through it as they do in production.
func TestSlug(t *testing.T) {
	b := bridgetest.New(t)
	b.Worker(testkit.Offer)

	got, err := toolbridge.Call[string](t.Context(), b.Session(), "slug", "Hello big World")
	require.NoError(t, err)
	require.Equal(t, "hello-big-world", got)

	_, err = b.Session().Call(t.Context(), "slug", 42)
	require.Equal(t, tool.ValidationError, tool.CodeOf(err), "an int is no text")
}

// A recorder reads a stream to its end, or leaves it early.
func TestWords(t *testing.T) {
	b := bridgetest.New(t)
	b.Worker(testkit.Offer)
	stream := toolbridge.Stream[string](t.Context(), b.Session(), "words", "one two three")

	require.Equal(t, []string{"one", "two", "three"}, bridgetest.Record(stream).Items)
	require.Equal(t, []string{"one"}, bridgetest.RecordSome(stream, 1).Items)
}

// Faults follow a script: at the caller they stand for a call that failed on its way, at a worker for a tool that fails.
func TestACallerThatTriesAgain(t *testing.T) {
	b := bridgetest.New(t)
	b.Worker(testkit.Offer)
	var faults bridgetest.Faults
	faults.Fail("slug", tool.Errorf(tool.Overloaded, "come again"))
	session := b.Session(toolbridge.WithInterceptors(faults.Interceptor()))

	got, err := session.With(toolbridge.WithRetry(toolbridge.Retry{})).Call(t.Context(), "slug", "Once more")
	require.NoError(t, err)
	require.Equal(t, "once-more", got)
	require.Equal(t, 2, faults.Calls("slug"))
}

// The network breaks and the bridge is started again; what was stored is there.
func TestABridgeThatComesBack(t *testing.T) {
	b := bridgetest.New(t)
	session := b.Session()
	_, err := session.Set(t.Context(), "greeting", "hello")
	require.NoError(t, err)

	b.Cut()
	b.Restart()

	greeting, err := toolbridge.Get[string](t.Context(), session, "greeting")
	require.NoError(t, err)
	require.Equal(t, "hello", greeting)
}
