package rpc_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func (b *bundle) set(name string, v any) (*bridgepb.SetVariableResponse, error) {
	b.t.Helper()
	return b.stub.SetVariable(b.t.Context(), &bridgepb.SetVariableRequest{SessionId: session, Name: name, Value: encoded(b.t, v)})
}

func (b *bundle) get(name string) (*bridgepb.GetVariableResponse, error) {
	return b.stub.GetVariable(b.t.Context(), &bridgepb.GetVariableRequest{SessionId: session, Name: name})
}

func TestAVariableComesBackAsItWasSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	written := accepted[*bridgepb.SetVariableResponse](t)(b.stub.SetVariable(t.Context(), &bridgepb.SetVariableRequest{
		SessionId: session, Name: "threshold", Value: encoded(t, 0.95), Metadata: map[string]string{"type": "float"},
	}))
	got := accepted[*bridgepb.GetVariableResponse](t)(b.get("threshold")).GetVariable()
	require.Equal(t, 0.95, decoded(t, got.GetValue()))
	require.Equal(t, map[string]string{"type": "float"}, got.GetMetadata())
	require.Equal(t, written.GetRevision(), got.GetRevision())
	require.NotNil(t, got.GetUpdatedAt())
}

func TestAVariableIsWrittenOnlyUnderItsCondition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := accepted[*bridgepb.SetVariableResponse](t)(b.set("v", 1))
	write := func(revision string, absent bool) (*bridgepb.SetVariableResponse, error) {
		return b.stub.SetVariable(t.Context(), &bridgepb.SetVariableRequest{
			SessionId: session, Name: "v", Value: encoded(t, 2), IfRevision: revision, IfAbsent: absent,
		})
	}
	refused[*bridgepb.SetVariableResponse](t, tool.RevisionConflict)(write("", true))
	second := accepted[*bridgepb.SetVariableResponse](t)(write(first.GetRevision(), false))
	require.NotEqual(t, first.GetRevision(), second.GetRevision())
	refused[*bridgepb.SetVariableResponse](t, tool.RevisionConflict, `"v"`)(write(first.GetRevision(), false))
}

func TestSeveralVariablesAreWrittenAllOrNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := accepted[*bridgepb.SetVariableResponse](t)(b.set("a", 0))
	update := func(revision string) (*bridgepb.UpdateVariablesResponse, error) {
		return b.stub.UpdateVariables(t.Context(), &bridgepb.UpdateVariablesRequest{SessionId: session, Variables: []*bridgepb.Variable{
			{Name: "b", Value: encoded(t, 2)}, {Name: "a", Value: encoded(t, 1), Revision: revision},
		}})
	}
	require.Len(t, accepted[*bridgepb.UpdateVariablesResponse](t)(update(old.GetRevision())).GetRevisions(), 2)
	accepted[*bridgepb.DeleteVariableResponse](t)(b.stub.DeleteVariable(t.Context(), &bridgepb.DeleteVariableRequest{SessionId: session, Name: "b"}))
	refused[*bridgepb.UpdateVariablesResponse](t, tool.RevisionConflict, `"a"`)(update(old.GetRevision()))
	refused[*bridgepb.GetVariableResponse](t, tool.VariableNotFound, `"b"`)(b.get("b"))
	refused[*bridgepb.DeleteVariableResponse](t, tool.VariableNotFound, `"b"`)(
		b.stub.DeleteVariable(t.Context(), &bridgepb.DeleteVariableRequest{SessionId: session, Name: "b"}))
}

func TestVariablesAreListedPageByPageWithoutTheirValues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"p-b", "p-a", "q", "p-c"} {
		accepted[*bridgepb.SetVariableResponse](t)(b.set(name, name))
	}
	list := func(token string, values bool) *bridgepb.ListVariablesResponse {
		return accepted[*bridgepb.ListVariablesResponse](t)(b.stub.ListVariables(t.Context(), &bridgepb.ListVariablesRequest{
			SessionId: session, Prefix: "p-", PageSize: 2, PageToken: token, WithValues: values,
		}))
	}
	first := list("", false)
	require.Equal(t, "p-a", first.GetVariables()[0].GetName())
	require.Empty(t, first.GetVariables()[0].GetValue().GetTypeUrl())
	last := list(first.GetNextPageToken(), true)
	require.Len(t, last.GetVariables(), 1)
	require.Equal(t, "p-c", decoded(t, last.GetVariables()[0].GetValue()))
	require.Empty(t, last.GetNextPageToken())
}

func TestVariablesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refused[*bridgepb.SetVariableResponse](t, tool.MessageTooLarge, "message too large", "1048576")(b.set("large", strings.Repeat("x", 1<<20)))
	refused[*bridgepb.SetVariableResponse](t, tool.ValidationError, "variable")(b.set("", 1))
	refused[*bridgepb.SetVariableResponse](t, tool.ValidationError)(b.set("a\tb", 1))
	refused[*bridgepb.SetVariableResponse](t, tool.MessageTooLarge)(b.stub.SetVariable(t.Context(), &bridgepb.SetVariableRequest{
		SessionId: session, Name: "v", Value: encoded(t, 1), Metadata: map[string]string{"k": strings.Repeat("x", 16<<10)},
	}))
	refused[*bridgepb.SetVariableResponse](t, tool.SessionNotFound)(b.stub.SetVariable(t.Context(),
		&bridgepb.SetVariableRequest{SessionId: "never", Name: "v", Value: encoded(t, 1)}))
	refused[*bridgepb.ListVariablesResponse](t, tool.SessionNotFound)(b.stub.ListVariables(t.Context(), &bridgepb.ListVariablesRequest{SessionId: "never"}))
}

func TestAWatchSendsWhatIsThereAndThenEachChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	accepted[*bridgepb.SetVariableResponse](t)(b.set("seen", 1))
	accepted[*bridgepb.SetVariableResponse](t)(b.set("other", 1))
	watch, err := b.stub.WatchVariables(t.Context(), &bridgepb.WatchVariablesRequest{SessionId: session, Names: []string{"seen"}})
	require.NoError(t, err)
	next := func(want bridgepb.VariableEventType) *bridgepb.VariableEvent {
		event, err := watch.Recv()
		require.NoError(t, err)
		require.Equal(t, want, event.GetType(), event.GetError())
		return event
	}
	require.Equal(t, int64(1), decoded(t, next(bridgepb.VariableEventType_VARIABLE_SET).GetVariable().GetValue()))
	next(bridgepb.VariableEventType_VARIABLE_CURRENT)
	accepted[*bridgepb.SetVariableResponse](t)(b.set("other", 2))
	accepted[*bridgepb.SetVariableResponse](t)(b.set("seen", 2))
	require.Equal(t, int64(2), decoded(t, next(bridgepb.VariableEventType_VARIABLE_SET).GetVariable().GetValue()))
	accepted[*bridgepb.DeleteVariableResponse](t)(b.stub.DeleteVariable(t.Context(), &bridgepb.DeleteVariableRequest{SessionId: session, Name: "seen"}))
	deleted := next(bridgepb.VariableEventType_VARIABLE_DELETED).GetVariable()
	require.Equal(t, "seen", deleted.GetName())
	require.Empty(t, deleted.GetValue().GetTypeUrl())

	accepted[*bridgepb.CleanupSessionResponse](t)(b.stub.CleanupSession(t.Context(), &bridgepb.CleanupSessionRequest{SessionId: session, Force: true}))
	rest := received(t, watch)
	require.NotEmpty(t, rest)
	failed(t, rest[len(rest)-1].GetError(), tool.SessionExpired)
}

func TestAWatchEndsWithItsReader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watch, err := b.stub.WatchVariables(ctx, &bridgepb.WatchVariablesRequest{SessionId: session})
	require.NoError(t, err)
	event, err := watch.Recv()
	require.NoError(t, err)
	require.Equal(t, bridgepb.VariableEventType_VARIABLE_CURRENT, event.GetType())
	cancel()
	_, err = watch.Recv()
	require.Equal(t, codes.Canceled, status.Code(err))
}
