package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// bridged starts a bridge in this process and returns where.
func bridged(t *testing.T) string {
	t.Helper()
	server, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true})
	require.NoError(t, err)
	require.NoError(t, server.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	return server.Addr()
}

func TestTheGoWorkerDoesWhatTheScenesAskOfIt(t *testing.T) {
	t.Parallel()
	address := bridged(t)
	playing(t, func(ctx context.Context, out io.Writer) error { return ignoreEnd(ctx, work(ctx, address, out)) })
	client, err := toolbridge.Dial(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	session, err := client.Session(t.Context(), "test")
	require.NoError(t, err)
	for name, run := range map[string]measuring{
		"echo":         loop(overLink(session, goEcho)),
		"1 MiB":        loop(linkText(session, goEcho, 1<<20)),
		"chunks":       loop(toolChunks(session, goChunks)),
		"one by one":   loop(oneByOne(session)),
		"batch":        loop(inBatches(session)),
		"sessions":     loop(createSessions([]*toolbridge.Client{client})),
		"variables":    loop(putVariables([]*toolbridge.Client{client})),
		"first chunk":  timed(func(ctx context.Context) (time.Duration, error) { return untilFirst(ctx, session, goFirst) }),
		"cancellation": timed(cancelled(session, "go")),
	} {
		got, err := run(t.Context(), 1, time.Millisecond)
		require.NoError(t, err, name)
		require.Positive(t, got.Calls, name)
	}
}

func TestThereMayBeManyOfEverything(t *testing.T) {
	t.Parallel()
	address := bridged(t)
	playing(t, func(ctx context.Context, out io.Writer) error { return ignoreEnd(ctx, work(ctx, address, out)) })
	playing(t, func(ctx context.Context, out io.Writer) error { return connectMany(ctx, address, 3, out) })
	playing(t, func(ctx context.Context, out io.Writer) error { return createMany(ctx, address, 5, out) })
	playing(t, func(ctx context.Context, out io.Writer) error {
		return ignoreEnd(ctx, hostMany(ctx, address, 7, out))
	})
	client, err := toolbridge.Dial(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	count := 0
	for _, err := range client.Sessions(t.Context(), "idle-") {
		require.NoError(t, err)
		count++
	}
	require.Equal(t, 5, count)
	workers, err := client.Workers(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(workers), 5, "three links and two workers")
}

// ignoreEnd takes an end that was asked for as none.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func TestAllCodecsTakeEverySubject(t *testing.T) {
	t.Parallel()
	for _, of := range subjects() {
		encode, decode, err := codecSides(of)
		require.NoError(t, err, of.name)
		for _, s := range append(encode, decode...) {
			_, err := s.run(t.Context(), 1, time.Microsecond)
			require.NoError(t, err, "%s, %s", of.name, s.name)
		}
	}
	encode, decode, err := frameSides(1000)
	require.NoError(t, err)
	for _, s := range append(encode, decode...) {
		_, err := s.run(t.Context(), 1, time.Microsecond)
		require.NoError(t, err, s.name)
	}
}

func TestWithoutAnInterpreterForThePeersTheirRowsAreMissing(t *testing.T) {
	t.Parallel()
	s := &stage{}
	require.Nil(t, startFastMCP(t.Context(), s))
	require.Nil(t, startMCPPython(t.Context(), s))
	require.Empty(t, pythonCodec().open(t.Context(), s))
	require.NoError(t, s.err)
	require.Len(t, s.missing, 3)
	require.Contains(t, s.missing[0], "FastMCP: TOOLBRIDGE_BENCH_PYTHON does not name")
}

// TestEverySceneRuns plays every scene once, with real processes and few of everything.
func TestEverySceneRuns(t *testing.T) {
	t.Parallel()
	if testing.Short() || os.Getenv("TOOLBRIDGE_BIN") == "" || os.Getenv("TOOLBRIDGE_PYTHON") == "" {
		t.Skip("takes a minute or two, and needs the programs that `make` builds and names")
	}
	found, err := findPrograms()
	require.NoError(t, err)
	folder := t.TempDir()
	p, err := parse([]string{"-rounds", "1", "-round", "30ms", "-warm-up", "1ms", "-scale", "0.001", "-json", filepath.Join(folder, "found.json"), "-chart", filepath.Join(folder, "found.svg")})
	require.NoError(t, err)
	got, err := measureAndReport(t.Context(), found, p, io.Discard)
	if found.peers != "" {
		require.NoError(t, err)
		require.Len(t, got.Figures, len(allRows()), "each row finds its group and its sides")
	}
	for _, what := range got.Missing {
		require.Regexp(t, "FastMCP|MCP Python SDK|odec in Python|Python codec", what, "all else can be measured without the peers")
	}
	require.FileExists(t, p.json)
	require.FileExists(t, p.chart)
}

// TestMain lets the processes that scenes start be this program too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if _, part := roles()[os.Args[1]]; part || os.Args[1] == profiledPart {
			if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	goleak.VerifyTestMain(m)
}
