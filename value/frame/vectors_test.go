package frame_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// tableVector is a table of value/testdata/tables.json, which the Python SDK wrote.
type tableVector struct {
	Name    string
	Any     string
	JSON    string
	Go      string
	Content struct {
		Rows    int
		Columns []struct {
			Name, Extension string
			Cells           json.RawMessage
		}
		Notes []string
	}
}

func tableVectors(t *testing.T) []tableVector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "tables.json"))
	require.NoError(t, err)
	var file struct{ Tables []tableVector }
	require.NoError(t, json.Unmarshal(raw, &file))
	require.GreaterOrEqual(t, len(file.Tables), 39)
	return file.Tables
}

func TestEveryTableOfTheVectorsIsReadCellByCellAndPassedOnUnchanged(t *testing.T) {
	t.Parallel()
	for _, v := range tableVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			raw, err := hex.DecodeString(v.Any)
			require.NoError(t, err)
			var packed anypb.Any
			require.NoError(t, proto.Unmarshal(raw, &packed))
			encoded := tool.Value{TypeURL: packed.TypeUrl, Bytes: packed.Value}

			decoded, err := codec().Decode(encoded)
			require.NoError(t, err)
			require.Equal(t, v.Go, fmt.Sprintf("%T", decoded))
			table := decoded.(*frame.Table)
			again, err := codec().Encode(table)
			require.NoError(t, err)
			require.Equal(t, encoded, again)
			text, err := codec().ToJSON(encoded)
			require.NoError(t, err)
			require.Equal(t, v.JSON, string(text))
			back, err := codec().FromJSON([]byte(v.JSON))
			require.NoError(t, err)
			require.Equal(t, encoded, back)

			require.Equal(t, v.Content.Rows, table.Rows())
			require.Len(t, table.Names(), len(v.Content.Columns))
			for i, c := range v.Content.Columns {
				requireColumn(t, table, i, c.Name, c.Extension, c.Cells)
			}
			requireNotes(t, table, v.Content.Notes)
		})
	}
}

func requireColumn(t *testing.T, table *frame.Table, at int, name, extension string, cells json.RawMessage) {
	t.Helper()
	c, err := table.ColumnAt(at)
	require.NoError(t, err)
	require.Equal(t, name, c.Name())
	got, err := stored(table, at, c)
	if extension != "" {
		require.ErrorContains(t, err, extension)
		return
	}
	require.NoError(t, err)
	text, err := value.EncodeJSON(got)
	require.NoError(t, err)
	require.JSONEq(t, string(cells), string(text), name)
}

// stored gives the cells that Arrow has, which of an array of moments in a unit that it lacks are ints.
func stored(table *frame.Table, at int, c *frame.Column) (any, error) {
	if table.Kind() == frame.NumpyArray && table.Schema().Field(at).Type.ID() == arrow.INT64 {
		ints, _, err := c.Int64s()
		return ints, err
	}
	return c.Values()
}

func requireNotes(t *testing.T, table *frame.Table, want []string) {
	t.Helper()
	noted, ok := table.Schema().Metadata().GetValue("grpc_tool_bridge")
	if !ok {
		require.Empty(t, want)
		return
	}
	var notes map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(noted), &notes))
	names := make([]string, 0, len(notes))
	for name := range notes {
		names = append(names, name)
	}
	slices.Sort(names)
	require.Equal(t, want, names)
}
