package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStream_prints_each_result_in_a_line(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, "1\n2\n3\n", d.works("stream", "count_to_n", "3"))
	require.Equal(t, "\"A\"\n", d.works("stream", "simple_tool", "a", "--json"))
	require.Empty(t, d.works("stream", "count_to_n", "0"))
}

func TestStream_with_json_prints_one_document_a_line(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(newDesk(t).works("stream", "stream_data", "--json")), "\n")
	require.Len(t, lines, 10)
	for i, line := range lines {
		var record struct{ Index, Square int }
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		require.Equal(t, i, record.Index)
		require.Equal(t, i*i, record.Square)
	}
}

func TestStream_carries_large_chunks(t *testing.T) {
	t.Parallel()
	out := newDesk(t).works("stream", "stream_processor", "20", "--json")
	require.Equal(t, 20, strings.Count(out, "\n"))
	require.Greater(t, len(out), 20*64<<10)
}

func TestStream_that_fails_keeps_what_came_before(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	givenTime(t, 300*time.Millisecond, func(limit time.Duration) bool {
		out := d.run("stream", "count_to_n", "9", "delay_ms=9000", "--timeout", limit.String())
		if out.code == exitUnreachable || out.stdout == "" {
			return false // nothing came in time
		}
		require.Equal(t, exitDeadline, out.code, out.stderr)
		require.True(t, strings.HasPrefix(out.stdout, "1\n"), out.stdout)
		require.Contains(t, out.stderr, "error: DeadlineExceeded: ")
		return true
	})
}

func TestStream_says_how_long_it_took(t *testing.T) {
	t.Parallel()
	out := newDesk(t).run("stream", "count_to_n", "2", "--time")
	require.Equal(t, exitOK, out.code)
	require.Equal(t, "1\n2\n", out.stdout)
	require.Regexp(t, `^took `, out.stderr)
}

func TestStream_of_an_unknown_tool_fails(t *testing.T) {
	t.Parallel()
	out := newDesk(t).run("stream", "nope")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "error: ToolNotFound: ")
}
