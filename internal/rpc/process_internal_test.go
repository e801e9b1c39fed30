package rpc

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// These tests stand inside the package because they stop between the steps by which a link begins.

// newTestLinks are the links of a broker that runs in a bubble.
func newTestLinks(t *testing.T, grace time.Duration) *links {
	t.Helper()
	store, logger := memstore.New(), slog.New(slog.DiscardHandler)
	b, err := broker.New(broker.Config{Store: store, Logger: logger})
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	s := New(Config{Broker: b, Logger: logger, ReattachGrace: grace})
	t.Cleanup(func() {
		s.Close(t.Context())
		_ = b.Stop(t.Context()) // its context is over
		require.NoError(t, store.Close())
	})
	return s.links
}

func TestAProcessThatTheBrokerRefusedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const grace = time.Second
		l := newTestLinks(t, grace)
		_, err := l.begin(t.Context(), link.Hello{Identity: "p", Labels: map[string]string{"long": strings.Repeat("x", 1<<20)}})
		require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err), "%v", err)
		<-time.After(2 * grace) // in which its link would have been given up
		synctest.Wait()
		require.Empty(t, l.all())
		require.Empty(t, l.broker.Workers())
	})
}

func TestALinkThatIsGivenUpBeforeTheBrokerKnowsItIsDetachedOnceItDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const grace = time.Second
		l := newTestLinks(t, grace)
		cfg := l.config
		cfg.Incarnation = "i"
		p := newProcess(l, tool.Principal{}, &cfg)
		p.bridge = link.NewBridge(cfg, link.Hello{Identity: "p"})
		<-time.After(2 * grace) // the machine was busy with others
		synctest.Wait()

		at, err := l.broker.Attach(p.bridge, broker.AttachOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, l.broker.Workers())
		p.at = at
		close(p.placed)
		synctest.Wait()
		require.Empty(t, l.broker.Workers())
	})
}
