package value_test

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestWhatIsDecodedAsOnesOwnIsWhatIsDecodedOtherwise(t *testing.T) {
	t.Parallel()
	codec := value.New()
	for _, v := range []any{
		"short", strings.Repeat("é", 20_000), bytes.Repeat([]byte{7}, 20_000), []byte{}, int64(3), nil, []any{strings.Repeat("x", 20_000)},
	} {
		encoded, err := codec.Encode(v)
		require.NoError(t, err)
		var own, other any
		require.NoError(t, codec.DecodeInto(encoded, &other))
		require.NoError(t, codec.DecodeOwn(encoded, &own))
		require.Equal(t, other, own)
	}
}

func TestALongTextAndLongBytesOfOnesOwnAreNotCopied(t *testing.T) {
	t.Parallel()
	codec := value.New()
	within := func(v tool.Value, at *byte) bool {
		from := uintptr(unsafe.Pointer(unsafe.SliceData(v.Bytes)))
		return uintptr(unsafe.Pointer(at)) >= from && uintptr(unsafe.Pointer(at)) < from+uintptr(len(v.Bytes))
	}
	text, err := codec.Encode(strings.Repeat("x", 20_000))
	require.NoError(t, err)
	var s string
	require.NoError(t, codec.DecodeOwn(text, &s))
	require.True(t, within(text, unsafe.StringData(s)))
	require.NoError(t, codec.DecodeInto(text, &s))
	require.False(t, within(text, unsafe.StringData(s)), "the value may be somebody else's")

	encoded, err := codec.Encode(make([]byte, 20_000))
	require.NoError(t, err)
	var b []byte
	require.NoError(t, codec.DecodeOwn(encoded, &b))
	require.True(t, within(encoded, unsafe.SliceData(b)))
	require.Equal(t, len(b), cap(b), "what is appended does not go into the value")
	require.NoError(t, codec.DecodeInto(encoded, &b))
	require.False(t, within(encoded, unsafe.SliceData(b)))
}

func TestDecodingOnesOwnRefusesWhatDecodingRefuses(t *testing.T) {
	t.Parallel()
	text, err := value.Encode(strings.Repeat("x", 20_000))
	require.NoError(t, err)
	broken := tool.Value{TypeURL: text.TypeURL, Bytes: bytes.Clone(text.Bytes)}
	broken.Bytes[5] = 0xff
	cut := tool.Value{TypeURL: text.TypeURL, Bytes: text.Bytes[:len(text.Bytes)-1]}
	hidden := tool.Value{TypeURL: text.TypeURL, Bytes: append([]byte{0x0a, 0x01, 'y', 0x12, 0xa0, 0x9c, 0x01}, make([]byte, 20_000)...)}
	for name, c := range map[string]struct {
		codec *value.Codec
		v     tool.Value
		to    any
	}{
		"text that is not UTF-8": {value.New(), broken, new(string)},
		"the same into any":      {value.New(), broken, new(any)},
		"what is cut off":        {value.New(), cut, new(string)},
		"what is too large":      {value.New(value.MaxBytes(10_000)), text, new(string)},
		"another type":           {value.New(), text, new([]byte)},
		"into nothing":           {value.New(), text, (*string)(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := c.codec.DecodeInto(c.v, c.to)
			require.Error(t, want)
			require.Equal(t, want, c.codec.DecodeOwn(c.v, c.to))
		})
	}
	var s string
	require.NoError(t, value.New().DecodeOwn(hidden, &s))
	require.Equal(t, "y", s, "a short text does not keep what stands around it")
}
