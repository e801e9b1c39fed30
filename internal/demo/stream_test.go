package demo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestStreams_yield_what_their_names_say(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tool string
		args []any
		want []string
	}{
		"count":            {"count_to_n", []any{3}, []string{"1", "2", "3"}},
		"count slowly":     {"count_to_n", []any{2, kw{"delay_ms": 1}}, []string{"1", "2"}},
		"count to nothing": {"count_to_n", []any{0}, nil},
		"process numbers": {"process_data", []any{[]any{1, 2, 3}}, []string{
			`{"index":0,"item":1,"result":1}`, `{"index":1,"item":2,"result":4}`, `{"index":2,"item":3,"result":9}`,
		}},
		"process everything": {"process_data", []any{[]any{1.5, "a", nil}}, []string{
			`{"index":0,"item":1.5,"result":2.25}`, `{"index":1,"item":"a","result":"A"}`, `{"index":2,"item":null,"result":null}`,
		}},
		"process nothing": {"process_data", []any{[]any{}}, nil},
		"parts of few":    {"large_data_processor", []any{[]any{1, 2.5}}, []string{`{"from":0,"to":1,"sum":1.0}`, `{"from":1,"to":2,"sum":2.5}`}},
		"parts of none":   {"large_data_processor", []any{[]any{}}, nil},
		"two records":     {"stream_data", []any{2}, []string{`{"index":0,"square":0,"text":"record"}`, `{"index":1,"square":1,"text":"record"}`}},
		"one result of a tool that does not stream": {"simple_tool", []any{"a"}, []string{`"A"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := streamTool(t, newHost(t), c.tool, c.args...)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestLargeDataProcessor_takes_a_range_of_a_thousand(t *testing.T) {
	t.Parallel()
	numbers := make([]int, 1000)
	for i := range numbers {
		numbers[i] = i
	}

	got, err := streamTool(t, newHost(t), "large_data_processor", numbers)

	require.NoError(t, err)
	require.Len(t, got, 10)
	require.JSONEq(t, `{"from":0,"to":100,"sum":4950.0}`, got[0])
	require.JSONEq(t, `{"from":900,"to":1000,"sum":94950.0}`, got[9])
}

func TestStreamData_works_without_arguments(t *testing.T) {
	t.Parallel()
	got, err := streamTool(t, newHost(t), "stream_data")
	require.NoError(t, err)
	require.Len(t, got, 10)
}

func TestStreamProcessor_yields_chunks_of_64_KiB(t *testing.T) {
	t.Parallel()
	host, chunks := newHost(t), 0
	_, err := host.Stream(t.Context(), newCall(t, "stream_processor", 160), func(c tool.Chunk) error {
		data, err := value.As[[]byte](c.Value)
		require.NoError(t, err)
		require.Len(t, data, 64<<10)
		chunks++
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 160, chunks)
}

func TestStreams_stop_when_their_reader_has_gone(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for name, args := range map[string][]any{
		"count_to_n": {1_000_000}, "stream_processor": {1_000_000}, "stream_data": {1_000_000},
		"process_data": {[]any{1, 2, 3}}, "large_data_processor": {[]any{1, 2, 3}},
	} {
		chunks := 0
		_, err := newHost(t).Stream(t.Context(), newCall(t, name, args...), func(tool.Chunk) error {
			if chunks++; chunks == 2 {
				return gone
			}
			return nil
		})
		require.ErrorIs(t, err, gone, name)
		require.Equal(t, 2, chunks, name)
	}
}

func TestStreamProcessor_called_for_one_result_beyond_the_limit_says_so(t *testing.T) {
	t.Parallel()
	_, err := callTool(t, newHost(t), "stream_processor", 1_000_000)
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
	require.True(t, strings.HasPrefix(refused(t, err).Message, "message too large"))
}
