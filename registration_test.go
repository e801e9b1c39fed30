package toolbridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// offerMany adds so many tools, each of which returns its number.
func offerMany(count int, options ...toolbridge.ToolOption) func(*toolbridge.Worker) {
	return func(w *toolbridge.Worker) {
		for i := range count {
			toolbridge.AddTool(w, fmt.Sprintf("many_%05d", i), func(context.Context, struct{}) (int, error) { return i, nil }, options...)
		}
	}
}

// requireAll asserts that all those tools are offered, in their order, and that one of each part can be called.
func requireAll(t *testing.T, s *toolbridge.Session, count int) {
	t.Helper()
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.Len(t, tools, count)
	for i, one := range tools {
		require.Equal(t, fmt.Sprintf("many_%05d", i), one.Name())
		require.True(t, one.Spec().Available, one.Name())
	}
	for i := 0; i < count; i += 250 {
		got, err := s.Call(t.Context(), fmt.Sprintf("many_%05d", i))
		require.NoError(t, err)
		require.Equal(t, int64(i), got)
	}
}

func TestAWorkerWithMoreToolsThanABridgeTakesAtOnceRegistersThemInParts(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1000, 1001, 2500} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			b := bridgetest.New(t)
			b.Worker(offerMany(count))
			requireAll(t, b.Session(), count)
		})
	}
}

func TestPartsOfLongDescriptionsStayBelowWhatALinkTakes(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	// given tools of which a thousand would be a frame of 300 MiB, if the session had room for them, and one that fills a part alone
	b.Worker(func(w *toolbridge.Worker) {
		offerMany(5, toolbridge.Description(strings.Repeat("x", 300<<10)))(w)
		toolbridge.AddTool(w, "long", func(context.Context, struct{}) (int, error) { return -1, nil }, toolbridge.Description(strings.Repeat("y", 900<<10)))
	})
	s := b.Session()
	for i := range 5 {
		got, err := s.Call(t.Context(), fmt.Sprintf("many_%05d", i))
		require.NoError(t, err)
		require.Equal(t, int64(i), got)
	}
	got, err := s.Call(t.Context(), "long")
	require.NoError(t, err)
	require.Equal(t, int64(-1), got)
}

func TestAllPartsAreRegisteredAgainAfterTheBridgeRestarted(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerMany(2100))
	s := b.Session()
	b.Restart()
	eventually(t, func() bool {
		tools, err := s.Tools(t.Context())
		return err == nil && len(tools) == 2100 && tools[2099].Spec().Available
	}, "the last part")
	requireAll(t, s, 2100)
}

func TestToolsThatAreAddedLaterArePartsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	var worker *toolbridge.Worker
	b.Worker(func(w *toolbridge.Worker) {
		worker = w
		toolbridge.AddTool(w, "first", func(context.Context, struct{}) (int, error) { return 0, nil })
	})
	s := b.Session()
	offerMany(1500)(worker)
	eventually(t, func() bool {
		got, err := s.Call(t.Context(), "many_01499")
		return err == nil && got == int64(1499)
	}, "the last tool that was added")
	b.Restart()
	eventually(t, func() bool {
		tools, err := s.Tools(t.Context())
		return err == nil && len(tools) == 1501 && tools[0].Spec().Available && tools[1500].Spec().Available
	}, "those of the beginning and those added later")
}

func TestAPartThatIsRefusedLeavesNoneOfTheOthers(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	s := b.Session()
	_, err := s.RegisterTools(t.Context(), &tool.Spec{ID: "other", Name: "many_01500"})
	require.NoError(t, err)
	client := b.Dial()
	b.WorkerOn(client, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "beside", func(context.Context, struct{}) (int, error) { return 7, nil })
	})
	worker := toolbridge.NewWorker(client, toolbridge.ForSession(s.ID()))
	offerMany(2500)(worker)

	err = worker.Run(t.Context())

	require.Equal(t, tool.ToolConflict, asError(t, err).Code)
	require.ErrorContains(t, err, `tools 1001 to 2000 of 2500 ("many_01000" to "many_01999")`)
	select {
	case <-worker.Ready():
		t.Fatal("a worker whose tools were refused says that it is ready")
	default:
	}
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.Len(t, tools, 2, "what was there before, and what the other worker of that client offers")
	_, err = s.Call(t.Context(), "many_00000")
	require.Equal(t, tool.ToolNotFound, asError(t, err).Code)
	got, err := s.Call(t.Context(), "beside")
	require.NoError(t, err)
	require.Equal(t, int64(7), got)
}

func TestAWorkerOfManyToolsThatStopsBesideAnotherWithdrawsThemAll(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	b.WorkerOn(client, offerSamples)
	many := b.WorkerOn(client, offerMany(1200))
	s := b.Session()
	requireCount := func(want int) {
		tools, err := s.Tools(t.Context())
		require.NoError(t, err)
		require.Len(t, tools, want)
	}
	samples := 9
	requireCount(samples + 1200)
	many.Stop()
	requireCount(samples)
}

func TestAWorkerThatIsStoppedAmidItsRegistrationLeavesNothing(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	b.WorkerOn(client, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "beside", func(context.Context, struct{}) (int, error) { return 7, nil })
	})
	s := b.Session()
	worker := toolbridge.NewWorker(client)
	offerMany(5000)(worker)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	eventually(t, func() bool {
		_, err := s.Call(t.Context(), "many_00000")
		return err == nil
	}, "the first part")
	cancel()
	require.NoError(t, <-ended)
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.Len(t, tools, 1)
}
