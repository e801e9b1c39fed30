package broker

import (
	"cmp"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Bounds on the search for near names, so that a wrong name costs little.
const (
	maxCompared  = 2000
	maxSuggested = 3
	maxDistance  = 3
)

// nearNames returns the names of visible tools that resemble a wrong one, nearest first.
func nearNames(wrong string, catalogs ...*Catalog) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	compared := 0
	for _, c := range catalogs {
		for _, s := range c.All() {
			if compared++; compared > maxCompared {
				break
			}
			if d := distance(wrong, s.Name); !s.Hidden && d <= min(maxDistance, max(1, len(wrong)/2)) {
				found = append(found, candidate{s.Name, d})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, f := range found {
		if len(names) < maxSuggested && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// distance is Levenshtein's, of bytes; maxDistance+1 for anything beyond it that is cheap to see.
func distance(a, b string) int {
	if len(a)-len(b) > maxDistance || len(b)-len(a) > maxDistance {
		return maxDistance + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// unknownTool names the tool, the session and names that resemble it, or says that no tool can have this name.
func unknownTool(name string, rec *SessionRecord, shared *Catalog) *tool.Error {
	if err := tool.CheckName("tool id", name); err != nil {
		return err
	}
	near := nearNames(name, rec.Tools, shared)
	hint := "list the session's tools to see what there is"
	if len(near) > 0 {
		hint = "did you mean "
		for i, q := range quoted(near) {
			if i > 0 {
				hint += " or "
			}
			hint += q
		}
		hint += "?"
	}
	return tool.Errorf(tool.ToolNotFound, "tool %q is not known in session %q: %s", name, rec.Key.ID, hint).
		With("tool", name).With("session", rec.Key.ID)
}
