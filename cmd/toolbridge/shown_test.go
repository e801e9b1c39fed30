package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func newShell(out *strings.Builder) *shell {
	return &shell{stdout: out, codec: value.New(value.With(frame.Extension()))}
}

func TestPreview_shows_a_table_in_columns(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("n", []int64{1, 200}).String("name", []string{"a", "b\nc"}).Float64("x", []float64{1.5, 2}).Build()
	require.NoError(t, err)
	var out strings.Builder
	s := newShell(&out)
	encoded, err := s.codec.Encode(table)
	require.NoError(t, err)

	require.NoError(t, s.show(encoded))

	require.Equal(t, "  n  name    x\n  1  a     1.5\n200  b c   2.0\n[pandas.DataFrame, 2 rows, 3 columns]\n", out.String())
}

func TestPreview_of_a_large_table_shows_its_top_and_its_end(t *testing.T) {
	t.Parallel()
	numbers := make([]int64, 1000)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	builder := frame.New()
	for i := range 14 {
		builder.Int64(string(rune('a'+i)), numbers)
	}
	table, err := builder.Build()
	require.NoError(t, err)
	var out strings.Builder

	require.NoError(t, newShell(&out).preview(table))

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 1+20+1+1)
	require.Len(t, strings.Fields(lines[0]), 12)
	require.Equal(t, "9", strings.Fields(lines[10])[0])
	require.Equal(t, "…", strings.Fields(lines[11])[0])
	require.Equal(t, "990", strings.Fields(lines[12])[0])
	require.Equal(t, "999", strings.Fields(lines[21])[0])
	require.Equal(t, "[pandas.DataFrame, 1000 rows, 14 columns, 2 not shown]", lines[22])
}

func TestPreview_of_an_empty_table_shows_its_columns(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("n", nil).Build()
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, newShell(&out).preview(table))
	require.Equal(t, "n\n[pandas.DataFrame, 0 rows, 1 columns]\n", out.String())
}

func TestPreview_shows_an_index_that_is_a_range_and_columns_that_have_no_values(t *testing.T) {
	t.Parallel()
	indexes := filepath.Join("..", "..", "value", "frame", "testdata", "indexes")
	for name, want := range map[string]string{
		"range":   "  x  id\n1.0   1\n2.0   2\n3.0   3\n[pandas.DataFrame, 3 rows, 1 columns]\n",
		"default": "id    x\n 1  1.0\n 2  2.0\n 3  3.0\n[pandas.DataFrame, 3 rows, 2 columns]\n",
		"periods": "p\n2020-01\n2020-02\n[pandas.DataFrame, 2 rows, 1 columns]\n",
	} {
		data, err := os.ReadFile(filepath.Join(indexes, name+".arrow"))
		require.NoError(t, err)
		table, err := frame.Read(frame.PandasDataFrame, data)
		require.NoError(t, err)
		var out strings.Builder
		require.NoError(t, newShell(&out).preview(table))
		require.Equal(t, want, out.String(), name)
	}
}

func TestTables_travel_through_the_command_line_without_loss(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("n", []int64{1, 2}).Build()
	require.NoError(t, err)
	text, err := value.New(value.With(frame.Extension())).EncodeJSON(table)
	require.NoError(t, err)
	d := newDesk(t)
	path := file(t, "table.json", string(text))

	require.Equal(t, string(text)+"\n", d.works("call", "echo_tool", "@"+path, "--json"))
	require.Equal(t, "n\n1\n2\n[pandas.DataFrame, 2 rows, 1 columns]\n", d.works("call", "echo_tool", "@"+path))
}

func TestFrames_records_prints_the_rows_of_a_table_as_JSON(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Int64("n", []int64{1, 2}).Build()
	require.NoError(t, err)
	text, err := value.New(value.With(frame.Extension())).EncodeJSON(table)
	require.NoError(t, err)
	d := newDesk(t)
	path := file(t, "table.json", string(text))

	const rows = `[{"n":1},{"n":2}]` + "\n"
	require.Equal(t, rows, d.works("call", "echo_tool", "@"+path, "--json", "--frames=records"))
	require.Equal(t, rows, d.works("--frames", "records", "call", "echo_tool", "@"+path))
	require.Equal(t, string(text)+"\n", d.works("call", "echo_tool", "@"+path, "--json", "--frames=arrow"))
	require.Equal(t, exitUsage, d.run("call", "echo_tool", "1", "--frames=rows").code)
}

func TestPrintable_takes_out_what_drives_a_terminal(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a\uFFFD[31mb\nc\td\uFFFD", printable("a\x1b[31mb\nc\td\u009b"))
	require.Equal(t, "a b c", inline(" a\n b\tc "))
}

func TestTerminal_is_none_of_a_buffer_or_a_file(t *testing.T) {
	t.Parallel()
	require.False(t, terminal(&strings.Builder{}))
	f, err := os.Open(file(t, "f", ""))
	require.NoError(t, err)
	require.False(t, terminal(f))
	require.NoError(t, f.Close())
	require.False(t, terminal(f))
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close() //nolint:errcheck // it was not written
	require.True(t, terminal(null))
}

func TestOnATerminal_bytes_are_told_by_their_number_and_texts_are_harmless(t *testing.T) {
	t.Parallel()
	terminalOut, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer terminalOut.Close() //nolint:errcheck // nothing is kept of it
	s := &shell{stdout: terminalOut, codec: value.New()}
	for _, v := range []any{[]byte("abc"), "a\x1bb"} {
		encoded, err := s.codec.Encode(v)
		require.NoError(t, err)
		require.NoError(t, s.show(encoded))
	}
}

func TestProgress_is_drawn_for_people_alone(t *testing.T) {
	t.Parallel()
	screen, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer screen.Close() //nolint:errcheck // nothing is kept of it
	var out strings.Builder
	seen := newProgress(&shell{stdout: &out, stderr: screen})
	require.NotNil(t, seen.bar)
	seen.add(10)
	seen.end()
	for _, s := range []*shell{{stdout: &out, stderr: &out}, {stdout: screen, stderr: screen}, {stdout: &out, stderr: screen, json: true}} {
		unseen := newProgress(s)
		require.Nil(t, unseen.bar)
		unseen.add(10)
		unseen.end()
	}
}

func TestMoments_that_are_not_known_are_shown_so(t *testing.T) {
	t.Parallel()
	require.Equal(t, "-", moment(time.Time{}))
	require.Nil(t, timestamp(time.Time{}))
	require.Equal(t, "-", orDash(""))
	require.Equal(t, "abc…", shortened("abcdef", 4))
}
