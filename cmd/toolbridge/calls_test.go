package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// hang starts a call that only ends when somebody cancels it, and returns its id and what its caller will hear.
func (d *desk) hang() (id string, heard <-chan error) {
	d.t.Helper()
	client := d.client()
	worker := toolbridge.NewWorker(client)
	toolbridge.AddTool(worker, "hang", func(ctx context.Context, _ struct{}) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	d.t.Cleanup(func() {
		cancel()
		<-ended //nolint:errcheck // cancelled
	})
	<-worker.Ready()
	session, err := client.Session(d.t.Context(), "hanging")
	require.NoError(d.t, err)
	result := make(chan error, 1)
	go func() {
		_, err := session.With(toolbridge.RequestID("mine")).Call(d.t.Context(), "hang")
		result <- err
	}()
	require.Eventually(d.t, func() bool {
		for c, err := range client.Calls(d.t.Context(), toolbridge.CallFilter{State: toolbridge.CallRunning}) {
			require.NoError(d.t, err)
			id = c.ID
		}
		return id != ""
	}, 10*time.Second, time.Millisecond)
	return id, result
}

func TestCalls_are_listed_shown_and_cancelled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, 1, strings.Count(d.works("calls"), "\n"), "only the heading")
	d.works("call", "echo_tool", "secret-argument")
	require.NotEqual(t, exitOK, d.run("call", "none").code)
	id, heard := d.hang()

	list := d.works("calls")
	require.Regexp(t, `(?m)^`+id+` +running +running +hanging +hang +\S+ .* 0 +- +mine$`, list)
	require.Regexp(t, `(?m) done +running +cli +echo_tool `, list)
	require.Regexp(t, `(?m) done +routing +cli +none .* ToolNotFound `, list)
	require.NotContains(t, list, "secret-argument")
	require.Less(t, strings.Index(list, "hang"), strings.Index(list, "echo_tool"), "those that arrived last come first")

	require.Regexp(t, `(?m)^`+id, d.works("calls", "list", "--state", "running", "--session", "hanging", "--tool", "hang", "--request", "mine"))
	require.NotContains(t, d.works("calls", "list", "--session", "cli"), id)
	require.Equal(t, 2, strings.Count(d.works("calls", "--limit", "1"), "\n"))
	shown := d.works("calls", "show", id)
	require.Regexp(t, `(?m)^state +running$`, shown)
	require.Regexp(t, `(?m)^request +mine$`, shown)
	for _, phase := range []string{"duration", "queued", "routed", "executed", "under way"} {
		require.Regexp(t, `(?m)^`+phase+` +\d`, shown)
	}

	require.Contains(t, d.works("__complete", "--", "calls", "cancel", ""), id)
	require.NotContains(t, d.works("__complete", "--", "calls", "cancel", "x"), id)
	require.Equal(t, "cancel\nlist\nshow\n", sortedLines(d.works("__complete", "--", "calls", "")))

	require.Equal(t, "cancelled "+id+"\n", d.works("calls", "cancel", id))
	err := <-heard
	require.Equal(t, tool.Cancelled, tool.CodeOf(err))
	require.ErrorContains(t, err, "an operator cancelled the call "+id)
	require.Regexp(t, `(?m)^state +outcome_unknown$`, d.works("calls", "show", id))
	require.Contains(t, d.works("__complete", "--", "calls", "show", ""), id)

	out := d.run("calls", "cancel", id)
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "error: CallNotFound: ")
	require.Contains(t, out.stderr, "hint: toolbridge calls list")
}

func sortedLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		for j := i + 1; j < len(lines); j++ {
			if lines[j] < lines[i] {
				lines[i], lines[j] = lines[j], lines[i]
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestCalls_with_json(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var none []any
	d.run("calls", "--json").document(t, &none)
	require.NotNil(t, none)
	id, heard := d.hang()
	type call struct {
		ID       string  `json:"call_id"`
		Session  string  `json:"session_id"`
		Tool     string  `json:"tool_id"`
		State    string  `json:"state"`
		Worker   string  `json:"worker"`
		Started  string  `json:"started_at"`
		Duration float64 `json:"duration_ms"`
		Error    string  `json:"error"`
	}
	var all []call
	d.run("calls", "list", "--json").document(t, &all)
	require.Len(t, all, 1)
	require.Equal(t, id, all[0].ID)
	require.Equal(t, "hanging", all[0].Session)
	require.Equal(t, "running", all[0].State)
	require.NotEmpty(t, all[0].Worker)
	require.NotEmpty(t, all[0].Started)
	require.Positive(t, all[0].Duration)
	var cancelled struct{ Cancelled []string }
	d.run("calls", "cancel", id, "--json").document(t, &cancelled)
	require.Equal(t, []string{id}, cancelled.Cancelled)
	require.Error(t, <-heard)
	var one call
	d.run("calls", "show", id, "--json").document(t, &one)
	require.Equal(t, "Cancelled", one.Error)
	require.Equal(t, "outcome_unknown", one.State)
}

func TestCalls_refuse_what_cannot_be(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for want, args := range map[string][]string{
		"error: CallNotFound: ":            {"show", "none"},
		"error: Usage: --limit is -1":      {"list", "--limit=-1"},
		"error: Usage: --state must be on": {"list", "--state", "odd"},
		"error: Usage: expected \"<id>":    {"cancel"},
	} {
		out := d.run(append([]string{"calls"}, args...)...)
		require.NotEqual(t, exitOK, out.code, args)
		require.Contains(t, out.stderr, want)
	}
}
