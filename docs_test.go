package toolbridge_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var updateDocs = flag.Bool("update-docs", false, "write the files into the docs that quote them")

// docQuote finds a code block in a document that is the text of a file: "<!-- file: PATH -->" above a fence.
var docQuote = regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```(\\w*)\n(.*?)```\n")

// docLink finds the links of a document.
var docLink = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

// docCode finds the code blocks of a document, which have no links.
var docCode = regexp.MustCompile("(?ms)^```.*?\n```$")

func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	return append(found, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "python/README.md")
}

func TestDocumentsQuoteFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		now := docQuote.ReplaceAllStringFunc(string(text), func(block string) string {
			parts := docQuote.FindStringSubmatch(block)
			file, err := os.ReadFile(parts[1])
			require.NoError(t, err, "%s quotes it", path)
			return "<!-- file: " + parts[1] + " -->\n```" + parts[2] + "\n" + string(file) + "```\n"
		})
		if *updateDocs {
			require.NoError(t, os.WriteFile(path, []byte(now), 0o644))
		}
		require.True(t, *updateDocs || now == string(text), "%s quotes a file that has changed: go test -run Documents . -update-docs", path)
	}
}

func TestDocumentsLinkToWhatExists(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, link := range docLink.FindAllStringSubmatch(docCode.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(path), link[1]))
			require.NoError(t, err, "%s links to it", path)
		}
	}
}

// docName finds what a document says of the code: `file::function`.
var docName = regexp.MustCompile("`([\\w./-]+\\.(?:go|py))(?:::(\\w+))?`")

func TestThePageOnPerformanceNamesWhatExists(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/performance.md")
	require.NoError(t, err)
	names := docName.FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(names), 30)
	for _, name := range names {
		code, err := os.ReadFile(name[1])
		require.NoError(t, err)
		if name[2] != "" {
			defined := regexp.MustCompile(`(?m)^\s*(async )?(func (\([^)]*\) )?|type |def |class )` + name[2] + `\b`)
			require.True(t, defined.Match(code), "%s is not there", name[0])
		}
	}
}
