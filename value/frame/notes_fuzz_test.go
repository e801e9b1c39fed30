package frame_test

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// noteParts are what notes and pandas' metadata are drawn of: what is right, and what says what columns are not.
func noteParts() (notes, pandas []string) {
	for _, dtype := range []string{"<c16", "<c8", "<f8", "<i8", "<M8[D]", "<M8[s]", "<m8[25s]", "<m8[0s]", "<U1", "|S0", "c", "<M8[", "|O", ""} {
		notes = append(notes, `"dtype":"`+dtype+`"`)
	}
	notes = append(notes, `"dtype":{"$tuple":[]}`, `"shape":{"$tuple":[2]}`, `"shape":{"$tuple":[1]}`, `"shape":{"$tuple":[-1]}`, `"shape":1`, `"order":"F"`, `"order":null`,
		`"columns":{"labels":[1,null]}`, `"columns":{"labels":[1,2,3,4,5]}`, `"columns":{"range":{"$tuple":[0,9223372036854775807,4611686018427387904]}}`,
		`"columns":{"range":{"$tuple":[-1,-5,-2]}}`, `"columns":{"range":{"$tuple":[0,1,0]}}`, `"columns":{"frame":{"$bytes":"AAAA"}}`, `"columns":3`,
		`"index_range":{"$tuple":[0,2,1]}`, `"index_range":{"$tuple":[9223372036854775807,-9223372036854775808,-1]}`, `"index_range":1`,
		`"index_names":["values"]`, `"index_names":[{"$tuple":[1]},2,3]`, `"index_names":7`, `"objects":[0,9]`, `"missing":{"$map":[[9,"NaT"]]}`, `"freq":1`, `"attrs":1`, `"index_ranges":{"$map":[[7,1]]}`)
	return notes, []string{
		``, `null`, `[]`, `{"index_columns":["values"],"columns":[{"name":null,"field_name":"values"}]}`,
		`{"index_columns":["values","values","nowhere"]}`, `{"index_columns":["__index_level_0__"],"columns":[{"name":{"a":[1]},"field_name":"__index_level_0__"}]}`,
		`{"index_columns":[{"kind":"range","name":"values","start":0,"stop":2,"step":1}]}`, `{"index_columns":[{"kind":"range","start":0,"stop":9223372036854775807,"step":-1}]}`,
		`{"index_columns":[{"kind":"range","start":5,"stop":-9223372036854775808,"step":-9223372036854775808}]}`, `{"index_columns":[null,1,{}],"columns":[{"name":1.5,"field_name":"values"}]}`,
	}
}

// drawnColumns are columns of two rows or none.
func drawnColumns() []arrow.Array {
	return []arrow.Array{
		intArray(0, 1), intArray(math.MinInt64, math.MaxInt64), floatArray(1, math.NaN()), textArray("a", "a\x00"), bytesArray("\xff", ""),
		momentArray(arrow.Second, "", 1), momentArray(arrow.Nanosecond, "Europe/Berlin", math.MinInt64), spanArray(arrow.Microsecond, -1),
		array.NewNull(2), intArray(), floatArray(), textArray(),
	}
}

// drawnTable pairs what the bytes draw: a kind, columns of one length, notes and pandas' metadata. It is nil where that is no table.
func drawnTable(draws []byte) (kind string, table *frame.Table) {
	next := func(n int) int {
		if len(draws) == 0 {
			return 0
		}
		at := int(draws[0]) % n
		draws = draws[1:]
		return at
	}
	kinds := []string{frame.NumpyArray, frame.PandasDataFrame, frame.PandasSeries, frame.PolarsSeries, frame.PyarrowTable, frame.PolarsDataFrame}
	kind = kinds[next(len(kinds))]
	parts, pandas := noteParts()
	notes := ""
	for i := range next(4) {
		if i > 0 {
			notes += ","
		}
		notes += parts[next(len(parts))]
	}
	metadata := arrow.NewMetadata([]string{"grpc_tool_bridge", "pandas"}, []string{"{" + notes + "}", pandas[next(len(pandas))]})
	if next(4) == 0 {
		metadata = arrow.NewMetadata([]string{"grpc_tool_bridge"}, []string{"{" + notes + "}"})
	}
	var fields []arrow.Field
	var columns []arrow.Array
	names, all := []string{"values", "__index_level_0__", "0", "1", ""}, drawnColumns()
	for range next(4) {
		column := all[next(len(all))]
		if len(columns) > 0 && column.Len() != columns[0].Len() {
			continue
		}
		fields = append(fields, arrow.Field{Name: names[next(len(names))], Type: column.DataType(), Nullable: true})
		columns = append(columns, column)
	}
	rows := 0
	if len(columns) > 0 {
		rows = columns[0].Len()
	}
	schema := arrow.NewSchema(fields, &metadata)
	table, err := frame.FromBatches(kind, schema, []arrow.RecordBatch{array.NewRecordBatch(schema, columns, int64(rows))})
	if err != nil {
		return kind, nil
	}
	return kind, table
}

// FuzzNotes reads tables in every way whose notes may say what their columns are not: they are refused, or as good as without the note.
func FuzzNotes(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 2, 2, 0, 0, 1})          // complex numbers beside moments
	f.Add([]byte{1, 2, 0, 24, 3, 1, 1, 0, 0})            // labels and levels
	f.Add([]byte{2, 3, 20, 30, 31, 6, 1, 2, 0, 0, 1, 1}) // a series
	f.Add([]byte{0, 2, 4, 16, 1, 1, 1, 0})               // days
	f.Add([]byte{1, 3, 28, 27, 29, 7, 2, 0})             // a range alone
	f.Fuzz(func(t *testing.T, draws []byte) {
		kind, table := drawnTable(draws)
		if table == nil {
			return
		}
		refused := func(err error) {
			if err != nil {
				require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
				require.NotContains(t, err.Error(), "the Arrow library cannot", "a panic")
			}
		}
		for _, name := range table.Names() {
			column, err := table.Column(name)
			require.NoError(t, err)
			_, err = column.Values()
			refused(err)
			_, err = column.Shown()
			refused(err)
			_, _, err = column.Int64s()
			refused(err)
		}
		_, err := table.Range()
		refused(err)
		_, err = codec().Configured(value.TablesAsRows()).EncodeJSON(table)
		refused(err)
		var rows []map[string]any
		encoded := tool.Value{TypeURL: "type.googleapis.com/" + kind, Bytes: table.Bytes()}
		refused(codec().DecodeInto(encoded, &rows))
		_, err = frame.ToStructs[struct {
			Values *any `json:"values"`
			Zero   *any `json:"0"`
		}](table)
		refused(err)
	})
}
