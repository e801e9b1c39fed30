package frame_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// labelled is a table of testdata/labels, a row of 1, 2, … that the Python SDK wrote.
func labelled(t *testing.T, name string) *frame.Table {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "labels", name+".arrow"))
	require.NoError(t, err)
	table, err := frame.Read(frame.PandasDataFrame, data)
	require.NoError(t, err)
	return table
}

func TestColumnsThatPythonNamesByNoTextHaveTheTextThatPandasWrites(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ints":       `[{"1":1,"0":2}]`,
		"tens":       `[{"10":1,"20":2}]`,
		"bools":      `[{"True":1,"False":2}]`,
		"floats":     `[{"1.0":1,"2.5":2,"1e+20":3,"1e-07":4,"-0.0":5,"nan":6,"-inf":7,"123456789.0":8}]`,
		"moments":    `[{"2020-01-01 00:00:00":1,"2021-01-01 03:04:05.000001":2,"NaT":3}]`,
		"zoned":      `[{"2020-01-01 00:00:00+01:00":1,"2020-07-01 00:00:00.000000001+02:00":2}]`,
		"spans":      `[{"1 days 00:00:00":1,"0 days 02:00:00":2,"-1 days +23:00:00.500000":3}]`,
		"categories": `[{"b":1,"a":2}]`,
		"missing":    `[{"1":1,"\u003cNA\u003e":2}]`,
		"named":      `[{"x":1,"y":2}]`,
		"mixed":      `[{"None":1,"True":2,"1.50":3,"1180591620717411303424":4,"x":5,"1.0":6}]`,
		"periods":    `[{"2020-01":1,"2020-02":2}]`,
		"intervals":  `[{"(0, 1]":1,"(1, 2]":2}]`,
	} {
		got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(labelled(t, name))
		require.NoError(t, err, name)
		require.JSONEq(t, want, string(got), name)
	}
}

func TestAnIntForALabelFindsTheFieldOfThatName(t *testing.T) {
	t.Parallel()
	type row struct {
		One  int64 `bridge:"1"`
		Zero int64 `bridge:"0"`
	}
	rows, err := frame.ToStructs[row](labelled(t, "ints"))
	require.NoError(t, err)
	require.Equal(t, []row{{1, 2}}, rows)
	var maps []map[string]any
	encoded, err := codec().Encode(labelled(t, "bools"))
	require.NoError(t, err)
	require.NoError(t, codec().DecodeInto(encoded, &maps))
	require.Equal(t, []map[string]any{{"True": int64(1), "False": int64(2)}}, maps)
}

func TestLabelsThatAreTheSameAsTextAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, want string }{
		"twice":   {"$.a", `two columns are called "a"`},
		"textual": {`$["1"]`, `two columns are called "1"`},
	} {
		_, err := frame.ToStructs[struct{ A int64 }](labelled(t, name))
		var e *tool.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.path, e.Details["path"], name)
		require.ErrorContains(t, err, c.want, name)
	}
}
