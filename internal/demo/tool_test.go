package demo_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestTools_do_what_their_names_say(t *testing.T) {
	t.Parallel()
	day, err := value.FromJSON([]byte(`{"$date":"2026-05-01"}`))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		tool string
		args []any
		want string
	}{
		"echo a text":                       {"echo_tool", []any{"hello"}, `"hello"`},
		"echo none":                         {"echo_tool", []any{nil}, `null`},
		"echo by name":                      {"echo_tool", []any{kw{"value": []any{1, 2.0}}}, `[1,2.0]`},
		"echo a date":                       {"echo_tool", []any{day}, `{"$date":"2026-05-01"}`},
		"upper case":                        {"simple_tool", []any{"iteration_7"}, `"ITERATION_7"`},
		"at once":                           {"fast_tool", []any{"warmup"}, `"warmup"`},
		"type of a text":                    {"any_tool", []any{"input"}, `{"type":"str","value":"input"}`},
		"type of a date":                    {"any_tool", []any{day}, `{"type":"date","value":{"$date":"2026-05-01"}}`},
		"waits and gives its task":          {"cpu_bound_tool", []any{"task_1"}, `"task_1"`},
		"sum of no squares":                 {"compute_tool", []any{0}, `0`},
		"sum of squares":                    {"compute_tool", []any{49}, `40425`},
		"sum of a million squares":          {"compute_tool", []any{1_000_000}, `333333833333500000`},
		"two ints":                          {"add_numbers", []any{2, 40}, `42`},
		"two ints by name":                  {"add_numbers", []any{kw{"b": 40, "a": 2}}, `42`},
		"ints beyond 64 bits":               {"add_numbers", []any{math.MaxInt64, math.MaxInt64}, `18446744073709551614`},
		"very large ints":                   {"add_numbers", []any{new(big.Int).Lsh(big.NewInt(1), 70), -1}, `1180591620717411303423`},
		"square":                            {"process", []any{12, kw{"option": "A"}}, `144`},
		"square without option":             {"process", []any{12}, `144`},
		"double":                            {"process", []any{12, kw{"option": "B"}}, `24`},
		"negative":                          {"process", []any{12, kw{"option": "C"}}, `-12`},
		"square beyond 64 bits":             {"process", []any{math.MaxInt64}, `85070591730234615847396907784232501249`},
		"double a float":                    {"process", []any{1.5, kw{"option": "B"}}, `3.0`},
		"square a float":                    {"process", []any{1.5}, `2.25`},
		"negative float":                    {"process", []any{1.5, kw{"option": "C"}}, `-1.5`},
		"text in upper case":                {"process", []any{"Abc"}, `"ABC"`},
		"text in lower case":                {"process", []any{"Abc", kw{"option": "B"}}, `"abc"`},
		"text backwards":                    {"process", []any{"Abç", kw{"option": "C"}}, `"çbA"`},
		"expression":                        {"calculate", []any{"2 * (3 + 4)"}, `14`},
		"a number is its own value":         {"calculate", []any{57, kw{"option": "A"}}, `57`},
		"a very large number":               {"calculate", []any{new(big.Int).Lsh(big.NewInt(1), 70)}, `1180591620717411303424`},
		"two decimals":                      {"calculate", []any{"2 / 3", kw{"option": "B"}}, `0.67`},
		"too large for decimals":            {"calculate", []any{"1e307 * 10", kw{"option": "B"}}, `1e+308`},
		"a whole number":                    {"calculate", []any{"8 / 3", kw{"option": "C"}}, `3`},
		"a whole number beyond 64 bits":     {"calculate", []any{"2 ** 70", kw{"option": "C"}}, `1180591620717411303424`},
		"a float in exact form":             {"calculate", []any{2.5}, `2.5`},
		"signs":                             {"calculate", []any{"-3 + +5 - -1"}, `3`},
		"functions":                         {"calculate", []any{"max(abs(-3), min(7, 9)) + round(1.4) - floor(2.9) + ceil(0.1)"}, `7.0`},
		"negative and absolute float":       {"calculate", []any{"abs(-1.5) * -2"}, `-3.0`},
		"list of the chunks":                {"count_to_n", []any{3}, `[1,2,3]`},
		"an empty list of chunks":           {"count_to_n", []any{0}, `[]`},
		"an answer for a call without text": {"flaky_tool_second", nil, `"success"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := newHost(t)
			if c.tool == "flaky_tool_second" {
				c.tool = "flaky_tool"
				_, err := callTool(t, host, c.tool)
				require.Error(t, err)
			}

			got, err := callTool(t, host, c.tool, c.args...)

			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestAnyTool_names_every_type_as_tools_declare_it(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	for text, want := range map[string]string{
		`null`: "none", `true`: "bool", `1`: "int", `99999999999999999999`: "int", `1.5`: "float", `"x"`: "str", `[]`: "list", `{}`: "dict",
		`{"$bytes":"AA=="}`: "bytes", `{"$tuple":[]}`: "tuple", `{"$set":[1]}`: "set", `{"$frozenset":[1]}`: "set",
		`{"$datetime":"2026-05-01T10:00:00"}`: "datetime", `{"$datetime":"2026-05-01T10:00:00+00:00"}`: "datetime",
		`{"$date":"2026-05-01"}`: "date", `{"$time":"10:00:00"}`: "time", `{"$timedelta":1}`: "timedelta", `{"$decimal":"1.10"}`: "Decimal",
		`{"$uuid":"00000000-0000-0000-0000-000000000001"}`: "UUID", `{"$fraction":[1,2]}`: "any",
		`{"$any":{"type_url":"type.googleapis.com/python.Thing","base64":""}}`: "python.Thing",
	} {
		v, err := value.FromJSON([]byte(text))
		require.NoError(t, err, text)
		got, err := callTool(t, host, "any_tool", v)
		require.NoError(t, err, text)
		var answer struct{ Type string }
		require.NoError(t, json.Unmarshal([]byte(got), &answer), text)
		require.Equal(t, want, answer.Type, text)
	}
}

func TestTools_refuse_what_they_cannot_take_by_the_name_of_the_argument(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tool     string
		args     []any
		argument string
		want     string
	}{
		"missing":                   {"add_numbers", []any{1}, "b", `argument "b" of tool "add_numbers"`},
		"surplus":                   {"echo_tool", []any{1, 2}, "", `tool "echo_tool"`},
		"misnamed":                  {"echo_tool", []any{1, kw{"valu": 2}}, "valu", `no argument "valu"`},
		"twice":                     {"echo_tool", []any{1, kw{"value": 2}}, "value", `given twice`},
		"text for a number":         {"add_numbers", []any{1, "2"}, "b", `want int, got str`},
		"float for an int":          {"add_numbers", []any{1.0, 2}, "a", `want int, got float`},
		"none for an int":           {"add_numbers", []any{nil, 2}, "a", `want int, got none`},
		"a number for a text":       {"simple_tool", []any{1}, "text", `want str, got int`},
		"negative":                  {"compute_tool", []any{-1}, "n", `argument "n" of tool "compute_tool"`},
		"above the limit":           {"compute_tool", []any{1_000_001}, "n", `argument "n" of tool "compute_tool"`},
		"unknown option":            {"process", []any{1, kw{"option": "D"}}, "option", `argument "option" of tool "process"`},
		"a list to process":         {"process", []any{[]any{1}}, "value", `want a number or a text, got list`},
		"a list to search for":      {"search", []any{[]any{1}}, "query", `want str, int or float, got list`},
		"a long text to search for": {"search", []any{strings.Repeat("x", 1001)}, "query", `has 1001 characters: the limit is 1000`},
		"a long text for the web":   {"search_web", []any{strings.Repeat("x", 1001)}, "query", `argument "query" of tool "search_web"`},
		"no results at all":         {"search_web", []any{"x", 0}, "limit", `argument "limit" of tool "search_web"`},
		"a list to calculate":       {"calculate", []any{[]any{1}}, "expression", `want str, int or float, got list`},
		"no number to calculate":    {"calculate", []any{math.NaN(), kw{"option": "C"}}, "expression", `want a finite number, got NaN`},
		"text among the numbers":    {"large_data_processor", []any{[]any{1, "2"}}, "numbers", `argument "numbers" of tool "large_data_processor"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := callTool(t, newHost(t), c.tool, c.args...)

			e := refused(t, err)
			require.Equal(t, tool.ValidationError, e.Code)
			require.Contains(t, e.Message, c.want)
			if c.argument != "" {
				require.Equal(t, c.argument, e.Details["argument"])
			}
		})
	}
}

func TestFlakyTool_fails_every_other_call_so_that_a_retry_succeeds(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	for range 3 {
		_, err := callTool(t, host, "flaky_tool", "x")
		e := refused(t, err)
		require.True(t, e.Retryable)
		require.Equal(t, 10*time.Millisecond, e.RetryAfter)

		got, err := callTool(t, host, "flaky_tool", "x")
		require.NoError(t, err)
		require.Equal(t, `"x"`, got)
	}
}

func TestCpuBoundTool_waits_and_says_so(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	started := time.Now()

	_, err := callTool(t, host, "cpu_bound_tool", "x")

	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(started), 20*time.Millisecond)
	require.Contains(t, host.Specs()[8].Description, "Waits for 20 ms")
}

func TestComputeTool_computes_without_a_wait_for_each_of_the_documents_inputs(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	for n := range 50 {
		got, err := callTool(t, host, "compute_tool", n)
		require.NoError(t, err)
		want, err := json.Marshal(n * (n + 1) * (2*n + 1) / 6)
		require.NoError(t, err)
		require.Equal(t, string(want), got)
	}
}

func TestLoadTest_arguments_are_taken_by_each_of_its_tools(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	for _, name := range []string{"search", "calculate", "process"} {
		for _, option := range []string{"A", "B", "C"} {
			_, err := callTool(t, host, name, 57, kw{"option": option})
			require.NoError(t, err, name)
		}
		_, err := callTool(t, host, name, 14)
		require.NoError(t, err, name)
	}
}
