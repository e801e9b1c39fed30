package link_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/memory"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Memory that was given back is overwritten at once where the race detector runs, so the tests of contents see whoever still reads it.

// filled are bytes that tell where they belong.
func filled(b []byte, size int, stream, chunk uint64) []byte {
	for place := uint64(0); len(b)+8 <= size; place++ {
		b = binary.LittleEndian.AppendUint64(b, stream<<40^chunk<<20^place)
	}
	return b
}

// lending sends chunks of many sizes in memory that is used again. The call's argument says which stream it is.
func lending(again *atomic.Int64) handler {
	return handler{stream: func(_ context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		stream := uint64(call.Args[0].Bytes[0])
		for i := range uint64(reusedChunks) {
			block := memory.Get(sizeOf(i))
			chunk := tool.Chunk{Value: value(""), Release: func() { again.Add(1); block.Release() }}
			chunk.Value.Bytes = filled(block.Bytes(), sizeOf(i), stream, i)
			if err := send(chunk); err != nil {
				return tool.Metrics{}, err
			}
		}
		return tool.Metrics{}, nil
	}}
}

const reusedChunks = 60

// sizeOf are sizes of chunks that leave whole, and now and then of one that leaves in pieces.
func sizeOf(chunk uint64) int { return []int{8 << 10, 20_000, 64 << 10, 40_000, 70_000}[chunk%5] }

// through relays streams to another host, as a bridge does.
func through(host func() link.Handler) handler {
	return handler{stream: func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		return host().Stream(ctx, call, send)
	}}
}

// readFilled reads a stream and judges every byte, of some chunks only when others have come.
func readFilled(ctx context.Context, t *testing.T, host link.Handler, stream byte) {
	t.Helper()
	var got [][]byte
	v := value("")
	v.Bytes = []byte{stream}
	_, err := host.Stream(ctx, call("t", v), func(c tool.Chunk) error {
		got = append(got, c.Value.Bytes)
		return nil
	})
	if err != nil || len(got) != reusedChunks {
		t.Errorf("stream %d ended after %d chunks: %v", stream, len(got), err)
	}
	for i, b := range got {
		if !bytes.Equal(b, filled(nil, sizeOf(uint64(i)), uint64(stream), uint64(i))) {
			t.Errorf("chunk %d of stream %d has other bytes than were sent", i, stream)
		}
	}
}

func TestChunksInMemoryThatIsUsedAgainArriveUnchangedThroughTwoLinks(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int64{"that hold": 0, "that break all the time": 40, "that break very often": 9} {
		t.Run("links "+name, func(t *testing.T) {
			t.Parallel()
			var again atomic.Int64
			hosting := setup(t, link.ProcessConfig{Handler: lending(&again)}, link.BridgeConfig{ReattachGrace: time.Minute})
			hosting.connect()()
			calling := setup(t, link.ProcessConfig{}, link.BridgeConfig{
				Handler: through(func() link.Handler { return hosting.end() }), ReattachGrace: time.Minute,
			})
			calling.connect()()
			for i, b := range []*bundle{hosting, calling} {
				if most == 0 {
					b.connect()
					continue
				}
				random := rand.New(rand.NewPCG(7, uint64(i)))
				lose := i == 0
				t.Cleanup(b.flaky(func() (int64, bool) { lose = !lose; return 2 + random.Int64N(most), lose }))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var all sync.WaitGroup
			for i := range byte(6) {
				all.Go(func() { readFilled(ctx, t, calling.process, i+1) })
			}
			all.Wait()
			require.NotZero(t, again.Load(), "memory is used again at all")
		})
	}
}

// The caller's memory goes back when the collector says so: it must say so of nothing that he holds, all of it or a part.
func TestWhatACallerKeepsOfAStreamStaysAsItCameWhileTheRestIsCollected(t *testing.T) {
	t.Parallel()
	var again atomic.Int64
	two := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: lending(&again)})
	overTCP(t, two) // whose messages come in parts
	var all sync.WaitGroup
	for stream := range byte(3) {
		all.Go(func() {
			kept, count := map[int][]byte{}, 0
			v := value("")
			v.Bytes = []byte{stream}
			_, err := two.process.Stream(t.Context(), call("t", v), func(c tool.Chunk) error {
				switch b := c.Value.Bytes; count % 4 {
				case 1:
					kept[count] = b
				case 2:
					kept[count] = b[len(b)-100:]
				default:
					runtime.GC()
				}
				count++
				return nil
			})
			if err != nil || count != reusedChunks {
				t.Errorf("stream %d ended after %d chunks: %v", stream, count, err)
			}
			for i, b := range kept {
				if want := filled(nil, sizeOf(uint64(i)), uint64(stream), uint64(i)); !bytes.HasSuffix(want, b) {
					t.Errorf("chunk %d of stream %d has other bytes than were sent", i, stream)
				}
			}
		})
	}
	all.Wait()
}

// holding is a stream that releases nothing until the test does it.
type holding struct {
	link.Stream
	held *[]func()
}

func (h holding) Send(m link.Message, release func()) error {
	if release != nil {
		*h.held = append(*h.held, release)
	}
	return h.Stream.Send(m, nil)
}

// lent is a script whose bridge has sent one chunk in memory that may be used again.
type lent struct {
	*script
	held     []func() // what the transports hold
	released *atomic.Int64
}

func lend(t *testing.T) *lent {
	t.Helper()
	l := &lent{released: new(atomic.Int64)}
	config := link.BridgeConfig{ReattachGrace: time.Hour, Handler: handler{
		stream: func(ctx context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			chunk := tool.Chunk{Value: sized("chunk", 20_000), Release: func() { l.released.Add(1) }}
			err := send(chunk)
			<-ctx.Done()
			return tool.Metrics{}, err
		},
	}}
	l.script = playThrough(t, config, func(s link.Stream) link.Stream { return holding{s, &l.held} })
	l.send(0, callFrame(1, &bridgepb.ToolCallRequest{SessionId: "s", ToolId: "t", Stream: true}))
	l.chunk()
	l.held = l.held[len(l.held)-1:]
	return l
}

// chunk waits for the chunk to come, and for nothing else to happen.
func (l *lent) chunk() {
	l.t.Helper()
	require.NotNil(l.t, l.frame(func(f *bridgepb.Frame) bool { return f.GetChunk() != nil }))
	synctest.Wait()
}

func (l *lent) releasedBy(act func(), want int64, why string) {
	l.t.Helper()
	act()
	synctest.Wait()
	require.Equal(l.t, want, l.released.Load(), why)
}

func TestTheMemoryOfAChunkIsFreeOnceItIsAcknowledgedAndTheTransportIsDone(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]func(l *lent) [2]func(){
		"acknowledged first": func(l *lent) [2]func() { return [2]func(){func() { l.send(1) }, l.held[0]} },
		"sent first":         func(l *lent) [2]func() { return [2]func(){l.held[0], func() { l.send(1) }} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := lend(t)
				both := steps(l)
				l.releasedBy(both[0], 0, "one of the two still needs it")
				l.releasedBy(both[1], 1, "nobody needs it")
			})
		})
	}
}

func TestTheMemoryOfAChunkThatIsSentAgainIsFreeOnceBothTransportsAreDone(t *testing.T) {
	t.Parallel()
	for _, last := range []int{0, 1} {
		t.Run(fmt.Sprint("last of all transport ", last), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := lend(t)
				l.stream.Close()
				require.Error(t, <-l.served)
				l.open(nil, &bridgepb.Hello{Revision: 1, Identity: "script", Incarnation: "incarnation-1"})
				require.True(t, l.welcome.GetResumed())
				l.chunk()
				both := [2]func(){l.held[0], l.held[len(l.held)-1]}
				require.Len(t, l.held, 2, "the welcome holds nothing")

				l.releasedBy(func() { l.send(1) }, 0, "two transports hold it")
				l.releasedBy(both[1-last], 0, "one transport holds it")
				l.releasedBy(both[last], 1, "nobody needs it")
			})
		})
	}
}

func TestTheMemoryOfAChunkThatIsNotSentIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var released atomic.Int64
		sent := make(chan error, 1)
		s := play(t, link.BridgeConfig{Handler: handler{
			stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
				var err error
				for err == nil { // until credit is used up, and then the call is cancelled
					err = send(tool.Chunk{Value: sized("chunk", 60_000), Release: func() { released.Add(1) }})
				}
				sent <- err
				return tool.Metrics{}, err
			},
		}})
		heard := s.hear()
		s.send(0, callFrame(1, &bridgepb.ToolCallRequest{SessionId: "s", ToolId: "t", Stream: true}))
		chunks := int64(0)
		for _, m := range heard() {
			chunks += int64(len(m.GetFrames()))
		}
		require.NotZero(t, chunks)
		s.send(0, cancelFrame(1))
		require.Error(t, <-sent)
		require.LessOrEqual(t, released.Load(), chunks)
	})
}
