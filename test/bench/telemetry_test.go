package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABridgeThatIsMeasuredHasItsMetricsReadOnceASecondOfThat(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		read.Add(1)
		_, _ = io.WriteString(w, "toolbridge_info 1")
	}))
	t.Cleanup(server.Close)
	measured := 0
	run := whileScraped(server.URL, func(context.Context, int, time.Duration) (sample, error) {
		measured++
		return sample{Calls: 7}, nil
	})
	for range 16 {
		got, err := run(t.Context(), 64, scrapeEvery/4)
		require.NoError(t, err)
		require.Equal(t, sample{Calls: 7}, got)
	}
	require.Equal(t, 16, measured)
	require.EqualValues(t, 4, read.Load())
	_, err := run(t.Context(), 64, 2*scrapeEvery)
	require.NoError(t, err)
	require.EqualValues(t, 5, read.Load())
}

func TestMetricsThatCannotBeReadAreNoMeasurement(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	broken := errors.New("broken")
	_, err := whileScraped(server.URL, func(context.Context, int, time.Duration) (sample, error) { return sample{}, broken })(t.Context(), 1, scrapeEvery)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, server.URL+" answered 404")
	_, err = whileScraped("http://127.0.0.1:1/metrics", func(context.Context, int, time.Duration) (sample, error) { return sample{}, nil })(t.Context(), 1, scrapeEvery)
	require.Error(t, err)
}
