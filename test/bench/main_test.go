package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withoutABridge asks for a scene whose bridge is a program that ends at once.
func withoutABridge(t *testing.T) (programs, plan) {
	t.Helper()
	p, err := parse([]string{"-only", "first chunk", "-json", filepath.Join(t.TempDir(), "found.json")})
	require.NoError(t, err)
	return programs{bridge: "false", python: "false"}, p
}

func TestWhatCannotBeMeasuredIsToldAndWrittenAndAnErrorInTheEnd(t *testing.T) {
	t.Parallel()
	found, p := withoutABridge(t)
	var out strings.Builder
	got, err := measureAndReport(t.Context(), found, p, &out)
	require.ErrorContains(t, err, "1 things were not measured")
	require.Len(t, got.Missing, 1)
	require.Contains(t, out.String(), `not measured: scene "first chunk": the bridge did not start`)
	require.FileExists(t, p.json)
	require.NoFileExists(t, p.partial())
}

func TestARunThatIsEndedKeepsTheResultsOfTheLastWholeOne(t *testing.T) {
	t.Parallel()
	found, p := withoutABridge(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	var out strings.Builder
	_, err := measureAndReport(ctx, found, p, &out)
	require.ErrorIs(t, err, enough)
	require.ErrorContains(t, err, "what was measured until then is in "+p.partial())
	require.Contains(t, out.String(), "0 of 0 reached")
	require.NoFileExists(t, p.json)
	require.FileExists(t, p.partial())
}

func TestAPartOfTheScenesDoesNotReplaceTheResultsOfAll(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"bench-results.json": nil, "bench-part.json": {"-quick"}, "x.json": {"-only", "calls", "-json", "x.json"},
	} {
		p, err := parse(args)
		require.NoError(t, err)
		require.Equal(t, want, p.json)
	}
}
