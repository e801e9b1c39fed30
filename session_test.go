package toolbridge_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestASessionIsCreatedOnceAndThenAttachedTo(t *testing.T) {
	t.Parallel()
	client := bridgetest.New(t).Dial()
	first, err := client.Session(t.Context(), "report-7", toolbridge.TTL(time.Minute), toolbridge.SessionMetadata(map[string]string{"for": "me"}))
	require.NoError(t, err)
	require.True(t, first.Created())
	require.Equal(t, "report-7", first.ID())
	require.Equal(t, uint64(1), first.Epoch())

	second, err := client.Session(t.Context(), "report-7")
	require.NoError(t, err)
	require.False(t, second.Created())

	info, err := second.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Minute, info.TTL)
	require.Equal(t, map[string]string{"for": "me"}, info.Metadata)
	require.WithinDuration(t, time.Now(), info.CreatedAt, time.Minute)

	_, err = client.Session(t.Context(), "report-7", toolbridge.CreateOnly())
	require.Equal(t, tool.SessionAlreadyExists, asError(t, err).Code)
}

func TestAnEmptyIDMakesASessionThatTheBridgeNames(t *testing.T) {
	t.Parallel()
	client := bridgetest.New(t).Dial()
	one, err := client.Session(t.Context(), "")
	require.NoError(t, err)
	two, err := client.Session(t.Context(), "")
	require.NoError(t, err)
	require.NotEmpty(t, one.ID())
	require.NotEqual(t, one.ID(), two.ID())
}

func TestAnEndedSessionIsExpiredUntilItIsInitializedAnew(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	client := b.Dial()
	s, err := client.Session(t.Context(), "s")
	require.NoError(t, err)
	_, err = s.Set(t.Context(), "x", 1)
	require.NoError(t, err)
	ended, err := s.End(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, ended.Variables)

	_, err = s.Get(t.Context(), "x")
	require.Equal(t, tool.SessionExpired, asError(t, err).Code)
	_, err = s.Call(t.Context(), "add_numbers", 1, 2)
	require.Equal(t, tool.SessionExpired, asError(t, err).Code)

	again, err := client.Session(t.Context(), "s")
	require.NoError(t, err)
	require.Equal(t, uint64(2), again.Epoch())
	_, err = again.Call(t.Context(), "add_numbers", 1, 2)
	require.NoError(t, err)
	_, err = s.Call(t.Context(), "add_numbers", 1, 2)
	require.Equal(t, tool.SessionExpired, asError(t, err).Code, "the old session is of an older epoch")
	for verb, ask := range map[string]func() error{
		"Info":            func() error { _, err := s.Info(t.Context()); return err },
		"Tools":           func() error { _, err := s.Tools(t.Context()); return err },
		"RegisterTools":   func() error { _, err := s.RegisterTools(t.Context(), &tool.Spec{Name: "late"}); return err },
		"UnregisterTools": func() error { return s.UnregisterTools(t.Context(), "late") },
		"Agents":          func() error { _, err := s.Agents(t.Context()); return err },
		"DeleteAgent":     func() error { return s.DeleteAgent(t.Context(), "a") },
	} {
		require.Equal(t, tool.SessionExpired, asError(t, ask()).Code, verb)
	}
}

func TestASessionInUseEndsOnlyByForce(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	running := make(chan struct{}, 1)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "hold", func(ctx context.Context, _ struct{}) (int, error) {
			running <- struct{}{}
			<-ctx.Done()
			return 0, ctx.Err()
		})
	})
	s := b.Session()
	failed := make(chan error, 1)
	go func() {
		_, err := s.Call(context.WithoutCancel(t.Context()), "hold")
		failed <- err
	}()
	<-running
	_, err := s.End(t.Context())
	require.Equal(t, tool.ValidationError, asError(t, err).Code)
	_, err = b.Dial().EndSession(t.Context(), s.ID(), toolbridge.Force())
	require.NoError(t, err)
	require.Error(t, <-failed)
}

func TestSessionsAreListedInTheOrderOfTheirIDs(t *testing.T) {
	t.Parallel()
	client := bridgetest.New(t).Dial()
	var want []string
	for i := range 150 {
		id := "list-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		want = append(want, id)
		_, err := client.Session(t.Context(), id)
		require.NoError(t, err)
	}
	_, err := client.Session(t.Context(), "other")
	require.NoError(t, err)
	got := bridgetest.Record(client.Sessions(t.Context(), "list-"))
	require.NoError(t, got.Err)
	ids := make([]string, len(got.Items))
	for i, info := range got.Items {
		ids[i] = info.Key.ID
	}
	require.True(t, slices.IsSorted(want))
	require.Equal(t, want, ids)
	require.Len(t, bridgetest.RecordSome(client.Sessions(t.Context(), ""), 2).Items, 2)
}

func TestBadSessionNamesAreRefused(t *testing.T) {
	t.Parallel()
	client := bridgetest.New(t).Dial()
	for _, id := range []string{"a\x00b", string(make([]byte, 300))} {
		_, err := client.Session(t.Context(), id)
		require.Equal(t, tool.ValidationError, asError(t, err).Code)
	}
}

func TestToolsAreListedAsTheyWereRegistered(t *testing.T) {
	t.Parallel()
	s := linked(t)
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.Equal(t, "add_numbers", tools[0].Name())
	require.Equal(t, "echo", tools[1].Name())
	spec := tools[0].Spec()
	require.True(t, spec.Available)
	require.True(t, spec.Idempotent)
	require.Equal(t, []tool.Argument{
		{Name: "a", Type: "int", Required: true, Description: "the first summand"},
		{Name: "b", Type: "int", Required: true, Description: "the second summand"},
	}, spec.Arguments)
	require.Equal(t, tool.Streaming, tools[len(tools)-1].Spec().Type)
	info, err := s.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(tools), info.ToolCount)
}

func TestASessionRemembersToolsThatNobodyOffersYet(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t, bridgetest.WithReattachGrace(50*time.Millisecond))
	s := b.Session()
	ids, err := s.RegisterTools(t.Context(), &tool.Spec{Name: "later", Type: tool.External}, &tool.Spec{ID: "id-2", Name: "second"})
	require.NoError(t, err)
	require.Equal(t, []string{"later", "id-2"}, ids)
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.Len(t, tools, 2)
	require.False(t, tools[0].Spec().Available)

	_, err = s.Call(t.Context(), "later")
	require.Equal(t, tool.WorkerUnavailable, asError(t, err).Code)
	require.NoError(t, s.UnregisterTools(t.Context(), "later"))
	_, err = s.Call(t.Context(), "later")
	require.Equal(t, tool.ToolNotFound, asError(t, err).Code)
	require.Equal(t, tool.ToolNotFound, asError(t, s.UnregisterTools(t.Context(), "later")).Code)
	_, err = s.RegisterTools(t.Context(), &tool.Spec{Name: "bad", Arguments: []tool.Argument{{Name: "x", Type: "number"}}})
	require.Equal(t, tool.ValidationError, asError(t, err).Code)
}
