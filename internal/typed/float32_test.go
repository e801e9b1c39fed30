package typed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// narrow has bounds and choices that no float32 is: the nearest is above that of most and choice, and below that of least.
type narrow struct {
	Most   float32  `json:"most" max:"0.1"`
	Least  *float32 `json:"least" min:"0.7"`
	Choice float32  `json:"choice" enum:"0.1|0.5"`
}

func TestABoundOfAFloat32IsTheNearestFloat32Too(t *testing.T) {
	t.Parallel()
	made := rowsTool(t, tableOptions(), func(rows []narrow) int { return len(rows) })
	for _, c := range []struct {
		most, least, choice float64
		path                string // "" where the row is taken
	}{
		{0.1, 0.7, 0.1, ""},
		{-1, 1, 0.5, ""},
		{0.10000001, 0.7, 0.1, "$[0].most"},
		{0.1, 0.6999999, 0.1, "$[0].least"},
		{0.1, 0.7, 0.10000001, "$[0].choice"},
	} {
		type wide struct {
			Most   float64 `json:"most"`
			Least  float64 `json:"least"`
			Choice float64 `json:"choice"`
		}
		type single struct {
			Most   float32 `json:"most"`
			Least  float32 `json:"least"`
			Choice float32 `json:"choice"`
		}
		rows := []wide{{c.most, c.least, c.choice}}
		rounded := []single{{float32(c.most), float32(c.least), float32(c.choice)}}
		for sent, call := range map[string]*tool.Call{
			"a list": callOf(t, rows), "a table": tableOf(t, rows...), "a list of float32": callOf(t, rounded), "a table of float32": tableOf(t, rounded...),
		} {
			if c.path == "" {
				require.Equal(t, int64(1), result(t, made, call), sent)
				continue
			}
			require.Equal(t, c.path, failure(t, made, call).Details["path"], sent)
		}
	}
}

func TestTheBoundOfAFloat32IsToldAsItWasWritten(t *testing.T) {
	t.Parallel()
	made := rowsTool(t, tableOptions(), func(in struct {
		Most   float32 `json:"most" max:"0.1"`
		Choice float32 `json:"choice" enum:"0.1|0.5"`
		Whole  int     `json:"whole" max:"123456792"`
	},
	) int {
		return 1
	})
	require.Contains(t, failure(t, made, callOf(t, 0.2, 0.5, 1)).Message, "maximum: got 0.2, want 0.1")
	require.NotContains(t, failure(t, made, callOf(t, 0.2, 0.5, 1)).Message, "0.10000000149011612")
	require.Contains(t, failure(t, made, callOf(t, 0.1, 0.2, 1)).Message, "value must be one of 0.1, 0.5")
	require.NotContains(t, failure(t, made, callOf(t, 0.1, 0.2, 1)).Message, "0.10000000149011612")
	require.Contains(t, failure(t, made, callOf(t, 0.1, 0.1, 123456793)).Message, "want 1.23456792e+08")
}
