package demo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCalculate_refuses_what_has_no_value(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                                       "is no arithmetic expression",
		"1 +":                                    "is no arithmetic expression",
		"7 / 0":                                  "has no finite value",
		"7 % 0":                                  "divide by zero",
		"2 ** 9999":                              "has no finite value",
		"9223372036854775807 + 1":                "does not fit into 64 bits",
		"9223372036854775807 + min(1, 2.5)":      "does not fit into 64 bits",
		"-9223372036854775807 - 2":               "does not fit into 64 bits",
		"9223372036854775807 * 2":                "does not fit into 64 bits",
		"-(-9223372036854775807 - 1)":            "does not fit into 64 bits",
		"abs(-9223372036854775807 - 1)":          "does not fit into 64 bits",
		"1 < 2":                                  `"<" is not one of`,
		"\"a\" + \"b\"":                          "want numbers",
		"1 ? 2 : 3":                              "want numbers",
		"!1":                                     `"!" is not one of`,
		"open(\"/etc/passwd\")":                  `"open" is not one of the functions`,
		"now()":                                  `"now" is not one of the functions`,
		"password":                               `"password" is not one of the functions`,
		"(1)(2)":                                 "is no arithmetic expression",
		"[1, 2][0]":                              "want numbers",
		"{a: 1}.a":                               "want numbers",
		"map([1], #)":                            "want numbers",
		"\"aaaaaaaaaa\" matches \"(a+)+$\"":      "want numbers",
		"1..100000000":                           `".." is not one of`,
		"let x = 1..5000; all(x, all(x, # > 0))": "is not one of",
		"repeat(\"x\", 1000000000)":              `"repeat" is not one of the functions`,
	} {
		_, err := callTool(t, newHost(t), "calculate", expression)
		e := refused(t, err)
		require.Equal(t, tool.ValidationError, e.Code, expression)
		require.Equal(t, "expression", e.Details["argument"], expression)
		require.Contains(t, e.Message, `argument "expression" of tool "calculate"`, expression)
		require.Contains(t, e.Message, want, expression)
		require.NotContains(t, e.Message, "\n", expression)
	}
}

func TestCalculate_ends_quickly_on_hostile_expressions(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	for name, expression := range map[string]string{
		"huge":                strings.Repeat("1+", 4<<20) + "1",
		"just too long":       strings.Repeat("1", 1001),
		"deep":                strings.Repeat("(", 500) + strings.Repeat(")", 500),
		"deep and unfinished": strings.Repeat("[", 1000),
		"many signs":          strings.Repeat("-", 999),
		"powers":              strings.Repeat("9**", 333) + "9",
		"nested loops":        "let x = 1..9999; all(x, all(x, all(x, all(x, all(x, true)))))",
		"memory":              strings.Repeat("[1..999999,", 80),
	} {
		started := time.Now()
		_, err := callTool(t, host, "calculate", expression)
		require.Error(t, err, name)
		require.Less(t, time.Since(started), 5*time.Second, name)
		require.Less(t, len(refused(t, err).Message), 500, name)
	}
}

func TestCalculate_neither_panics_nor_wraps_around_whatever_it_is_given(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	rapid.Check(t, func(rt *rapid.T) {
		expression := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"1", "9223372036854775807", "2.5", "+", "-", "*", "/", "%", "**", "(", ")", "abs(", "min(", ",", "max(", "round(", "x", "..", "[", "]",
		}), 0, 12).Draw(rt, "expression"), "")
		_, err := callTool(t, host, "calculate", expression)
		if code := tool.CodeOf(err); code != "" && code != tool.ValidationError {
			rt.Fatalf("%q: %v", expression, err)
		}
	})
}
