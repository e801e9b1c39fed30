package frame_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// The file was written by the Python SDK: categories in order, times in Europe/Berlin, lists, texts and nullable ints, each with
// a null, and a named index.
func TestATableOfPandasIsReadCellByCell(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "categories.arrow"))
	require.NoError(t, err)
	table, err := frame.Read(frame.PandasDataFrame, data)
	require.NoError(t, err)
	require.Equal(t, []string{"c", "t", "l", "s", "n", "k"}, table.Names())
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, want := range map[string][]any{
		"c": {"b", "a", "b", nil},
		"l": {[]any{int64(1), int64(2)}, []any{}, nil, []any{int64(3)}},
		"s": {"a", nil, "c", "d"},
		"n": {int64(1), nil, int64(3), int64(4)},
		"k": {int64(10), int64(20), int64(30), int64(40)},
	} {
		c, err := table.Column(name)
		require.NoError(t, err)
		got, err := c.Values()
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	c, err := table.Column("t")
	require.NoError(t, err)
	times, valid, err := c.Times()
	require.NoError(t, err)
	require.Nil(t, valid)
	require.True(t, times[0].Equal(time.Date(2024, 1, 1, 0, 0, 0, 0, berlin)))
	_, ok := table.Schema().Metadata().GetValue("pandas")
	require.True(t, ok)
}
