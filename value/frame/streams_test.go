package frame_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/endian"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// streamNamed is a stream of testdata/streams, which pyarrow wrote: see make.py there.
func streamNamed(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "streams", name+".arrow"))
	require.NoError(t, err)
	return data
}

// streamsNamed are the names of those that begin so.
func streamsNamed(t *testing.T, begin string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "streams", begin+"*.arrow"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".arrow"))
	}
	return names
}

// batchesOf are the batches of a stream as both ways to read it give them.
func batchesOf(t *testing.T, stream []byte) map[string][]arrow.RecordBatch {
	t.Helper()
	table, err := frame.Read(frame.PyarrowTable, stream)
	require.NoError(t, err)
	var read []arrow.RecordBatch
	r := opened(t, bytes.NewReader(stream))
	for r.Next() {
		r.RecordBatch().Retain()
		read = append(read, r.RecordBatch())
	}
	require.NoError(t, r.Err())
	return map[string][]arrow.RecordBatch{"a table": table.Batches(), "a reader": read}
}

// TestEveryTypeIsReadAsItIsWritten has every type, plain and inside of others, of both versions of Arrow's metadata and compressed in all
// ways, of whole columns, of slices of them and of none of their rows.
func TestEveryTypeIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, name := range streamsNamed(t, "types-") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part, _, _ := strings.Cut(name, "-v")
			said, err := os.ReadFile(filepath.Join("testdata", "streams", part+".json"))
			require.NoError(t, err)
			var want map[string]string
			require.NoError(t, json.Unmarshal(said, &want))
			stream := streamNamed(t, name)
			for way, batches := range batchesOf(t, stream) {
				table, err := frame.FromBatches(frame.PyarrowTable, batches[0].Schema(), batches)
				require.NoError(t, err, way)
				require.Len(t, table.Names(), len(want), way)
				for _, column := range table.Names() {
					require.Equal(t, want[column], cellsOf(t, table, column), "%s of %s", column, way)
				}
			}
		})
	}
}

// cellsOf are the cells of a column in their JSON form.
func cellsOf(t *testing.T, table *frame.Table, name string) string {
	t.Helper()
	column, err := table.Column(name)
	require.NoError(t, err)
	cells, err := column.Values()
	require.NoError(t, err, name)
	text, err := codec().EncodeJSON(cells)
	require.NoError(t, err, name)
	return string(text)
}

func TestUnionsAreReadInBothVersionsOfTheMetadata(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"union-dense": `[{0=1} {1=a} {0=<nil>} {1=b}]`, "union-sparse": `[{0=0} {1=b} {0=2} {1=d}]`, "union-none": `[]`,
		"union-joined":   `[{1=a} {0=<nil>} {0=1} {1=a} {0=<nil>} {1=b} {1=b}]`,
		"union-in-lists": `[(null) (null) (null)]`,
	} {
		for _, version := range []string{"-v4", "-v5"} {
			for way, batches := range batchesOf(t, streamNamed(t, name+version)) {
				require.Equal(t, want, batches[0].Column(0).String(), "%s%s by %s", name, version, way)
			}
		}
	}
}

func TestRunsAreReadInBothVersionsOfTheMetadata(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"runs-v4", "runs-v5"} {
		table, err := frame.Read(frame.PyarrowTable, streamNamed(t, name))
		require.NoError(t, err, name)
		require.Equal(t, `["a","a",null,null,null]`, cellsOf(t, table, "price"), name)
	}
}

func TestWhatTheLibraryCannotReadIsRefusedByItsColumn(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"unread-lists-of-none":       "does not read lists of a fixed length of 0",
		"unread-runs-of-uuids":       "does not read runs of a type that is none of Arrow's own",
		"unread-union-in-dictionary": "does not read unions and runs inside of dictionaries",
	} {
		requireBothRefuse(t, streamNamed(t, name), says)
	}
}

// requireBothRefuse says that a stream is refused by whoever reads it as a whole, and batch by batch.
func requireBothRefuse(t *testing.T, stream []byte, says string) {
	t.Helper()
	_, err := frame.Read(frame.PyarrowTable, stream)
	requireBlamed(t, err, says)
	var r frame.Reader
	if err = r.OpenTable(frame.PyarrowTable, io.NopCloser(bytes.NewReader(stream))); err == nil {
		_, err = rowsOf(&r)
	}
	requireBlamed(t, err, says)
}

func TestABufferThatHoldsAnotherLengthThanItSaysIsRefused(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"unsaid-less":           "says that it holds 2400 bytes, and holds 2392",
		"unsaid-more":           "says that it holds 2400 bytes, and holds more",
		"unsaid-nothing":        "says that it holds 2400 bytes, and holds 0",
		"unsaid-less-than-much": "says that it holds 24000 bytes, and holds 2400",
	} {
		requireBothRefuse(t, streamNamed(t, name), says)
	}
	table, err := frame.Read(frame.PyarrowTable, streamNamed(t, "unsaid-as-said"))
	require.NoError(t, err)
	column, err := table.Column("price")
	require.NoError(t, err)
	ints, _, err := column.Int64s()
	require.NoError(t, err)
	require.Len(t, ints, 300)
	require.EqualValues(t, 299, ints[299])
}

func TestAFrameGetsNoRoomForAWindowThatItDoesNotNeed(t *testing.T) { //nolint:paralleltest // what others allocate would count
	for _, name := range []string{"unsaid-window", "unsaid-as-said"} {
		stream := streamNamed(t, name)
		before := alloctest.SoFar()
		batchesOf(t, stream)
		require.Less(t, alloctest.SoFar()-before, uint64(64<<20), name)
	}
}

func TestACompressedReaderIsPassedOnAsItCame(t *testing.T) {
	t.Parallel()
	for _, name := range streamsNamed(t, "types-whole") {
		stream := streamNamed(t, name)
		_, sent := opened(t, bytes.NewReader(stream)).SendTable()
		got, err := io.ReadAll(sent)
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(stream, got), name)
	}
}

func TestBatchesThatAreCompressedInNoWayOfArrowsAreRefused(t *testing.T) {
	t.Parallel()
	zstd := []byte{6, 0, 8, 0, 7, 0, 6, 0, 0, 0, 0, 0, 0, 1}
	other := changed(t, streamNamed(t, "unsaid-as-said"), zstd, append(zstd[:len(zstd)-1:len(zstd)-1], 9))
	_, err := frame.Read(frame.PyarrowTable, other)
	require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
	require.ErrorContains(t, err, "compressed by LZ4 or zstd")
}

func TestATypeThatHasMoreInsideOfItThanItsKindIsRefused(t *testing.T) {
	t.Parallel()
	lists := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64)
	lists.Append(true)
	lists.ValueBuilder().(*array.Int64Builder).Append(7)
	stream := priced(t, lists.NewArray())
	_, err := frame.Read(frame.PyarrowTable, stream)
	require.NoError(t, err)
	const list, timestamp = 12, 10
	var kinds []error // of all that may be the kind of the column
	for at, octet := range schemaOf(t, stream) {
		if octet == list {
			other := bytes.Clone(stream)
			other[at] = timestamp
			_, err := frame.Read(frame.PyarrowTable, other)
			kinds = append(kinds, err)
		}
	}
	at := slices.IndexFunc(kinds, func(err error) bool { return err != nil && strings.Contains(err.Error(), "inside of it") })
	require.GreaterOrEqual(t, at, 0, "%v", kinds)
	requireBlamed(t, kinds[at], "its type has 1 types inside of it, want 0")
}

// fromBigEndian is a stream of a column whose numbers have their highest byte first.
func fromBigEndian(t *testing.T, column arrow.Array) []byte {
	t.Helper()
	schema := arrow.NewSchemaWithEndian([]arrow.Field{{Name: "price", Type: column.DataType()}}, nil, endian.BigEndian)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	require.NoError(t, w.Write(array.NewRecordBatch(schema, []arrow.Array{column}, int64(column.Len()))))
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestTextsOfBigEndianMachinesAreRead(t *testing.T) {
	t.Parallel()
	offsets := []byte{0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0}
	stream := changed(t, fromBigEndian(t, textColumn("a", "bc")), offsets, []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3})
	table, err := frame.Read(frame.PyarrowTable, stream)
	require.NoError(t, err)
	require.Equal(t, `["a","bc"]`, cellsOf(t, table, "price"))
}

func TestViewsOfBigEndianMachinesAreRefused(t *testing.T) {
	t.Parallel()
	view := array.NewStringViewBuilder(memory.DefaultAllocator)
	view.Append("a text that is too long to stand in its view")
	requireBothRefuse(t, fromBigEndian(t, view.NewArray()), "does not read views and runs of big-endian machines")
}

func TestBuffersThatWouldNotBecomeShorterAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, option := range []ipc.Option{ipc.WithZstd(), ipc.WithLZ4()} {
		stream := priced(t, textColumn("a", "bc"), option, ipc.WithMinSpaceSavings(0.99))
		require.Contains(t, string(stream), string(int64s(-1))+"abc")
		table, err := frame.Read(frame.PyarrowTable, stream)
		require.NoError(t, err)
		require.Equal(t, `["a","bc"]`, cellsOf(t, table, "price"))
		lying := changed(t, stream, []byte{1, 0, 0, 0, 3, 0, 0, 0}, []byte{1, 0, 0, 0, 9, 0, 0, 0})
		requireBothRefuse(t, lying, "offsets lead from 0 to 9 of 3 bytes")
	}
}

func TestBatchesThatAreCompressedAsBeforeArrow1AreRefused(t *testing.T) {
	t.Parallel()
	column := textColumn("a", "bc")
	schema := arrow.NewSchema([]arrow.Field{{Name: "price", Type: column.DataType()}}, nil)
	notes := arrow.NewMetadata([]string{"ARROW:experimental_compression"}, []string{"zstd"})
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	require.NoError(t, w.Write(array.NewRecordBatchWithMetadata(schema, []arrow.Array{column}, 2, notes)))
	require.NoError(t, w.Close())
	_, err := frame.Read(frame.PyarrowTable, out.Bytes())
	require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
	require.ErrorContains(t, err, "compressed as it was before Arrow 1.0")
}
