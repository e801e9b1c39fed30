package frame_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type (
	// Origin is embedded.
	Origin struct {
		ID   int
		Name string
	}
	shadowing struct {
		Origin
		Name string
	}
	apart struct {
		Origin
		Name string `bridge:"title"`
	}
)

func TestAStructTwoFieldsOfWhichHaveOneNameIsNoRow(t *testing.T) {
	t.Parallel()
	const says = `two fields of frame_test.shadowing are called "Name", Origin.Name and Name: give one of them another name`
	for _, rows := range [][]shadowing{nil, {{Origin{1, "origin"}, "row"}}} {
		_, err := frame.FromStructs(rows)
		requirePath(t, err, "$")
		require.ErrorContains(t, err, says)
	}
	_, err := frame.FromStructs([]struct{ In []shadowing }{})
	requirePath(t, err, "$.In[]")
	require.ErrorContains(t, err, says)

	table, err := frame.New().Int64("ID", []int64{1}).String("Name", []string{"a"}).Build()
	require.NoError(t, err)
	_, err = frame.ToStructs[shadowing](table)
	requirePath(t, err, "$[0]")
	require.ErrorContains(t, err, says)
}

func TestFieldsOfRowsThatTheirTagsTellApartAreColumns(t *testing.T) {
	t.Parallel()
	given := []apart{{Origin{1, "origin"}, "row"}}
	table, err := frame.FromStructs(given)
	require.NoError(t, err)
	require.Equal(t, []string{"ID", "Name", "title"}, table.Names())
	back, err := frame.ToStructs[apart](table)
	require.NoError(t, err)
	require.Equal(t, given, back)
}
