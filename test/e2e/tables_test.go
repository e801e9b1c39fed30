package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// batches is how much the bridge may grow while tables pass through it: by less than four batches of 10 MiB.
const batches = 4 * 10 * mebibyte

// tableSize is how large the tables are: 40 MiB, and 200 MB in the longer form.
func tableSize() int {
	if os.Getenv("TOOLBRIDGE_TEST_FULL") != "" {
		return 200_000_000
	}
	return 40 * mebibyte
}

// TestTablesLargerThanAMessageTravelInBoundedMemory sends them from each language to each, alone and two at once.
func TestTablesLargerThanAMessageTravelInBoundedMemory(t *testing.T) { //nolint:tparallel // each way has the bridge's memory for itself
	processes(t)
	b := serve(t, "--memory")
	goWorker(t, b.address, 8)
	pythonWorker(t, b.address)
	s := session(t, b.address, "tables")
	awaitTools(t, s, "go_echo", pythonEcho)
	for range 100 { // so that the bridge has what it takes for small calls
		for _, name := range []string{"go_echo", pythonEcho} {
			_, err := s.Call(t.Context(), name, "warm")
			require.NoError(t, err)
		}
	}
	sent := numbers(t, tableSize())
	for name, send := range map[string]func() error{
		"Go to Python and back":              func() error { return around(t.Context(), s, pythonEcho, sent) },
		"Go to Go and back":                  func() error { return around(t.Context(), s, "go_echo", sent) },
		"Python to Go and back":              func() error { return aroundFromPython(t, b.address, "go_echo", 1) },
		"Python to Python and back":          func() error { return aroundFromPython(t, b.address, pythonEcho, 1) },
		"Python to Go and back, two at once": func() error { return aroundFromPython(t, b.address, "go_echo", 2) },
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // see above
			before, err := memoryOf(b.cmd.Process.Pid)
			if err != nil {
				t.Skip(err)
			}
			peak := watchMemory(b.cmd.Process.Pid)
			require.NoError(t, send())
			grown := peak() - before
			t.Logf("%d MiB around: the bridge grew by %.1f MiB", tableSize()/mebibyte, float64(grown)/mebibyte)
			require.Less(t, grown, batches)
		})
	}
}

// numbers is a table of about so many bytes.
func numbers(t *testing.T, size int) *frame.Table {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	columns := frame.New()
	for i := range 10 {
		column := make([]float64, size/80)
		for j := range column {
			column[j] = random.Float64()
		}
		columns.Float64("c"+strconv.Itoa(i), column)
	}
	table, err := columns.Build()
	require.NoError(t, err)
	return table
}

func around(ctx context.Context, s *toolbridge.Session, name string, sent *frame.Table) error {
	got, err := toolbridge.Call[*frame.Table](ctx, s.With(toolbridge.Timeout(patience*4)), name, sent)
	if err != nil {
		return err
	}
	if got.Kind() != sent.Kind() || got.Rows() != sent.Rows() {
		return fmt.Errorf("sent %v, got %v", sent, got)
	}
	for _, name := range sent.Names() {
		want, err := column(sent, name)
		if err != nil {
			return err
		}
		have, err := column(got, name)
		if err != nil {
			return err
		}
		if !slices.Equal(want, have) {
			return fmt.Errorf("column %s came back as another", name)
		}
	}
	return nil
}

func column(t *frame.Table, name string) ([]float64, error) {
	c, err := t.Column(name)
	if err != nil {
		return nil, err
	}
	cells, _, err := c.Float64s()
	return cells, err
}

func aroundFromPython(t *testing.T, address, name string, together int) error {
	t.Helper()
	var same bool
	pythonCaller(t, &same, address, "large", name, strconv.Itoa(tableSize()), strconv.Itoa(together))
	if !same {
		return fmt.Errorf("the table came back from %s as another", name)
	}
	return nil
}

// memoryOf is how many bytes of memory of its own a process has.
func memoryOf(pid int) (int, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("what memory a process has is not known here: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if kib, found := strings.CutPrefix(line, "RssAnon:"); found {
			n, err := strconv.Atoi(strings.Fields(kib)[0])
			return n << 10, err
		}
	}
	return 0, errors.New("/proc does not say what memory of its own a process has")
}

// watchMemory looks at a process's memory until the most that it saw is asked for.
func watchMemory(pid int) (peak func() int) {
	most := 0
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			now, _ := memoryOf(pid) // that it can be read was seen before
			most = max(most, now)
			select {
			case <-stop:
				return
			case <-time.After(tick):
			}
		}
	}()
	return func() int {
		close(stop)
		<-stopped
		return most
	}
}

func TestALargeTableOverPlainRPCIsRefusedAndTheLinkNamed(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	pythonWorker(t, b.address)
	s := session(t, b.address, "plain tables", toolbridge.WithoutLink())
	awaitTools(t, s, pythonEcho, "py_table")
	_, err := s.Call(t.Context(), pythonEcho, numbers(t, 12*mebibyte))
	_ = failure(t, err, tool.MessageTooLarge, "over a link only")
	_, err = s.Call(t.Context(), "py_table", 12*mebibyte)
	_ = failure(t, err, tool.MessageTooLarge, "over a link only")
	var python [3]string
	pythonCaller(t, &python, b.address, "plain", pythonEcho, strconv.Itoa(12*mebibyte))
	require.Equal(t, "MessageTooLarge", python[1])
	require.Contains(t, python[2], "over a link only")
}
