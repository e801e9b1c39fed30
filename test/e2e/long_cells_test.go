package e2e

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// longRow is a row most of which is behind pointers.
type longRow struct {
	B []byte
	S []int
	T string
}

// TestRowsOfLongCellsComeBackFromPython has tables larger than a message of few rows that are long, and of one among very many.
func TestRowsOfLongCellsComeBackFromPython(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	goWorker(t, b.address, 1)
	pythonWorker(t, b.address)
	s := session(t, b.address, "long cells")
	awaitTools(t, s, "go_echo", pythonEcho)
	for name, rows := range map[string][]longRow{
		"bytes": longRows(50, longRow{B: bytes.Repeat([]byte{1}, 300_000)}),
		"ints":  longRows(50, longRow{S: make([]int, 40_000)}),
		"texts": longRows(50, longRow{T: strings.Repeat("x", 300_000)}),
		"skewed": append(longRows(400_000, longRow{T: "short"}),
			longRow{B: make([]byte, 6_000_000)}, longRow{B: []byte("last")}),
	} {
		for _, to := range []string{pythonEcho, "go_echo"} {
			t.Run(name+" to "+to, func(t *testing.T) {
				t.Parallel()
				sent, err := frame.FromStructs(rows)
				require.NoError(t, err)
				got, err := toolbridge.Call[*frame.Table](t.Context(), s.With(toolbridge.Timeout(patience*4)), to, sent)
				require.NoError(t, err)
				again, err := frame.ToStructs[longRow](got)
				require.NoError(t, err)
				require.Len(t, again, len(rows))
				for i := range rows {
					if !bytes.Equal(rows[i].B, again[i].B) || rows[i].T != again[i].T || len(rows[i].S) != len(again[i].S) {
						t.Fatalf("row %d came back as another", i)
					}
				}
			})
		}
	}
}

// TestARowThatIsTooLongIsNamed has a row that fits no message.
func TestARowThatIsTooLongIsNamed(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	goWorker(t, b.address, 1)
	s := session(t, b.address, "long row")
	awaitTools(t, s, "go_echo")
	sent, err := frame.FromStructs([]longRow{{T: "a"}, {B: make([]byte, 11<<20)}})
	require.NoError(t, err)
	_, err = s.Call(t.Context(), "go_echo", sent)
	require.ErrorContains(t, err, "message too large")
	require.ErrorContains(t, err, `row 1`)
	require.ErrorContains(t, err, `column "B"`)
	require.ErrorContains(t, err, "10485760")
}

// longRows are so many of one.
func longRows(n int, row longRow) []longRow {
	rows := make([]longRow, n)
	for i := range rows {
		rows[i] = row
	}
	return rows
}
