package frame_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// floats is a table with a column of so many floats.
func floats(t *testing.T, rows int) *frame.Table {
	t.Helper()
	values := make([]float64, rows)
	for i := range values {
		values[i] = float64(i)
	}
	table, err := frame.New().Float64("x", values).Build()
	require.NoError(t, err)
	return table
}

// metered demands that no batch of a stream is over a limit.
func metered(t *testing.T, stream []byte, limit int) {
	t.Helper()
	var m tool.TableMeter
	require.NoError(t, m.Pass(stream, limit))
	require.NoError(t, m.Pass(nil, limit))
}

func TestALongBatchIsWrittenInParts(t *testing.T) {
	t.Parallel()
	const rows = 3_000_000
	table := floats(t, rows)
	metered(t, table.Bytes(), 11<<17)
	require.Equal(t, rows, table.Rows())
	require.Greater(t, len(table.Batches()), 20)
	x, err := table.Column("x")
	require.NoError(t, err)
	values, _, err := x.Float64s()
	require.NoError(t, err)
	for i, v := range values {
		if v != float64(i) {
			require.Equal(t, float64(i), v)
		}
	}
	require.Len(t, floats(t, 200_000).Batches(), 1, "a batch of less than 2 MiB stays as it is")
}

func TestRowsThatAreMuchLongerThanOthersGetBatchesOfTheirOwn(t *testing.T) {
	t.Parallel()
	texts := make([]string, 1000)
	for i := 990; i < 1000; i++ {
		texts[i] = strings.Repeat("x", 3<<20)
	}
	table, err := frame.New().String("s", texts).Build()
	require.NoError(t, err)
	metered(t, table.Bytes(), 10<<20)
	require.Equal(t, 1000, table.Rows())

	texts[999] = strings.Repeat("x", 10<<20)
	table, err = frame.New().String("s", texts).Build()
	require.NoError(t, err, "it can be made")
	_, _, err = frame.Extension().Encode(table)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, tool.MessageTooLarge, e.Code)
	require.Equal(t, "10485760", e.Details["limit"])
	require.Contains(t, e.Message, `row 999 of a table has 10485920 bytes, most of them in column "s"`)
	require.Equal(t, "s", e.Details["column"])

	_, err = value.New(value.With(frame.Extension())).Encode([]any{table})
	require.ErrorAs(t, err, &e)
	require.Equal(t, tool.MessageTooLarge, e.Code, "inside of a value too")
	require.Equal(t, "10485760", e.Details["limit"])
	require.Equal(t, "$[0]", e.Details["path"])
}

// inOne is a table that was written elsewhere, in a single batch.
func inOne(t *testing.T, rows int) *frame.Table {
	t.Helper()
	from := floats(t, rows)
	builder := ipcBatch(t, from, rows)
	table, err := frame.Read(frame.PyarrowTable, builder)
	require.NoError(t, err)
	require.Len(t, table.Batches(), 1)
	return table
}

func ipcBatch(t *testing.T, from *frame.Table, rows int) []byte {
	t.Helper()
	column, err := from.ColumnAt(0)
	require.NoError(t, err)
	values, _, err := column.Float64s()
	require.NoError(t, err)
	var out bytes.Buffer
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64}}, nil)
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	require.NoError(t, w.Write(oneBatch(schema, values[:rows])))
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestATableWithALongBatchFromElsewhereIsSentInShorterOnes(t *testing.T) {
	t.Parallel()
	large := inOne(t, 2_000_000)
	sent, ok, err := frame.Extension().Encode(large)
	require.NoError(t, err)
	require.True(t, ok)
	metered(t, sent.Bytes, 10<<20)
	back, err := frame.Read(frame.PyarrowTable, sent.Bytes)
	require.NoError(t, err)
	require.Equal(t, 2_000_000, back.Rows())
	require.True(t, back.Schema().Equal(large.Schema()))

	small := inOne(t, 1_000_000)
	sent, _, err = frame.Extension().Encode(small)
	require.NoError(t, err)
	require.Equal(t, small.Bytes(), sent.Bytes, "within one message it is sent as it is")
}

func oneBatch(schema *arrow.Schema, values []float64) arrow.RecordBatch {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, int64(len(values)))
}
