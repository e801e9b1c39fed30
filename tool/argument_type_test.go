package tool_test

import (
	"encoding/json"
	"os"
	"slices"
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

// fitting is the table that every SDK's tests read: what a value may be given for, by its kind.
type fitting struct {
	Kinds []struct {
		Kind string
		Fits string
		URLs []string
	}
	Advice []struct{ Path, Want, Got, Says string }
}

func readFitting(t *testing.T) fitting {
	t.Helper()
	text, err := os.ReadFile("testdata/fitting.json")
	require.NoError(t, err)
	var table fitting
	require.NoError(t, json.Unmarshal(text, &table))
	require.NotEmpty(t, table.Kinds)
	require.NotEmpty(t, table.Advice)
	return table
}

// declaredTypes says, for every form on the wire, the declared types that it can be: those of all kinds that travel in it.
func declaredTypes(t *testing.T) map[string][]string {
	t.Helper()
	forms := make(map[string][]string)
	for _, kind := range readFitting(t).Kinds {
		for _, name := range strings.Fields(kind.Fits) {
			require.Contains(t, tool.TypeNames(), name, kind.Kind)
		}
		for _, url := range kind.URLs {
			forms[url] = append(append(forms[url], "any", "Enum"), strings.Fields(kind.Fits)...)
		}
	}
	require.Greater(t, len(forms), 20)
	return forms
}

func TestAValueCanBeExactlyTheTypesThatItsFormMayCarry(t *testing.T) {
	t.Parallel()
	for form, can := range declaredTypes(t) {
		url := form
		if form != "" {
			url = prefix + form
		}
		for _, name := range tool.TypeNames() {
			require.Equal(t, slices.Contains(can, name), tool.CanBe(url, name, false), "%s as %s", form, name)
			require.Equal(t, slices.Contains(can, "none") || slices.Contains(can, name), tool.CanBe(url, name, true), "%s as %s or none", form, name)
		}
		require.True(t, tool.CanBe(url, "", false), "%s as an undeclared type", form)
		require.False(t, tool.CanBe(url, "nonsense", true), "%s as an unknown type", form)
	}
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
