package value_test

import (
	"bytes"
	"fmt"
	"html"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// pageMark is where the part of docs/values.md begins that is made of the vectors.
const pageMark = "<!-- vectors: the rest is written by go test ./value -run Page -update -->\n"

// shownRunes is how much of a text the page shows.
const shownRunes = 100

// cell is a text in a table: as code, shortened, on one line.
func pageCell(text string) string {
	if text == "" {
		return ""
	}
	runes := []rune(text)
	if len(runes) > shownRunes {
		text = fmt.Sprintf("%s … (%d characters)", string(runes[:shownRunes]), len(runes))
	}
	return "<code>" + strings.ReplaceAll(visible(html.EscapeString(text)), "|", "&#124;") + "</code>"
}

// visible replaces what a page cannot show.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\uffff' {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func pageText(s *string) string {
	if s == nil {
		return ""
	}
	return pageCell(*s)
}

// page is the part of docs/values.md that is made of the vectors.
func page(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(pageMark)
	files := vectorFiles()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "\n### %s\n\n| Vector | JSON form | Python | Go | Bytes of the Any |\n|---|---|---|---|---|\n", name)
		for _, s := range files[name] {
			v := vectorOf(t, s)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", html.EscapeString(s.name), pageCell(v.JSON), pageCell(v.Python), pageCell(v.Go), pageCell(v.Any))
		}
	}
	b.WriteString("\n## What is refused\n\nEach with `SerializationError` and a path.\n\n| What | Path | Only if strict | Bytes of the Any, or the text |\n|---|---|---|---|\n")
	for _, r := range slices.Concat(refusedBytes(), refusedKeys(), refusedJSON()) {
		strict := ""
		if r.Strict {
			strict = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", html.EscapeString(r.Name), pageCell(r.Path), strict, pageText(r.Any)+pageText(r.JSON))
	}
	b.WriteString("\n## What is accepted but never written\n\n| What | Bytes of the Any, or the text | Canonical bytes |\n|---|---|---|\n")
	for _, l := range leniences() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", html.EscapeString(l.Name), pageText(l.Any)+pageText(l.JSON), pageCell(l.Canonical))
	}
	return b.Bytes()
}

func TestThePageOfValuesShowsTheVectorsAsTheyAre(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "docs", "values.md")
	committed, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := bytes.Cut(committed, []byte(pageMark))
	require.True(t, found, "%s has no line %s", path, pageMark)
	fresh := slices.Concat(head, page(t))
	if *update {
		require.NoError(t, os.WriteFile(path, fresh, 0o644))
		return
	}
	require.True(t, bytes.Equal(committed, fresh), "%s shows other vectors: go test ./value -run Page -update", path)
}
