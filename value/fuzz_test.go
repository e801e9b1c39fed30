package value_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

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
	f.Fuzz(func(t *testing.T, url string, b []byte) { checkStable(t, tool.Value{TypeURL: url, Bytes: b}) })
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
		v, err := value.FromJSON([]byte(text))
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
