package typed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// inner is a struct whose rows a caller may send as a table.
type inner struct {
	Name string           `json:"name" max:"5"`
	Rows []mixed          `json:"rows,omitempty" max:"20"`
	More map[int]*[]mixed `json:"more,omitempty"`
	Deep [][]mixed        `json:"deep,omitempty"`
}

// sentInner is inner as callers write it, with tables or lists.
type sentInner struct {
	Name string      `json:"name"`
	Rows any         `json:"rows"`
	More map[int]any `json:"more"`
	Deep []any       `json:"deep"`
}

func innerTable(t *testing.T, rows []plainMixed) any {
	t.Helper()
	made, err := frame.FromStructs(rows)
	require.NoError(t, err)
	return made
}

func TestRowsOfATableInsideOfAnArgumentAreHeldToTheirTags(t *testing.T) {
	t.Parallel()
	made := rowsTool(t, tableOptions(), func(in struct{ Body inner }) int { return len(in.Body.Rows) })
	codec := tableOptions().Codec
	good := manyMixed(4)
	for path, spoil := range map[string]func(s *sentInner, rows func([]plainMixed) any){
		"":       func(*sentInner, func([]plainMixed) any) {},
		"$.name": func(s *sentInner, _ func([]plainMixed) any) { s.Name = "longer" },
		"$.rows": func(s *sentInner, rows func([]plainMixed) any) { s.Rows = rows(manyMixed(21)) },
		"$.rows[3].id": func(s *sentInner, rows func([]plainMixed) any) {
			s.Rows = rows([]plainMixed{good[0], good[1], good[2], {-1, 0.5, ""}})
		},
		"$.rows[1].ratio": func(s *sentInner, rows func([]plainMixed) any) { s.Rows = rows([]plainMixed{good[0], {1, 0.2, ""}}) },
		"$.more[7][1].id": func(s *sentInner, rows func([]plainMixed) any) {
			s.More[7] = rows([]plainMixed{good[0], {-2, 0.5, ""}})
		},
		"$.deep[0][1].text": func(s *sentInner, rows func([]plainMixed) any) {
			s.Deep[0] = rows([]plainMixed{good[0], {1, 0.5, string(make([]byte, 61))}})
		},
	} {
		for _, as := range []func([]plainMixed) any{
			func(rows []plainMixed) any { return rows },
			func(rows []plainMixed) any { return innerTable(t, rows) },
		} {
			sent := sentInner{"a", as(good), map[int]any{7: as(good)}, []any{as(good)}}
			spoil(&sent, as)
			encoded, err := codec.Encode(sent)
			require.NoError(t, err)
			call := &tool.Call{Kwargs: []tool.Keyword{{Name: "body", Value: encoded}}}
			if path == "" {
				require.Equal(t, int64(4), result(t, made, call))
				continue
			}
			e := failure(t, made, call)
			require.Equal(t, tool.ValidationError, e.Code)
			require.Equal(t, path, e.Details["path"])
			require.Contains(t, e.Message, `argument "body" of tool "rows": at `+path)
		}
	}
}

func TestWhatARowOfAnInnerTableLacksIsHeldToNoTag(t *testing.T) {
	t.Parallel()
	type row struct {
		A int `json:"a" max:"9"`
		B int `bridge:"b,optional" min:"1"`
	}
	type a struct {
		A int `json:"a"`
	}
	type body struct {
		Rows []row `json:"rows,omitempty" min:"1"`
	}
	made := rowsTool(t, tableOptions(), func(in struct{ Body body }) int { return len(in.Body.Rows) })
	call := func(rows ...a) *tool.Call {
		table, err := frame.FromStructs(rows)
		require.NoError(t, err)
		encoded, err := tableOptions().Codec.Encode(map[string]any{"rows": table})
		require.NoError(t, err)
		return &tool.Call{Args: []tool.Value{encoded}}
	}
	require.Equal(t, int64(2), result(t, made, call(a{1}, a{2})))
	require.Equal(t, "$.rows[1].a", failure(t, made, call(a{1}, a{10})).Details["path"])
	require.Equal(t, "$.rows", failure(t, made, call()).Details["path"], "an empty table is an empty list")
}

func TestTagsDoNotMakeAnInnerTableTooLarge(t *testing.T) {
	t.Parallel()
	rows := manyMixed(1000)
	rows[999].ID = -1
	encoded, err := tableOptions().Codec.Encode(sentInner{"a", nil, map[int]any{1: innerTable(t, rows)}, nil})
	require.NoError(t, err)
	tight := tableOptions(value.MaxBytes(encoded.Size())) // as a list its rows are larger
	_, err = tight.Codec.Encode(rows)
	require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge})
	made := rowsTool(t, tight, func(in struct{ Body inner }) int { return len(in.Body.Rows) })
	require.Equal(t, "$.more[1][999].id", failure(t, made, &tool.Call{Args: []tool.Value{encoded}}).Details["path"])
}
