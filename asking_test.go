package toolbridge_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// seenRPCs are the RPCs of their own that a client made.
type seenRPCs struct {
	mu  sync.Mutex
	all []string
}

func (s *seenRPCs) option() toolbridge.DialOption {
	return toolbridge.WithGRPCOptions(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, next grpc.UnaryInvoker, options ...grpc.CallOption) error {
			s.mu.Lock()
			s.all = append(s.all, method[strings.LastIndex(method, "/")+1:])
			s.mu.Unlock()
			return next(ctx, method, request, answer, conn, options...)
		}))
}

func (s *seenRPCs) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

func TestSessionsAndVariablesGoOverTheLinkWhereThereIsOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []toolbridge.DialOption
		want    []string
	}{
		"with a link":    {nil, nil},
		"without a link": {[]toolbridge.DialOption{toolbridge.WithoutLink()}, []string{"InitializeSession", "SetVariable", "GetVariable", "CleanupSession", "GetVariable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rpcs seenRPCs
			client := bridgetest.New(t).Dial(append(c.options, rpcs.option())...)
			s, err := client.Session(t.Context(), "s")
			require.NoError(t, err)
			_, err = s.Set(t.Context(), "v", "text")
			require.NoError(t, err)
			v, err := s.Get(t.Context(), "v")
			require.NoError(t, err)
			require.Equal(t, "text", v)
			_, err = s.End(t.Context())
			require.NoError(t, err)
			_, err = s.Get(t.Context(), "v")
			require.Equal(t, tool.SessionExpired, asError(t, err).Code)
			require.Equal(t, c.want, rpcs.take())
		})
	}
}

func TestALargeVariableIsWrittenByAnRPCOfItsOwn(t *testing.T) {
	t.Parallel()
	var rpcs seenRPCs
	s, err := bridgetest.New(t).Dial(rpcs.option()).Session(t.Context(), "s")
	require.NoError(t, err)
	large := strings.Repeat("x", 1<<17)
	_, err = s.Set(t.Context(), "v", large)
	require.NoError(t, err)
	require.Equal(t, []string{"SetVariable"}, rpcs.take())
	v, err := s.Get(t.Context(), "v")
	require.NoError(t, err)
	require.Equal(t, large, v, "answers may be large: they come in pieces")
	require.Empty(t, rpcs.take())
}

func TestAVariableIsWrittenAfterALostConnectionAndAfterARestart(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	for _, trouble := range []func(){b.Cut, b.Restart} {
		trouble()
		s, err := client.Session(t.Context(), "s")
		for tool.CodeOf(err) == tool.WorkerLost && t.Context().Err() == nil { // it was asked on what was about to be lost
			s, err = client.Session(t.Context(), "s")
		}
		require.NoError(t, err)
		_, err = s.Set(t.Context(), "v", 1)
		require.NoError(t, err)
	}
}
