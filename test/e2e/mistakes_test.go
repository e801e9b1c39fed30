package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// mistake is what a wrong request must be answered with.
type mistake struct {
	code tool.Code
	says string
}

// mistakes are what every SDK can do wrong.
func mistakes() map[string]mistake {
	return map[string]mistake{
		"unknown tool":                     {tool.ToolNotFound, `"nothing"`},
		"missing":                          {tool.ValidationError, `"b"`},
		"surplus":                          {tool.ValidationError, "3"},
		"misnamed":                         {tool.ValidationError, `"c"`},
		"mistyped":                         {tool.ValidationError, `"b"`},
		"unknown session":                  {tool.SessionNotFound, "never"},
		"ended session":                    {tool.SessionExpired, "ended"},
		"duplicate session":                {tool.SessionAlreadyExists, "errors"},
		"session with a control character": {tool.ValidationError, "control"},
		"session with a long name":         {tool.ValidationError, "256"},
		"variable without a name":          {tool.ValidationError, "variable"},
		"no such variable":                 {tool.VariableNotFound, "nothing"},
		"too deep":                         {tool.SerializationError, "64"},
		"too large":                        {tool.MessageTooLarge, "message too large"},
		"cyclic":                           {tool.SerializationError, ""},
		"deadline while running":           {tool.DeadlineExceeded, "cpu_bound_tool"},
		"deadline while streaming":         {tool.DeadlineExceeded, "count_to_n"},
	}
}

func goMistakes(t *testing.T, h *house) {
	t.Helper()
	ctx := t.Context()
	client := dial(t, h.bridge.address)
	s, err := client.Session(ctx, "go-errors")
	require.NoError(t, err)
	ended, err := client.Session(ctx, "go-ended")
	require.NoError(t, err)
	_, err = ended.End(ctx)
	require.NoError(t, err)
	var deep any = 0
	for range 70 {
		deep = []any{deep}
	}
	circle := []any{nil}
	circle[0] = circle
	call := func(s *toolbridge.Session, name string, args ...any) func() error {
		return func() error { _, err := s.Call(ctx, name, args...); return err }
	}
	attach := func(id string, options ...toolbridge.SessionOption) func() error {
		return func() error { _, err := client.Session(ctx, id, options...); return err }
	}
	made := map[string]func() error{
		"unknown tool":                     call(s, "nothing"),
		"missing":                          call(s, "add_numbers", 1),
		"surplus":                          call(s, "add_numbers", 1, 2, 3),
		"misnamed":                         call(s, "add_numbers", 1, toolbridge.Kw{"c": 2}),
		"mistyped":                         call(s, "add_numbers", 1, "x"),
		"unknown session":                  func() error { _, err := client.EndSession(ctx, "never"); return err },
		"ended session":                    call(ended, "add_numbers", 1, 2),
		"duplicate session":                attach("go-errors", toolbridge.CreateOnly()),
		"session with a control character": attach("a\nb"),
		"session with a long name":         attach(strings.Repeat("x", 257)),
		"variable without a name":          func() error { _, err := s.Set(ctx, "", 1); return err },
		"no such variable":                 func() error { _, err := s.Get(ctx, "nothing"); return err },
		"too deep":                         call(s, "echo_tool", deep),
		"too large":                        call(s, "echo_tool", strings.Repeat("x", 11<<20)),
		"cyclic":                           call(s, "echo_tool", circle),
		"deadline while running":           call(s.With(toolbridge.Timeout(5*time.Millisecond)), "cpu_bound_tool", "x"),
		"deadline while streaming":         func() error { return drained(ctx, s) },
	}
	for name, want := range mistakes() {
		failed(t, made[name](), want.code, want.says)
	}
	_, err = s.Call(ctx, "echo_tool", make(chan int))
	failed(t, err, tool.SerializationError, "chan int")
}

// drained reads a long stream that is given little time.
func drained(ctx context.Context, s *toolbridge.Session) error {
	for _, err := range s.With(toolbridge.Timeout(300*time.Millisecond)).Stream(ctx, "count_to_n", 1_000_000) {
		if err != nil {
			return err
		}
	}
	return nil
}

func pythonMistakes(t *testing.T, h *house) {
	t.Helper()
	var got map[string][3]string // class, code, message
	pythonCaller(t, &got, h.bridge.address, "errors")
	classes := map[tool.Code]string{
		tool.SerializationError: "SerializationError", tool.DeadlineExceeded: "ToolTimeoutError", tool.VariableNotFound: "SessionError",
		tool.ToolNotFound: "ToolExecutionError", tool.MessageTooLarge: "ToolExecutionError",
	}
	want := mistakes()
	want["unknown class, strictly"] = mistake{tool.SerializationError, "object"}
	for name, m := range want {
		class, code, message := got[name][0], got[name][1], got[name][2]
		require.Equal(t, string(m.code), code, "%s: %s", name, message)
		require.Contains(t, message, strings.Trim(m.says, `"`), name)
		if classes[m.code] != "" {
			require.Equal(t, classes[m.code], class, name)
		}
	}
}

func cliMistakes(t *testing.T, h *house) {
	t.Helper()
	for name, c := range map[string]struct {
		arguments []string
		mistake   mistake
		exit      int
	}{
		"unknown tool":           {[]string{"call", "nothing"}, mistakes()["unknown tool"], 1},
		"missing":                {[]string{"call", "add_numbers", "1"}, mistakes()["missing"], 1},
		"surplus":                {[]string{"call", "add_numbers", "1", "2", "3"}, mistakes()["surplus"], 1},
		"misnamed":               {[]string{"call", "add_numbers", "1", "c=2"}, mistakes()["misnamed"], 1},
		"mistyped":               {[]string{"call", "add_numbers", "1", "x"}, mistakes()["mistyped"], 1},
		"unknown session":        {[]string{"sessions", "show", "never"}, mistakes()["unknown session"], 1},
		"no such variable":       {[]string{"vars", "get", "nothing"}, mistakes()["no such variable"], 1},
		"a long name":            {[]string{"--session", strings.Repeat("x", 257), "tools"}, mistakes()["session with a long name"], 1},
		"too deep":               {[]string{"call", "echo_tool", strings.Repeat("[", 70) + strings.Repeat("]", 70)}, mistakes()["too deep"], 2},
		"deadline while running": {[]string{"--timeout", "2s", "call", "go_hold", newHeld(t).path}, mistake{tool.DeadlineExceeded, ""}, 4},
		"a verb that is none":    {[]string{"dance"}, mistake{"Usage", "dance"}, 2},
	} {
		done := cli(t, h.bridge.address, c.arguments...)
		var shown struct {
			Error struct{ Code, Message string }
		}
		require.NoError(t, json.Unmarshal([]byte(done.stderr), &shown), "%s: %s", name, done.stderr)
		require.Equal(t, string(c.mistake.code), shown.Error.Code, "%s: %s", name, shown.Error.Message)
		require.Contains(t, shown.Error.Message, c.mistake.says, name)
		require.Equal(t, c.exit, done.code, name)
		require.Empty(t, done.stdout, name)
	}
	said := cli(t, h.bridge.address, "call", "py_echo", `{"$tuple":[1,2.0,{"$bytes":"aGk="}]}`)
	require.Zero(t, said.code, said.stderr)
	require.JSONEq(t, `{"$tuple":[1,2.0,{"$bytes":"aGk="}]}`, said.stdout)
}
