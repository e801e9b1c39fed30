package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return w.Body.String()
}

// ours are the lines of a scrape that are the bridge's own, without comments and buckets.
func ours(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "toolbridge_") && !strings.Contains(line, "_bucket{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// watched are metrics that read this state.
func watched(load broker.Load, links telemetry.Links) *telemetry.Metrics {
	m := telemetry.NewMetrics("test")
	m.Watch(func() broker.Load { return load }, func() telemetry.Links { return links })
	return m
}

// names are the names of the metrics that a bridge has, with their kinds, as scrapes declare them once all were used.
func names(t *testing.T) map[string]string {
	t.Helper()
	m := watched(broker.Load{Queues: []broker.QueueLoad{{Tool: "x", Calls: 1}}}, telemetry.Links{})
	use(m)
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (toolbridge_\w+) (\w+)$`).FindAllStringSubmatch(scrape(t, m), -1) {
		found[match[1]] = match[2]
	}
	require.Greater(t, len(found), 15)
	return found
}

// use lets everything happen once.
func use(m *telemetry.Metrics) {
	call, metrics := sample("x")
	m.CallEnded(call, metrics, 1, nil)
	m.HostChanged("worker-1", broker.Ready, false)
	m.StoreAnswered("create_session", 1, nil)
	m.StoreRead("get_variable", 1, nil)
}
