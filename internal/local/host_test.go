package local_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/hosttest"
	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGoFunctionsAreAHost(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, func(t *testing.T, f hosttest.Functions) hosttest.Harness {
		t.Helper()
		echo, err := typed.New("echo", func(ctx context.Context, in struct{ Text string }) (string, error) { return f.Echo(ctx, in.Text) },
			typed.Options{Codec: value.New()})
		require.NoError(t, err)
		count, err := typed.NewStreaming("count", func(ctx context.Context, in struct{ N int64 }, yield func(int64) error) error {
			return f.Count(ctx, in.N, yield)
		}, typed.Options{Codec: value.New()})
		require.NoError(t, err)
		table, err := typed.New("table", f.Table, typed.Options{Codec: value.New()})
		require.NoError(t, err)
		host, err := local.New("local", echo, count, table)
		require.NoError(t, err)
		return hosttest.Harness{Host: host, Specs: host.Specs()}
	})
}

var _ broker.Host = (*local.Host)(nil)

func named(t *testing.T, id, session, answer string) *typed.Tool {
	t.Helper()
	made, err := typed.New("who", func(context.Context, struct{}) (string, error) { return answer, nil },
		typed.Options{Codec: value.New(), ID: id, SessionID: session})
	require.NoError(t, err)
	return made
}

func TestAToolIsFoundInItsScope(t *testing.T) {
	t.Parallel()
	host, err := local.New("local", named(t, "who", "", "shared"), named(t, "who", "s", "of the session"))
	require.NoError(t, err)
	for _, spec := range host.Specs() {
		result, err := host.Call(t.Context(), &tool.Call{Tool: "who", Spec: spec})
		require.NoError(t, err)
		got, err := value.Decode(result.Value)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"": "shared", "s": "of the session"}[spec.SessionID], got)
	}
	result, err := host.Call(t.Context(), &tool.Call{Tool: "who"})
	require.NoError(t, err)
	require.NotZero(t, result.Metrics.Execute)
}

func TestTwoToolsWithOneIDAreRefused(t *testing.T) {
	t.Parallel()
	_, err := local.New("local", named(t, "a", "", ""), named(t, "a", "", ""))
	require.ErrorContains(t, err, `two tools have the id "a"`)
}

func BenchmarkCall(b *testing.B) {
	made, err := typed.New("add", func(_ context.Context, in struct{ A, B int }) (int, error) { return in.A + in.B, nil },
		typed.Options{Codec: value.New()})
	require.NoError(b, err)
	host, err := local.New("local", made)
	require.NoError(b, err)
	one, err := value.Encode(1)
	require.NoError(b, err)
	call := &tool.Call{Tool: "add", Args: []tool.Value{one, one}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := host.Call(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
