package value_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	_ "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// vector is a value that every SDK encodes to and decodes from these bytes and this text.
type vector struct {
	Name   string `json:"name"`
	Any    string `json:"any"`
	JSON   string `json:"json"`
	Python string `json:"python"`
	Go     string `json:"go"`
}

// sample is a vector's native value in Go, with the expression that makes it in Python.
type sample struct {
	name   string
	value  any
	python string
}

func serialized(t testing.TB, v tool.Value) string {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&anypb.Any{TypeUrl: v.TypeURL, Value: v.Bytes})
	require.NoError(t, err)
	return hex.EncodeToString(b)
}

func vectorOf(t testing.TB, s sample) vector {
	t.Helper()
	encoded, err := value.Encode(s.value)
	require.NoError(t, err, s.name)
	text, err := value.ToJSON(encoded)
	require.NoError(t, err, s.name)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err, s.name)
	require.NotEmpty(t, s.python, s.name)
	return vector{s.name, serialized(t, encoded), string(text), s.python, expression(decoded)}
}

// file is the contents of a vectors file, one vector a line.
func file(t testing.TB, samples []sample) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("{\"vectors\":[\n")
	for i, s := range samples {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(vectorOf(t, s)))
		b.Write(bytes.TrimRight(line.Bytes(), "\n"))
		if i+1 < len(samples) {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

func TestVectorsAreWhatThisCodecEncodes(t *testing.T) {
	t.Parallel()
	seen, distinct := map[string]bool{}, map[string]string{}
	files := vectorFiles()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		samples := files[name]
		path := filepath.Join("testdata", "vectors", name+".json")
		if *update {
			require.NoError(t, os.WriteFile(path, file(t, samples), 0o644))
		}
		committed, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(committed, file(t, samples)), "%s: run the test with -update and look at the difference", path)
		for _, s := range samples {
			require.False(t, seen[s.name], "two vectors are called %s", s.name)
			seen[s.name] = true
			v := vectorOf(t, s)
			require.Empty(t, distinct[v.Any], "has the bytes of %s", s.name)
			distinct[v.Any] = s.name
		}
	}
	require.GreaterOrEqual(t, len(distinct), 400)
	if *update {
		require.NoError(t, os.WriteFile(nativesPath, nativesSource(t, committedVectors(t)), 0o644))
	}
}

func TestEveryVectorGoesThroughBothFormsUnchanged(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(vectorFiles())+len(refusedFiles(t)))
	for _, path := range files {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var contents struct{ Vectors []vector }
		require.NoError(t, json.Unmarshal(raw, &contents))
		for _, v := range contents.Vectors {
			t.Run(v.Name, func(t *testing.T) {
				t.Parallel()
				checkVector(t, v)
			})
		}
	}
}

func checkVector(t *testing.T, v vector) {
	t.Helper()
	encoded := unpack(t, v.Any)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	again, err := value.Encode(decoded)
	require.NoError(t, err)
	require.Equal(t, v.Any, serialized(t, again), "decoded and encoded again")

	requireDeterministic(t, encoded)

	text, err := value.ToJSON(encoded)
	require.NoError(t, err)
	require.Equal(t, v.JSON, string(text))
	back, err := value.FromJSON([]byte(v.JSON))
	require.NoError(t, err)
	require.Equal(t, v.Any, serialized(t, back), "from the JSON form")
}

// requireDeterministic checks bytes against those that protobuf itself writes deterministically.
func requireDeterministic(t testing.TB, v tool.Value) {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByURL(v.TypeURL)
	if err != nil {
		return
	}
	m := kind.New().Interface()
	require.NoError(t, proto.Unmarshal(v.Bytes, m))
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(b), hex.EncodeToString(v.Bytes))
}
