package frametest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/frame/frametest"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

func TestEveryTableComesBackWithItsBytesAndFromItsBatches(t *testing.T) {
	t.Parallel()
	codec := value.New(value.With(frame.Extension()))
	check := func(t *rapid.T) {
		table := valuetest.Of(frametest.Kinds()...).Draw(t, "table").(*frame.Table)
		encoded, err := codec.Encode([]any{table})
		require.NoError(t, err)
		decoded, err := codec.Decode(encoded)
		require.NoError(t, err)
		got := decoded.([]any)[0].(*frame.Table)
		require.Equal(t, table.Bytes(), got.Bytes())
		require.Empty(t, frametest.Difference(table, got))

		made, err := frame.FromBatches(table.Kind(), got.Schema(), got.Batches())
		require.NoError(t, err)
		require.Empty(t, frametest.Difference(table, made))
	}
	tables := 10 // in each of rapid's 100 checks
	if os.Getenv("TOOLBRIDGE_TEST_FULL") != "" {
		tables = 100
	}
	rapid.Check(t, func(t *rapid.T) {
		for range tables {
			check(t)
		}
	})
}

func TestDifferenceNamesTheColumn(t *testing.T) {
	t.Parallel()
	build := func(b *frame.Builder) *frame.Table {
		table, err := b.Build()
		require.NoError(t, err)
		return table
	}
	ints := build(frame.New().Int64("a", []int64{1}))
	require.Empty(t, frametest.Difference(ints, ints))
	require.Contains(t, frametest.Difference(ints, build(frame.New().Float64("a", []float64{1}))), `column "a"`)
	require.NotEmpty(t, frametest.Difference(ints, build(frame.New().Int64("b", []int64{1}))))
	require.NotEmpty(t, frametest.Difference(ints, build(frame.New().Int64("a", []int64{1, 2}))))
	require.NotEmpty(t, frametest.Difference(ints, build(frame.New().Int64("a", []int64{1}, []bool{false}))))
	require.NotEmpty(t, frametest.Difference(ints, build(frame.New().Kind(frame.PyarrowTable).Int64("a", []int64{1}))))
}
