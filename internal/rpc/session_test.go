package rpc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func (b *bundle) initialize(r *bridgepb.InitializeSessionRequest) (*bridgepb.InitializeSessionResponse, error) {
	return b.stub.InitializeSession(b.t.Context(), r)
}

func TestInitializingASessionSaysWhatTheBridgeIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := accepted[*bridgepb.InitializeSessionResponse](t)(b.initialize(&bridgepb.InitializeSessionRequest{
		SessionId: "new", Metadata: map[string]string{"team": "a"}, Ttl: durationpb.New(time.Minute),
	}))
	require.True(t, answer.GetCreated())
	require.Equal(t, "new", answer.GetSession().GetSessionId())
	require.Equal(t, uint64(1), answer.GetSession().GetEpoch())
	require.Equal(t, map[string]string{"team": "a"}, answer.GetSession().GetMetadata())
	require.Equal(t, time.Minute, answer.GetSession().GetTtl().AsDuration())
	require.Equal(t, uint32(len(answer.GetTools())), answer.GetToolCount())
	require.Equal(t, "add_numbers", answer.GetTools()[0].GetName(), "in the order in which they were registered")
	require.Contains(t, answer.GetCapabilities(), "link")
	require.Equal(t, uint64(10<<20), answer.GetLimits().GetMaxValueBytes())
	require.NotEmpty(t, answer.GetBridgeRun())
	require.False(t, accepted[*bridgepb.InitializeSessionResponse](t)(b.initialize(&bridgepb.InitializeSessionRequest{SessionId: "new"})).GetCreated())
}

func TestASessionWithoutAnIDGetsOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := accepted[*bridgepb.InitializeSessionResponse](t)(b.initialize(&bridgepb.InitializeSessionRequest{}))
	require.GreaterOrEqual(t, len(answer.GetSession().GetSessionId()), 16)
}

func TestSessionsThatCannotBeMadeAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for what, c := range map[string]struct {
		request *bridgepb.InitializeSessionRequest
		code    tool.Code
	}{
		"it exists":           {&bridgepb.InitializeSessionRequest{SessionId: session, CreateOnly: true}, tool.SessionAlreadyExists},
		"a control character": {&bridgepb.InitializeSessionRequest{SessionId: "a\nb"}, tool.ValidationError},
		"a name too long":     {&bridgepb.InitializeSessionRequest{SessionId: strings.Repeat("x", 257)}, tool.ValidationError},
		"metadata too large":  {&bridgepb.InitializeSessionRequest{SessionId: "m", Metadata: map[string]string{"k": strings.Repeat("x", 16<<10)}}, tool.MessageTooLarge},
		"it lives too long":   {&bridgepb.InitializeSessionRequest{SessionId: "l", Ttl: durationpb.New(31 * 24 * time.Hour)}, tool.ValidationError},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			refused[*bridgepb.InitializeSessionResponse](t, c.code)(b.initialize(c.request))
		})
	}
}

func TestASessionThatEndedIsExpiredUntilItBeginsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	accepted[*bridgepb.SetVariableResponse](t)(b.set("v", 1))
	accepted[*bridgepb.RegisterToolsResponse](t)(b.stub.RegisterTools(t.Context(), &bridgepb.RegisterToolsRequest{
		SessionId: session, Tools: []*bridgepb.ToolSpec{{Name: "own"}},
	}))
	get := func() (*bridgepb.GetSessionResponse, error) {
		return b.stub.GetSession(t.Context(), &bridgepb.GetSessionRequest{SessionId: session})
	}
	require.Equal(t, uint32(7), accepted[*bridgepb.GetSessionResponse](t)(get()).GetSession().GetToolCount())

	removed := accepted[*bridgepb.CleanupSessionResponse](t)(b.stub.CleanupSession(t.Context(), &bridgepb.CleanupSessionRequest{SessionId: session}))
	require.Equal(t, uint32(1), removed.GetToolsRemoved())
	require.Equal(t, uint32(1), removed.GetVariablesRemoved())
	refused[*bridgepb.GetSessionResponse](t, tool.SessionExpired)(get())
	refused[*bridgepb.GetVariableResponse](t, tool.SessionExpired)(b.get("v"))

	again := accepted[*bridgepb.InitializeSessionResponse](t)(b.initialize(&bridgepb.InitializeSessionRequest{SessionId: session}))
	require.Equal(t, uint64(2), again.GetSession().GetEpoch())
	refused[*bridgepb.GetVariableResponse](t, tool.VariableNotFound, `"v"`)(b.get("v"))
	refused[*bridgepb.ToolCallResponse](t, tool.SessionExpired)(b.stub.ExecuteTool(t.Context(),
		&bridgepb.ToolCallRequest{SessionId: session, Epoch: 1, ToolId: "add_numbers", Args: all(t, 1, 1)}))
	refused[*bridgepb.GetSessionResponse](t, tool.SessionExpired)(b.stub.GetSession(t.Context(), &bridgepb.GetSessionRequest{SessionId: session, Epoch: 1}))
	refused[*bridgepb.GetSessionToolsResponse](t, tool.SessionExpired)(b.stub.GetSessionTools(t.Context(), &bridgepb.GetSessionToolsRequest{SessionId: session, Epoch: 1}))
	refused[*bridgepb.RegisterToolsResponse](t, tool.SessionExpired)(b.stub.RegisterTools(t.Context(), &bridgepb.RegisterToolsRequest{SessionId: session, Epoch: 1}))
	refused[*bridgepb.UnregisterToolsResponse](t, tool.SessionExpired)(b.stub.UnregisterTools(t.Context(), &bridgepb.UnregisterToolsRequest{SessionId: session, Epoch: 1}))
	refused[*bridgepb.ListAgentsResponse](t, tool.SessionExpired)(b.stub.ListAgents(t.Context(), &bridgepb.ListAgentsRequest{SessionId: session, Epoch: 1}))
	refused[*bridgepb.DeleteAgentResponse](t, tool.SessionExpired)(b.stub.DeleteAgent(t.Context(), &bridgepb.DeleteAgentRequest{SessionId: session, Epoch: 1, AgentId: "a"}))
}

func TestASessionIsEndedByForceWhileCallsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answered := make(chan *bridgepb.ToolCallResponse, 1)
	go func() {
		response, _ := b.execute("wait", "held")
		answered <- response
	}()
	within(t, "the tool begins", b.samples.began)
	end := func(force bool) (*bridgepb.CleanupSessionResponse, error) {
		return b.stub.CleanupSession(t.Context(), &bridgepb.CleanupSessionRequest{SessionId: session, Force: force})
	}
	refused[*bridgepb.CleanupSessionResponse](t, tool.ValidationError, "force")(end(false))
	accepted[*bridgepb.CleanupSessionResponse](t)(end(true))
	require.Contains(t, []string{"Cancelled", "SessionExpired"}, within(t, "the call ends", answered).GetError().GetType())
	within(t, "the tool's context ends", b.samples.ended)
}

func TestSessionsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 5 {
		accepted[*bridgepb.InitializeSessionResponse](t)(b.initialize(&bridgepb.InitializeSessionRequest{SessionId: fmt.Sprint("page-", i)}))
	}
	var seen []string
	for token := ""; ; {
		page := accepted[*bridgepb.ListSessionsResponse](t)(b.stub.ListSessions(t.Context(),
			&bridgepb.ListSessionsRequest{Prefix: "page-", PageSize: 2, PageToken: token}))
		require.LessOrEqual(t, len(page.GetSessions()), 2)
		for _, s := range page.GetSessions() {
			seen = append(seen, s.GetSessionId())
			require.Equal(t, uint32(6), s.GetToolCount())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	require.Equal(t, []string{"page-0", "page-1", "page-2", "page-3", "page-4"}, seen)
	refused[*bridgepb.GetSessionResponse](t, tool.SessionNotFound)(b.stub.GetSession(t.Context(), &bridgepb.GetSessionRequest{SessionId: "never"}))
	refused[*bridgepb.GetSessionToolsResponse](t, tool.SessionNotFound)(b.stub.GetSessionTools(t.Context(), &bridgepb.GetSessionToolsRequest{SessionId: "never"}))
	refused[*bridgepb.RegisterToolsResponse](t, tool.SessionNotFound)(b.stub.RegisterTools(t.Context(),
		&bridgepb.RegisterToolsRequest{SessionId: "never", Tools: []*bridgepb.ToolSpec{{Name: "x"}}}))
}

func TestToolsThatCannotBeOfferedAreRefusedAllTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for what, c := range map[string]struct {
		spec *bridgepb.ToolSpec
		code tool.Code
	}{
		"an unknown type":      {&bridgepb.ToolSpec{Name: "x", Arguments: []*bridgepb.ArgumentSpec{{Name: "a", PythonType: "quaternion"}}}, tool.ValidationError},
		"a streamed argument":  {&bridgepb.ToolSpec{Name: "x", Arguments: []*bridgepb.ArgumentSpec{{Name: "a", Streamed: true}}}, tool.Unimplemented},
		"at most once":         {&bridgepb.ToolSpec{Name: "x", Once: true}, tool.Unimplemented},
		"no name":              {&bridgepb.ToolSpec{}, tool.ValidationError},
		"a name of two":        {&bridgepb.ToolSpec{ToolId: "other", Name: "fine"}, tool.ToolConflict},
		"a control character":  {&bridgepb.ToolSpec{Name: "a\x00"}, tool.ValidationError},
		"two arguments of one": {&bridgepb.ToolSpec{Name: "x", Arguments: []*bridgepb.ArgumentSpec{{Name: "a"}, {Name: "a"}}}, tool.ValidationError},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			refused[*bridgepb.RegisterToolsResponse](t, c.code)(b.stub.RegisterTools(t.Context(), &bridgepb.RegisterToolsRequest{
				SessionId: session, Tools: []*bridgepb.ToolSpec{{Name: "fine"}, c.spec},
			}))
			refused[*bridgepb.ToolCallResponse](t, tool.ToolNotFound)(b.execute("fine"))
		})
	}
}
