package value_test

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestWhatIsEncodedIntoGivenMemoryIsWhatIsEncodedOtherwise(t *testing.T) {
	t.Parallel()
	codec := value.New()
	for _, v := range []any{
		"", "short", strings.Repeat("é", 20_000), []byte{}, bytes.Repeat([]byte{7}, 20_000), int64(3), nil, []any{"x"}, map[string]any{"a": 1.5},
	} {
		want, err := codec.Encode(v)
		require.NoError(t, err)
		for _, room := range []int{0, 10, 40_000 + value.HeadBytes, 100_000} {
			got, err := codec.EncodeInto(make([]byte, 0, room), v)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

func TestGivenMemoryIsUsedIfThereIsEnoughOfIt(t *testing.T) {
	t.Parallel()
	codec := value.New()
	for _, v := range []any{strings.Repeat("x", 20_000), bytes.Repeat([]byte{7}, 20_000)} {
		for room, used := range map[int]bool{20_000 + value.HeadBytes: true, 20_000 + value.HeadBytes - 1: false} {
			to := make([]byte, 3, room)
			got, err := codec.EncodeInto(to, v)
			require.NoError(t, err)
			require.Equal(t, used, unsafe.SliceData(got.Bytes) == unsafe.SliceData(to), room)
		}
	}
}

func TestEncodingIntoGivenMemoryRefusesWhatEncodingRefuses(t *testing.T) {
	t.Parallel()
	codec := value.New(value.MaxBytes(1000))
	for name, v := range map[string]any{"not UTF-8": strings.Repeat("\xff", 100), "a text over the limit": strings.Repeat("x", 1001), "bytes over the limit": make([]byte, 1001)} {
		_, want := codec.Encode(v)
		require.Error(t, want, name)
		_, err := codec.EncodeInto(make([]byte, 0, 5000), v)
		require.Equal(t, want.Error(), err.Error(), name)
	}
}
