package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelp_documents_verbs_arguments_and_exit_codes(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--help"}, {"-h"}} {
		out := alone(t, args...)
		require.Equal(t, exitOK, out.code)
		require.Empty(t, out.stderr)
		for _, want := range []string{"serve", "vars watch", "agents run", "completion", "Exit codes: 0 it worked, 1 the tool", "130 interrupted", "$TOOLBRIDGE_ADDR"} {
			require.Contains(t, out.stdout, want)
		}
		require.NotContains(t, out.stdout, "__complete")
	}
	help := alone(t, "call", "--help")
	require.Equal(t, exitOK, help.code)
	require.Contains(t, help.stdout, "--retry")
	require.Contains(t, alone(t, "serve", "--help").stdout, "--insecure-listen")
}

func TestUsage_errors_name_the_verb_whose_help_to_read(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"hint: toolbridge call --help":          {"call"},
		"hint: toolbridge vars set --help":      {"vars", "set", "x"},
		"hint: toolbridge --help":               {"frobnicate"},
		"hint: toolbridge stream --help":        {"stream", "x", "--nonsense"},
		"hint: toolbridge tools --help":         {"tools", "--timeout", "soon"},
		"hint: toolbridge sessions list --help": {"sessions", "frobnicate"},
	} {
		out := alone(t, args...)
		require.Equal(t, exitUsage, out.code)
		require.True(t, strings.HasPrefix(out.stderr, "error: Usage: "), out.stderr)
		require.Contains(t, out.stderr, want)
		require.Empty(t, out.stdout)
	}
	require.Contains(t, alone(t, "tools", "--timeout=-1s").stderr, "--timeout is -1s")
}

func TestAddress_is_that_of_the_flag_then_the_environment_then_the_default(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		flag string
		env  map[string]string
	}{
		"a:1":             {"a:1", map[string]string{"TOOLBRIDGE_ADDR": "b:2", "GRPC_PORT": "3"}},
		"b:2":             {"", map[string]string{"TOOLBRIDGE_ADDR": "b:2", "GRPC_PORT": "3"}},
		"c:3":             {"", map[string]string{"GRPC_ADDR": "c:3", "ELIXIR_GRPC_ADDR": "d:4", "GRPC_PORT": "3"}},
		"d:4":             {"", map[string]string{"ELIXIR_GRPC_ADDR": "d:4", "GRPC_PORT": "3"}},
		"localhost:3":     {"", map[string]string{"GRPC_PORT": "3"}},
		"localhost:50051": {"", nil},
	} {
		s := &shell{env: func(name string) string { return c.env[name] }}
		require.Equal(t, want, (&common{Bridge: c.flag}).address(s))
	}
}

func TestAddress_with_a_port_that_there_cannot_be_is_a_usage_error_at_once(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"tools"}, {"call", "echo_tool", "x"}} {
		out := alone(t, append(args, "--bridge", "localhost:99999")...)
		require.Equal(t, exitUsage, out.code)
		require.Equal(t, "error: Usage: the address \"localhost:99999\" of the bridge cannot be used: its port is \"99999\", not a number from 1 to 65535\n", out.stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^toolbridge \S+.*, go1\.\S+, \w+/\w+\n$`, alone(t, "version").stdout)
	var version map[string]string
	alone(t, "version", "--json").document(t, &version)
	require.NotEmpty(t, version["version"])
}

func TestCompletion_prints_the_script_of_a_shell(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{"bash": "complete -o default -F _toolbridge toolbridge", "zsh": "#compdef toolbridge", "fish": "complete -c toolbridge"} {
		out := alone(t, "completion", shell)
		require.Equal(t, exitOK, out.code)
		require.Contains(t, out.stdout, want)
	}
	require.Equal(t, exitUsage, alone(t, "completion", "csh").code)
}

func TestCandidates_are_what_may_come_next(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for want, words := range map[string][]string{
		"serve\nsessions\n":               {"se"},
		"get\nset\nlist\ndelete\nwatch\n": {"vars", ""},
		"bash\nzsh\nfish\n":               {"completion", ""},
		"--if-absent\n--if-revision\n":    {"vars", "set", "x", "--if"},
		"search_web\nsimple_tool\nstream_processor\nsearch\nstream_data\n": {"call", "s"},
		"count_to_n\n":            {"stream", "count"},
		"":                        {"call", "echo_tool", "s"},
		"--request-id\n--retry\n": {"call", "echo_tool", "--re"},
	} {
		require.Equal(t, want, d.works(append([]string{"__complete", "--"}, words...)...), words)
	}
	out := runWith(t.Context(), map[string]string{"TOOLBRIDGE_ADDR": "127.0.0.1:1"}, "", "__complete", "--", "call", "")
	require.Equal(t, outcome{}, out)
}
