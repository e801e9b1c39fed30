package toolbridge_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestTheBridgeSeesTheLabelsAndToolsOfAWorker(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial(toolbridge.WithLabels(map[string]string{"name": "adder"}), toolbridge.WithConcurrency(3))
	b.WorkerOn(client, offerSamples)
	workers, err := client.Workers(t.Context())
	require.NoError(t, err)
	require.Len(t, workers, 1)
	require.Equal(t, "adder", workers[0].Labels["name"])
	require.Equal(t, "go", workers[0].Labels["language"])
	require.Equal(t, "ready", workers[0].State)
	require.Equal(t, 3, workers[0].MaxCalls)
	require.Equal(t, "add_numbers", workers[0].Tools[0].Name)
}

func TestASessionIsLookedAtWithoutAttachingToIt(t *testing.T) {
	t.Parallel()
	client := bridgetest.New(t).Dial()
	_, err := client.SessionInfo(t.Context(), "none")
	require.Equal(t, tool.SessionNotFound, asError(t, err).Code)
	_, err = client.Session(t.Context(), "there")
	require.NoError(t, err)
	info, err := client.SessionInfo(t.Context(), "there")
	require.NoError(t, err)
	require.Equal(t, "there", info.Key.ID)
}

func TestACodecOfOnesOwnDecidesWhatIsDecoded(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	s := b.Session(toolbridge.WithCodec(value.New(value.Strict())), toolbridge.WithTransportCredentials(insecure.NewCredentials()))
	foreign := tool.Value{TypeURL: "type.googleapis.com/python.Thing", Bytes: []byte("a thing")}
	_, err := s.Call(t.Context(), "echo", foreign)
	require.Equal(t, tool.SerializationError, asError(t, err).Code)
	got, err := b.Session().Call(t.Context(), "echo", foreign)
	require.NoError(t, err)
	require.IsType(t, value.Opaque{}, got)
}

func TestAStreamMayBeNamed(t *testing.T) {
	t.Parallel()
	var names []string
	s := bridgetest.New(t).Session(toolbridge.WithInterceptors(toolbridge.Interceptor{
		Stream: func(toolbridge.StreamFunc) toolbridge.StreamFunc {
			return func(_ context.Context, call *tool.Call, _ func(tool.Chunk) error) (tool.Metrics, error) {
				names = append(names, call.StreamID)
				return tool.Metrics{}, nil
			}
		},
	}))
	require.NoError(t, bridgetest.Record(s.With(toolbridge.StreamID("mine")).Stream(t.Context(), "t")).Err)
	require.Equal(t, []string{"mine"}, names)
}

func TestAWorkerMayBeStartedBeforeItsBridge(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	client, err := toolbridge.Dial(t.Context(), address, toolbridge.Lazily(), toolbridge.WithConnectTimeout(50*time.Millisecond))
	require.NoError(t, err)
	worker := toolbridge.NewWorker(client)
	offerSamples(worker)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()

	b, err := bridge.New(bridge.Config{Memory: true, GRPC: address})
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	select {
	case <-worker.Ready():
	case <-time.After(20 * time.Second):
		t.Fatal("the worker did not find the bridge that was started after it")
	}
	s, err := client.Session(t.Context(), "")
	require.NoError(t, err)
	got, err := s.Call(t.Context(), "add_numbers", 1, 2)
	require.NoError(t, err)
	require.Equal(t, int64(3), got)
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, client.Close())
	require.NoError(t, b.Stop(context.Background()))
}
