package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
)

// What a bridge goes through in one cycle.
const (
	cycleCalls    = 100_000
	cycleSessions = 1_000
	cycleWorkers  = 100
	cycles        = 3
	cycleAtOnce   = 64
)

// TestABridgeHoldsNoMoreAfterManyCyclesThanAfterOne makes 100,000 calls, makes and ends 1,000 sessions and lets 100 workers come and go, three times,
// with the store in memory and on disk, and compares what the bridge's process holds after the first time and after the last.
func TestABridgeHoldsNoMoreAfterManyCyclesThanAfterOne(t *testing.T) {
	processes(t)
	for name, store := range map[string]string{"memory": "--memory", "disk": "--data=" + t.TempDir() + "/data"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := serve(t, "--demo", store, "--debug", "127.0.0.1:0")
			cycle(t, b)
			first := b.settled(t)
			for range cycles - 1 {
				cycle(t, b)
			}
			last := b.settled(t)
			t.Logf("after the first cycle %+v, after the last %+v", first, last)
			require.Equal(t, first.goroutines, last.goroutines, "goroutines")
			require.Equal(t, first.files, last.files, "file descriptors")
			require.Less(t, last.heap, first.heap+first.heap/10, "bytes of heap after a collection")
		})
	}
}

// cycle is work of every kind, after which nothing is left of it.
func cycle(t *testing.T, b *bridge) {
	t.Helper()
	client := dial(t, b.address)
	s, err := client.Session(t.Context(), "cycles")
	require.NoError(t, err)
	called := cli(t, b.address, "bench", "add_numbers", "40", "2", "--session", "cycles", "--json",
		"--calls", strconv.Itoa(cycleCalls), "--concurrency", strconv.Itoa(cycleAtOnce), "--duration", "5m")
	require.Zero(t, called.code, called.stderr)
	require.Contains(t, called.stdout, fmt.Sprintf(`"calls":%d,`, cycleCalls))
	allAtOnce(t, cycleSessions, func(ctx context.Context, n int) error {
		own, err := client.Session(ctx, fmt.Sprintf("cycle-%d", n))
		if err != nil {
			return err
		}
		if _, err := own.Set(ctx, "number", n); err != nil {
			return err
		}
		_, err = own.End(ctx)
		return err
	})
	for n := range cycleWorkers {
		comeAndGo(t, b, s, n)
	}
	_, err = s.End(t.Context())
	require.NoError(t, err)
	require.NoError(t, client.Close())
}

// allAtOnce does something so many times, some of them at once.
func allAtOnce(t *testing.T, times int, do func(ctx context.Context, n int) error) {
	t.Helper()
	next := make(chan int)
	failed := make(chan error, cycleAtOnce)
	var running sync.WaitGroup
	for range cycleAtOnce {
		running.Go(func() {
			for n := range next {
				if err := do(t.Context(), n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for n := range times {
		select {
		case next <- n:
		case err := <-failed:
			require.NoError(t, err)
		}
	}
	close(next)
	running.Wait()
	require.Empty(t, failed)
}

// comeAndGo lets a worker offer a tool, run a call and leave.
func comeAndGo(t *testing.T, b *bridge, s *toolbridge.Session, n int) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	client := dial(t, b.address)
	w := toolbridge.NewWorker(client)
	toolbridge.AddTool(w, "comes_and_goes", func(_ context.Context, n int) (int, error) { return n, nil })
	left := make(chan error, 1)
	go func() { left <- w.Run(ctx) }()
	within(t, "the worker is ready", w.Ready())
	got, err := toolbridge.Call[int](t.Context(), s, "comes_and_goes", n)
	require.NoError(t, err)
	require.Equal(t, n, got)
	leave()
	_ = within(t, "the worker has left", left) // that it was told to
	require.NoError(t, client.Close())
}

// holdings are what a process has.
type holdings struct{ heap, goroutines, files int }

// heapInUse and goroutineCount find their numbers in Go's profiles in text form.
var (
	heapInUse      = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	goroutineCount = regexp.MustCompile(`^goroutine profile: total (\d+)`)
)

// settled waits until what the bridge has changes no more, as connections that were closed by their clients end a little later, and says what it is.
func (b *bridge) settled(t *testing.T) holdings {
	t.Helper()
	const looks = 5
	var now holdings
	same := 0
	eventually(t, "the bridge has come to rest", func() bool {
		before := now
		if now = b.holds(t); now.goroutines == before.goroutines && now.files == before.files {
			same++
		} else {
			same = 0
		}
		return same == looks
	})
	return now
}

// holds says what the bridge's process has after a collection.
func (b *bridge) holds(t *testing.T) holdings {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.cmd.Process.Pid))
	require.NoError(t, err)
	return holdings{
		heap:       b.profile(t, "heap?gc=1&debug=1", heapInUse),
		goroutines: b.profile(t, "goroutine?debug=1", goroutineCount),
		files:      len(files),
	}
}

func (b *bridge) profile(t *testing.T, name string, number *regexp.Regexp) int {
	t.Helper()
	root := strings.Fields(strings.SplitN(b.await("/debug/pprof/"), "http://", 2)[1])[0]
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+root+name, nil)
	require.NoError(t, err)
	request.Close = true // a connection that stays open would be counted
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	found := number.FindSubmatch(text)
	require.NotNil(t, found, "%s", name)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return n
}
