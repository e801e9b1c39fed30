package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sampleReport() report {
	measured := []result{{Group: "go", Width: 64, Samples: map[string][]sample{
		"link": {{Rate: 300, Middle: 20.5}}, "raw": {{Rate: 100}}, "plain": {{Rate: 10}},
	}}}
	return newReport(plan{rounds: 1, round: time.Second, only: "calls"}, measured, []string{"FastMCP: not here"}, 2*time.Second)
}

func TestTheTableSaysWhatIsReachedAndWhatIsMissing(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, sampleReport().print(&out))
	require.Regexp(t, `Go → bridge → Go worker, against raw grpc-go +64 .* 3 .* ≥ 1\.7 \(goal 2\) +goal reached`, out.String())
	require.Regexp(t, `plain ExecuteTool.* 0\.10 .* not reached`, out.String())
	require.Contains(t, out.String(), "1 of 3 reached")
	require.Contains(t, out.String(), "not measured: FastMCP: not here")
}

func TestTheResultsAreWrittenAsJSON(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, sampleReport().write(plan{json: path, chart: path + ".svg"}))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var back report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, sampleReport(), back)
	require.FileExists(t, path+".svg")
}

func TestNumbersAreShort(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]float64{"-": 0, "7": 7, "0.0012": 0.00123, "0.12": 0.1234, "12.3": 12.34, "23457": 23456.7} {
		require.Equal(t, want, number(n))
	}
}
