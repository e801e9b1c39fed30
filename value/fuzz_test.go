package value_test

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// eachVector calls use with every vector that is committed.
func eachVector(t testing.TB, use func(v vector, encoded tool.Value)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.json"))
	require.NoError(t, err)
	for _, path := range files {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var contents struct{ Vectors []vector }
		require.NoError(t, json.Unmarshal(raw, &contents))
		for _, v := range contents.Vectors {
			b, err := hex.DecodeString(v.Any)
			require.NoError(t, err)
			var packed anypb.Any
			require.NoError(t, proto.Unmarshal(b, &packed))
			use(v, tool.Value{TypeURL: packed.TypeUrl, Bytes: packed.Value})
		}
	}
}

// Decoding may allocate so much in any case, and so much for each byte of the input: one byte of a packed run becomes an int
// in an interface, two bytes of a message a key with its value.
const (
	fuzzMemory        = 1 << 20
	fuzzMemoryPerByte = 400
	fuzzPatience      = 20 * time.Second
)

// requireProportion checks that decoding an input of so many bytes takes neither memory nor time out of proportion to it.
func requireProportion(t testing.TB, n int, decode func()) {
	t.Helper()
	before, began := alloctest.SoFar(), time.Now()
	decode()
	require.LessOrEqual(t, alloctest.SoFar()-before, uint64(fuzzMemory+fuzzMemoryPerByte*n), "bytes allocated for %d bytes", n)
	require.Less(t, time.Since(began), fuzzPatience)
}

// checkStable checks that what was decoded has one canonical form that does not change any more.
func checkStable(t testing.TB, v tool.Value) {
	t.Helper()
	decoded, err := value.Decode(v)
	if err != nil {
		require.Contains(t, []tool.Code{tool.SerializationError, tool.MessageTooLarge}, tool.CodeOf(err), "%v", err)
		return
	}
	canonical, err := value.Encode(decoded)
	require.NoError(t, err)
	again, err := value.Decode(canonical)
	require.NoError(t, err)
	twice, err := value.Encode(again)
	require.NoError(t, err)
	require.Equal(t, canonical.TypeURL, twice.TypeURL)
	require.Equal(t, hex.EncodeToString(canonical.Bytes), hex.EncodeToString(twice.Bytes))
	if text, err := value.ToJSON(canonical); err == nil {
		back, err := value.FromJSON(text)
		require.NoError(t, err, string(text))
		require.Equal(t, hex.EncodeToString(canonical.Bytes), hex.EncodeToString(back.Bytes), string(text))
	}
}

func FuzzDecode(f *testing.F) {
	eachVector(f, func(_ vector, v tool.Value) {
		if len(v.Bytes) < 300 {
			f.Add(v.TypeURL, v.Bytes)
		}
	})
	f.Add("type.googleapis.com/dspex.bridge.Value", []byte{8, 7, 58, 3, 1, 2, 0x80})
	f.Add("type.googleapis.com/dspex.bridge.Value", []byte{8, 22, 98, 2, 10, 0})
	f.Fuzz(func(t *testing.T, url string, b []byte) {
		v := tool.Value{TypeURL: url, Bytes: b}
		requireProportion(t, len(url)+len(b), func() { _, _ = value.Decode(v) })
		checkStable(t, v)
	})
}

// FuzzValue decodes dspex.bridge.Value alone, strictly and as it comes, so that no input is lost to type URLs.
func FuzzValue(f *testing.F) {
	eachVector(f, func(_ vector, v tool.Value) {
		if v.TypeURL == taggedURL && len(v.Bytes) < 300 {
			f.Add(v.Bytes)
		}
	})
	strict := value.New(value.Strict())
	f.Fuzz(func(t *testing.T, b []byte) {
		v := tool.Value{TypeURL: taggedURL, Bytes: b}
		requireProportion(t, len(b), func() { _, _ = strict.Decode(v) })
		if _, err := strict.Decode(v); err == nil {
			_, err = value.Decode(v)
			require.NoError(t, err, "what strict decoding takes")
		}
		checkStable(t, v)
	})
}

const taggedURL = "type.googleapis.com/dspex.bridge.Value"

// everything has a field of every sort that typed decoding checks.
type everything struct {
	Bool   bool
	Int8   int8
	Uint64 uint64
	Float  float32
	Text   string
	Bytes  []byte
	List   []*everything
	Array  [2]int
	Dict   map[string]any
	Keys   map[int16]struct{}
	At     time.Time
	Span   time.Duration
	Big    *big.Int
	Any    any
	Number json.Number
}

// FuzzDecodeInto decodes into Go types: whatever comes fits, or is refused with a path.
func FuzzDecodeInto(f *testing.F) {
	eachVector(f, func(_ vector, v tool.Value) {
		if len(v.Bytes) < 300 {
			f.Add(v.TypeURL, v.Bytes)
		}
	})
	sample, err := value.Encode(everything{Text: "a", List: []*everything{{Int8: -1, Number: "2"}}, Dict: map[string]any{"a": 1.5}, Big: big.NewInt(7), Number: "1"})
	require.NoError(f, err)
	f.Add(sample.TypeURL, sample.Bytes)
	f.Fuzz(func(t *testing.T, url string, b []byte) {
		v := tool.Value{TypeURL: url, Bytes: b}
		requireProportion(t, len(url)+len(b), func() {
			into[everything](t, v)
			into[[]everything](t, v)
			into[map[string]int](t, v)
			into[int8](t, v)
			into[time.Time](t, v)
		})
	})
}

func into[T any](t *testing.T, v tool.Value) {
	t.Helper()
	var got T
	err := value.DecodeInto(v, &got)
	if err == nil {
		return
	}
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, []tool.Code{tool.SerializationError, tool.MessageTooLarge}, e.Code)
	require.True(t, strings.HasPrefix(e.Details["path"], "$"), "path %q of %v", e.Details["path"], err)
}

func FuzzFromJSON(f *testing.F) {
	eachVector(f, func(v vector, _ tool.Value) {
		if len(v.JSON) < 300 {
			f.Add(v.JSON)
		}
	})
	f.Add(`{"$object":{"$any":{"type_url":"","base64":""}}}`)
	f.Add(`[1e400,"\ud800",-0,{"a":1,"a":2}]`)
	f.Fuzz(func(t *testing.T, text string) {
		var v tool.Value
		var err error
		requireProportion(t, len(text), func() { v, err = value.FromJSON([]byte(text)) })
		if err != nil {
			require.Contains(t, []tool.Code{tool.SerializationError, tool.MessageTooLarge}, tool.CodeOf(err), "%v", err)
			return
		}
		checkStable(t, v)
	})
}

func TestEveryTruncatedOrFlippedVectorIsDecodedOrRefused(t *testing.T) {
	t.Parallel()
	eachVector(t, func(_ vector, v tool.Value) {
		if len(v.Bytes) > 200 {
			return
		}
		for i := range v.Bytes {
			checkStable(t, tool.Value{TypeURL: v.TypeURL, Bytes: v.Bytes[:i]})
			flipped := append([]byte{}, v.Bytes...)
			flipped[i] ^= 0x81
			checkStable(t, tool.Value{TypeURL: v.TypeURL, Bytes: flipped})
		}
	})
}
