package frametest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/frame/frametest"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

func TestTablesOfEveryKindAreAmongAThousandValuesAloneAndInsideOfOthers(t *testing.T) {
	t.Parallel()
	values, alone, inside := valuetest.Values(frametest.Kinds()...), map[string]int{}, map[string]int{}
	for seed := range 1000 {
		for part, at := range valuetest.Parts(values.Example(seed)) {
			if table, is := part.(*frame.Table); is && at == valuetest.Whole {
				alone[table.Kind()]++
			} else if is {
				inside[table.Kind()]++
			}
		}
	}
	for _, kind := range frametest.Kinds() {
		require.GreaterOrEqual(t, alone[kind.Name]+inside[kind.Name], 12, kind.Name)
		require.GreaterOrEqual(t, inside[kind.Name], 4, kind.Name)
	}
}

func TestColumnsOfEveryTypeAreAmongThoseOfAThousandTables(t *testing.T) {
	t.Parallel()
	tables, types := frametest.Tables(frame.PyarrowTable), map[string]int{}
	for seed := range 1000 {
		for _, f := range tables.Example(seed).Schema().Fields() {
			types[f.Type.String()]++
		}
	}
	require.Len(t, types, 31)
	for of, count := range types {
		require.GreaterOrEqual(t, count, 20, of)
	}
}

func TestDifferenceFindsTablesInsideOfValues(t *testing.T) {
	t.Parallel()
	build := func(cell int64) any {
		table, err := frame.New().Int64("a", []int64{cell}).Build()
		require.NoError(t, err)
		return value.NewDict("rows", []any{table})
	}
	require.Empty(t, frametest.ValueDifference(build(1), build(1)))
	require.Contains(t, frametest.ValueDifference(build(1), build(2)), "int64 1")
	require.NotEmpty(t, frametest.ValueDifference(build(1), "a table"))
}
