package tool_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func tableOf(kind string, size int) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/" + kind, Bytes: make([]byte, size)}
}

func TestTablesAreTheKindsThatAreArrowStreams(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series", "pyarrow.Table", "numpy.ndarray"} {
		require.True(t, tool.IsTable("type.googleapis.com/"+kind), kind)
		require.True(t, tool.IsTable(tool.StreamedTable(tableOf(kind, 1), 0).TypeURL), "what stands for a %s is declared as one", kind)
	}
	for _, url := range []string{"", "/", "type.googleapis.com/google.protobuf.Struct", "pandas.DataFrames"} {
		require.False(t, tool.IsTable(url), url)
	}
}

func TestWhatStandsForATableSaysWhichAndHowLong(t *testing.T) {
	t.Parallel()
	for index, size := range []int{0, 1, 127, 128, 300_000_000} {
		v := tool.Value{TypeURL: "type.googleapis.com/pandas.DataFrame"}
		if size < 1000 {
			v.Bytes = make([]byte, size)
		}
		gotIndex, gotSize, ok := tool.StreamedTable(v, index).Streamed()
		require.True(t, ok)
		require.EqualValues(t, index, gotIndex)
		require.EqualValues(t, len(v.Bytes), gotSize)
	}
	_, _, ok := tableOf("pandas.DataFrame", 3).Streamed()
	require.False(t, ok)
	for _, garbage := range []string{"\x08", "\xff\xff", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x1a\x03abc"} {
		_, _, ok := tool.Value{TypeURL: "stream.dspex.bridge/pandas.DataFrame", Bytes: []byte(garbage)}.Streamed()
		require.True(t, ok)
	}
}

func TestTheLargestTablesAreTakenOutUntilTheRestFits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sizes []int
		text  int
		taken []int // their sizes, in the order in which they travel; nil if that does not help
	}{
		"the largest is enough": {sizes: []int{400, 700, 100}, taken: []int{700}},
		"two have to go":        {sizes: []int{900, 950, 10}, taken: []int{950, 900}},
		"none has to go":        {sizes: []int{10, 20}, taken: []int{}},
		"the rest is too large": {sizes: []int{900}, text: 1001},
		"there are none":        {text: 1001},
	} {
		values := []*tool.Value{{TypeURL: "t/text", Bytes: make([]byte, c.text)}}
		for _, size := range c.sizes {
			v := tableOf("numpy.ndarray", size)
			values = append(values, &v)
		}
		taken := []int{}
		tables := tool.SplitTables(values, 1000)
		for _, table := range tables {
			taken = append(taken, len(table.Bytes))
		}
		if c.taken == nil {
			require.Nil(t, tables, name)
			continue
		}
		require.Equal(t, c.taken, taken, name)
		for _, v := range values {
			if index, size, ok := v.Streamed(); ok {
				require.Len(t, tables[index].Bytes, int(size), name)
			}
		}
	}
}

func TestATableIsPutTogetherFromItsPieces(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, tool.TablePieceBytes, tool.TablePieceBytes*3 + 7} {
		table := tableOf("pyarrow.Table", size)
		for i := range table.Bytes {
			table.Bytes[i] = byte(i * 7)
		}
		for _, hint := range []uint64{0, uint64(size), 3, 1 << 60} {
			b := tool.TableBuffer{Limit: size, Hints: map[uint64]uint64{0: hint}}
			require.NoError(t, tool.PutTable(table.Bytes, func(piece []byte) error {
				require.LessOrEqual(t, len(piece), tool.TablePieceBytes)
				return b.Add(piece)
			}))
			v := tool.StreamedTable(table, 0)
			require.NoError(t, b.Fill(&v))
			require.Equal(t, table, v)
			require.Less(t, cap(v.Bytes), 5*size+2<<20, "memory in proportion to what came, whatever was announced")
		}
	}
}

func TestABufferRefusesWhatIsTooMuchOrDidNotCome(t *testing.T) {
	t.Parallel()
	b := tool.TableBuffer{Limit: 3}
	require.NoError(t, b.Add([]byte("abc")))
	err := b.Add([]byte("d"))
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
	require.ErrorContains(t, err, "the limit is 3")

	b = tool.TableBuffer{Limit: 9}
	require.NoError(t, b.Add([]byte("abc")))
	v := tool.StreamedTable(tableOf("pandas.DataFrame", 3), 0)
	again, other, odd := v, tool.StreamedTable(tableOf("pandas.DataFrame", 3), 1), tool.Value{TypeURL: "stream.dspex.bridge/Struct"}
	require.Equal(t, tool.SerializationError, tool.CodeOf(b.Fill(&v)), "it has not ended")
	require.NoError(t, b.Add(nil))
	require.Equal(t, tool.SerializationError, tool.CodeOf(b.Fill(&odd)), "it is no table")
	require.NoError(t, b.Fill(&v))
	require.Equal(t, tool.SerializationError, tool.CodeOf(b.Fill(&again)), "it was used")
	require.Equal(t, tool.SerializationError, tool.CodeOf(b.Fill(&other)), "it never came")
	plain := tableOf("pandas.DataFrame", 3)
	require.NoError(t, b.Fill(&plain))
}

// given are tables that come with a call.
type given struct {
	count  int
	pieces [][]byte
}

func (g *given) Count() int                                { return g.count }
func (g *given) Takes() bool                               { return false }
func (g *given) Moved() bool                               { return false }
func (g *given) Put(context.Context, string, []byte) error { return nil }
func (g *given) Next(context.Context) ([]byte, error) {
	if len(g.pieces) == 0 {
		return nil, io.EOF
	}
	piece := g.pieces[0]
	g.pieces = g.pieces[1:]
	return piece, nil
}

func TestTheTablesOfACallStandInItsArguments(t *testing.T) {
	t.Parallel()
	first, second := tool.StreamedTable(tableOf("pandas.DataFrame", 2), 0), tool.StreamedTable(tableOf("numpy.ndarray", 1), 1)
	call := &tool.Call{
		Args: []tool.Value{second}, Kwargs: []tool.Keyword{{Name: "frame", Value: first}},
		Tables: &given{2, [][]byte{[]byte("a"), []byte("b"), nil, []byte("c"), nil}},
	}

	whole, err := tool.WithTables(t.Context(), call)

	require.NoError(t, err)
	require.Equal(t, tool.Value{TypeURL: "type.googleapis.com/numpy.ndarray", Bytes: []byte("c")}, whole.Args[0])
	require.Equal(t, tool.Value{TypeURL: "type.googleapis.com/pandas.DataFrame", Bytes: []byte("ab")}, whole.Kwargs[0].Value)
	require.Equal(t, second, call.Args[0], "the call itself is not changed")
}

func TestACallWithoutItsTablesIsRefused(t *testing.T) {
	t.Parallel()
	v := tool.StreamedTable(tableOf("pandas.DataFrame", 2), 0)
	for _, call := range []*tool.Call{
		{Args: []tool.Value{v}},
		{Kwargs: []tool.Keyword{{Name: "frame", Value: v}}},
		{Args: []tool.Value{v}, Tables: &given{}},
		{Args: []tool.Value{v}, Tables: &given{count: 1}},
	} {
		_, err := tool.WithTables(t.Context(), call)
		require.Equal(t, tool.SerializationError, tool.CodeOf(err))
		require.ErrorContains(t, err, "pandas.DataFrame")
	}
	plain := &tool.Call{Args: []tool.Value{tableOf("pandas.DataFrame", 2)}}
	same, err := tool.WithTables(t.Context(), plain)
	require.NoError(t, err)
	require.Same(t, plain, same)
}
