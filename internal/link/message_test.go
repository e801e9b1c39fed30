package link

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// split cuts a message into parts of that size.
func split(b []byte, size int) Message { return slices.Collect(slices.Chunk(b, size)) }

// taken is what matters of an arrival.
type taken struct {
	Kind   int
	CallID uint64
	Size   int
	Tool   string
	Args   []string
	Result string
	Chunk  string
	Number uint64
	Piece  string
	Total  uint64
}

func takenOf(a *arrival) taken {
	t := taken{
		Kind: int(a.kind), CallID: a.callID, Size: a.size, Result: string(a.result.Value.Bytes), Chunk: string(a.chunk.value.Bytes), Number: a.number,
		Piece: string(a.piece.data.bytes()), Total: a.piece.total,
	}
	if a.call != nil {
		t.Tool = a.call.call.Tool
		for _, v := range a.call.call.Args {
			t.Args = append(t.Args, v.TypeURL+string(v.Bytes))
		}
	}
	return t
}

// read decodes a message and returns what is in it.
func read(t require.TestingT, m Message) (ack uint64, all []taken, err error) {
	e := newEngine(settings{})
	defer e.stop()
	var d delivery
	err = d.decode(e, m)
	for i := range d.arrivals {
		all = append(all, takenOf(&d.arrivals[i]))
	}
	size := 0
	for _, a := range all {
		size += a.Size
	}
	require.Equal(t, size, d.size)
	return d.ack, all, err
}

func TestAMessageSaysTheSameInHoweverManyPartsItComes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		data := func() []byte {
			return bytes.Repeat([]byte{byte(rapid.IntRange(0, 255).Draw(rt, "byte"))}, rapid.SampledFrom([]int{0, 1, 90, 3000, 40 << 10}).Draw(rt, "size"))
		}
		m := &bridgepb.LinkMessage{Ack: rapid.Uint64Range(0, 1<<40).Draw(rt, "ack")}
		for range rapid.IntRange(0, 5).Draw(rt, "frames") {
			f := &bridgepb.Frame{CallId: rapid.Uint64Range(0, 1<<33).Draw(rt, "call")}
			value := wrapped(rapid.SampledFrom([]string{"x", urlTablePiece}).Draw(rt, "type"), data())
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0:
				f.Body = &bridgepb.Frame_Call{Call: &bridgepb.ToolCallRequest{ToolId: "t", Args: []*anypb.Any{value, wrapped("y", data())}}}
			case 1:
				f.Body = &bridgepb.Frame_Result{Result: &bridgepb.ToolCallResponse{Success: true, Result: value}}
			case 2:
				f.Body = &bridgepb.Frame_Chunk{Chunk: &bridgepb.ToolStreamChunk{Sequence: 3, Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{Data: value}}}}
			case 3:
				f.Body = &bridgepb.Frame_Ping{Ping: &bridgepb.Ping{Id: 5}}
			default:
				f.Body = &bridgepb.Frame_Fragment{Fragment: &bridgepb.Fragment{Id: rapid.Uint64Range(0, 300).Draw(rt, "id"), Data: data(), Total: rapid.Uint64Range(0, 1<<20).Draw(rt, "total")}}
			}
			m.Frames = append(m.Frames, f)
		}
		b, err := proto.Marshal(m)
		require.NoError(rt, err)
		ack, whole, err := read(rt, Message{b})
		require.NoError(rt, err)
		partsAck, parts, err := read(rt, split(b, rapid.SampledFrom([]int{1, 2, 7, 129, 16 << 10}).Draw(rt, "part")))
		require.NoError(rt, err)
		require.Equal(rt, ack, partsAck)
		require.Equal(rt, whole, parts)
	})
}

func TestAMessageInPartsThatIsNotWrittenAsUsualIsReadAllTheSame(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"an unknown field":                {0x78, 0x01, 0x12, 0x06, 0x08, 0x05, 0x72, 0x02, 0x08, 0x07, 0x08, 0x09},
		"a fragment whose total is first": {0x12, 0x0b, 0x08, 0x05, 0x4a, 0x07, 0x18, 0x09, 0x12, 0x01, 'x', 0x08, 0x02},
		"a fragment in two parts":         {0x12, 0x0c, 0x4a, 0x03, 0x12, 0x01, 'x', 0x4a, 0x05, 0x08, 0x02, 0x12, 0x01, 'y'},
		"a fragment without data":         {0x12, 0x04, 0x4a, 0x02, 0x08, 0x02},
		"acknowledged twice":              {0x08, 0x01, 0x12, 0x00, 0x08, 0x02},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ack, whole, err := read(t, Message{b})
			require.NoError(t, err)
			for size := 1; size < len(b); size++ {
				partsAck, parts, err := read(t, split(b, size))
				require.NoError(t, err)
				require.Equal(t, ack, partsAck, size)
				require.Equal(t, whole, parts, size)
			}
		})
	}
}

func TestWhatCannotBeDecodedIsRefusedInPartsToo(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"a frame that is cut off":        {0x12, 0x05, 0x08, 0x05},
		"a length that is cut off":       {0x12, 0x80},
		"a tag that is cut off":          {0x08, 0x01, 0x80},
		"a number that is too long":      bytes.Repeat([]byte{0xff}, 20),
		"a fragment longer than its end": {0x12, 0x06, 0x4a, 0x04, 0x12, 0x09, 'x', 'y'},
		"field 0":                        {0x00, 0x01},
		"too many frames":                bytes.Repeat([]byte{0x12, 0x00}, maxFrames+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for size := 1; size < len(b); size++ {
				_, _, err := read(t, split(b, size))
				require.Equal(t, tool.ProtocolError, tool.CodeOf(err), size)
			}
		})
	}
}

func TestALongValueLeavesFromWhereItLies(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"in a whole frame": 40 << 10, "in pieces": 200 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value := []byte(strings.Repeat("v", size))
			enc := newSharer()
			defer enc.free()
			enc.call(&tool.Call{Tool: "t", Args: []tool.Value{{TypeURL: "x", Bytes: value}, {TypeURL: "y", Bytes: []byte("short")}}, RequestID: "r"}, callHead{})
			e := newEngine(settings{})
			defer e.stop()
			e.put(5, frameCall, enc.content())
			_, full := e.queue.ready()
			p := e.queue.take()
			require.Equal(t, full, p.full())
			message := p.message(3)

			var m bridgepb.LinkMessage
			require.NoError(t, proto.Unmarshal(message.bytes(), &m))
			require.EqualValues(t, 3, m.GetAck())
			call := m.GetFrames()[0].GetCall()
			if call == nil { // in pieces
				var whole []byte
				for _, f := range m.GetFrames() {
					whole = append(whole, f.GetFragment().GetData()...)
				}
				var f bridgepb.Frame
				require.NoError(t, proto.Unmarshal(whole, &f))
				call = f.GetCall()
			}
			require.Equal(t, "r", call.GetRequestId())
			require.Equal(t, value, call.GetArgs()[0].GetValue())
			require.Equal(t, "short", string(call.GetArgs()[1].GetValue()))
			require.Less(t, message.size()-shareOf(message, value), 8<<10, "nearly all of it is not copied")
		})
	}
}

// shareOf is how many bytes of a message are a value's own.
func shareOf(m Message, value []byte) int {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(value)))
	n := 0
	for _, part := range m {
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(part))); at >= from && at < from+uintptr(len(value)) {
			n += len(part)
		}
	}
	return n
}

func TestBytesOfAPieceOfATableAreCopiedBecauseTheyAreUsedAgain(t *testing.T) {
	t.Parallel()
	enc := newEncoder()
	defer enc.free()
	piece := make([]byte, tool.TablePieceBytes)
	enc.tablePiece(tablePiece{data: piece})
	require.Empty(t, enc.content().shared)
	require.Greater(t, len(enc.buf), len(piece))
}

func TestACallsChunksHoldItsNextOnesBackUntilTheyLeave(t *testing.T) {
	t.Parallel()
	var q queue
	c := &credit{left: 1 << 20, waits: make(chan struct{})}
	waits := c.waits
	q.add(1, frameChunk, written(make([]byte, 100))).lead(c, 100)
	q.add(1, frameChunk, written(make([]byte, 50))).lead(c, 50)
	q.add(3, frameChunk, written(nil)).lead(&credit{}, 2)
	require.EqualValues(t, 150, c.queued)
	q.take()
	require.Zero(t, c.queued)
	<-waits
	require.Nil(t, c.waits)
}

func TestMemoryForGatheredBytesGrowsAndKeepsThem(t *testing.T) {
	t.Parallel()
	var g gathered
	for i := range 100 {
		g.grow(10 * (i + 1))
		g.add(Message{[]byte("12345"), nil, []byte("67890")})
	}
	require.Equal(t, strings.Repeat("1234567890", 100), string(g.bytes()))
}

func wrapped(url string, b []byte) *anypb.Any { return &anypb.Any{TypeUrl: url, Value: b} }
