package tool_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const prefix = "type.googleapis.com/"

func TestTypeNamesAreTheClosedListOfTheProtocol(t *testing.T) {
	t.Parallel()
	want := "any none bool int float str bytes list tuple set dict datetime date time timedelta Decimal UUID Enum record " +
		"DataFrame Series Table ndarray message"
	require.Equal(t, strings.Fields(want), tool.TypeNames())
	for _, name := range tool.TypeNames() {
		require.True(t, tool.ValidTypeName(name), name)
	}
	require.True(t, tool.ValidTypeName(""), "empty means any")
	for _, name := range []string{"string", "Any", "dataframe", "int ", "frozenset"} {
		require.False(t, tool.ValidTypeName(name), name)
	}
}

// declaredTypes says, for every form on the wire, the declared types that it can be; whatever is not named it cannot be.
func declaredTypes() map[string]string {
	return map[string]string{
		"google.protobuf.StringValue": "any str Enum message",
		"google.protobuf.BoolValue":   "any bool message",
		"google.protobuf.Int64Value":  "any int float Enum message",
		"google.protobuf.Int32Value":  "any int float Enum message",
		"google.protobuf.DoubleValue": "any float message",
		"google.protobuf.FloatValue":  "any float message",
		"google.protobuf.BytesValue":  "any bytes message",
		"google.protobuf.Value":       "any none bool int float str list tuple set dict Enum record message",
		"google.protobuf.ListValue":   "any list tuple set message",
		"google.protobuf.Struct":      "any dict record message",
		"dspex.bridge.Value": "any int float list tuple set dict datetime date time timedelta Decimal UUID Enum record " +
			"message",
		"pandas.DataFrame":          "any DataFrame list",
		"polars.DataFrame":          "any DataFrame list",
		"pyarrow.Table":             "any Table list",
		"pandas.Series":             "any Series",
		"polars.Series":             "any Series",
		"numpy.ndarray":             "any ndarray",
		"python.Thing":              "any",
		"google.protobuf.Timestamp": "any message",
		"com.example.Order":         "any message",
		"":                          "",
	}
}

func TestAValueCanBeExactlyTheTypesThatItsFormMayCarry(t *testing.T) {
	t.Parallel()
	for form, names := range declaredTypes() {
		can := strings.Fields(names)
		for _, name := range tool.TypeNames() {
			require.Equal(t, contains(can, name), tool.CanBe(prefix+form, name, false), "%s as %s", form, name)
		}
		require.Equal(t, contains(can, "any"), tool.CanBe(prefix+form, "", false), "%s as an undeclared type", form)
		require.False(t, tool.CanBe(prefix+form, "nonsense", true), "%s as an unknown type", form)
	}
}

func TestANullableArgumentTakesTheFormOfNone(t *testing.T) {
	t.Parallel()
	for _, name := range tool.TypeNames() {
		require.True(t, tool.CanBe(prefix+"google.protobuf.Value", name, true), name)
	}
	require.False(t, tool.CanBe(prefix+"google.protobuf.Value", "DataFrame", false))
	require.False(t, tool.CanBe(prefix+"google.protobuf.StringValue", "int", true))
}

func TestAnAnyThatWasNeverSetIsNone(t *testing.T) {
	t.Parallel()
	for _, name := range tool.TypeNames() {
		require.Equal(t, contains([]string{"any", "none"}, name), tool.CanBe("", name, false), name)
		require.True(t, tool.CanBe("", name, true), name)
	}
	require.True(t, tool.CanBe("", "", false))
	require.False(t, tool.CanBe("", "nonsense", true))
}

func TestTheHostOfATypeURLDoesNotMatter(t *testing.T) {
	t.Parallel()
	require.True(t, tool.CanBe("example.com/types/google.protobuf.StringValue", "str", false))
	require.True(t, tool.CanBe("google.protobuf.StringValue", "str", false))
	require.False(t, tool.CanBe("example.com/types/", "any", false))
}

func TestJudgingATypeURLDoesNotAllocate(t *testing.T) {
	url := prefix + "python." + strings.Repeat("x", 100)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = tool.CanBe(url, "message", false)
		_ = tool.CanBe(prefix+"dspex.bridge.Value", "datetime", true)
	}))
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
