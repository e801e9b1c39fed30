package bridge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// till is a tool that tells when it is started and when it is cancelled, and ends when it is let.
type till struct {
	runs    atomic.Int64
	entered chan string // request ids
	stopped chan string
	mayEnd  chan struct{}
}

// newTill offers the tool, in session "s".
func newTill(t *testing.T, b *bridge.Bridge) *till {
	t.Helper()
	x := &till{entered: make(chan string, 9), stopped: make(chan string, 9), mayEnd: make(chan struct{})}
	offer(t, b, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "charge", func(ctx context.Context, _ struct{}) (int64, error) {
			n, id := x.runs.Add(1), toolbridge.FromContext(ctx).Call().RequestID
			x.entered <- id
			select {
			case <-x.mayEnd:
				return n, nil
			case <-ctx.Done():
				x.stopped <- id
				return 0, ctx.Err()
			}
		})
	})
	session(t, b, "s")
	return x
}

// caller makes a call over a connection of its own; an empty id is no request id.
type caller func(t *testing.T, b *bridge.Bridge, id string) (cut func())

// callers are the faces that have no links.
var callers = map[string]caller{"plain RPC": callByRPC, "HTTP": callByHTTP}

func callByRPC(t *testing.T, b *bridge.Bridge, id string) (cut func()) {
	t.Helper()
	var wire net.Conn
	conn, err := grpc.NewClient(b.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (_ net.Conn, err error) {
			wire, err = new(net.Dialer).DialContext(ctx, "tcp", address)
			return wire, err
		}))
	require.NoError(t, err)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, err := bridgepb.NewSnakepitBridgeClient(conn).ExecuteTool(context.WithoutCancel(t.Context()), &bridgepb.ToolCallRequest{SessionId: "s", ToolId: "charge", RequestId: id})
		if err == nil {
			t.Error("the call was answered over a connection that was cut")
		}
	}()
	return func() {
		_ = wire.Close() // that is the point
		<-over
		_ = conn.Close() // it has no connection any more
	}
}

func callByHTTP(t *testing.T, b *bridge.Bridge, id string) (cut func()) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.HTTPAddr())
	require.NoError(t, err)
	key := ""
	if id != "" {
		key = "Idempotency-Key: " + id + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "POST /api/sessions/s/tools/charge/execute HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%sContent-Length: 2\r\n\r\n{}", b.HTTPAddr(), key)
	require.NoError(t, err)
	return func() { _ = conn.Close() } // that is the point
}

func TestLostCaller_a_named_call_runs_on_and_its_answer_is_replayed_and_one_without_name_is_cancelled(t *testing.T) {
	t.Parallel()
	for face, call := range callers {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0"})
			x := newTill(t, b)
			cutNamed, cutNameless := call(t, b, "order-7"), call(t, b, "")
			<-x.entered
			<-x.entered

			cutNamed()
			cutNameless()
			require.Empty(t, <-x.stopped, "the call without a name")
			close(x.mayEnd)

			status, text, header := repeated(t, b, "order-7")
			require.Equal(t, http.StatusOK, status, text)
			require.Equal(t, "true", header.Get("Idempotency-Replayed"))
			answer, err := dialPlain(t, b).ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: "s", ToolId: "charge", RequestId: "order-7", Attempt: 1})
			require.NoError(t, err)
			require.True(t, answer.GetSuccess(), answer.GetError())
			require.True(t, answer.GetReplayed())
			require.Equal(t, int64(2), x.runs.Load())
			require.Empty(t, x.stopped)
		})
	}
}

func TestLostCaller_a_named_call_to_which_nobody_comes_back_is_cancelled_after_the_grace(t *testing.T) {
	t.Parallel()
	for face, call := range callers {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			const grace = 200 * time.Millisecond
			b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0", ReattachGrace: grace})
			x := newTill(t, b)
			cut := call(t, b, "order-7")
			<-x.entered

			began := time.Now()
			cut()
			require.Equal(t, "order-7", <-x.stopped)
			require.GreaterOrEqual(t, time.Since(began), grace)

			status, text, _ := repeated(t, b, "order-7")
			require.Equal(t, http.StatusConflict, status, text)
			require.Contains(t, text, string(tool.OutcomeUnknown))
			require.Equal(t, int64(1), x.runs.Load())
		})
	}
}

// repeated makes the call again, by HTTP.
func repeated(t *testing.T, b *bridge.Bridge, id string) (status int, text string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.HTTPAddr()+"/api/sessions/s/tools/charge/execute", strings.NewReader("{}"))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", id)
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }() // only read
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(all), response.Header
}

// dialPlain is a client without a link.
func dialPlain(t *testing.T, b *bridge.Bridge) bridgepb.SnakepitBridgeClient {
	t.Helper()
	conn, err := grpc.NewClient(b.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return bridgepb.NewSnakepitBridgeClient(conn)
}
