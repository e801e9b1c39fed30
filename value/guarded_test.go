package value_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// guarded is a type that looks after itself, as its text shows: the race detector sees who reads it otherwise.
type guarded struct {
	mu sync.Mutex
	n  int
}

func (g *guarded) MarshalText() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strconv.AppendInt(nil, int64(g.n), 10), nil
}

func TestWhatWritesItsOwnTextIsNotCopied(t *testing.T) {
	t.Parallel()
	g := &guarded{}
	g.mu.Lock()
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		close(began)
		_, err := value.Encode(map[string]*guarded{"a": g})
		ended <- err
	}()
	<-began
	g.n = 7 // while the encoder waits, or has not begun
	g.mu.Unlock()
	require.NoError(t, <-ended)
}
