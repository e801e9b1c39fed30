package value_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// subject is a value of the benchmarks.
type subject struct {
	name string
	in   any
}

func subjects() []subject {
	object := map[string]any{"a": 1.5, "b": "two", "c": true, "d": nil, "e": "five", "f": 6.5, "g": "seven", "h": false, "i": 9.5, "j": "ten"}
	ints, dicts := make([]any, 1000), make([]any, 1000)
	for i := range ints {
		ints[i], dicts[i] = int64(i*1_000_003), object
	}
	return []subject{{"scalar", "hello"}, {"int", int64(123456)}, {"object", object}, {"ints", ints}, {"dicts", dicts}}
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range subjects() {
		b.Run(s.name+"/value", func(b *testing.B) { measure(b, func() error { _, err := value.Encode(s.in); return err }) })
		b.Run(s.name+"/json", func(b *testing.B) { measure(b, func() error { _, err := json.Marshal(s.in); return err }) })
		b.Run(s.name+"/structpb", func(b *testing.B) {
			measure(b, func() error {
				v, err := structpb.NewValue(s.in)
				if err != nil {
					return err
				}
				_, err = proto.Marshal(v)
				return err
			})
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range subjects() {
		encoded, err := value.Encode(s.in)
		require.NoError(b, err)
		text, err := json.Marshal(s.in)
		require.NoError(b, err)
		message, err := structpb.NewValue(s.in)
		require.NoError(b, err)
		raw, err := proto.Marshal(message)
		require.NoError(b, err)
		b.Run(s.name+"/value", func(b *testing.B) { measure(b, func() error { _, err := value.Decode(encoded); return err }) })
		b.Run(s.name+"/json", func(b *testing.B) {
			measure(b, func() error {
				var v any
				return json.Unmarshal(text, &v)
			})
		})
		b.Run(s.name+"/structpb", func(b *testing.B) {
			measure(b, func() error {
				var v structpb.Value
				if err := proto.Unmarshal(raw, &v); err != nil {
					return err
				}
				_ = v.AsInterface()
				return nil
			})
		})
	}
}

func BenchmarkTypedRun(b *testing.B) {
	ints := make([]int64, 1000)
	encoded, err := value.Encode(ints)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) { measure(b, func() error { _, err := value.Encode(ints); return err }) })
	b.Run("decode", func(b *testing.B) { measure(b, func() error { return value.DecodeInto(encoded, &ints) }) })
}

func measure(b *testing.B, run func() error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
}
