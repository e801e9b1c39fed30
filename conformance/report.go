package conformance

import (
	"fmt"
	"sort"
	"strings"
)

// Table writes what came of a run as a document: one row a scenario, one column a face. It says nothing of times, so
// that two runs of the same write the same.
func Table(topics []*Topic, faces []string, results []Result) string {
	found := map[string]Result{}
	for _, r := range results {
		found[r.Scenario.ID()+"\x00"+r.Face] = r
	}
	var b strings.Builder
	b.WriteString(tableHead(topics, faces, results))
	for _, topic := range topics {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| Scenario |", topic.Name, topic.About)
		for _, face := range faces {
			fmt.Fprintf(&b, " %s |", face)
		}
		fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("---|", len(faces)))
		reasons := &footnotes{}
		for _, s := range topic.Scenarios {
			fmt.Fprintf(&b, "| %s |", cell(s.Name))
			for _, face := range faces {
				fmt.Fprintf(&b, " %s |", reasons.mark(found[s.ID()+"\x00"+face]))
			}
			b.WriteString("\n")
		}
		b.WriteString(reasons.text())
	}
	return b.String()
}

func tableHead(topics []*Topic, faces []string, results []Result) string {
	count := 0
	for _, topic := range topics {
		count += len(topic.Scenarios)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Conformance

Written by `+"`make conformance`"+`, from the scenarios in [conformance/](../conformance/README.md): what every face of the protocol must do, against a real
bridge in a process of its own. A test fails when this list is not that of the scenarios. There are %d.

| Face | What it is | Passed | Failed | Not for it |
|---|---|---|---|---|
`, count)
	for _, face := range faces {
		passed, failed, not := 0, 0, 0
		for _, r := range results {
			switch {
			case r.Face != face:
			case r.NotHere != "":
				not++
			case r.Err != nil:
				failed++
			default:
				passed++
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", face, faceText(face), passed, failed, not)
	}
	b.WriteString("\n✓ passed · ✗ failed · a number: not for this face, for the reason below the table\n")
	return b.String()
}

func faceText(face string) string {
	switch face {
	case "go":
		return "the Go SDK, `conformance/gosdk`"
	case "python":
		return "the Python SDK, `conformance/python/face_python.py`"
	case "grpc":
		return "generated stubs alone, `conformance/python/face_grpc.py`"
	case "http":
		return "HTTP, `conformance/python/face_http.py`"
	default:
		return "an adapter from elsewhere"
	}
}

// footnotes are the reasons why scenarios are not for a face, each once, numbered as they come.
type footnotes struct{ reasons []string }

func (f *footnotes) mark(r Result) string {
	switch {
	case r.Scenario == nil:
		return "not run"
	case r.NotHere == "" && r.Err == nil:
		return "✓"
	case r.NotHere == "":
		return "✗"
	}
	for i, reason := range f.reasons {
		if reason == r.NotHere {
			return fmt.Sprint(i + 1)
		}
	}
	f.reasons = append(f.reasons, r.NotHere)
	return fmt.Sprint(len(f.reasons))
}

func (f *footnotes) text() string {
	var b strings.Builder
	for i, reason := range f.reasons {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, reason)
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// Failures says what failed, a scenario and face a paragraph.
func Failures(results []Result) string {
	var failed []string
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, fmt.Sprintf("%s · %s\n    %s\n", r.Face, r.Scenario.ID(), r.Err))
		}
	}
	sort.Strings(failed)
	return strings.Join(failed, "")
}
