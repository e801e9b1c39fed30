package link_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// reader puts the frames together that a bridge sends, and keeps them by call in the order in which they are whole.
type reader struct {
	t     *testing.T
	parts map[uint64][]byte
	calls map[uint64][]*bridgepb.Frame
}

func newReader(t *testing.T) *reader {
	t.Helper()
	return &reader{t: t, parts: map[uint64][]byte{}, calls: map[uint64][]*bridgepb.Frame{}}
}

func (r *reader) read(m *bridgepb.LinkMessage) {
	r.t.Helper()
	for _, f := range m.GetFrames() {
		if p := f.GetFragment(); p != nil {
			whole := slices.Concat(r.parts[p.GetId()], p.GetData())
			r.parts[p.GetId()] = whole
			f = new(bridgepb.Frame)
			if proto.Unmarshal(whole, f) != nil {
				continue // the rest follows
			}
			delete(r.parts, p.GetId())
		}
		r.calls[f.GetCallId()] = append(r.calls[f.GetCallId()], f)
	}
}

const (
	streamID = 1
	tableID  = 3
)

// whole reports whether the answers to both calls have come.
func (r *reader) whole() bool {
	stream, table := r.calls[streamID], r.calls[tableID]
	return len(stream) == len(chunkSizes)+1 && len(table) > 0 && table[len(table)-1].GetResult() != nil
}

// check says whether what came is what busy has sent.
func (r *reader) check() {
	r.t.Helper()
	require.Empty(r.t, r.parts)
	for i, size := range chunkSizes {
		chunk := r.calls[streamID][i].GetChunk()
		require.Equal(r.t, uint64(i), chunk.GetSequence())
		require.Equal(r.t, sized(fmt.Sprint(i), size).Bytes, chunk.GetContent().GetData().GetValue())
	}
	require.NotNil(r.t, r.calls[streamID][len(chunkSizes)].GetChunk().GetContent().GetComplete())
	require.Len(r.t, r.calls[tableID], len(tablePieces)+1, "the result comes behind its table")
	for i, size := range tablePieces {
		require.Equal(r.t, sized(fmt.Sprint(i), size).Bytes, r.calls[tableID][i].GetChunk().GetContent().GetData().GetValue())
	}
	require.Equal(r.t, sized("result", 70_000).Bytes, r.calls[tableID][len(tablePieces)].GetResult().GetResult().GetValue())
}

// tablePieces are such that the window, once they are queued, leaves what is cut behind them.
var tablePieces = []int{50_000, 10, 50_000, 10, 60_000, 60_000, 60_000}

// busy streams chunks and answers with a table in pieces and a result that is cut.
func busy() handler {
	return handler{
		stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			for i, size := range chunkSizes {
				if err := send(tool.Chunk{Value: sized(fmt.Sprint(i), size)}); err != nil {
					return tool.Metrics{}, err
				}
			}
			return tool.Metrics{}, nil
		},
		call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
			for i, size := range tablePieces {
				if err := call.Tables.Put(ctx, "pandas.DataFrame", sized(fmt.Sprint(i), size).Bytes); err != nil {
					return tool.Result{}, err
				}
			}
			return tool.Result{Value: sized("result", 70_000)}, nil
		},
	}
}

// playBusy opens a link to a bridge whose window is closed, whose queue holds more than a message, and which then gets a call that
// streams and one whose result has a table.
func playBusy(t *testing.T) *script {
	t.Helper()
	s := play(t, link.BridgeConfig{Handler: busy()})
	for range 4 {
		s.begin()
	}
	for range 12 {
		s.begin(sized("x", 60_000))
	}
	s.send(0, callFrame(streamID, &bridgepb.ToolCallRequest{Stream: true}), callFrame(tableID, &bridgepb.ToolCallRequest{TakesTables: true}))
	synctest.Wait()
	return s
}

func TestFramesOfOneCallArriveInTheirOrderWhenOthersWaitBeforeThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := playBusy(t)
		got := newReader(t)
		for read := uint64(1); !got.whole(); read++ {
			require.Less(t, read, uint64(200))
			got.read(s.recv())
			s.send(read)
			synctest.Wait()
		}
		got.check()
	})
}

func TestFramesOfOneCallArriveOnceAndInTheirOrderHoweverOftenTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		messages int  // of each connection
		lost     bool // the last of them does not arrive
	}{
		"after every message":                    {messages: 1},
		"at every second message, which is lost": {messages: 2, lost: true},
		"after every third message":              {messages: 3},
		"at every fifth message, which is lost":  {messages: 5, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := playBusy(t)
				got := newReader(t)
				read := uint64(0)
				for breaks := 0; !got.whole(); breaks++ {
					require.Less(t, breaks, 200)
					for n := 1; n <= c.messages && !got.whole(); n++ {
						m := s.recv()
						require.NotEmpty(t, m.GetFrames())
						if n < c.messages || !c.lost {
							got.read(m)
							read++
						}
					}
					s.stream.Close()
					require.Error(t, <-s.served)
					s.open(nil, &bridgepb.Hello{Revision: 1, Identity: "script", Incarnation: "incarnation-1", Received: read})
					require.True(t, s.welcome.GetResumed())
				}
				got.check()
			})
		})
	}
}
