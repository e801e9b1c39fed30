package gateway_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// example is a command of the documentation and what it prints.
type example struct{ command, prints string }

// examples are the curl commands of a document, each with the comment below it.
func examples(t *testing.T, path string) []example {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var found []example
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if strings.HasPrefix(line, "curl ") {
				found = append(found, example{command: strings.TrimSpace(line)})
			} else if printed, is := strings.CutPrefix(line, "# "); is && len(found) > 0 {
				found[len(found)-1].prints += printed
			}
		}
	}
	return found
}

// words splits a command as a shell does, which has no quotes but single ones.
func words(command string) (out []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1) {
		out = append(out, strings.Trim(word, "'"))
	}
	return out
}

func TestDocumentation_commands_print_what_it_says(t *testing.T) {
	t.Parallel()
	for path, least := range map[string]int{"../../docs/http.md": 20, "../../README.md": 5} {
		all := examples(t, path)
		require.GreaterOrEqual(t, len(all), least, path)
		t.Run(filepath.Base(path)+" by net/http", func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			for _, e := range all {
				arguments := words(strings.ReplaceAll(e.command, "localhost:8080", d.host))[1:]
				require.Regexp(t, fragments(e.prints), d.byHand(arguments), e.command)
			}
		})
		t.Run(filepath.Base(path)+" by curl", func(t *testing.T) {
			t.Parallel()
			curl, err := exec.LookPath("curl")
			if err != nil || exec.CommandContext(t.Context(), curl, "--json", "x", "--version").Run() != nil {
				t.Skip("left out: no curl that knows --json (7.82 or newer) is installed here")
			}
			d := newDesk(t)
			for _, e := range all {
				arguments := words(strings.ReplaceAll(e.command, "localhost:8080", d.host))[1:]
				printed, err := exec.CommandContext(t.Context(), curl, append([]string{"-s"}, arguments...)...).CombinedOutput()
				require.NoError(t, err, e.command)
				require.Regexp(t, fragments(e.prints), string(printed), e.command)
			}
		})
	}
}

// fragments is what is printed, with anything in place of an ellipsis.
func fragments(prints string) string {
	return "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(prints)), "…", ".*")
}

// byHand makes the request of a curl command.
func (d *desk) byHand(arguments []string) string {
	d.t.Helper()
	method, body, where, headers := http.MethodGet, "", "", []string{}
	for i := 0; i < len(arguments); i++ {
		switch argument := arguments[i]; argument {
		case "-N":
		case "-X":
			i++
			method = arguments[i]
		case "--json":
			i++
			body = arguments[i]
			if method == http.MethodGet {
				method = http.MethodPost
			}
			headers = append([]string{"Accept", "application/json"}, headers...)
		case "-H":
			i++
			name, value, _ := strings.Cut(arguments[i], ": ")
			headers = append(headers, name, value)
		default:
			where = strings.TrimPrefix(argument, d.host)
		}
	}
	response := d.open(method, where, body, headers...)
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	return string(text)
}
