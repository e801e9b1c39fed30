package link_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestStatsCountTheChunksThatWaitedForCredit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size, chunks int
		waits        bool
	}{
		{100, 10, false}, {60_000, 40, true}, {3 << 20, 1, true},
	} {
		t.Run(fmt.Sprint(c.size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
					stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
						for range c.chunks {
							if err := send(tool.Chunk{Value: sized("x", c.size)}); err != nil {
								return tool.Metrics{}, err
							}
						}
						return tool.Metrics{}, nil
					},
				}})
				b.connect()
				_, err := b.process.Stream(t.Context(), call("t"), func(tool.Chunk) error {
					synctest.Wait() // the producer has sent what it may
					return nil
				})
				require.NoError(t, err)
				before := b.end().Stats().CreditWaits
				require.Equal(t, c.waits, before > 0)
				require.NoError(t, b.end().Close(t.Context(), nil))
				require.Equal(t, before, b.end().Stats().CreditWaits, "what a link that is gone came to stays counted")
			})
		})
	}
}
