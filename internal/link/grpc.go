package link

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that Codec falls through to
	"google.golang.org/grpc/mem"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
)

// Codec returns the codec that a gRPC server must be made with (grpc.ForceServerCodecV2) to serve links: it passes the
// messages of links through as bytes and leaves every other message to protobuf.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2("proto")} }

type codec struct{ encoding.CodecV2 }

// message is what link streams send and receive through Codec.
type message struct{ data mem.BufferSlice }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*message); ok {
		return m.data, nil
	}
	return c.CodecV2.Marshal(v)
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(*message); ok {
		data.Ref()
		m.data = data
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// Open opens a link's stream to a bridge. It ends when ctx does.
func Open(ctx context.Context, cc grpc.ClientConnInterface, opts ...grpc.CallOption) (Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	opts = append(opts, grpc.ForceCodecV2(Codec()))
	s, err := cc.NewStream(ctx, linkDesc(), bridgepb.SnakepitBridge_Link_FullMethodName, opts...)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open the link's stream: %w", err)
	}
	return &grpcStream{stream: s, cancel: cancel, closeSend: s.CloseSend}, nil
}

func linkDesc() *grpc.StreamDesc {
	return &grpc.StreamDesc{StreamName: "Link", ServerStreams: true, ClientStreams: true}
}

// ServerStream returns the stream of a Link RPC on a server that was made with Codec.
func ServerStream(s grpc.ServerStream) Stream {
	return &grpcStream{stream: s, cancel: func() {}, closeSend: func() error { return nil }}
}

// transport is what the two sides' streams have in common.
type transport interface {
	Context() context.Context
	SendMsg(m any) error
	RecvMsg(m any) error
}

// grpcStream is either side of a Link RPC. The receiving goroutine alone touches received.
type grpcStream struct {
	stream    transport
	cancel    context.CancelFunc
	closeSend func() error
	received  mem.BufferSlice
	parts     Message // of received
}

func (s *grpcStream) Send(m Message, release func()) error {
	data := make(mem.BufferSlice, len(m))
	for i := range m {
		data[i] = mem.SliceBuffer(m[i])
	}
	if last := len(m) - 1; release != nil && last >= 0 {
		data[last] = mem.NewBuffer(&m[last], releaser(release)) // gRPC is done with them in their order
	}
	return s.stream.SendMsg(&message{data})
}

// releaser is told by gRPC, as the pool of a buffer, that the buffer is no longer needed.
type releaser func()

func (releaser) Get(n int) *[]byte { b := make([]byte, n); return &b }

func (r releaser) Put(*[]byte) { r() }

func (s *grpcStream) Recv() (Message, error) {
	s.received.Free()
	s.received = nil
	clear(s.parts)
	s.parts = s.parts[:0]
	var m message
	if err := s.stream.RecvMsg(&m); err != nil {
		return nil, err
	}
	s.received = m.data
	for _, b := range s.received {
		s.parts = append(s.parts, b.ReadOnlyData())
	}
	return s.parts, nil
}

func (s *grpcStream) CloseSend() error { return s.closeSend() }

func (s *grpcStream) Context() context.Context { return s.stream.Context() }

func (s *grpcStream) Close() { s.cancel() }
