package conformance_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/conformance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func topics(t *testing.T) []*conformance.Topic {
	t.Helper()
	all, err := conformance.Load(os.DirFS("scenarios"))
	require.NoError(t, err)
	return all
}

func TestScenarios_are_as_the_schema_says(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("scenario.schema.json")
	require.NoError(t, err)
	files, err := filepath.Glob("scenarios/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		require.NoError(t, err, path)
		require.NoError(t, schema.Validate(document), path)
	}
}

func TestScenarios_are_many_and_most_are_for_every_face(t *testing.T) {
	t.Parallel()
	count, everywhere := 0, 0
	for _, topic := range topics(t) {
		for _, s := range topic.Scenarios {
			count++
			if len(s.Not) == 0 {
				everywhere++
			}
		}
	}
	require.GreaterOrEqual(t, count, 150)
	require.Greater(t, everywhere, count/2)
}

func TestScenarios_provoke_every_code_of_the_error_table(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("scenarios/*.json")
	require.NoError(t, err)
	var all strings.Builder
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all.Write(text)
	}
	var table struct{ Errors []struct{ Code string } }
	text, err := os.ReadFile("../proto/errors.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &table))
	for _, row := range table.Errors {
		if !strings.Contains(all.String(), `"`+row.Code+`"`) {
			t.Errorf("no scenario names the code %s", row.Code)
		}
	}
}

func TestTable_in_the_docs_lists_the_scenarios_that_there_are(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/conformance.md")
	require.NoError(t, err)
	for _, topic := range topics(t) {
		require.Contains(t, string(text), "\n## "+topic.Name+"\n", "make conformance writes it")
		for _, s := range topic.Scenarios {
			require.Contains(t, string(text), "| "+strings.ReplaceAll(s.Name, "|", `\|`)+" |", "make conformance writes it")
		}
	}
	rows := strings.Count(string(text), "\n| ") - strings.Count(string(text), "\n| Scenario |") - 1 - 4
	count := 0
	for _, topic := range topics(t) {
		count += len(topic.Scenarios)
	}
	require.Equal(t, count, rows, "the table has rows of scenarios that are gone: make conformance writes it")
	require.NotContains(t, string(text), "| ✗ |", "a scenario fails")
}

func TestMatch_says_where_documents_differ(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ want, got, wrong string }{
		"less is wanted than is there":        {`{"a": 1}`, `{"a": 1, "b": 2}`, ""},
		"a member is missing":                 {`{"a": 1}`, `{"b": 2}`, "$.a is missing"},
		"values are equal or not":             {`{"value": {"a": 1}}`, `{"value": {"a": 1, "b": 2}}`, "$.value is"},
		"the order of a dict is part of it":   {`{"value": {"a": 1, "b": 2}}`, `{"value": {"b": 2, "a": 1}}`, `"b" at place 0, want "a"`},
		"an int is no float":                  {`{"value": 1}`, `{"value": 1.0}`, "$.value is 1.0, want 1"},
		"a list has its length":               {`[1, 2]`, `[1]`, "$ is [1]"},
		"an item of a list":                   {`[1, 2]`, `[1, 3]`, "$[1] is 3, want 2"},
		"anything":                            {`{"a": {"?any": true}}`, `{"a": null}`, ""},
		"something that must not be there":    {`{"a": {"?absent": true}}`, `{"a": null}`, "$.a is there"},
		"a text by its pattern":               {`{"?re": "^a+$"}`, `"aaa"`, ""},
		"a number above":                      {`{"?above": 0}`, `0`, `want {"?above":0}`},
		"a length":                            {`{"?len": 3}`, `"äöü"`, ""},
		"some of a list, in order":            {`{"?has": [1, 3]}`, `[1, 2, 3]`, ""},
		"some of a list, in another order":    {`{"?has": [3, 1]}`, `[1, 2, 3]`, "not in this order"},
		"what a list lacks":                   {`{"?lacks": [4]}`, `[1, 2, 3]`, ""},
		"one of several":                      {`{"?one_of": [1, 2]}`, `3`, "$ is 3"},
		"anything but":                        {`{"?not": 1}`, `1`, "$ is 1"},
		"a rule that is none":                 {`{"?what": 1}`, `1`, `there is no rule "?what"`},
		"a pattern that is none":              {`{"?re": "("}`, `"x"`, "the rule ?re"},
		"an object where there is a text":     {`{"a": {"b": 1}}`, `{"a": "x"}`, "want an object"},
		"a length that is none":               {`{"?len": "x"}`, `"x"`, "whole number"},
		"a number above what is no number":    {`{"?above": "x"}`, `1`, "wants a number"},
		"a pattern does not match a number":   {`{"?re": "1"}`, `1`, "want"},
		"rules hold within values":            {`{"value": [{"?re": "a"}]}`, `{"value": ["abc"]}`, ""},
		"nothing where something is expected": {`{"a": 1}`, `null`, "want an object"},
	} {
		want, err := conformance.Parse([]byte(c.want))
		require.NoError(t, err, name)
		got, err := conformance.Parse([]byte(c.got))
		require.NoError(t, err, name)
		wrong := conformance.Match(want, got)
		if c.wrong == "" {
			require.Empty(t, wrong, name)
			continue
		}
		require.Contains(t, wrong, c.wrong, name)
	}
}

func TestParse_keeps_digits_and_the_order_of_members(t *testing.T) {
	t.Parallel()
	const text = `{"z":123456789012345678901234567890,"a":[1.0,-0.0,1e+300,null,true,"<&>"]}`
	document, err := conformance.Parse([]byte(text))
	require.NoError(t, err)
	again, err := conformance.Marshal(document)
	require.NoError(t, err)
	require.Equal(t, text, string(again))
	for _, bad := range []string{``, `{`, `[1,`, `{"a":1,"a":2}`, `1 2`, `{"a" 1}`, `[1 2]`} {
		_, err := conformance.Parse([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestLoad_refuses_what_is_no_topic(t *testing.T) {
	t.Parallel()
	const good = `{"about": "x", "scenarios": [{"name": "n", "steps": [{"do": "tools"}]}]}`
	for name, text := range map[string]string{
		"no JSON":               `{`,
		"a list":                `[]`,
		"two of one name":       `{"scenarios": [{"name": "n", "steps": []}, {"name": "n", "steps": []}]}`,
		"a step that is a text": `{"scenarios": [{"name": "n", "steps": ["x"]}]}`,
		"cases that are none":   `{"scenarios": [{"name": "n", "each": [1], "steps": []}]}`,
	} {
		_, err := conformance.Load(fstest.MapFS{"t.json": {Data: []byte(text)}})
		require.Error(t, err, name)
	}
	_, err := conformance.Load(fstest.MapFS{})
	require.Error(t, err, "no file")
	all, err := conformance.Load(fstest.MapFS{"t.json": {Data: []byte(good)}})
	require.NoError(t, err)
	require.Equal(t, "t: n", all[0].Scenarios[0].ID())
}

// scripted is an adapter that answers each request as a test says.
func scripted(t *testing.T, face string, answer func(request map[string]any) []string) *conformance.Adapter {
	t.Helper()
	a, err := conformance.StartFunc(face, func(in io.Reader, out io.Writer) error {
		if _, err := io.WriteString(out, `{"verbs": ["initialize", "cleanup", "call", "stream", "cancel", "set"]}`+"\n"); err != nil {
			return err
		}
		lines := bufio.NewReader(in)
		for {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			var request map[string]any
			if err := json.Unmarshal(line, &request); err != nil {
				return err
			}
			id, err := json.Marshal(request["id"])
			if err != nil {
				return err
			}
			for _, text := range answer(request) {
				if _, err := io.WriteString(out, strings.ReplaceAll(text, "ID", string(id))+"\n"); err != nil {
					return err
				}
			}
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

// play runs one scenario with a scripted adapter.
func play(t *testing.T, face, steps string, answer func(request map[string]any) []string) error {
	t.Helper()
	runner, err := conformance.NewRunner(os.DirFS(".."))
	require.NoError(t, err)
	text := `{"about": "x", "scenarios": [{"name": "n", "steps": ` + steps + `}]}`
	all, err := conformance.Load(fstest.MapFS{"t.json": {Data: []byte(text)}})
	require.NoError(t, err)
	return runner.Run(t.Context(), all[0].Scenarios[0], scripted(t, face, answer)).Err
}

func always(outcome string) func(map[string]any) []string {
	return func(request map[string]any) []string {
		if request["do"] == "call" {
			return []string{`{"id": ID, "outcome": ` + outcome + `}`}
		}
		return []string{`{"id": ID, "outcome": {}}`}
	}
}

func TestRunner_sees_what_is_wrong(t *testing.T) {
	t.Parallel()
	const step = `[{"do": "call", "tool": "x", "expect": {"value": 1}}]`
	const refused = `[{"do": "call", "tool": "x", "expect": {"error": {"code": {"?any": true}}}}]`
	for name, c := range map[string]struct{ face, steps, outcome, wrong string }{
		"nothing":                       {"go", step, `{"value": 1}`, ""},
		"another value":                 {"go", step, `{"value": 2}`, "$.value is 2, want 1"},
		"an error":                      {"go", step, `{"error": {"code": "Internal"}}`, "it failed"},
		"a fault of the adapter":        {"go", step, `{"adapter": "KeyError"}`, "KeyError"},
		"a code that nobody knows":      {"go", refused, `{"error": {"code": "Nope", "retryable": false, "message": "m"}}`, "not in the error table"},
		"retryable against the table":   {"go", refused, `{"error": {"code": "Internal", "retryable": true, "message": "m"}}`, "says retryable true"},
		"no message":                    {"go", refused, `{"error": {"code": "Internal", "retryable": false, "message": ""}}`, "no message"},
		"another status than the table": {"http", refused, `{"error": {"code": "Internal", "retryable": false, "message": "m", "status": 404}}`, "has status 404"},
		"another class than the table":  {"python", refused, `{"error": {"code": "DeadlineExceeded", "retryable": false, "message": "m", "status": "ToolExecutionError"}}`, "is raised as"},
		"a verb that it cannot do":      {"go", `[{"do": "watch"}]`, `{}`, `cannot "watch"`},
		"a vector that is none":         {"go", `[{"do": "call", "tool": {"?vector": "nope"}}]`, `{}`, `no vector is called "nope"`},
		"a place that is not there":     {"go", `[{"do": "call", "tool": "x", "save": {"a": "b.0"}}]`, `{"b": []}`, `no "b.0" to save`},
		"a step that nobody began":      {"go", `[{"do": "await", "of": "x"}]`, `{}`, `no step has the name "x"`},
		"a count that is none":          {"go", `[{"do": "call", "tool": {"?repeat": ["x"]}}]`, `{}`, "want [what, how often]"},
	} {
		err := play(t, c.face, c.steps, always(c.outcome))
		if c.wrong == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.wrong, name)
	}
}

func TestRunner_fills_placeholders_and_generators(t *testing.T) {
	t.Parallel()
	var asked []map[string]any
	err := play(t, "go", `[
		{"do": "call", "tool": "t", "save": {"first": "value.0"}},
		{"do": "call", "tool": "{first}", "args": [{"?repeat": ["ab", 2]}, {"?times": [1, 2]}, {"?nested": [0, 2]}, {"?bytes": 3}, {"?vector": "true"}, "{s}", "{unknown}", "{first}-{face}"]}
	]`, func(request map[string]any) []string {
		if request["do"] == "call" {
			asked = append(asked, request)
		}
		return always(`{"value": ["named"]}`)(request)
	})
	require.NoError(t, err)
	session := asked[0]["session"]
	require.Equal(t, "named", asked[1]["tool"])
	require.Equal(t, []any{"abab", []any{1.0, 1.0}, []any{[]any{0.0}}, map[string]any{"$bytes": "AAAA"}, true, session, "{unknown}", "named-go"}, asked[1]["args"])
}

func TestRunner_waits_for_events_and_passes_over_others(t *testing.T) {
	t.Parallel()
	answer := func(request map[string]any) []string {
		if request["do"] == "stream" {
			return []string{`{"id": ID, "event": {"value": 1}}`, `{"id": ID, "event": {"value": 2}}`, `{"id": ID, "event": {"value": 3}}`, `{"id": ID, "outcome": {"values": [1, 2, 3]}}`}
		}
		return []string{`{"id": ID, "outcome": {}}`}
	}
	require.NoError(t, play(t, "go", `[{"do": "stream", "as": "s", "tool": "x"}, {"do": "see", "of": "s", "events": [{"value": 1}, {"value": 3}]}, {"do": "pause", "ms": 1}, {"do": "await", "of": "s", "expect": {"values": [1, 2, 3]}}]`, answer))
	err := play(t, "go", `[{"do": "stream", "as": "s", "tool": "x"}, {"do": "see", "of": "s", "events": [{"value": 3}, {"value": 1}]}]`, answer)
	require.ErrorContains(t, err, "before the event came")
}

func TestRunner_leaves_out_faces_that_have_no_part_and_says_why(t *testing.T) {
	t.Parallel()
	runner, err := conformance.NewRunner(os.DirFS(".."))
	require.NoError(t, err)
	all, err := conformance.Load(fstest.MapFS{"t.json": {Data: []byte(`{"about": "x", "not": {"go": "topic", "http": "never"}, "scenarios": [
		{"name": "a", "not": {"python": "own"}, "steps": [{"do": "call"}]}, {"name": "b", "not": {"go": ""}, "each": {"c": {"not": {"python": "case"}}}, "steps": [{"do": "call"}]}]}`)}})
	require.NoError(t, err)
	a := scripted(t, "python", always(`{}`))
	scenarios := all[0].Scenarios
	require.Equal(t, map[string]string{"go": "topic", "http": "never", "python": "own"}, scenarios[0].Not)
	require.Equal(t, map[string]string{"http": "never", "python": "case"}, scenarios[1].Not)
	results := []conformance.Result{runner.Run(t.Context(), scenarios[0], a), runner.Run(t.Context(), scenarios[1], a)}
	require.Equal(t, "own", results[0].NotHere)
	table := conformance.Table(all, []string{"python"}, results)
	require.Contains(t, table, "| a | 1 |\n| b: c | 2 |\n\n1. own\n2. case\n")
	require.Empty(t, conformance.Failures(results))
}

func TestAdapter_that_breaks_the_rules_is_named(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, answer, wrong string }{
		"no verbs":          {`{}`, "", "its first line must be"},
		"it leaves":         {"", "", "said nothing"},
		"an unknown id":     {`{"verbs": ["initialize", "call", "cleanup"]}`, `{"id": 99, "outcome": {}}`, "nothing of id 99 is under way"},
		"no JSON":           {`{"verbs": ["initialize", "call", "cleanup"]}`, `{`, "has left"},
		"a wrong outcome":   {`{"verbs": ["initialize", "call", "cleanup"]}`, `{"id": 1, "outcome": 1}`, "the outcome is no object"},
		"neither of them":   {`{"verbs": ["initialize", "call", "cleanup"]}`, `{"id": 1, "adapter": "no idea"}`, `"event" or "outcome"`},
		"it leaves midways": {`{"verbs": ["initialize", "call", "cleanup"]}`, "", "has left"},
	} {
		a, err := conformance.StartFunc("mine", func(in io.Reader, out io.Writer) error {
			if c.first == "" {
				return nil
			}
			if _, err := io.WriteString(out, c.first+"\n"); err != nil {
				return err
			}
			if _, err := bufio.NewReader(in).ReadBytes('\n'); err != nil {
				return nil //nolint:nilerr // nothing was asked
			}
			_, err := io.WriteString(out, c.answer+"\n")
			return err
		})
		if err != nil {
			require.ErrorContains(t, err, c.wrong, name)
			continue
		}
		p, err := a.Begin(conformance.Object{{Name: "do", Value: "call"}})
		require.NoError(t, err, name)
		outcome, err := p.Outcome(t.Context())
		require.NoError(t, err, name)
		require.Contains(t, outcome.Text("adapter"), c.wrong, name)
		_ = a.Close()
	}
}

func TestSelected_by_a_part_of_the_name_or_by_stars(t *testing.T) {
	t.Parallel()
	s := &conformance.Scenario{Topic: "values", Name: "a/b: c"}
	for pattern, want := range map[string]bool{"": true, "values": true, "values: *": true, "a/b": true, "tools: *": false, "x": false, "*c": true} {
		require.Equal(t, want, conformance.Selected(pattern, s), pattern)
	}
}

func TestBridge_that_cannot_be_started_is_named(t *testing.T) {
	t.Parallel()
	_, err := conformance.StartBridge(t.Context(), filepath.Join(t.TempDir(), "no-such-program"), t.TempDir())
	require.ErrorContains(t, err, "make build")
	_, err = conformance.StartBridge(t.Context(), "/bin/true", t.TempDir())
	require.ErrorContains(t, err, "did not say where it serves")
}
