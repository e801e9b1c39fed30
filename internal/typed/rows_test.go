package typed_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func tableOptions(more ...value.Option) typed.Options {
	return typed.Options{Codec: value.New(append(more, value.With(frame.Extension()))...)}
}

// tableOf is a call with a table that has the rows.
func tableOf[Row any](t *testing.T, rows ...Row) *tool.Call {
	t.Helper()
	made, err := frame.FromStructs(rows)
	require.NoError(t, err)
	encoded, err := tableOptions().Codec.Encode(made)
	require.NoError(t, err)
	return &tool.Call{Args: []tool.Value{encoded}}
}

// rowsTool is a tool that counts what is in its argument.
func rowsTool[In any](t *testing.T, o typed.Options, count func(In) int) *typed.Tool {
	t.Helper()
	made, err := typed.New("rows", func(_ context.Context, in In) (int, error) { return count(in), nil }, o)
	require.NoError(t, err)
	return made
}

func TestConstraintsOfRowsAreCheckedInATable(t *testing.T) {
	t.Parallel()
	type row struct {
		Amount int `min:"1"`
	}
	type sent struct{ Amount int }
	made := rowsTool(t, tableOptions(), func(in struct {
		Rows []row `max:"2"`
	},
	) int {
		return len(in.Rows)
	})
	require.Equal(t, int64(2), result(t, made, tableOf(t, sent{1}, sent{2})))
	require.Equal(t, "$[1].Amount", failure(t, made, tableOf(t, sent{1}, sent{0})).Details["path"])
	require.Equal(t, "$", failure(t, made, tableOf(t, sent{1}, sent{1}, sent{1})).Details["path"])
	e := failure(t, made, tableOf(t, sent{1}, sent{0}, sent{1}))
	require.Contains(t, e.Message, "maxItems: got 3, want 2")

	behind := rowsTool(t, tableOptions(), func(in struct{ Rows **[]*row }) int { return len(**in.Rows) })
	require.Equal(t, int64(2), result(t, behind, tableOf(t, sent{1}, sent{2})))
	require.Equal(t, "$[1].Amount", failure(t, behind, tableOf(t, sent{1}, sent{0})).Details["path"])
}

// mixed has a field of whose values it takes the schema to be sure.
type mixed struct {
	ID    int     `json:"id" min:"0"`
	Ratio float64 `json:"ratio" enum:"0.1|0.5"`
	Text  string  `json:"text" max:"60"`
}

// plainMixed is mixed without tags.
type plainMixed struct {
	ID    int     `json:"id"`
	Ratio float64 `json:"ratio"`
	Text  string  `json:"text"`
}

func manyMixed(n int) []plainMixed {
	rows := make([]plainMixed, n)
	for i := range rows {
		rows[i] = plainMixed{i, []float64{0.1, 0.5}[i%2], strconv.Itoa(i)}
	}
	return rows
}

func TestRowsOfATableAreRefusedAsThoseOfAListAre(t *testing.T) {
	t.Parallel()
	made := rowsTool(t, tableOptions(), func(rows []mixed) int { return len(rows) })
	for _, spoil := range []func(rows []plainMixed){
		func([]plainMixed) {},
		func(rows []plainMixed) { rows[0].ID = -1 },
		func(rows []plainMixed) { rows[19].Ratio = 0.2 },
		func(rows []plainMixed) { rows[3].Ratio, rows[17].ID = 0.3, -1 },
		func(rows []plainMixed) { rows[8].Text += string(make([]byte, 60)) },
	} {
		rows := manyMixed(20)
		spoil(rows)
		_, ofList := made.Call(t.Context(), callOf(t, rows))
		_, ofTable := made.Call(t.Context(), tableOf(t, rows...))
		require.Equal(t, ofList, ofTable)
	}
}

func TestWhatARowOfATableLacksIsHeldToNoTag(t *testing.T) {
	t.Parallel()
	type part struct {
		X int `json:"x"`
		Y int `json:"y" bridge:"y,optional" min:"1"`
	}
	type row struct {
		A     int    `json:"a" max:"9"`
		B     int    `bridge:"b,optional" min:"1"`
		C     string `json:"c" default:"none" max:"2"`
		Parts []part `json:"parts,omitempty" max:"3"`
	}
	type x struct {
		X int `json:"x"`
	}
	type lacking struct {
		A     int `json:"a"`
		Parts []x `json:"parts"`
	}
	type having struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	made := rowsTool(t, tableOptions(), func(rows []row) int { return len(rows) })
	require.Equal(t, int64(2), result(t, made, tableOf(t, lacking{1, []x{{1}, {2}}}, lacking{2, nil})))
	require.Equal(t, "$[1].a", failure(t, made, tableOf(t, lacking{1, nil}, lacking{10, nil})).Details["path"])
	require.Equal(t, "$[1].b", failure(t, made, tableOf(t, having{1, 1}, having{1, 0})).Details["path"])
	require.Equal(t, int64(1), result(t, made, callOf(t, []lacking{{1, []x{{1}}}})), "nor in a list")
}

func TestTagsDoNotMakeATableTooLarge(t *testing.T) {
	t.Parallel()
	made := rowsTool(t, tableOptions(value.MaxBytes(1000)), func(rows []mixed) int { return len(rows) })
	rows := manyMixed(100)
	require.Equal(t, int64(100), result(t, made, tableOf(t, rows...)))
	rows[99].ID = -1
	require.Contains(t, failure(t, made, tableOf(t, rows...)).Message, "at $[99].id: minimum: got -1, want 0")
}

func TestAListOfChoicesHoldsRowsTogether(t *testing.T) {
	t.Parallel()
	type row struct {
		ID int `json:"id" max:"9"`
	}
	made := rowsTool(t, tableOptions(), func(in struct {
		Rows []row `enum:"[{\"id\":1},{\"id\":2}]|[{\"id\":3}]"`
	},
	) int {
		return len(in.Rows)
	})
	require.Equal(t, int64(2), result(t, made, tableOf(t, row{1}, row{2})))
	require.Equal(t, "$", failure(t, made, tableOf(t, row{2}, row{1})).Details["path"])
}

// muted embeds what writes its own text and is no field, so that it can be read and not sent.
type muted struct {
	mute
	X int `json:"x"`
}

type mute struct{}

func (mute) MarshalText() ([]byte, error) { return nil, nil }

func TestARowThatCannotBeHeldToItsTagsIsNamed(t *testing.T) {
	t.Parallel()
	type row struct {
		ID    int    `json:"id" max:"9"`
		Muted *muted `json:"muted"`
	}
	type loud struct {
		X int `json:"x"`
	}
	type sent struct {
		ID    int   `json:"id"`
		Muted *loud `json:"muted"`
	}
	made := rowsTool(t, tableOptions(value.AllowSurplus()), func(rows []row) int { return len(rows) })
	require.Equal(t, "$[1].muted", failure(t, made, tableOf(t, sent{1, nil}, sent{10, &loud{1}})).Details["path"])
}
