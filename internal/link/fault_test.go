package link_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// faulty is a stream that breaks after so many messages in either direction: before the message, or after it was handed on.
// Between messages is where a connection can break: gRPC hands on a message whole or not at all, whichever byte is the last
// to arrive.
type faulty struct {
	link.Stream
	left *atomic.Int64
	// lose says that the message at which it breaks is lost; otherwise it still arrives.
	lose bool
}

func (f *faulty) Send(m link.Message, release func()) error {
	switch left := f.left.Add(-1); {
	case left > 0:
		return f.Stream.Send(m, release)
	case left == 0 && !f.lose:
		_ = f.Stream.Send(m, release)
		fallthrough
	default:
		f.Close()
		return io.ErrClosedPipe
	}
}

// flaky keeps a bundle connected by connections of which each breaks after some messages, until stop.
func (b *bundle) flaky(next func() (messages int64, lose bool)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for ctx.Err() == nil {
			n, lose := next()
			left := new(atomic.Int64)
			left.Store(n)
			there, back := link.Pipe(ctx)
			there, back = &faulty{there, left, lose}, &faulty{back, left, lose}
			var both sync.WaitGroup
			both.Go(func() { _ = b.accept(ctx, back) })
			both.Go(func() { _ = b.process.Run(ctx, there) })
			both.Wait()
		}
	})
	return func() { cancel(); all.Wait() }
}

// counted runs each argument once and remembers how often.
type counted struct {
	mu   sync.Mutex
	runs map[string]int
}

func (c *counted) run(v tool.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[string(v.Bytes[:min(len(v.Bytes), 12)])]++
}

func (c *counted) Call(_ context.Context, call *tool.Call) (tool.Result, error) {
	c.run(call.Args[0])
	return tool.Result{Value: call.Args[0]}, nil
}

func (c *counted) Stream(_ context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	c.run(call.Args[0])
	for i := range 20 {
		if err := send(tool.Chunk{Value: value(fmt.Sprint(i))}); err != nil {
			return tool.Metrics{}, err
		}
		if err := send(tool.Chunk{Value: call.Args[0]}); err != nil {
			return tool.Metrics{}, err
		}
	}
	return tool.Metrics{}, nil
}

// sized is a value that begins with its name and may need to be cut.
func sized(name string, size int) tool.Value {
	v := value(fmt.Sprintf("%-12s", name))
	v.Bytes = append(v.Bytes, make([]byte, size)...)
	return v
}

func TestWhereverConnectionsBreakEveryCallRunsOnceAndIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	checks := 20 // each takes a while; all of them in the long form
	if os.Getenv("TOOLBRIDGE_TEST_FULL") != "" {
		checks = math.MaxInt
	}
	rapid.Check(t, func(rt *rapid.T) {
		if checks--; checks < 0 {
			return
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		lose := rapid.Bool().Draw(rt, "lose the message at which a connection breaks")
		most := rapid.Int64Range(3, 60).Draw(rt, "messages of a connection at most")
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{0, 100, 60_000, 66_000, 300_000}), 1, 12).Draw(rt, "sizes")
		checkOnce(t, seed, lose, most, sizes)
	})
}

func checkOnce(t *testing.T, seed uint64, lose bool, most int64, sizes []int) {
	t.Helper()
	there, back := &counted{runs: map[string]int{}}, &counted{runs: map[string]int{}}
	b := setup(t, link.ProcessConfig{Handler: there}, link.BridgeConfig{Handler: back, ReattachGrace: time.Minute})
	b.connect()()
	random := rand.New(rand.NewPCG(seed, 1))
	stop := b.flaky(func() (int64, bool) { return 2 + random.Int64N(most), lose })
	defer stop()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for i, size := range sizes {
		v := sized(fmt.Sprint(i), size)
		for _, host := range []link.Handler{b.process, b.end()} {
			all.Go(func() {
				r, err := host.Call(ctx, call("t", v))
				if err != nil || !bytes.Equal(r.Value.Bytes, v.Bytes) {
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
	}
	stream := sized("stream", sizes[0])
	for _, host := range []link.Handler{b.process, b.end()} {
		all.Go(func() { checkStream(ctx, t, host, stream) })
	}
	all.Wait()
	for _, c := range []*counted{there, back} {
		require.Len(t, c.runs, len(sizes)+1)
		for name, n := range c.runs {
			require.Equal(t, 1, n, name)
		}
	}
}

func checkStream(ctx context.Context, t *testing.T, host link.Handler, v tool.Value) {
	t.Helper()
	n := 0
	_, err := host.Stream(ctx, call("t", v), func(c tool.Chunk) error {
		want := v
		if n%2 == 0 {
			want = value(fmt.Sprint(n / 2))
		}
		if !bytes.Equal(want.Bytes, c.Value.Bytes) {
			t.Errorf("chunk %d is another one", n)
		}
		n++
		return nil
	})
	if err != nil || n != 40 {
		t.Errorf("stream ended after %d chunks: %v", n, err)
	}
}
