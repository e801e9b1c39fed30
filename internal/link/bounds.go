package link

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxBody is how long the body of a frame may be: with what stands before it the frame is no longer than maxFrame. A longer one would
// end the link, and with it every call on it, so none is ever queued: who wants to send it hears of it alone.
const maxBody = maxFrame - headerRoom

// maxReason is how much of the message of a Cancel or a ProtocolError is sent: those frames are never cut.
const maxReason = 16 << 10

// checkCall refuses a call whose frame would be too long. Its values are within their own limit, so something else is.
func (e *encoder) checkCall(call *tool.Call) *tool.Error {
	size := e.size()
	if size <= maxBody {
		return nil
	}
	part, most := "arguments", call.ArgumentBytes()
	names := 0
	for i := range call.Kwargs {
		names += len(call.Kwargs[i].Name)
	}
	for _, p := range []struct {
		name string
		size int
	}{
		{"names of keyword arguments", names}, {"trace state", len(call.TraceState)}, {"trace parent", len(call.TraceParent)},
		{"request id", len(call.RequestID)}, {"stream id", len(call.StreamID)}, {"session id", len(call.SessionID)}, {"name of the tool", len(call.Tool)},
		{"revision to wait for", len(call.MinRevision)}, {"name of the bridge's run", len(call.BridgeRun)}, {"request", len(call.Asks)},
	} {
		if p.size > most {
			part, most = p.name, p.size
		}
	}
	return tool.Errorf(tool.MessageTooLarge, "message too large: the call of tool %q has %d bytes with all that travels with it, the limit is %d; most of it is its %s with %d bytes: send less",
		tool.Shortened(call.Tool, tool.MaxNameBytes), size, maxBody, part, most).
		With("part", part).With("size", strconv.Itoa(size)).With("limit", strconv.Itoa(maxBody))
}

// errAnswerTooLong is the answer to a call whose own answer would be too long a frame.
func errAnswerTooLong(call *tool.Call, size int) *tool.Error {
	what := "the answer of tool " + strconv.Quote(tool.Shortened(call.Tool, tool.MaxNameBytes))
	if call.Asks != "" {
		what = "the answer to " + call.Asks
	}
	return tool.Errorf(tool.MessageTooLarge, "message too large: %s has %d bytes with all that travels with it, the limit is %d: return less", what, size, maxBody).
		With("size", strconv.Itoa(size)).With("limit", strconv.Itoa(maxBody)).With("started", "true")
}

// checkNote refuses a frame of the link itself that would be too long, or that the other side would refuse for its many parts.
func checkNote(kind protowire.Number, body []byte) *tool.Error {
	if len(body) > maxBody {
		return tool.Errorf(tool.MessageTooLarge, "message too large: %s has %d bytes, the limit is %d: send less at once", noteName(kind), len(body), maxBody).
			With("size", strconv.Itoa(len(body))).With("limit", strconv.Itoa(maxBody))
	}
	if checkParts(kind, body) != nil {
		return tool.Errorf(tool.MessageTooLarge, "message too large: %s has too many tools, arguments and the like: send less at once", noteName(kind))
	}
	return nil
}

func noteName(kind protowire.Number) string {
	switch kind {
	case frameRegister:
		return "the descriptions of tools"
	case frameUnregister:
		return "the list of tools to withdraw"
	case frameAuthenticate:
		return "the credential"
	case frameDrain:
		return "the reason to drain"
	default:
		return "a frame of the link"
	}
}

// echoed is a name that is answered as it came, unless nobody may call anything so.
func echoed(id string) string {
	if len(id) > tool.MaxIDBytes {
		return ""
	}
	return id
}

// brief is an error with what of it fits into a message of its own.
func brief(why *tool.Error) *tool.Error {
	short := *why
	short.Message, short.Stack, short.Exception = tool.Shortened(why.Message, maxReason), "", tool.Value{}
	return &short
}
