package tool_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestANameOfOneTo256BytesIsAccepted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a", "search_web", "with space", "a/b:c", "Größe", "日本語", "😀", "\u00e9",
		strings.Repeat("x", 256), strings.Repeat("é", 128), "\ufffd",
	} {
		require.Nil(t, tool.CheckName("tool name", name), "%q", name)
	}
}

func TestABadNameIsAValidationErrorThatNamesThingValueAndLimit(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]string{
		"":                        `variable name "" is empty: a name has 1 to 256 bytes`,
		"a\x00b":                  `variable name "a\x00b" contains a control character`,
		"line\nbreak":             `variable name "line\nbreak" contains a control character`,
		"\u0085":                  `variable name "\u0085" contains a control character`,
		"\x7f":                    `variable name "\x7f" contains a control character`,
		"e\u0301":                 `variable name "e\u0301" is not in Unicode's NFC form`,
		"\xff\xfe":                `variable name "\xff\xfe" is not valid UTF-8`,
		strings.Repeat("x", 257):  `is too long (257 bytes): a name has 1 to 256 bytes`,
		strings.Repeat("é", 1000): `is too long (2000 bytes)`,
	} {
		err := tool.CheckName("variable name", name)
		require.NotNil(t, err, "%q", name)
		require.ErrorIs(t, err, &tool.Error{Code: tool.ValidationError})
		require.Contains(t, err.Message, wrong)
		require.Less(t, len(err.Message), 700)
		require.Equal(t, "variable name", err.Details["field"])
		require.Equal(t, "256", err.Details["limit"])
	}
}

func TestALongNameIsShortenedInTheMessageAtACharacter(t *testing.T) {
	t.Parallel()
	err := tool.CheckName("session id", "x"+strings.Repeat("é", 200))
	require.Contains(t, err.Message, `\u00e9"…`)
	require.NotContains(t, err.Message, `\xc3`)
}
