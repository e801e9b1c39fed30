package gateway

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/semaphore"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestA_large_value_waits_until_others_are_read_and_no_longer_than_its_request(t *testing.T) {
	t.Parallel()
	g := &Gateway{codec: value.New(), reading: semaphore.NewWeighted(readAtOnce)}
	padded := func(spaces int) text { return text{append(bytes.Repeat([]byte(" "), spaces), '1'), "$.args[0]"} }
	large, small := padded(2*smallBody), padded(100)
	whole := context.Background()
	left, leave := context.WithCancel(whole)

	_, err := g.fromJSON(whole, padded(readAtOnce)) // with its number, larger than all together may be
	require.NoError(t, err)
	require.True(t, g.reading.TryAcquire(readAtOnce-smallBody), "what was read holds nothing")

	_, err = g.fromJSON(whole, small)
	require.NoError(t, err)
	leave()
	_, err = g.fromJSON(left, large)
	require.ErrorIs(t, err, context.Canceled)

	read := make(chan error, 1)
	go func() {
		_, err := g.fromJSON(whole, large)
		read <- err
	}()
	g.reading.Release(readAtOnce - smallBody)
	require.NoError(t, <-read)
}
