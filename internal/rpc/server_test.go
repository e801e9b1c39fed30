package rpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
)

func TestReflectionListsTheServices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ask, err := reflectionpb.NewServerReflectionClient(b.conn).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	require.NoError(t, ask.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{ListServices: "*"},
	}))
	answer, err := ask.Recv()
	require.NoError(t, err)
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	require.Subset(t, names, []string{"dspex.bridge.SnakepitBridge", "dspex.bridge.Admin", "grpc.health.v1.Health"})
	require.NoError(t, ask.CloseSend())
}

func TestHealthIsServingUntilTheBridgeStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	check := func(service string) healthpb.HealthCheckResponse_ServingStatus {
		answer, err := healthpb.NewHealthClient(b.conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		return answer.GetStatus()
	}
	services := []string{"", "dspex.bridge.SnakepitBridge", "dspex.bridge.Admin"}
	for _, service := range services {
		require.Equal(t, healthpb.HealthCheckResponse_SERVING, check(service), service)
	}
	b.service.Drain(t.Context(), "it stops")
	for _, service := range services {
		require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, check(service), service)
	}
}

func TestWhatIsNotServedYetIsUnimplemented(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"DrainWorker": func() error { _, err := b.admin.DrainWorker(ctx, &bridgepb.DrainWorkerRequest{}); return err },
		"CreateToken": func() error { _, err := b.admin.CreateToken(ctx, &bridgepb.CreateTokenRequest{}); return err },
		"ListTokens":  func() error { _, err := b.admin.ListTokens(ctx, &bridgepb.ListTokensRequest{}); return err },
		"RevokeToken": func() error { _, err := b.admin.RevokeToken(ctx, &bridgepb.RevokeTokenRequest{}); return err },
		"Doctor":      func() error { _, err := b.admin.Doctor(ctx, &bridgepb.DoctorRequest{}); return err },
		"StreamLogs": func() error {
			s, err := b.admin.StreamLogs(ctx, &bridgepb.StreamLogsRequest{})
			require.NoError(t, err)
			_, err = s.Recv()
			return err
		},
		"Backup": func() error {
			s, err := b.admin.Backup(ctx, &bridgepb.BackupRequest{})
			require.NoError(t, err)
			_, err = s.Recv()
			return err
		},
	} {
		require.Equal(t, codes.Unimplemented, status.Code(call()), name)
	}
}
