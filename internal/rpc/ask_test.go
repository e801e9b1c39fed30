package rpc_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ask asks over a worker's link, and decodes the answer into one of its kind.
func (w *worker) ask(t *testing.T, name string, request, answer proto.Message) error {
	t.Helper()
	encoded, err := proto.Marshal(request)
	require.NoError(t, err)
	r, sent, err := w.process.Ask(t.Context(), &tool.Call{Asks: name, Args: []tool.Value{{Bytes: encoded}}})
	require.True(t, sent)
	if err == nil {
		require.NoError(t, proto.Unmarshal(r.Value.Bytes, answer))
	}
	return err
}

func TestAProcessAsksForSessionsAndVariablesOverItsLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.worker("caller", hosting{})
	var made bridgepb.InitializeSessionResponse
	require.NoError(t, w.ask(t, "InitializeSession", &bridgepb.InitializeSessionRequest{SessionId: "new"}, &made))
	require.True(t, made.GetSuccess() && made.GetCreated())
	require.Equal(t, "new", made.GetSession().GetSessionId())

	var put bridgepb.SetVariableResponse
	require.NoError(t, w.ask(t, "SetVariable", &bridgepb.SetVariableRequest{SessionId: "new", Name: "v", Value: encoded(t, 42)}, &put))
	require.True(t, put.GetSuccess(), put.GetError())
	byRPC := accepted[*bridgepb.GetVariableResponse](t)(b.stub.GetVariable(t.Context(), &bridgepb.GetVariableRequest{SessionId: "new", Name: "v"}))
	require.Equal(t, put.GetRevision(), byRPC.GetVariable().GetRevision())
	require.Equal(t, int64(42), decoded(t, byRPC.GetVariable().GetValue()))
}

func TestWhatIsWrongWithWhatWasAskedStandsInTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.worker("caller", hosting{})
	var answer bridgepb.GetVariableResponse
	require.NoError(t, w.ask(t, "GetVariable", &bridgepb.GetVariableRequest{SessionId: session, Name: "none"}, &answer))
	require.False(t, answer.GetSuccess())
	require.Equal(t, string(tool.VariableNotFound), answer.GetError().GetType())
}

func TestOnlyWhatTheProtocolNamesIsAnsweredOverALink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.worker("caller", hosting{})
	for _, name := range []string{"ExecuteTool", "Nothing", "RegisterTools"} {
		err := w.ask(t, name, &bridgepb.ToolCallRequest{}, nil)
		require.Equal(t, tool.Unimplemented, tool.CodeOf(err), name)
		require.ErrorContains(t, err, name)
	}
	_, sent, err := w.process.Ask(t.Context(), &tool.Call{Asks: "GetSession"})
	require.True(t, sent)
	require.Equal(t, tool.ValidationError, tool.CodeOf(err), "no request at all")
	_, sent, err = w.process.Ask(t.Context(), &tool.Call{Asks: "GetSession", Args: []tool.Value{{Bytes: []byte{0xff}}}})
	require.True(t, sent)
	require.Equal(t, tool.ProtocolError, tool.CodeOf(err))
	many := bytes.Repeat([]byte{0x12, 0x00}, wire.MaxParts+1) // empty variables
	_, err = w.process.Call(t.Context(), &tool.Call{Asks: "UpdateVariables", Args: []tool.Value{{Bytes: many}}})
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
	var still bridgepb.GetSessionResponse
	require.NoError(t, w.ask(t, "GetSession", &bridgepb.GetSessionRequest{SessionId: session}, &still), "the link goes on")
	require.True(t, still.GetSuccess())
}

// lines are what an access log wrote.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func TestTheAccessLogHasALineForEachAsk(t *testing.T) {
	t.Parallel()
	var log lines
	b := setup(t, func(_ *broker.Config, c *rpc.Config) { c.AccessLog = slog.New(slog.NewTextHandler(&log, nil)) })
	w := b.worker("caller", hosting{})
	require.NoError(t, w.ask(t, "CleanupSession", &bridgepb.CleanupSessionRequest{SessionId: "none"}, &bridgepb.CleanupSessionResponse{}))
	log.mu.Lock()
	defer log.mu.Unlock()
	require.Regexp(t, `method=/dspex.bridge.SnakepitBridge/CleanupSession session=none peer=caller code=SessionNotFound`, log.all.String())
}
