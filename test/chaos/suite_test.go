package chaos

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheFailureModeSuitePassesThroughAProxy does without containers what the job chaos-tests of CI does: toxiproxy is told
// the same, and the suite runs behind it.
func TestTheFailureModeSuitePassesThroughAProxy(t *testing.T) {
	processes(t)
	w := newWire(t, startBridge(t))
	for _, toxic := range toxicsOfTheWorkflow(t) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.api+"/proxies/"+w.proxy.Name+"/toxics", strings.NewReader(toxic))
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode, toxic)
	}

	arguments := []string{"-m", "pytest", "tests/failure_modes", "-v", "-p", "no:cacheprovider"}
	if full() {
		results, err := filepath.Abs(filepath.Join(root, "test-results"))
		require.NoError(t, err)
		arguments = append(arguments, "--junit-xml="+filepath.Join(results, "failure-modes.xml"))
	} else { // what waits for half a minute, or calls a thousand times over a wire that takes 100 ms, is for the long form
		arguments = append(arguments, "-m", "not slow", "-k", "not memory_leak")
	}
	suite := command(t, os.Getenv(pythonVariable), arguments...)
	suite.Dir = filepath.Join(root, "python")
	suite.Env = environment("GRPC_ADDR="+w.address(), bridgeVariable+"="+os.Getenv(bridgeVariable))
	said, err := suite.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), "test_connection_drop_during_stream PASSED")
}

// toxicsOfTheWorkflow reads what the job chaos-tests tells toxiproxy.
func toxicsOfTheWorkflow(t *testing.T) []string {
	t.Helper()
	workflow, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "test-tool-bridge.yml"))
	require.NoError(t, err)
	told := regexp.MustCompile(`curl [^\n]*/proxies/grpc/toxics \\\s+-d '([^']+)'`).FindAllStringSubmatch(string(workflow), -1)
	var toxics []string
	for _, command := range told {
		toxics = append(toxics, command[1])
	}
	require.Len(t, toxics, 2, "the document's latency and its random drops")
	return toxics
}
