package frame_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type person struct {
	ID   int64  `bridge:"id"`
	Name string `bridge:"name"`
}

func TestAColumnThatAStructDoesNotHaveIsRefusedUnlessItMayBeLeftOut(t *testing.T) {
	t.Parallel()
	encoded, err := codec().Encode(map[string]any{"t": sampleTable(t)})
	require.NoError(t, err)
	var into struct {
		T []person `json:"t"`
	}
	err = codec().DecodeInto(encoded, &into)
	requirePath(t, err, "$.t.maybe")
	require.ErrorContains(t, err, `the value for person has a field "maybe" too many`)
	require.ErrorContains(t, err, "value.AllowSurplus()")

	require.NoError(t, codec().Configured(value.AllowSurplus()).DecodeInto(encoded, &into))
	require.Equal(t, []person{{1, "a"}, {2, "ü"}, {1<<60 + 1, "😀"}}, into.T)
	rows, err := frame.ToStructs[person](sampleTable(t), value.AllowSurplus())
	require.NoError(t, err)
	require.Equal(t, into.T, rows)
	_, err = frame.ToStructs[person](sampleTable(t))
	requirePath(t, err, "$.maybe")
}

func TestAColumnTooManyOfATableWithoutRowsIsOneToo(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("id", nil).String("name", nil).Int64("more", nil).Build()
	require.NoError(t, err)
	_, err = frame.ToStructs[person](table)
	requirePath(t, err, "$.more")
	rows, err := frame.ToStructs[person](table, value.AllowSurplus())
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestAFieldTooManyInsideOfACellIsRefusedWithItsPath(t *testing.T) {
	t.Parallel()
	type wide struct{ A, B int64 }
	type narrow struct{ A int64 }
	table, err := frame.FromStructs([]struct{ In []wide }{{nil}, {[]wide{{1, 2}}}})
	require.NoError(t, err)
	_, err = frame.ToStructs[struct{ In []narrow }](table)
	requirePath(t, err, "$[1].In[0].B")
	require.ErrorContains(t, err, `the value for narrow has a field "B" too many`)
	rows, err := frame.ToStructs[struct{ In []narrow }](table, value.AllowSurplus())
	require.NoError(t, err)
	require.Equal(t, []narrow{{1}}, rows[1].In)
}

// deaf is an extension that knows nothing.
type deaf struct{}

func (deaf) Encode(any) (tool.Value, bool, error)            { return tool.Value{}, false, nil }
func (deaf) Decode(tool.Value) (any, bool, error)            { return nil, false, nil }
func (deaf) Assign(decoded, target any) (ok bool, err error) { return false, nil }

func TestWithOtherExtensionsTooAnIndexWithoutANameIsNoFieldTooMany(t *testing.T) {
	t.Parallel()
	type row struct {
		X any `bridge:"x"`
	}
	several := codec().Configured(value.With(deaf{}))
	encoded, err := several.Encode(indexed(t, "texts", frame.PandasDataFrame))
	require.NoError(t, err)
	var rows []row
	require.NoError(t, several.DecodeInto(encoded, &rows))
	require.Len(t, rows, 2)
	encoded, err = several.Encode(sampleTable(t))
	require.NoError(t, err)
	err = several.DecodeInto(encoded, new([]person))
	requirePath(t, err, "$[0].maybe")
	require.NoError(t, several.Configured(value.AllowSurplus()).DecodeInto(encoded, new([]person)))
}
