package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
)

func TestSessionsAndVariablesAreAskedForOverLinksAndNothingElse(t *testing.T) {
	t.Parallel()
	desc := bridgepb.SnakepitBridge_ServiceDesc
	var asked []string
	for _, m := range desc.Methods {
		name, ok := wire.AskedOverLinks("/" + desc.ServiceName + "/" + m.MethodName)
		require.Equal(t, ok, name != "")
		if ok {
			require.Equal(t, m.MethodName, name)
			asked = append(asked, name)
		}
	}
	require.ElementsMatch(t, strings.Fields(`InitializeSession CleanupSession GetSession ListSessions GetSessionTools
		SetVariable GetVariable DeleteVariable ListVariables UpdateVariables`), asked)
	for _, other := range []string{"", "SetVariable", bridgepb.SnakepitBridge_ExecuteTool_FullMethodName, bridgepb.Admin_ListWorkers_FullMethodName} {
		_, ok := wire.AskedOverLinks(other)
		require.False(t, ok, other)
	}
}
