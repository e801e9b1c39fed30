package tool_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestACallWhoseNamesAreTooLongIsRefusedWithTheFieldAndTheLimit(t *testing.T) {
	t.Parallel()
	fits, long := strings.Repeat("x", tool.MaxIDBytes), strings.Repeat("x", tool.MaxIDBytes+1)
	require.Nil(t, (&tool.Call{
		RequestID: fits, StreamID: fits, MinRevision: fits, BridgeRun: fits, Kwargs: []tool.Keyword{{Name: fits[:256]}},
	}).CheckBounds())
	for field, call := range map[string]*tool.Call{
		"request_id": {RequestID: long}, "stream_id": {StreamID: long}, "min_revision": {MinRevision: long}, "bridge_run": {BridgeRun: long},
	} {
		err := call.CheckBounds()
		require.NotNil(t, err, field)
		require.Equal(t, tool.ValidationError, err.Code)
		require.Contains(t, err.Message, "has 273 bytes, the limit is 272")
		require.Equal(t, map[string]string{"field": field, "limit": "272"}, err.Details)
	}
	err := (&tool.Call{Tool: long, Kwargs: []tool.Keyword{{Name: "a"}, {Name: fits[:257]}}}).CheckBounds()
	require.NotNil(t, err)
	require.Contains(t, err.Message, "has a name of 257 bytes, the limit is 256")
	require.Less(t, len(err.Message), 300)
}

const someParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestOnlyATraceContextOfTheW3CTravels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", tool.MaxTraceStateBytes)
	for name, c := range map[string]struct{ parent, state, wantParent, wantState string }{
		"one":                      {someParent, "a=b", someParent, "a=b"},
		"of a version to come":     {"01" + someParent[2:], "", "01" + someParent[2:], ""},
		"with the longest state":   {someParent, long, someParent, long},
		"whose state is too long":  {someParent, long + "s", someParent, ""},
		"none":                     {"", "a=b", "", ""},
		"nonsense":                 {"z", "a=b", "", ""},
		"nonsense as long as one":  {strings.Repeat("z", 54) + "0", "", "", ""},
		"of the forbidden version": {"ff" + someParent[2:], "", "", ""},
		"in upper case":            {strings.ToUpper(someParent), "", "", ""},
		"of no trace":              {"00-" + strings.Repeat("0", 32) + someParent[35:], "", "", ""},
		"of no span":               {someParent[:36] + strings.Repeat("0", 16) + "-01", "", "", ""},
		"with other separators":    {strings.ReplaceAll(someParent, "-", "_"), "", "", ""},
		"that goes on":             {someParent + "-x", "", "", ""},
		"of a megabyte":            {strings.Repeat("1", 1<<20), "a=b", "", ""},
	} {
		parent, state := tool.TraceContext(c.parent, c.state)
		require.Equal(t, c.wantParent, parent, name)
		require.Equal(t, c.wantState, state, name)
	}
	for i := range len(someParent) { // whichever character is wrong
		require.False(t, tool.IsTraceParent(someParent[:i]+"/"+someParent[i+1:]), i)
		require.False(t, tool.IsTraceParent(someParent[:i]+"g"+someParent[i+1:]), i)
	}
}

func TestAnErrorThatFitsIsNotChanged(t *testing.T) {
	t.Parallel()
	err := tool.Errorf(tool.ExecutionError, "%s", strings.Repeat("m", tool.MaxErrorMessageBytes)).With("k", "v")
	err.Stack, err.Class = strings.Repeat("s", tool.MaxErrorStackBytes), strings.Repeat("c", tool.MaxNameBytes)
	err.Exception = tool.Value{Bytes: []byte("12345")}
	require.Same(t, err, err.Bounded(5))
	require.Same(t, err, err.Bounded(0))
}

func TestAnErrorThatIsTooLargeIsCutDownAndSaysSo(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("é", 1<<20)
	err := tool.Errorf(tool.Code(huge), "%s", huge).With("limit", "5").With("huge", huge).With(huge, "v")
	err.Stack, err.Class = "first line"+huge+"last line", huge
	err.Exception = tool.Value{Bytes: []byte("123456")}

	cut := err.Bounded(5)

	require.LessOrEqual(t, len(cut.Message), tool.MaxErrorMessageBytes)
	require.True(t, strings.HasPrefix(cut.Message, "ééé"))
	require.Contains(t, cut.Message, "… (cut, 2097152 bytes)")
	require.Contains(t, cut.Message, "the exception itself has 6 bytes, the limit is 5: it was left out")
	require.Zero(t, cut.Exception)
	require.LessOrEqual(t, len(cut.Stack), tool.MaxErrorStackBytes)
	require.True(t, strings.HasPrefix(cut.Stack, "first line") && strings.HasSuffix(cut.Stack, "last line"))
	require.Contains(t, cut.Stack, "… (cut, 2097171 bytes) …")
	require.LessOrEqual(t, max(len(cut.Class), len(cut.Code)), tool.MaxNameBytes)
	require.Equal(t, map[string]string{
		"limit": "5", "details_cut": "2 of 3 were left out: the details of an error have at most 65536 bytes",
	}, cut.Details)
	for _, text := range []string{cut.Message, cut.Stack, cut.Class, string(cut.Code)} {
		require.True(t, utf8.ValidString(text))
	}
	require.Len(t, err.Details, 3, "the error itself is not changed")
	require.Same(t, cut, cut.Bounded(5), "it fits now")
}

func TestOfManyDetailsThoseThatFitAreKept(t *testing.T) {
	t.Parallel()
	details := map[string]string{}
	for i := range 20_000 {
		details[fmt.Sprintf("k%05d", i)] = "v"
	}
	cut := (&tool.Error{Code: tool.Internal, Details: details}).Bounded(0)
	require.Greater(t, len(cut.Details), 1000)
	size := 0
	for k, v := range cut.Details {
		size += len(k) + len(v) + 8
	}
	require.LessOrEqual(t, size, tool.MaxErrorDetailsBytes)
	require.Equal(t, "v", cut.Details["k00000"])
	require.Contains(t, cut.Details["details_cut"], "of 20000 were left out")
}
