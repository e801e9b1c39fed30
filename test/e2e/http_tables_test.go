package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const arrowType = "application/vnd.apache.arrow.stream"

// TestTablesLargerThanAMessageTravelOverHTTPInBoundedMemory sends them as bodies to tools in each language, and back.
func TestTablesLargerThanAMessageTravelOverHTTPInBoundedMemory(t *testing.T) { //nolint:tparallel // each way has the bridge's memory for itself
	processes(t)
	b := serve(t, "--memory", "--http", "127.0.0.1:0")
	goWorker(t, b.address, 8)
	pythonWorker(t, b.address)
	s := session(t, b.address, "http-tables")
	awaitTools(t, s, "go_echo", pythonEcho)
	root := strings.Fields(strings.SplitN(b.await("http on "), "http on ", 2)[1])[0] + "/api/sessions/http-tables/tools/"
	table := numbers(t, tableSize())
	small := numbers(t, 1<<20)
	for range 30 { // so that the bridge has what it takes for small calls
		for _, name := range []string{"go_echo", pythonEcho} {
			require.NoError(t, tableOverHTTP(t.Context(), root+name, small, false))
		}
	}
	for _, name := range []string{"go_echo", pythonEcho} {
		for what, untold := range map[string]bool{"of a length": false, "of no length": true} {
			t.Run(name+", "+what, func(t *testing.T) { //nolint:paralleltest // see above
				before, err := memoryOf(b.cmd.Process.Pid)
				if err != nil {
					t.Skip(err)
				}
				peak := watchMemory(b.cmd.Process.Pid)
				err = tableOverHTTP(t.Context(), root+name, table, untold)
				grown := peak() - before
				require.NoError(t, err)
				t.Logf("%d MiB around: the bridge grew by %.1f MiB", tableSize()/mebibyte, float64(grown)/mebibyte)
				require.Less(t, grown, batches)
			})
		}
	}
}

// tableOverHTTP sends a table to a tool that gives it back, and compares what comes.
func tableOverHTTP(ctx context.Context, at string, table *frame.Table, untold bool) error {
	var body io.Reader = bytes.NewReader(table.Bytes())
	if untold {
		body = struct{ io.Reader }{body}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at+"/execute?timeout=120", body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", arrowType)
	request.Header.Set("Value-Type", table.Kind())
	request.Header.Set("Accept", arrowType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // only read
	got, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s", response.Status, got)
	case response.Header.Get("Value-Type") != table.Kind():
		return fmt.Errorf("it came back as a %q", response.Header.Get("Value-Type"))
	case sha256.Sum256(got) == sha256.Sum256(table.Bytes()):
		return nil
	}
	back, err := frame.Read(table.Kind(), got) // Python writes it anew
	if err != nil {
		return err
	}
	for _, name := range table.Names() {
		want, _ := column(table, name)
		have, err := column(back, name)
		if err != nil || fmt.Sprint(len(want), want[:3], want[len(want)-3:]) != fmt.Sprint(len(have), have[:3], have[len(have)-3:]) {
			return errors.Join(fmt.Errorf("column %s came back as another", name), err)
		}
	}
	return nil
}
