package link_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// sendCut sends the bytes of a frame in pieces, in full messages, and a ping after them. It returns the first frame of the
// answers that is wanted.
func (s *script) sendCut(callID uint64, frame []byte, wanted func(*bridgepb.Frame) bool) *bridgepb.Frame {
	s.t.Helper()
	answer := make(chan *bridgepb.Frame, 1)
	go func() { answer <- s.frame(wanted) }() // so that the bridge never waits for its reader
	total := uint64(len(frame))
	var pieces []*bridgepb.Frame
	for piece := range slices.Chunk(frame, pieceSize) {
		pieces = append(pieces, fragmentFrame(callID, 1, piece, total))
		total = 0
	}
	for some := range slices.Chunk(pieces, 4) {
		s.send(0, some...)
	}
	s.send(0, pingFrame(99))
	return <-answer
}

// frameOf is a frame with a body of so many equal parts.
func frameOf(callID uint64, body protowire.Number, part []byte, n int) []byte {
	b := protowire.AppendTag(nil, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, callID)
	b = protowire.AppendTag(b, body, protowire.BytesType)
	return protowire.AppendBytes(b, bytes.Repeat(part, n))
}

func TestFramesOfVeryManyPartsAreRefusedBeforeTheyAreDecoded(t *testing.T) { //nolint:paralleltest // it measures what is allocated
	const n = 7 << 19 // in 7 MiB
	for name, c := range map[string]struct {
		callID uint64
		frame  []byte
	}{
		"tools":              {0, frameOf(0, 10, []byte{0x12, 0x00}, n)},
		"arguments":          {1, frameOf(1, 2, []byte{0x1a, 0x00}, n)},
		"keywords":           {1, frameOf(1, 2, []byte{0x22, 0x00}, n)},
		"ids":                {0, frameOf(0, 12, []byte{0x12, 0x00}, n)},
		"arguments of tools": {0, frameOf(0, 10, append([]byte{0x12, 60}, bytes.Repeat([]byte{0x22, 0x00}, 30)...), n/31)},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // it measures what is allocated
			s := play(t, link.BridgeConfig{Handler: echoOrNothing{}})
			before := alloctest.SoFar()
			f := s.sendCut(c.callID, c.frame, func(f *bridgepb.Frame) bool { return f.GetProtocolError() != nil || f.GetPong() != nil })
			require.NotNil(t, f, "the link ended without protocol_error")
			require.Contains(t, f.GetProtocolError().GetError().GetMessage(), "message too large")
			require.Less(t, alloctest.SoFar()-before, uint64(100<<20), "7 MiB were sent")
		})
	}
}

func TestAFrameOfAsManyPartsAsAllowedIsTaken(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	answer := s.sendCut(1, frameOf(1, 2, []byte{0x1a, 0x02, 0x12, 0x00}, wire.MaxParts), isResult(1))
	require.True(t, answer.GetResult().GetSuccess())
}

func TestACallOfVeryManyArgumentsIsRefusedWhereItIsMade(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()
	many := make([]tool.Value, wire.MaxParts+1)
	named := make([]tool.Keyword, wire.MaxParts/2+1)
	for _, c := range []*tool.Call{{Tool: "echo", Args: many}, {Tool: "echo", Kwargs: named}} {
		_, err := b.end().Call(soon(t), c)
		require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
		require.ErrorContains(t, err, "the limit is 262144")
	}
	_, err := b.end().Call(soon(t), call("echo", value("x")))
	require.NoError(t, err, "the link goes on")
}
