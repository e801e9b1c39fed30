package telemetry_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
)

func TestTheTableOfTheDocumentationIsWhatABridgeHas(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(toolbridge_\\w+)`[^|]*\\| (\\w+) \\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = row[2]
	}
	require.Equal(t, names(t), documented)
}

// dashboard is the part of a Grafana dashboard that asks for metrics.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Query any }
	}
}

func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/grafana/toolbridge.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	known := known(t)
	asked := map[string]bool{}
	seen := map[int]bool{}
	for _, p := range d.Panels {
		require.NotEmpty(t, p.Targets, p.Title)
		require.False(t, seen[p.ID], "two panels have the id %d", p.ID)
		seen[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for _, target := range p.Targets {
			found := metricsIn(target.Expr)
			require.NotEmpty(t, found, target.Expr)
			for _, name := range found {
				require.Contains(t, known, name, "panel %q", p.Title)
				asked[base(name)] = true
			}
		}
	}
	for _, variable := range d.Templating.List {
		query, err := json.Marshal(variable.Query)
		require.NoError(t, err)
		for _, name := range metricsIn(string(query)) {
			require.Contains(t, known, name)
		}
	}
	for name := range names(t) {
		require.True(t, asked[name], "no panel shows %s", name)
	}
}

func TestTheDashboardAsksOfEachMetricWhatItsKindAndLabelsAnswer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/grafana/toolbridge.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	labels := labels(t)
	selector := regexp.MustCompile(`(rate\()?\b((?:toolbridge|go|process)_\w+)\{([^}]*)\}`)
	named := regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"`)
	grouped := regexp.MustCompile(`by \(([^)]*)\)`)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			expr := target.Expr
			found := selector.FindAllStringSubmatch(expr, -1)
			require.Len(t, found, len(metricsIn(expr)), "each metric is asked for by its labels: %s", expr)
			for _, one := range found {
				name, of := one[2], map[string]bool{"instance": true, "le": strings.HasSuffix(one[2], "_bucket")}
				for _, label := range labels[name] {
					of[label] = true
				}
				for _, asked := range named.FindAllStringSubmatch(one[3], -1) {
					require.True(t, of[asked[1]], "%s has no label %q: %s", name, asked[1], expr)
				}
				for _, by := range grouped.FindAllStringSubmatch(expr, -1) {
					for _, asked := range strings.Split(by[1], ",") {
						require.True(t, of[strings.TrimSpace(asked)], "%s has no label %q: %s", name, asked, expr)
					}
				}
				require.Equal(t, regexp.MustCompile(`_(total|bucket|sum|count)$`).MatchString(name), one[1] != "", "what only grows is asked for as a rate, and nothing else: %s", expr)
				require.Equal(t, strings.HasSuffix(name, "_bucket"), strings.Contains(expr, "histogram_quantile("), expr)
			}
		}
	}
}

// labels are the names of the labels of each series.
func labels(t *testing.T) map[string][]string {
	t.Helper()
	m := watched(broker.Load{Queues: []broker.QueueLoad{{Tool: "x", Calls: 1}}}, telemetry.Links{})
	use(m)
	found := map[string][]string{}
	for line := range strings.Lines(scrape(t, m)) {
		name, rest, _ := strings.Cut(line, "{")
		if strings.HasPrefix(line, "#") || rest == "" {
			continue
		}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(rest, -1) {
			found[name] = append(found[name], label[1])
		}
	}
	return found
}

// metricsIn are the names of metrics in an expression.
func metricsIn(expr string) []string {
	return regexp.MustCompile(`\b(?:toolbridge|go|process)_\w+`).FindAllString(expr, -1)
}

// base is the metric of a histogram's series.
func base(series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		series = strings.TrimSuffix(series, suffix)
	}
	return series
}

// known are the names of all series, as they are asked for.
func known(t *testing.T) map[string]bool {
	t.Helper()
	m := watched(broker.Load{Queues: []broker.QueueLoad{{Tool: "x", Calls: 1}}}, telemetry.Links{})
	use(m)
	found := map[string]bool{}
	for line := range strings.Lines(scrape(t, m)) {
		if !strings.HasPrefix(line, "#") {
			found[regexp.MustCompile(`^\w+`).FindString(line)] = true
		}
	}
	return found
}
