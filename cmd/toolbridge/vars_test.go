package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVars_are_set_got_listed_and_deleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	require.Regexp(t, `^set answer at revision \S+\n$`, d.works("vars", "set", "answer", `{"a": 1.5}`, "--label", "by=me"))
	d.works("vars", "set", "name", "plain words")
	require.Equal(t, "{\"a\":1.5}\n", d.works("vars", "get", "answer"))
	require.Equal(t, "plain words\n", d.works("vars", "get", "name"))
	require.Equal(t, "\"plain words\"\n", d.works("vars", "get", "name", "--json"))
	all := d.works("vars", "get", "answer", "--all")
	require.Regexp(t, `(?m)^value +\{"a":1\.5\}$`, all)
	require.Regexp(t, `(?m)^labels +by=me$`, all)
	listed := d.works("vars", "list")
	require.Regexp(t, `(?m)^answer +\{"a":1\.5\} +\d.* by=me$`, listed)
	require.Regexp(t, `(?m)^name +"plain words" `, listed)
	require.NotContains(t, d.works("vars", "list", "--prefix", "na"), "answer")

	require.Equal(t, "deleted answer\n", d.works("vars", "delete", "answer"))
	out := d.run("vars", "get", "answer")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "error: VariableNotFound: ")
	require.Contains(t, out.stderr, "hint: toolbridge vars list")
}

type variable struct {
	Event    string
	Name     string
	Value    any
	Metadata map[string]string
	Revision string
}

func TestVars_with_json(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var set, got variable
	d.run("vars", "set", "x", "-1", "--label", "k=v", "--json").document(t, &set)
	d.run("vars", "get", "x", "--all", "--json").document(t, &got)
	require.Equal(t, set.Revision, got.Revision)
	require.InDelta(t, -1, got.Value, 0)
	require.Equal(t, map[string]string{"k": "v"}, got.Metadata)
	var listed []variable
	d.run("vars", "list", "--json").document(t, &listed)
	require.Equal(t, []variable{got}, listed)
	var deleted struct{ Deleted string }
	d.run("vars", "delete", "x", "--json").document(t, &deleted)
	require.Equal(t, "x", deleted.Deleted)
}

func TestVars_are_written_only_on_the_condition_that_is_named(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var first variable
	d.run("vars", "set", "x", "1", "--if-absent", "--json").document(t, &first)
	d.works("vars", "set", "x", "2", "--if-revision", first.Revision)
	for _, args := range [][]string{
		{"set", "x", "3", "--if-absent"}, {"set", "x", "3", "--if-revision", first.Revision}, {"delete", "x", "--if-revision", first.Revision},
	} {
		out := d.run(append([]string{"vars"}, args...)...)
		require.Equal(t, exitFailed, out.code, args)
		require.Contains(t, out.stderr, "error: RevisionConflict: ")
	}
	require.Equal(t, exitUsage, d.run("vars", "set", "x", "3", "--if-absent", "--if-revision", "r").code)
	require.Equal(t, exitUsage, d.run("vars", "set", "x", "[").code)
	require.Equal(t, "2\n", d.works("vars", "get", "x"))
}

func TestVars_watch_prints_what_is_and_then_each_change(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.works("vars", "set", "x", "1")
	r := startCommand(t, d.env(), "vars", "watch")
	r.says("x = 1\n")
	d.works("vars", "set", "x", "two")
	r.says("x = \"two\"\n")
	d.works("vars", "delete", "x")
	require.Equal(t, "x = 1\nx = \"two\"\nx deleted\n", r.says("x deleted\n"))
	require.Equal(t, exitInterrupted, r.stop())
}

func TestVars_watch_with_json_prints_one_document_a_line(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := startCommand(t, d.env(), "vars", "watch", "x", "--json")
	r.says(`{"event":"current"}`)
	d.works("vars", "set", "y", "1")
	d.works("vars", "set", "x", "1")
	d.works("vars", "delete", "x")
	lines := strings.Split(strings.TrimSpace(r.says(`"deleted"`)), "\n")
	require.Len(t, lines, 3)
	var set variable
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &set))
	require.Equal(t, "set", set.Event)
	require.Equal(t, "x", set.Name)
}

func TestVars_watch_ends_with_its_session(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.works("sessions", "create", "short")
	r := startCommand(t, d.env(), "vars", "watch", "--session", "short", "--json")
	r.says(`{"event":"current"}`)
	d.works("sessions", "end", "short", "--force")
	require.Equal(t, exitFailed, r.wait())
	require.Contains(t, r.stderr.String(), `"code":"SessionExpired"`)
}
