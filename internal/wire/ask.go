package wire

import bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"

// AskedOverLinks returns the name under which an RPC, given by its full method, may be asked for over a link, and whether it may:
// see ToolCallRequest.asks.
func AskedOverLinks(method string) (name string, asked bool) {
	switch method {
	case bridgepb.SnakepitBridge_InitializeSession_FullMethodName, bridgepb.SnakepitBridge_CleanupSession_FullMethodName,
		bridgepb.SnakepitBridge_GetSession_FullMethodName, bridgepb.SnakepitBridge_ListSessions_FullMethodName,
		bridgepb.SnakepitBridge_GetSessionTools_FullMethodName,
		bridgepb.SnakepitBridge_SetVariable_FullMethodName, bridgepb.SnakepitBridge_GetVariable_FullMethodName,
		bridgepb.SnakepitBridge_DeleteVariable_FullMethodName, bridgepb.SnakepitBridge_ListVariables_FullMethodName,
		bridgepb.SnakepitBridge_UpdateVariables_FullMethodName:
		return method[len("/"+service+"/"):], true
	default:
		return "", false
	}
}

// service is the name of the service whose RPCs may be asked for.
const service = "dspex.bridge.SnakepitBridge"
