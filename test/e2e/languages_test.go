package e2e

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// house is a bridge with a worker in each language.
type house struct {
	bridge  *bridge
	session *toolbridge.Session
}

func newHouse(t *testing.T) *house {
	t.Helper()
	b := serve(t, "--memory", "--demo")
	goWorker(t, b.address, 64)
	pythonWorker(t, b.address)
	h := &house{bridge: b, session: session(t, b.address, "house")}
	awaitTools(t, h.session, "go_echo", "py_echo")
	return h
}

func TestTwoLanguagesOverOneBridge(t *testing.T) {
	processes(t)
	h := newHouse(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *house)
	}{
		{"a value goes from Go to Python and back unchanged", valuesToPython},
		{"a value goes from Python to Go and back unchanged", valuesToGo},
		{"a table from Go is a pandas table in Python", tableToPython},
		{"a pandas table comes back from Go with its types", tableToGo},
		{"a slow reader holds a Python generator back, and leaving ends it", slowReader},
		{"a Python reader that leaves ends the generator", pythonReaderLeaves},
		{"cancelling the outer call stops the innermost one in the other language", cancelNested},
		{"a call that a Python tool lost is an error of that tool", nestedLoss},
		{"the mistakes of a Go program are named", goMistakes},
		{"the mistakes of a Python program are named", pythonMistakes},
		{"the mistakes of a command line are named", cliMistakes},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, h)
		})
	}
}

// vector is a value as every SDK encodes it.
type vector struct {
	Name string `json:"name"`
	Any  string `json:"any"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	files, err := filepath.Glob("../../value/testdata/vectors/*.json")
	require.NoError(t, err)
	var out []vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var content struct{ Vectors []vector }
		require.NoError(t, json.Unmarshal(text, &content), file)
		for _, v := range content.Vectors {
			if !strings.HasPrefix(v.Name, "table") && v.Name != "python object" { // no tables inside; text once it was decoded
				out = append(out, v)
			}
		}
	}
	require.Greater(t, len(out), 200)
	return out
}

func (v vector) value(t *testing.T) tool.Value {
	t.Helper()
	raw, err := hex.DecodeString(v.Any)
	require.NoError(t, err)
	var packed anypb.Any
	require.NoError(t, proto.Unmarshal(raw, &packed))
	return tool.Value{TypeURL: packed.GetTypeUrl(), Bytes: packed.GetValue()}
}

func valuesToPython(t *testing.T, h *house) {
	t.Helper()
	var items []toolbridge.Item
	all := vectors(t)
	for _, v := range all {
		native, err := value.Decode(v.value(t))
		require.NoError(t, err, v.Name)
		items = append(items, toolbridge.ItemOf("py_echo", native))
	}
	results, err := h.session.Batch(t.Context(), items)
	require.NoError(t, err)
	for i, r := range results {
		require.NoError(t, r.Err, all[i].Name)
		back, err := value.Encode(r.Value)
		require.NoError(t, err, all[i].Name)
		require.Equal(t, all[i].value(t).TypeURL, back.TypeURL, all[i].Name)
		require.Equal(t, string(all[i].value(t).Bytes), string(back.Bytes), all[i].Name)
	}
}

func valuesToGo(t *testing.T, h *house) {
	t.Helper()
	folder, err := filepath.Abs("../../value/testdata/vectors")
	require.NoError(t, err)
	for _, name := range []string{"echo_tool", "go_echo"} {
		var got struct {
			Count   int
			Changed []string
		}
		pythonCaller(t, &got, h.bridge.address, "vectors", folder, name)
		require.Empty(t, got.Changed, name)
		require.Equal(t, len(vectors(t)), got.Count)
	}
}

func tableToPython(t *testing.T, h *house) {
	t.Helper()
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	sent, err := frame.New().
		String("name", []string{"a", "b"}).
		Int64("count", []int64{1, 2}).
		Float64("share", []float64{0.5, 1}).
		Bool("fine", []bool{true, false}).
		Time("at", []time.Time{at, at}).
		Build()
	require.NoError(t, err)
	types, err := toolbridge.Call[string](t.Context(), h.session, "py_types", sent)
	require.NoError(t, err)
	require.Regexp(t, `^DataFrame \['(str|object)', 'int64', 'float64', 'bool', 'datetime64\[(ns|us), UTC\]'\]$`, types)

	back, err := toolbridge.Call[*frame.Table](t.Context(), h.session, "py_echo", sent)
	require.NoError(t, err)
	require.Equal(t, sent.Kind(), back.Kind())
	require.Equal(t, sent.Names(), back.Names())
	counts, err := back.Column("count")
	require.NoError(t, err)
	got, _, err := counts.Int64s()
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, got)
	for i, field := range sent.Schema().Fields() {
		if field.Name != "at" && field.Name != "name" { // pandas says large_string, and its own unit
			require.Equal(t, field.Type, back.Schema().Field(i).Type, field.Name)
		}
	}
}

func tableToGo(t *testing.T, h *house) {
	t.Helper()
	for _, name := range []string{"echo_tool", "go_echo", "py_echo"} {
		var types []string
		pythonCaller(t, &types, h.bridge.address, "frame", name)
		require.Len(t, types, 6)
		require.Equal(t, []string{"Int64", "float64", "category"}, types[1:4], name)
	}
}

func slowReader(t *testing.T, h *house) {
	t.Helper()
	const chunkBytes, chunks = 64 << 10, 5000
	path := newHeld(t)
	made := func() int {
		text, err := os.ReadFile(path.path + ".made")
		if err != nil {
			return 0
		}
		n, err := strconv.Atoi(string(text))
		if err != nil {
			return 0 // it is being written
		}
		return n
	}
	seen := 0
	for chunk, err := range toolbridge.Stream[[]byte](t.Context(), h.session, "py_flood", path.path, chunks) {
		require.NoError(t, err)
		require.Len(t, chunk, chunkBytes)
		seen++
		last, since := 0, time.Now()
		eventually(t, "the producer stands", func() bool {
			if n := made(); n != last {
				last, since = n, time.Now()
			}
			return last > 0 && time.Since(since) > 300*time.Millisecond
		})
		require.Less(t, last*chunkBytes, 8<<20, "1 MiB of credit a hop, and the queues between: of 312 MiB")
		if seen == 2 {
			break
		}
	}
	path.ended()
	require.Less(t, made(), chunks)
}

func pythonReaderLeaves(t *testing.T, h *house) {
	t.Helper()
	path, seen := newHeld(t), 0
	pythonCaller(t, &seen, h.bridge.address, "leave", path.path)
	require.Equal(t, 3, seen)
	path.ended()
}

func nestedLoss(t *testing.T, h *house) {
	t.Helper()
	for _, code := range []tool.Code{tool.WorkerLost, tool.WorkerUnavailable} {
		_, err := h.session.Call(t.Context(), "py_fail", string(code))
		require.Equal(t, string(code), failure(t, err, tool.ExecutionError, "of a call that the tool made").Class)
	}
}
