package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestLatencies_are_exact_to_one_percent(t *testing.T) {
	t.Parallel()
	var all, half latencies
	for i := 1; i <= 1000; i++ {
		to := &all
		if i%2 == 0 {
			to = &half
		}
		to.add(time.Duration(i) * time.Millisecond)
	}
	all.merge(&half)
	require.Equal(t, 1000, all.count)
	require.Equal(t, 500500*time.Microsecond, all.mean())
	for q, want := range map[float64]time.Duration{0: time.Millisecond, 0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 0.999: 999 * time.Millisecond, 1: time.Second} {
		require.InEpsilon(t, want, all.quantile(q), 0.011, "%g", q)
	}
	require.Equal(t, time.Second, all.most)
}

func TestLatencies_hold_what_is_too_short_too_long_or_not_there(t *testing.T) {
	t.Parallel()
	var l latencies
	require.Zero(t, l.mean())
	require.Zero(t, l.quantile(0.99))
	l.add(0)
	require.Zero(t, l.quantile(1))
	l.add(100 * time.Hour)
	require.Equal(t, 100*time.Hour, l.quantile(1))
}

// benched is the JSON document of a measurement.
type benched struct {
	Tool          string
	Calls         int
	Answered      int
	PerSecond     float64 `json:"answered_per_second"`
	Failed        int
	Failures      map[string]int
	AnsweredMS    map[string]float64            `json:"answered_ms"`
	FailedMS      map[string]float64            `json:"failed_ms"`
	PhasesMS      map[string]map[string]float64 `json:"phases_ms"`
	Seconds, Rate float64
	Concurrency   int
}

func TestBench_shows_how_long_calls_take_and_where(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	printed := d.works("bench", "echo_tool", "hello", "--calls", "40", "--concurrency", "4")
	require.Regexp(t, `^echo_tool: 40 calls answered in \d+\.\d s, [0-9.]+ a second, 4 at once; 0 failed\n +MEAN ms +P50`, printed)
	for _, row := range []string{"answered", "queue", "route", "execute", "transport", "client"} {
		require.Regexp(t, `(?m)^`+row+`( +\d+\.\d{3}){6}$`, printed)
	}
	require.NotContains(t, printed, "waiting", "nothing is due")
	require.NotRegexp(t, `(?m)^failed `, printed)
}

func TestBench_counts_from_when_a_call_was_due(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var out benched
	// 20 ms each, one at a time, due every 5 ms: the last of them begins late by the time of all before it.
	d.run("bench", "cpu_bound_tool", "x", "--rate", "200", "--duration", "100ms", "--json").document(t, &out)
	require.Equal(t, 20, out.Calls)
	require.Zero(t, out.Failed)
	require.Greater(t, out.AnsweredMS["max"], 200.0)
	require.Less(t, out.PhasesMS["client"]["p50"], out.AnsweredMS["p50"])
	require.InDelta(t, 200, out.Rate, 0)
	require.Greater(t, out.PhasesMS["waiting"]["max"], 150.0, "for the calls before")
	sum := 0.0
	for _, phase := range out.PhasesMS {
		sum += phase["mean"]
	}
	require.Len(t, out.PhasesMS, 6)
	require.InEpsilon(t, out.AnsweredMS["mean"], sum, 0.2, "the phases are all there is: %v", out)
}

func TestBench_tells_failed_calls_apart_from_those_that_were_answered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var out benched
	r := d.run("bench", "flaky_tool", "x", "--calls", "60", "--json")
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &out))
	require.Equal(t, 60, out.Calls)
	require.Equal(t, 60, out.Answered+out.Failed)
	require.Positive(t, out.Answered)
	require.Positive(t, out.Failed)
	require.Positive(t, out.AnsweredMS["p99"])
	require.Positive(t, out.FailedMS["p99"])

	printed := d.run("bench", "flaky_tool", "x", "--calls", "60").stdout
	require.Regexp(t, `^flaky_tool: \d+ calls answered in .*; [1-9]\d* failed\n`, printed)
	require.Regexp(t, `(?m)^answered( +\d+\.\d{3}){6}$`, printed)
	require.Regexp(t, `(?m)^failed( +\d+\.\d{3}){6}$`, printed)
}

func TestBench_whose_calls_all_run_out_of_time_shows_how_long_they_took(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var out benched
	r := d.run("bench", "cpu_bound_tool", "x", "--calls", "3", "--timeout", "1ms", "--json") // which takes 20 ms
	require.Equal(t, exitDeadline, r.code)
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &out))
	require.Zero(t, out.Answered)
	require.Equal(t, 3, out.Failed)
	require.GreaterOrEqual(t, out.FailedMS["p50"], 1.0)
	require.NotRegexp(t, `(?m)^(answered|queue) `, d.run("bench", "cpu_bound_tool", "x", "--calls", "1", "--timeout", "1ms").stdout, "there are none")
}

func TestBench_at_a_rate_counts_the_whole_time_for_which_calls_are_due(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var out benched
	d.run("bench", "echo_tool", "x", "--rate", "0.001", "--duration", "300ms", "--json").document(t, &out)
	require.Equal(t, 1, out.Calls)
	require.GreaterOrEqual(t, out.Seconds, 0.3)
	require.LessOrEqual(t, out.PerSecond, 1/0.3)
	d.run("bench", "echo_tool", "x", "--rate", "20", "--calls", "4", "--json").document(t, &out)
	require.Equal(t, 4, out.Calls)
	require.LessOrEqual(t, out.PerSecond, 20.0, "the last call's time belongs to it")
	require.Regexp(t, `(?m)^waiting( +\d+\.\d{3}){6}$`, d.works("bench", "echo_tool", "x", "--rate", "100", "--calls", "2"))
}

func TestBench_ends_when_time_is_over_and_takes_plain_RPCs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	givenTime(t, 50*time.Millisecond, func(limit time.Duration) bool {
		var out benched
		d.run("bench", "add_numbers", "40", "2", "--plain", "-d", limit.String(), "--json").document(t, &out)
		require.GreaterOrEqual(t, out.Seconds, limit.Seconds())
		require.Equal(t, "add_numbers", out.Tool)
		return out.Answered > 0 && out.PerSecond > 0
	})
}

func TestBench_says_what_failed_with_the_code_of_the_most(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	out := d.run("bench", "flaky_tool", "x", "--calls", "10", "--json")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stdout, `"failures":{"RateLimitExceeded":`)
	require.Contains(t, out.stderr, `"code":"RateLimitExceeded"`)
	require.Contains(t, out.stderr, "failed: ")
	require.Contains(t, out.stderr, "call it again")
}

func TestBench_of_what_cannot_work_says_so_at_once(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	out := d.run("bench", "nothing")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "ToolNotFound")
	require.Empty(t, out.stdout)
	for _, flags := range []string{"--concurrency=0", "--concurrency=4097", "--duration=0s", "--calls=-1", "--rate=-1", "--rate=NaN", "--rate=1e7", "--rate=1e300", "--rate=+Inf", "--rate=1e-300", "--rate=0.0009"} {
		out := d.run("bench", "echo_tool", "x", flags)
		require.Equal(t, exitUsage, out.code, flags)
		require.Contains(t, out.stderr, strings.SplitN(flags, "=", 2)[0])
		if strings.HasPrefix(flags, "--rate") {
			require.Contains(t, out.stderr, "want 0.001 to 1000000 calls a second, or 0 for no rate")
		}
	}
	for _, flag := range []string{"--rate", "-r"} {
		require.Contains(t, d.run("bench", "echo_tool", "x", flag, "-5").stderr, "--rate is -5: want 0.001")
	}
	for _, flags := range [][]string{{"--users=0"}, {"--users=5000"}, {"--duration=-1s"}, {"--min-wait=2s"}, {"--min-wait=-1s"}} {
		require.Equal(t, exitUsage, d.run(append([]string{"bench", "load"}, flags...)...).code, "%s", flags)
	}
}

func TestBench_that_is_interrupted_shows_what_it_has(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := startCommand(t, d.env(), "bench", "echo_tool", "x", "--duration", "1h")
	client := d.client()
	require.Eventually(t, func() bool {
		_, err := client.SessionInfo(t.Context(), defaultSession)
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, exitInterrupted, r.stop())
}

func TestBenchLoad_makes_the_mix_without_a_failure(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	givenTime(t, 2*time.Second, func(limit time.Duration) bool {
		var out map[string]any
		d.run("bench", "load", "--users", "8", "--duration", limit.String(), "--min-wait", "0s", "--max-wait", "5ms", "--json").document(t, &out)
		for _, row := range []string{"session", "execute", "stream", "batch"} {
			found := out[row].(map[string]any)
			require.Zero(t, found["failed"], row)
			if found["requests"] == 0.0 {
				return false
			}
			require.Positive(t, found["answered_ms"].(map[string]any)["p99"], row)
		}
		require.InDelta(t, 8.0, out["session"].(map[string]any)["requests"], 0)
		return true
	})
	sessions := d.works("sessions")
	require.NotContains(t, sessions, "load_test_", "its sessions have ended")
	printed := d.works("bench", "load", "--users", "1", "--duration", "20ms")
	require.Regexp(t, `^1 users for 20ms\nREQUEST +COUNT +/s +MEAN ms`, printed)
}

func TestBenchLoad_fails_where_a_request_failed(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t) // without the demo's tools
	givenTime(t, 2*time.Second, func(limit time.Duration) bool {
		out := d.run("bench", "load", "--users", "2", "--duration", limit.String(), "--max-wait", "100ms")
		if out.code == exitOK {
			return false // no request was made
		}
		require.Equal(t, exitFailed, out.code)
		require.Contains(t, out.stderr, string(tool.ToolNotFound))
		require.Regexp(t, `(?m)^(execute|stream|batch) failed +\d+ `, out.stdout)
		return true
	})
}
