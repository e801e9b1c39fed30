package frame_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func sampleTable(t testing.TB) *frame.Table {
	t.Helper()
	table, err := frame.New().
		Int64("id", []int64{1, 2, 1<<60 + 1}).
		Int64("maybe", []int64{1, 0, 3}, []bool{true, false, true}).
		Float64("price", []float64{1.5, 2, 0}, []bool{true, true, false}).
		String("name", []string{"a", "ü", "😀"}).
		Bool("ok", []bool{true, false, true}).
		Bytes("raw", [][]byte{{1}, {}, {2, 3}}).
		Time("at", []time.Time{time.Unix(1, 2), time.Unix(0, 0), time.Unix(5, 0)}).
		Build()
	require.NoError(t, err)
	return table
}

func codec() *value.Codec { return value.New(value.With(frame.Extension())) }

func TestATableGoesThroughWithTheSameBytes(t *testing.T) {
	t.Parallel()
	table := sampleTable(t)
	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	require.Equal(t, "type.googleapis.com/pandas.DataFrame", encoded.TypeURL)
	decoded, err := codec().Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, 3, decoded.(*frame.Table).Rows())
	again, err := codec().Encode(decoded)
	require.NoError(t, err)
	require.Equal(t, encoded, again)

	inDict, err := codec().Encode(map[string]any{"t": table})
	require.NoError(t, err)
	d, err := codec().Decode(inDict)
	require.NoError(t, err)
	inner, _ := d.(*value.Dict).Get("t")
	require.Equal(t, table.Bytes(), inner.(*frame.Table).Bytes())
}

func TestATableHasOneJSONFormWithAndWithoutTheExtension(t *testing.T) {
	t.Parallel()
	encoded, err := codec().Encode(sampleTable(t))
	require.NoError(t, err)
	with, err := codec().ToJSON(encoded)
	require.NoError(t, err)
	without, err := value.ToJSON(encoded)
	require.NoError(t, err)
	require.Equal(t, string(without), string(with))
	require.Contains(t, string(with), `{"$frame":{"kind":"pandas.DataFrame","arrow":"`)
	direct, err := codec().EncodeJSON(sampleTable(t))
	require.NoError(t, err)
	require.Equal(t, string(without), string(direct))
	back, err := codec().FromJSON(with)
	require.NoError(t, err)
	require.Equal(t, encoded, back)
}

func TestColumnsAreReadWithTheirNulls(t *testing.T) {
	t.Parallel()
	table := sampleTable(t)
	column := func(name string) *frame.Column {
		c, err := table.Column(name)
		require.NoError(t, err)
		require.Equal(t, name, c.Name())
		require.Equal(t, 3, c.Len())
		return c
	}
	ids, valid, err := column("id").Int64s()
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 1<<60 + 1}, ids)
	require.Nil(t, valid)
	maybe, valid, err := column("maybe").Int64s()
	require.NoError(t, err)
	require.Equal(t, []int64{1, 0, 3}, maybe)
	require.Equal(t, []bool{true, false, true}, valid)
	floats, _, err := column("maybe").Float64s()
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0, 3}, floats)
	names, _, err := column("name").Strings()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "ü", "😀"}, names)
	oks, _, err := column("ok").Bools()
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, true}, oks)
	times, _, err := column("at").Times()
	require.NoError(t, err)
	require.True(t, times[0].Equal(time.Unix(1, 2)))
	values, err := column("price").Values()
	require.NoError(t, err)
	require.Equal(t, []any{1.5, 2.0, nil}, values)

	_, _, err = column("name").Int64s()
	require.ErrorContains(t, err, `column "name": want ints, got utf8`)
	_, _, err = column("id").Float64s()
	require.ErrorContains(t, err, "want floats")
	_, err = table.Column("nope")
	require.ErrorContains(t, err, `there is no column "nope"`)
	_, err = table.ColumnAt(7)
	require.ErrorContains(t, err, "no column 7 of 7")
}

type item struct {
	ID    int32     `json:"id"`
	Maybe *int64    `json:"maybe"`
	Price *float32  `json:"price"`
	Name  string    `bridge:"name"`
	OK    bool      `json:"ok"`
	Raw   []byte    `json:"raw"`
	At    time.Time `json:"at"`
	Small uint8
	Skip  chan int `json:"-"`
}

func TestStructsBecomeRowsAndRowsStructs(t *testing.T) {
	t.Parallel()
	one, price := int64(1), float32(1.5)
	in := []item{
		{1, &one, &price, "a", true, []byte{1}, time.Unix(1, 2).UTC(), 200, nil},
		{-2, nil, nil, "", false, []byte{}, time.Unix(0, 0).UTC(), 0, nil},
	}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	require.Equal(t, []string{"id", "maybe", "price", "name", "ok", "raw", "at", "Small"}, table.Names())
	out, err := frame.ToStructs[item](table)
	require.NoError(t, err)
	require.Equal(t, in, out)

	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	var rows []item
	require.NoError(t, codec().DecodeInto(encoded, &rows))
	require.Equal(t, in, rows)
	var same *frame.Table
	require.NoError(t, codec().DecodeInto(encoded, &same))
	require.Equal(t, table.Bytes(), same.Bytes())
	var held struct{ T frame.Table }
	inStruct, err := codec().Encode(map[string]any{"T": table})
	require.NoError(t, err)
	require.NoError(t, codec().DecodeInto(inStruct, &held))
	require.Equal(t, 2, held.T.Rows())
}

func TestARowThatDoesNotFitNamesItsPath(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("id", []int64{1, 300}).Build()
	require.NoError(t, err)
	_, err = frame.ToStructs[struct {
		ID int8 `json:"id"`
	}](table)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "$[1].id", e.Details["path"])

	_, err = frame.FromStructs([]struct{ C chan int }{{}})
	require.ErrorContains(t, err, "a field of type chan int cannot be a column")
	_, err = frame.FromStructs([]int{1})
	require.ErrorContains(t, err, "FromStructs wants structs")
}

func TestABuilderRefusesColumnsThatDoNotMatch(t *testing.T) {
	t.Parallel()
	_, err := frame.New().Int64("a", []int64{1}).Int64("b", []int64{1, 2}).Build()
	require.ErrorContains(t, err, "column b: it has 2 rows, the first column has 1")
	_, err = frame.New().Int64("a", []int64{1}).Int64("a", []int64{1}).Build()
	require.ErrorContains(t, err, "two of this name")
	_, err = frame.New().Int64("a", []int64{1}, []bool{true, false}).Build()
	require.ErrorContains(t, err, "valid has 2 rows, values have 1")
	_, err = frame.New().Time("t", []time.Time{{}}).Build()
	require.ErrorContains(t, err, "does not fit")
	_, err = frame.New().Time("t", []time.Time{time.Unix(0, math.MinInt64)}).Build()
	require.ErrorContains(t, err, "does not fit", "it is NaT in Python")
	_, err = frame.New().Kind("R.data.frame").Build()
	require.ErrorContains(t, err, `unknown kind of table "R.data.frame"`)
}

func TestOtherKindsAndEmptyTables(t *testing.T) {
	t.Parallel()
	empty, err := frame.New().Build()
	require.NoError(t, err)
	require.Zero(t, empty.Rows())
	require.Empty(t, empty.Names())
	for _, kind := range []string{frame.PolarsDataFrame, frame.PyarrowTable} {
		table, err := frame.New().Kind(kind).Int64("a", nil).Build()
		require.NoError(t, err)
		require.Equal(t, kind, table.Kind())
		require.Zero(t, table.Schema().Metadata().Len())
	}
	other, err := sampleTable(t).OfKind(frame.PyarrowTable)
	require.NoError(t, err)
	require.Equal(t, 3, other.Rows())
	require.Contains(t, other.String(), "pyarrow.Table of 3 rows")
	require.Len(t, other.Batches(), 1)
}

func TestMalformedTablesAreErrorsAtEveryLength(t *testing.T) {
	t.Parallel()
	good := sampleTable(t).Bytes()
	for n := range good {
		_, err := frame.Read(frame.PandasDataFrame, good[:n])
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, "%d bytes of %d", n, len(good))
	}
	_, err := codec().Decode(tool.Value{TypeURL: "type.googleapis.com/pandas.DataFrame", Bytes: []byte("no table")})
	require.ErrorContains(t, err, "malformed pandas.DataFrame")
	_, err = frame.Read("x.Y", good)
	require.ErrorContains(t, err, "unknown kind")
}

func TestEveryFlippedByteIsReadOrRefusedWithoutAPanic(t *testing.T) {
	t.Parallel()
	good := sampleTable(t).Bytes()
	for i := 0; i < len(good); i += 2 {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := append([]byte{}, good...)
			bad[i] ^= flip
			readAll(bad)
		}
	}
}

// readAll reads every cell of what may be no table.
func readAll(data []byte) {
	table, err := frame.Read(frame.PandasDataFrame, data)
	if err != nil {
		return
	}
	for i := range table.Names() {
		if c, err := table.ColumnAt(i); err == nil {
			_, _ = c.Values()
		}
	}
}

func TestACellThatDoesNotFitIsNamedByItsPlaceInTheWholeValue(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("price", []int64{1, 2, 3, 400}).Build()
	require.NoError(t, err)
	encoded, err := codec().Encode(map[string]any{"rows": table})
	require.NoError(t, err)
	var into struct {
		Rows []struct {
			Price int8 `bridge:"price"`
		} `bridge:"rows"`
	}
	var e *tool.Error
	require.ErrorAs(t, codec().DecodeInto(encoded, &into), &e)
	require.Equal(t, "$.rows[3].price", e.Details["path"])
	require.Equal(t, "400", e.Details["got"])
	require.Equal(t, "value at $.rows[3].price: want int8 (-128 to 127), got 400", e.Message)

	malformed := tool.Value{TypeURL: "type.googleapis.com/pandas.DataFrame", Bytes: []byte("x")}
	require.ErrorAs(t, codec().DecodeInto(malformed, &into), &e)
	require.Equal(t, "$", e.Details["path"])
	require.Regexp(t, "^value: malformed pandas.DataFrame: ", e.Message)
}

func TestATableIsOneUnderEveryHost(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"type.googleapis.com/pandas.DataFrame", "x/pandas.DataFrame", "pandas.DataFrame"} {
		decoded, err := codec().Decode(tool.Value{TypeURL: url, Bytes: sampleTable(t).Bytes()})
		require.NoError(t, err, url)
		require.Equal(t, 3, decoded.(*frame.Table).Rows(), url)
		_, err = codec().Decode(tool.Value{TypeURL: url, Bytes: []byte("x")})
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, url)
	}
	_, err := codec().Decode(tool.Value{TypeURL: "stream.dspex.bridge/pandas.DataFrame"})
	require.ErrorContains(t, err, "in pieces that did not come")
}
