package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSessions_are_created_shown_listed_and_ended(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	require.Equal(t, "created report-7\n", d.works("sessions", "create", "report-7", "--ttl", "5m", "--label", "team=blue", "--label", "note=a=b;c"))
	require.Equal(t, "report-7 exists already\n", d.works("sessions", "create", "report-7"))
	d.works("vars", "set", "x", "1", "--session", "report-7")
	shown := d.works("sessions", "show", "report-7")
	require.Regexp(t, `(?m)^session +report-7$`, shown)
	require.Regexp(t, `(?m)^epoch +1$`, shown)
	require.Regexp(t, `(?m)^tools +17$`, shown)
	require.Regexp(t, `(?m)^ends without use after +5m0s$`, shown)
	require.Regexp(t, `(?m)^labels +note=a=b;c team=blue$`, shown)
	require.Regexp(t, `(?m)^report-7 +17 +\d.* 5m0s +note=a=b;c team=blue$`, d.works("sessions", "list", "--prefix", "report"))
	require.Equal(t, 1, strings.Count(d.works("sessions", "--prefix", "other"), "\n"))

	require.Equal(t, "ended report-7: 0 tools, 1 variables and 0 agents deleted\n", d.works("sessions", "end", "report-7"))
	out := d.run("sessions", "show", "report-7")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "error: SessionExpired: ")
	require.Contains(t, out.stderr, "hint: toolbridge sessions")
}

func TestSessions_with_json(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var created struct {
		ID      string `json:"session_id"`
		Epoch   int
		Created bool
	}
	d.run("sessions", "create", "--json").document(t, &created)
	require.NotEmpty(t, created.ID)
	require.Equal(t, 1, created.Epoch)
	require.True(t, created.Created)

	var shown struct {
		ID        string  `json:"session_id"`
		ToolCount int     `json:"tool_count"`
		TTL       float64 `json:"ttl_seconds"`
		CreatedAt string  `json:"created_at"`
	}
	d.run("sessions", "show", created.ID, "--json").document(t, &shown)
	require.Equal(t, created.ID, shown.ID)
	require.Equal(t, 17, shown.ToolCount)
	require.InDelta(t, 3600, shown.TTL, 0)
	require.NotEmpty(t, shown.CreatedAt)

	var ended struct {
		Variables int `json:"variables_removed"`
	}
	d.run("sessions", "end", created.ID, "--json", "--force").document(t, &ended)
	require.Zero(t, ended.Variables)
	var none []any
	d.run("sessions", "--json").document(t, &none)
	require.NotNil(t, none)
	require.Empty(t, none)
}

func TestSessions_refuse_what_cannot_be(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.works("sessions", "create", "taken")
	for want, args := range map[string][]string{
		"error: SessionAlreadyExists: ":         {"create", "taken", "--create-only"},
		"error: SessionNotFound: ":              {"show", "nobody"},
		"error: ValidationError: ":              {"create", strings.Repeat("x", 257)},
		"error: Usage: --ttl is -1s":            {"create", "x", "--ttl=-1s"},
		`error: Usage: expected "<id>"`:         {"end"},
		"error: Usage: unexpected argument two": {"show", "one", "two"},
	} {
		out := d.run(append([]string{"sessions"}, args...)...)
		require.NotEqual(t, exitOK, out.code, args)
		require.Contains(t, out.stderr, want)
	}
	require.NotContains(t, d.works("sessions"), "nobody")
}

// readingVerbs put nothing into a session; writingVerbs do.
func readingVerbs() [][]string {
	return [][]string{
		{"vars", "get", "x"}, {"vars", "list"}, {"vars", "delete", "x"}, {"vars", "watch"}, {"tools"}, {"tools", "echo_tool"},
		{"agents", "list"}, {"agents", "run", "a", "q=1"}, {"agents", "delete", "a"},
	}
}

func writingVerbs() [][]string {
	return [][]string{{"call", "echo_tool", "1"}, {"stream", "count_to_n", "1"}, {"vars", "set", "x", "1"}, {"agents", "create", "q -> a"}}
}

func TestSession_that_is_named_and_has_ended_is_refused_by_every_verb(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for id, shown := range map[string]string{"over": "over", "it's over": `'it'\''s over'`} {
		d.works("sessions", "create", id)
		d.works("sessions", "end", id)
		for _, verb := range append(readingVerbs(), writingVerbs()...) {
			out := d.run(append(verb, "--session", id)...)
			require.Equal(t, exitFailed, out.code, verb)
			require.Contains(t, out.stderr, "error: SessionExpired: ", verb)
			require.Contains(t, out.stderr, "hint: toolbridge sessions create "+shown, verb)
			require.Empty(t, out.stdout, verb)
		}
		require.NotContains(t, d.works("sessions"), "over")
	}
	d.works("sessions", "create", "over")
	d.works("vars", "set", "x", "1", "--session", "over")
}

func TestSession_that_is_named_and_unknown_is_created_only_by_verbs_that_put_something_into_it(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, verb := range readingVerbs() {
		out := d.run(append(verb, "--session", "typo")...)
		require.Equal(t, exitFailed, out.code, verb)
		require.Contains(t, out.stderr, "error: SessionNotFound: ", verb)
	}
	require.NotContains(t, d.works("sessions"), "typo")
	for i, verb := range writingVerbs() {
		id := fmt.Sprint("new-", i)
		d.works(append(verb, "--session", id)...)
		require.Contains(t, d.works("sessions"), id, verb)
	}
}

func TestSession_that_is_not_named_is_begun_anew_when_it_has_ended(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NotEmpty(t, d.works("vars", "list"))
	d.works("sessions", "end", "cli")
	require.NotEmpty(t, d.works("tools"))
	require.Regexp(t, `(?m)^epoch +2$`, d.works("sessions", "show", "cli"))
}
