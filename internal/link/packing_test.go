package link_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	mostFrames = 512
	fullSize   = 256 << 10
	pieceSize  = 64 << 10
	someBytes  = 100 // beside the data of a frame
)

// exchange acknowledges all that the bridge sends until it sends nothing more, and returns it.
func (s *script) exchange(heard func() []*bridgepb.LinkMessage) []*bridgepb.LinkMessage {
	var all []*bridgepb.LinkMessage
	for next := heard(); len(next) > 0; next = heard() {
		all = append(all, next...)
		s.send(uint64(len(all)))
	}
	return all
}

func framesSize(m *bridgepb.LinkMessage) (size int) {
	for _, f := range m.GetFrames() {
		size += proto.Size(f)
	}
	return size
}

func TestAMessageHasAtMost512FramesAnd256KiB(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size, calls int
	}{
		"many small frames": {10, 3000},
		"some large frames": {60_000, 100},
		"frames in pieces":  {200_000, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := play(t, link.BridgeConfig{})
				heard := s.hear()
				for range 5 { // these close the window, so that all others wait
					s.begin()
				}
				for range c.calls {
					go func() { _, _ = s.bridge.Call(context.Background(), call("t", sized("x", c.size))) }()
				}
				most, largest := 0, 0
				for _, m := range s.exchange(heard) {
					most, largest = max(most, len(m.GetFrames())), max(largest, framesSize(m))
					require.LessOrEqual(t, len(m.GetFrames()), mostFrames)
					require.Less(t, framesSize(m), fullSize+pieceSize+someBytes)
					for _, f := range m.GetFrames() {
						require.LessOrEqual(t, proto.Size(f), pieceSize+someBytes)
						require.LessOrEqual(t, len(f.GetFragment().GetData()), pieceSize)
					}
				}
				if c.size < 100 {
					require.Greater(t, most, mostFrames-10, "whatever waits is packed")
				} else {
					require.GreaterOrEqual(t, largest, fullSize, "whatever waits is packed")
				}
			})
		})
	}
}

func TestSendersNeverWaitForMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		for i := range uint64(100) {
			s.send(i, pingFrame(i))
			require.Len(t, heard(), 1)
		}
	})
}

// pieces returns which calls' pieces came, in order, and what each call's frame came to.
func pieces(t *testing.T, messages []*bridgepb.LinkMessage) (order []uint64, whole map[uint64]*bridgepb.Frame) {
	t.Helper()
	data, totals := map[uint64][]byte{}, map[uint64]uint64{}
	calls, whole := map[uint64]uint64{}, map[uint64]*bridgepb.Frame{}
	for _, m := range messages {
		for _, f := range m.GetFrames() {
			p := f.GetFragment()
			if p == nil {
				continue
			}
			order = append(order, f.GetCallId())
			if len(data[p.GetId()]) == 0 {
				totals[p.GetId()], calls[p.GetId()] = p.GetTotal(), f.GetCallId()
			} else {
				require.Zero(t, p.GetTotal(), "only the first piece says the length of the whole")
			}
			require.Equal(t, calls[p.GetId()], f.GetCallId(), "a piece has the call id of the frame cut")
			data[p.GetId()] = append(data[p.GetId()], p.GetData()...)
		}
	}
	for id, b := range data {
		require.Len(t, b, int(totals[id]))
		var f bridgepb.Frame
		require.NoError(t, proto.Unmarshal(b, &f))
		require.Equal(t, calls[id], f.GetCallId())
		whole[f.GetCallId()] = &f
	}
	return order, whole
}

func TestPiecesOfSeveralFramesAreInterleavedRoundRobin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t) // until all three are made
		heard := s.hear()
		values := []tool.Value{sized("a", 2<<20), sized("b", 2<<20), sized("c", 2<<20)}
		for _, v := range values {
			s.begin(v)
		}
		open()
		order, whole := pieces(t, s.exchange(heard))
		require.Greater(t, len(order), 90)
		for i := 3; i < len(order); i++ {
			require.Equal(t, order[i-3], order[i], "piece %d is not in turn", i)
		}
		require.Len(t, whole, 3)
		for _, f := range whole {
			got := f.GetCall().GetArgs()[0].GetValue()
			name := bytes.IndexByte([]byte("abc"), got[0])
			require.True(t, bytes.Equal(values[name].Bytes, got))
		}
	})
}

// A link takes 8 MiB on the way, but what is on the way is what the transport holds: here 8 messages, and one in the
// writer's hand. A call that is made after them goes into the next one.
func TestA9MiBValueDoesNotDelayASmallCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const onTheWay = 9
		s := play(t, link.BridgeConfig{})
		s.begin(sized("large", 9<<20))
		read := 0
		next := func() *bridgepb.LinkMessage {
			synctest.Wait()
			m := s.recv()
			read++
			s.send(uint64(read))
			return m
		}
		large := next().GetFrames()[0].GetCallId()
		s.begin(value("small"))
		before := read
		for small := false; !small; {
			for _, f := range next().GetFrames() {
				small = small || f.GetCall() != nil
			}
			require.LessOrEqual(t, read-before, onTheWay+1, "the small call waits for the large one")
		}
		left := 0
		for left == 0 {
			for _, f := range next().GetFrames() {
				require.Equal(t, large, f.GetCallId())
				left++
			}
		}
		require.Positive(t, left, "the large value is still under way")
	})
}

// chunkSizes are such that whole frames follow frames in pieces and the other way round.
var chunkSizes = []int{10, 200_000, 10, 70_000, 70_000, 10, 10, 600_000, 10}

func TestFramesOfOneCallArriveInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{Handler: handler{
			stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
				for i, size := range chunkSizes {
					if err := send(tool.Chunk{Value: sized(fmt.Sprint(i), size)}); err != nil {
						return tool.Metrics{}, err
					}
				}
				return tool.Metrics{}, nil
			},
		}})
		heard := s.hear()
		s.send(0, callFrame(1, &bridgepb.ToolCallRequest{Stream: true, StreamId: "mine"}))
		sequence, parts := uint64(0), []byte{}
		take := func(c *bridgepb.ToolStreamChunk) {
			require.Equal(t, sequence, c.GetSequence(), "0, 1, 2 … without gaps")
			require.Equal(t, sequence == 0, c.GetStreamId() == "mine", "only in the first chunk")
			sequence++
			if int(sequence) <= len(chunkSizes) {
				require.Contains(t, string(c.GetContent().GetData().GetValue()[:12]), fmt.Sprint(sequence-1))
			} else {
				require.Equal(t, uint64(len(chunkSizes)), c.GetContent().GetComplete().GetTotalChunks())
			}
		}
		for _, m := range s.exchange(heard) {
			for _, f := range m.GetFrames() {
				switch {
				case f.GetFragment() != nil:
					parts = append(parts, f.GetFragment().GetData()...)
					var whole bridgepb.Frame
					if proto.Unmarshal(parts, &whole) == nil {
						take(whole.GetChunk())
						parts = nil
					}
				case f.GetChunk() != nil:
					require.Empty(t, parts, "a chunk overtook one in pieces")
					take(f.GetChunk())
				}
			}
		}
		require.Equal(t, uint64(len(chunkSizes)+1), sequence, "the completing chunk is counted too")
	})
}

func TestAChunkOf64KiBLeavesWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{Handler: handler{stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			for range 3 {
				if err := send(tool.Chunk{Value: sized("x", 64<<10)}); err != nil {
					return tool.Metrics{}, err
				}
			}
			return tool.Metrics{}, nil
		}}})
		s.send(0, callFrame(1, &bridgepb.ToolCallRequest{Stream: true}))
		for whole, read := 0, uint64(1); whole < 3; read++ {
			for _, f := range s.recv().GetFrames() {
				require.NotNil(t, f.GetChunk(), "%T", f.GetBody())
				if len(f.GetChunk().GetContent().GetData().GetValue()) >= 64<<10 {
					whole++
				}
			}
			s.send(read)
		}
		s.stream.Close()
	})
}
