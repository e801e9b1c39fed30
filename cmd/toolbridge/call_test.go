package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCall_prints_the_result_for_people(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for want, args := range map[string][]string{
		"hello\n":                      {"echo_tool", "hello"},
		"hello world\n":                {"echo_tool", "hello world"},
		"\n":                           {"echo_tool", ""},
		"null\n":                       {"echo_tool", "null"},
		"true\n":                       {"echo_tool", "true"},
		"1.0\n":                        {"echo_tool", "1.0"},
		"-5\n":                         {"echo_tool", "-5"},
		"-1.5e-07\n":                   {"echo_tool", "-1.5e-7"},
		"12345678901234567890123\n":    {"echo_tool", "12345678901234567890123"},
		"a=b\n":                        {"echo_tool", `"a=b"`},
		"@home\n":                      {"echo_tool", `"@home"`},
		"1 + 1 = 2\n":                  {"echo_tool", "1 + 1 = 2"},
		"-x\n":                         {"echo_tool", "--", "-x"},
		"[1,2]\n":                      {"echo_tool", "[1, 2]"},
		"{\"$date\":\"2026-05-01\"}\n": {"echo_tool", `{"$date":"2026-05-01"}`},
		"{\"$bytes\":\"aGk=\"}\n":      {"echo_tool", `{"$bytes":"aGk="}`},
		"{\"a\":\"<&>\"}\n":            {"echo_tool", `{"a":"<&>"}`},
		"{\"$float\":\"NaN\"}\n":       {"echo_tool", `{"$float":"NaN"}`},
		"42\n":                         {"add_numbers", "2", "40"},
		"41\n":                         {"add_numbers", "b=-1", "a=42"},
		"-42\n":                        {"add_numbers", "-2", "b=-40"},
		"14\n":                         {"calculate", "2 * (3 + 4)"},
		"0.67\n":                       {"calculate", "2/3", "option=B"},
		"[1,2,3]\n":                    {"count_to_n", "3"},
		"{\"$map\":[[1,2]]}\n":         {"echo_tool", `{"$map":[[1,2]]}`},
		"3\n":                          {"echo_tool", "value=3"},
	} {
		require.Equal(t, want, d.works(append([]string{"call"}, args...)...), args)
	}
}

func TestCall_with_json_prints_one_document_that_is_lossless(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for text, want := range map[string]string{
		"hello": `"hello"`, "1": "1", "1.0": "1.0", `{"b":1,"a":[1.0,"<&>"]}`: `{"b":1,"a":[1.0,"<&>"]}`,
		`{"$decimal":"1.10"}`: `{"$decimal":"1.10"}`, `{"$tuple":[1,2]}`: `{"$tuple":[1,2]}`, "9007199254740993": "9007199254740993",
	} {
		require.Equal(t, want+"\n", d.works("call", "echo_tool", text, "--json"), text)
	}
}

func TestCall_shows_like_records_in_columns(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, "name    n\nab      1\nc d   200\n", d.works("call", "echo_tool", `[{"name":"ab","n":1},{"name":"c\nd ","n":200}]`))
	require.Equal(t, "[{\"a\":1},{\"b\":1}]\n", d.works("call", "echo_tool", `[{"a":1},{"b":1}]`))
	require.Equal(t, "[{\"a\":1},2]\n", d.works("call", "echo_tool", `[{"a":1},2]`))
	require.Equal(t, "[{}]\n", d.works("call", "echo_tool", `[{}]`))
}

func TestCall_spreads_a_long_value_over_lines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 120)
	require.Equal(t, "{\n  \"a\": \""+long+"\"\n}\n", newDesk(t).works("call", "echo_tool", `{"a":"`+long+`"}`))
}

func TestCall_says_how_long_it_took(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	out := d.run("call", "cpu_bound_tool", "x", "--time")
	require.Equal(t, "x\n", out.stdout)
	require.Regexp(t, `^took \d+\.\d{3} ms, queued \d+\.\d{3} ms, routed \d+\.\d{3} ms, ran \d\d+\.\d{3} ms, under way \d+\.\d{3} ms\n$`, out.stderr)

	var document struct {
		Result  string
		Metrics struct {
			DurationMS float64 `json:"duration_ms"`
			ExecuteMS  float64 `json:"execute_ms"`
			Attempts   int
		}
	}
	d.run("call", "cpu_bound_tool", "x", "--time", "--json").document(t, &document)
	require.Equal(t, "x", document.Result)
	require.GreaterOrEqual(t, document.Metrics.ExecuteMS, 20.0)
	require.GreaterOrEqual(t, document.Metrics.DurationMS, document.Metrics.ExecuteMS)
	require.Equal(t, 1, document.Metrics.Attempts)
}

func TestCall_that_runs_out_of_time_says_how_long_it_took(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	givenTime(t, 300*time.Millisecond, func(limit time.Duration) bool {
		out := d.run("call", "count_to_n", "9", "delay_ms=9000", "--time", "--timeout", limit.String())
		if out.code == exitUnreachable || !strings.Contains(out.stderr, "took ") {
			return false // it was not called in time
		}
		require.Equal(t, exitDeadline, out.code, out.stderr)
		require.Regexp(t, `^took \d+\.\d{3} ms(, queued .* under way .*| as seen from here; the bridge's answer, which says where, did not come in time)\nerror: DeadlineExceeded: `, out.stderr)

		var document struct {
			Error struct {
				Metrics *struct {
					DurationMS  float64 `json:"duration_ms"`
					RouteMS     float64 `json:"route_ms"`
					ExecuteMS   float64 `json:"execute_ms"`
					TransportMS float64 `json:"transport_ms"`
					Answered    bool
				}
			}
		}
		out = d.run("call", "count_to_n", "9", "delay_ms=9000", "--time", "--json", "--timeout", limit.String())
		require.NoError(t, json.Unmarshal([]byte(out.stderr), &document))
		m := document.Error.Metrics
		if m == nil {
			return false
		}
		require.Positive(t, m.DurationMS)
		require.Equal(t, m.RouteMS+m.ExecuteMS+m.TransportMS > 0, m.Answered)
		return true
	})
}

func TestMetrics_that_only_the_caller_knows_are_shown_so(t *testing.T) {
	t.Parallel()
	waited := tool.Metrics{Duration: 1500 * time.Microsecond}
	require.Equal(t, "took 1.500 ms as seen from here; the bridge's answer, which says where, did not come in time", metricsText(waited))
	require.Equal(t, false, metricsDocument(waited)["answered"])
	waited.Route = waited.Duration
	require.Regexp(t, "^took 1.500 ms, queued 0.000 ms, routed 1.500 ms, ", metricsText(waited))
	require.Equal(t, true, metricsDocument(waited)["answered"])
}

func TestCall_says_of_a_failed_one_too_how_long_it_took(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	out := d.run("call", "calculate", "1/0", "--time")
	require.Equal(t, exitFailed, out.code)
	require.Empty(t, out.stdout)
	require.Regexp(t, `^took \d+\.\d{3} ms, queued .* under way \d+\.\d{3} ms\nerror: ValidationError: `, out.stderr)

	var document struct {
		Error struct {
			Code    string
			Metrics *struct {
				DurationMS float64 `json:"duration_ms"`
				Attempts   int
			}
		}
	}
	out = d.run("call", "calculate", "1/0", "--time", "--json")
	require.Equal(t, exitFailed, out.code)
	require.NoError(t, json.Unmarshal([]byte(out.stderr), &document))
	require.Equal(t, "ValidationError", document.Error.Code)
	require.Positive(t, document.Error.Metrics.DurationMS)
	require.Equal(t, 1, document.Error.Metrics.Attempts)

	require.NotContains(t, d.run("call", "calculate", "1/0", "--json").stderr, "metrics")
	require.NotContains(t, d.run("call", "calculate", "1/0").stderr, "took")
}

func TestCall_reads_arguments_from_files_and_standard_input(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := file(t, "value.json", ` {"a": [1, 2]} `)

	for _, argument := range []string{"@" + path, "value=@" + path} {
		require.JSONEq(t, `{"a":[1,2]}`, d.works("call", "echo_tool", argument))
	}
	require.Equal(t, "7\n", runWith(t.Context(), d.env(), "7\n", "call", "echo_tool", "@-").stdout)
	for want, argument := range map[string]string{
		"no such file": "@" + path + ".none", "does not hold JSON": "@" + file(t, "text", "hello"),
	} {
		out := d.run("call", "echo_tool", argument)
		require.Equal(t, exitUsage, out.code)
		require.Contains(t, out.stderr, want)
	}
}

func TestCall_with_a_value_that_is_too_large_fails_before_it_is_sent(t *testing.T) {
	t.Parallel()
	large := file(t, "large.json", `"`+strings.Repeat("x", 10<<20)+`"`)
	for _, args := range [][]string{{"call", "echo_tool", "@" + large}, {"vars", "set", "x", "@" + large}} {
		out := newDesk(t).run(args...)
		require.Equal(t, exitFailed, out.code)
		require.Contains(t, out.stderr, "error: MessageTooLarge: ")
		require.Contains(t, out.stderr, "message too large")
		require.Less(t, len(out.stderr), 1000)
	}
}

func TestCall_refuses_what_is_meant_to_be_JSON_and_is_none(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]string{
		`[1,`:               "begins like JSON but is none",
		`"open`:             "begins like JSON but is none",
		`{a: 1}`:            "begins like JSON but is none",
		`{"$unknown": 1}`:   "$unknown",
		`{"$date": "soon"}`: "soon",
		`1e999`:             "1e999",
		`value=[`:           `argument "value"`,
	} {
		out := alone(t, "call", "echo_tool", argument)
		require.Equal(t, exitUsage, out.code, argument)
		require.True(t, strings.HasPrefix(out.stderr, "error: SerializationError: "), out.stderr)
		require.Contains(t, out.stderr, want, argument)
	}
	require.Contains(t, alone(t, "call", "echo_tool", "\xff").stderr, "UTF-8")
	var told struct {
		Error struct {
			Code    tool.Code         `json:"code"`
			Details map[string]string `json:"details"`
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal([]byte(alone(t, "--json", "call", "x", `{"a": [{"$date": "soon"}]}`).stderr), &told))
	require.Equal(t, tool.SerializationError, told.Error.Code)
	require.Equal(t, `$.a[0]["$date"]`, told.Error.Details["path"])
	require.Contains(t, told.Error.Details["expected"], "a date")
	require.Contains(t, alone(t, "call", "x", "a=1", "a=2").stderr, `argument "a" is given twice`)
}

func TestCall_tells_errors_apart_by_code_hint_and_exit_code(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, c := range map[string]struct {
		args []string
		exit int
		want []string
	}{
		"unknown tool":     {[]string{"call", "nope"}, exitFailed, []string{"error: ToolNotFound: ", `"nope"`, "hint: toolbridge tools"}},
		"missing argument": {[]string{"call", "add_numbers", "1"}, exitFailed, []string{"error: ValidationError: ", `"b"`, "hint: toolbridge tools add_numbers"}},
		"surplus argument": {[]string{"call", "add_numbers", "1", "2", "3"}, exitFailed, []string{"error: ValidationError: ", `"add_numbers"`}},
		"misnamed":         {[]string{"call", "add_numbers", "1", "c=2"}, exitFailed, []string{"error: ValidationError: ", `"c"`}},
		"mistyped":         {[]string{"call", "add_numbers", "1", "x"}, exitFailed, []string{"error: ValidationError: ", "want int, got str"}},
		"retryable":        {[]string{"call", "flaky_tool"}, exitFailed, []string{"error: RateLimitExceeded: ", "hint: --retry N"}},
		"bad tool name":    {[]string{"call", "a\x01b"}, exitFailed, []string{"error: ValidationError: "}},
		"bad session name": {[]string{"call", "echo_tool", "1", "--session", strings.Repeat("x", 300)}, exitFailed, []string{"error: ValidationError: ", "256"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := d.run(c.args...)
			require.Equal(t, c.exit, out.code, out.stderr)
			require.Empty(t, out.stdout)
			for _, want := range c.want {
				require.Contains(t, out.stderr, want)
			}
		})
	}
}

func TestCall_that_takes_longer_than_it_may_says_so_with_its_own_exit_code(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	givenTime(t, 50*time.Millisecond, func(limit time.Duration) bool {
		out := d.run("call", "count_to_n", "9", "delay_ms=9000", "--timeout", limit.String())
		if out.code == exitUnreachable {
			return false // the bridge was not reached in time
		}
		require.Equal(t, exitDeadline, out.code, out.stderr)
		require.Empty(t, out.stdout)
		require.Contains(t, out.stderr, "error: DeadlineExceeded: ")
		require.Contains(t, out.stderr, "--timeout")
		return true
	})
}

func TestCall_with_json_prints_errors_as_JSON(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	out := d.run("call", "add_numbers", "1", "x", "--json")
	got := out.failure(t)
	require.Equal(t, exitFailed, out.code)
	require.Equal(t, tool.ValidationError, got.Code)
	require.Equal(t, "b", got.Details["argument"])
	require.False(t, got.Retryable)

	require.True(t, d.run("--json", "call", "flaky_tool").failure(t).Retryable)
	out = d.run("call", "--json", "--nonsense")
	require.Equal(t, usageCode, out.failure(t).Code)
	require.Equal(t, exitUsage, out.code)
}

func TestCall_tries_again_when_asked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, "steady\n", d.works("call", "flaky_tool", "steady", "--retry", "2"))
	require.Equal(t, exitUsage, d.run("call", "flaky_tool", "--retry", "-1").code)
}

func TestCall_with_a_request_id_runs_once(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	out := d.run("call", "echo_tool", "1", "--request-id", "r1")
	require.Equal(t, exitOK, out.code, out.stderr)
}

func TestCall_works_in_the_session_that_is_named(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.works("call", "echo_tool", "1")
	d.works("call", "echo_tool", "1", "--session", "other")
	var sessions []struct {
		ID string `json:"session_id"`
	}
	d.run("sessions", "--json").document(t, &sessions)
	require.Len(t, sessions, 2)
	require.Equal(t, "cli", sessions[0].ID)
	require.Equal(t, "other", sessions[1].ID)
}

func TestCall_shows_what_a_tool_raised(t *testing.T) {
	t.Parallel()
	raise, err := bridge.NewFunction("raise", func(context.Context, string) (string, error) {
		return "", &brokenError{}
	}, bridge.FunctionOptions{})
	require.NoError(t, err)
	panics, err := bridge.NewFunction("panic", func(context.Context, string) (string, error) {
		panic(errors.New("at the disco"))
	}, bridge.FunctionOptions{})
	require.NoError(t, err)
	host, err := bridge.NewHost("raising", raise, panics)
	require.NoError(t, err)
	d := newDeskWith(t, host)

	out := d.run("call", "raise", "x")
	require.Equal(t, exitFailed, out.code)
	require.Equal(t, "error: ExecutionError: it broke\nraised: brokenError\n", strings.ReplaceAll(out.stderr, "\uFFFD[31m", ""))
	require.NotContains(t, out.stderr, "\x1b")

	out = d.run("call", "panic", "x", "--stack")
	require.Contains(t, out.stderr, "at the disco")
	require.Contains(t, out.stderr, "call_test.go")
	require.NotContains(t, d.run("call", "panic", "x").stderr, "call_test.go")
}

// brokenError tries to drive the terminal.
type brokenError struct{}

// Error implements error.
func (*brokenError) Error() string { return "\x1b[31mit broke" }

func TestCall_that_is_interrupted_ends_with_130(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := startCommand(t, d.env(), "stream", "count_to_n", "3", "delay_ms=9000")
	r.says("1\n")
	require.Equal(t, exitInterrupted, r.stop())
	require.Equal(t, "error: Cancelled: interrupted\n", r.stderr.String())
}

func TestWithoutABridge_every_verb_says_where_it_looked_and_what_to_do(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"call", "x"}, {"stream", "x"}, {"tools"}, {"sessions"}, {"workers"}, {"vars", "list"}, {"vars", "watch"}, {"agents"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			out := alone(t, append(args, "--bridge", "127.0.0.1:1", "--timeout", "100ms")...)
			require.Equal(t, exitUnreachable, out.code, out.stderr)
			require.Contains(t, out.stderr, "error: WorkerUnavailable: the bridge at 127.0.0.1:1 cannot be reached")
			require.Contains(t, out.stderr, "hint: toolbridge serve --demo")
		})
	}
}
