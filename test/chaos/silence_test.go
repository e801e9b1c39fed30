package chaos

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// deaf accepts connections and says nothing, and reads nothing either. It returns its address.
func deaf(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	var held []net.Conn
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			held = append(held, conn)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
		for _, conn := range held {
			_ = conn.Close()
		}
	})
	return listener.Addr().String()
}

// connectPatience is what connecting may take by default, on a busy machine.
const connectPatience = toolbridge.DefaultConnectTimeout + time.Duration(slack*float64(time.Second))

func TestABridgeThatAcceptsAndSaysNothingIsGivenUp(t *testing.T) {
	processes(t)
	address := deaf(t)
	t.Run("by the Go SDK", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		_, err := toolbridge.Dial(t.Context(), address)
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, address)
		require.Less(t, time.Since(began), connectPatience)
	})
	for _, over := range []way{link, plain} {
		t.Run("by the Python SDK, "+string(over), func(t *testing.T) {
			t.Parallel()
			c := start(t, "caller", nil, python(t, "caller.py", "nobody", address, string(over)))
			eventually(t, "the caller gives up", c.ended)
			require.Contains(t, c.output(), "WorkerUnavailable: no bridge answers at "+address+" within 5 s")
		})
	}
	t.Run("by a worker in Go", func(t *testing.T) {
		t.Parallel()
		w := start(t, "worker", nil, itself(t, "worker", address, "nobody"))
		eventually(t, "the worker gives up", w.ended)
		require.Contains(t, w.output(), "WorkerUnavailable")
		require.Contains(t, w.output(), address)
	})
}
