package typed_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	listURL  = "type.googleapis.com/google.protobuf.ListValue"
	valueURL = "type.googleapis.com/dspex.bridge.Value"
)

// items has more elements than a small value.
func items(_ context.Context, n int) ([]int, error) { return make([]int, n), nil }

func TestALongListTravelsAsOneOfProtobufsOwnWhereTheCallAsksForPlainValues(t *testing.T) {
	t.Parallel()
	made, err := typed.New("items", items, options())
	require.NoError(t, err)
	for plain, want := range map[bool]string{true: listURL, false: valueURL} {
		call := callOf(t, 100)
		call.PlainValues = plain

		got, err := made.Call(t.Context(), call)

		require.NoError(t, err)
		require.Equal(t, want, got.Value.TypeURL)
	}
}

func TestChunksAndTheListOfThemArePlainWhereTheCallAsksForIt(t *testing.T) {
	t.Parallel()
	made, err := typed.NewStreaming("items", func(ctx context.Context, n int, yield func([]int) error) error {
		list, err := items(ctx, n)
		if err != nil {
			return err
		}
		return yield(list)
	}, options())
	require.NoError(t, err)
	call := callOf(t, 100)
	call.PlainValues = true

	whole, err := made.Call(t.Context(), call)
	require.NoError(t, err)
	require.Equal(t, listURL, whole.Value.TypeURL)

	_, err = made.Stream(t.Context(), call, func(chunk tool.Chunk) error {
		require.Equal(t, listURL, chunk.Value.TypeURL)
		return nil
	})
	require.NoError(t, err)
}
