package typed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func counter(t *testing.T, o typed.Options) *typed.Tool {
	t.Helper()
	made, err := typed.NewStreaming("count_to_n", func(_ context.Context, n int, yield func(int) error) error {
		for i := range n {
			if err := yield(i); err != nil {
				return fmt.Errorf("wrapped: %w", err)
			}
		}
		return nil
	}, o)
	require.NoError(t, err)
	return made
}

func TestAStreamingToolSendsEachResult(t *testing.T) {
	t.Parallel()
	made := counter(t, options())
	require.Equal(t, tool.Streaming, made.Spec().Type)
	require.Equal(t, "int", made.Spec().ReturnType)
	var got []tool.Value
	metrics, err := made.Stream(t.Context(), callOf(t, 3), func(c tool.Chunk) error { got = append(got, c.Value); return nil })
	require.NoError(t, err)
	require.Equal(t, []tool.Value{encode(t, 0), encode(t, 1), encode(t, 2)}, got)
	require.Positive(t, metrics.Execute)
}

func TestLongChunksLieInMemoryThatMayBeUsedAgain(t *testing.T) {
	t.Parallel()
	one := []byte{0}
	long, short := bytes.Repeat([]byte("chunk"), 10_000), bytes.Repeat([]byte("c"), 1000)
	for name, yielded := range map[string][]any{
		"bytes": {long, short, long}, "texts": {string(long), string(short), string(long)}, "others": {[]any{string(long)}, int64(1)},
		"named bytes": {json.RawMessage(long)}, "very long ones": {bytes.Repeat(one, 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := typed.NewStreaming("long", func(_ context.Context, _ struct{}, yield func(any) error) error {
				for _, v := range yielded {
					if err := yield(v); err != nil {
						return err
					}
				}
				return nil
			}, typed.Options{Codec: value.New()})
			require.NoError(t, err)
			n := 0
			_, err = made.Stream(t.Context(), &tool.Call{Tool: "long"}, func(c tool.Chunk) error {
				want, err := value.Encode(yielded[n])
				require.NoError(t, err)
				require.Equal(t, want, c.Value)
				kept := (name == "bytes" || name == "texts") && len(want.Bytes) > 8<<10
				if require.Equal(t, kept, c.Release != nil); kept {
					c.Release()
				}
				n++
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, len(yielded), n)
		})
	}
}

func TestALongChunkOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	made, err := typed.NewStreaming("long", func(_ context.Context, _ struct{}, yield func([]byte) error) error {
		return yield(make([]byte, 20_000))
	}, typed.Options{Codec: value.New(), MaxValueBytes: 10_000})
	require.NoError(t, err)
	_, err = made.Stream(t.Context(), &tool.Call{Tool: "long"}, func(tool.Chunk) error { return nil })
	require.ErrorContains(t, err, "message too large")
}

func TestAnErrorOfTheReaderEndsTheStreamAndComesBackUnchanged(t *testing.T) {
	t.Parallel()
	left := errors.New("left")
	sent := 0
	_, err := counter(t, options()).Stream(t.Context(), callOf(t, 100), func(tool.Chunk) error {
		sent++
		if sent == 2 {
			return left
		}
		return nil
	})
	require.Equal(t, left, err)
	require.Equal(t, 2, sent)
}

func TestAFunctionThatGoesOnAfterItsReaderLeftSendsNothing(t *testing.T) {
	t.Parallel()
	made, err := typed.NewStreaming("stubborn", func(_ context.Context, _ struct{}, yield func(int) error) error {
		for i := range 10 {
			_ = yield(i)
		}
		return nil
	}, options())
	require.NoError(t, err)
	sent := 0
	_, err = made.Stream(t.Context(), callOf(t), func(tool.Chunk) error { sent++; return context.Canceled })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, sent)
}
