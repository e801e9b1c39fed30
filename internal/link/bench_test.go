package link_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// server serves links and, as the measure to compare with, a raw unary echo.
type server struct {
	bridgepb.UnimplementedSnakepitBridgeServer
	link func(grpc.ServerStream) error
}

func (s *server) Link(stream grpc.BidiStreamingServer[bridgepb.LinkMessage, bridgepb.LinkMessage]) error {
	return s.link(stream)
}

func (*server) ExecuteTool(_ context.Context, r *bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
	return &bridgepb.ToolCallResponse{Success: true, Result: r.GetArgs()[0]}, nil
}

// listen serves on loopback until the test ends and returns a connection to it.
func listen(tb testing.TB, s *server) *grpc.ClientConn {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	g := grpc.NewServer(grpc.ForceServerCodecV2(link.Codec()), grpc.MaxRecvMsgSize(16<<20))
	bridgepb.RegisterSnakepitBridgeServer(g, s)
	var served sync.WaitGroup
	served.Go(func() { _ = g.Serve(l) })
	cc, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(tb, err)
	tb.Cleanup(func() {
		_ = cc.Close()
		g.Stop()
		served.Wait()
	})
	return cc
}

var hundred = tool.Value{TypeURL: "type.googleapis.com/google.protobuf.BytesValue", Bytes: make([]byte, 100)}

// inParallel runs b.N calls, so many at a time.
func inParallel(b *testing.B, width int, call func() error) {
	b.Helper()
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	used := processorTime(b)
	b.ResetTimer()
	for range width {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(b.N)/1000, "cpu-us/call")
}

// processorTime is what this process has used so far; unlike time it does not depend on what else runs.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

var widths = []int{1, 64, 256, 1024}

func BenchmarkRawUnary(b *testing.B) {
	cc := listen(b, &server{})
	client := bridgepb.NewSnakepitBridgeClient(cc)
	request := &bridgepb.ToolCallRequest{
		SessionId: "session", ToolId: "echo", Args: []*anypb.Any{{TypeUrl: hundred.TypeURL, Value: hundred.Bytes}},
	}
	for _, width := range widths {
		b.Run(fmt.Sprint(width), func(b *testing.B) {
			inParallel(b, width, func() error {
				_, err := client.ExecuteTool(context.Background(), request)
				return err
			})
		})
	}
}

func BenchmarkPipe(b *testing.B) {
	two := setup(b, link.ProcessConfig{}, link.BridgeConfig{})
	two.connect()
	benchmarkCalls(b, two.process)
}

func benchmarkCalls(b *testing.B, from *link.Process) {
	b.Helper()
	for _, width := range widths {
		b.Run(fmt.Sprint(width), func(b *testing.B) {
			inParallel(b, width, func() error {
				_, err := from.Call(context.Background(), call("echo", hundred))
				return err
			})
		})
	}
}

func BenchmarkOneHop(b *testing.B) {
	two := setup(b, link.ProcessConfig{}, link.BridgeConfig{})
	overTCP(b, two)
	benchmarkCalls(b, two.process)
}

// overTCP links the two ends of a bundle through gRPC on loopback.
func overTCP(tb testing.TB, two *bundle) {
	tb.Helper()
	cc := listen(tb, &server{link: func(s grpc.ServerStream) error {
		return two.accept(s.Context(), link.ServerStream(s))
	}})
	run(tb, two.process, cc)
}

// run runs a process over a connection until the test ends.
func run(tb testing.TB, p *link.Process, cc *grpc.ClientConn) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := link.Open(ctx, cc)
	require.NoError(tb, err)
	var ran sync.WaitGroup
	ran.Go(func() { _ = p.Run(ctx, s) })
	tb.Cleanup(func() { cancel(); ran.Wait() })
	_, err = p.Ping(context.Background())
	require.NoError(tb, err)
}

// relay is a bridge's end that calls another link's process.
type relay struct{ to func() *link.Bridge }

func (r relay) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	return r.to().Call(ctx, call)
}

func (r relay) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return r.to().Stream(ctx, call, send)
}

// relayed links a caller and a worker through relay, each over its own connection.
func relayed(tb testing.TB) (caller *link.Process) {
	tb.Helper()
	worker := setup(tb, link.ProcessConfig{}, link.BridgeConfig{})
	overTCP(tb, worker)
	from := setup(tb, link.ProcessConfig{Identity: "caller"}, link.BridgeConfig{Handler: relay{worker.end}})
	overTCP(tb, from)
	return from.process
}

func BenchmarkRelay(b *testing.B) { benchmarkCalls(b, relayed(b)) }

// BenchmarkEmptyRelay is what a relay costs at least: messages passed on between two streams, no link.
func BenchmarkEmptyRelay(b *testing.B) {
	worker := listen(b, &server{link: func(s grpc.ServerStream) error {
		stream := link.ServerStream(s)
		for {
			m, err := stream.Recv()
			if err != nil {
				return err
			}
			if err := stream.Send(link.Message{slices.Concat(m...)}, nil); err != nil {
				return err
			}
		}
	}})
	middle := listen(b, &server{link: func(s grpc.ServerStream) error {
		to, err := link.Open(s.Context(), worker)
		if err != nil {
			return err
		}
		from := link.ServerStream(s)
		var back sync.WaitGroup
		back.Go(func() { pass(to, from) })
		pass(from, to)
		to.Close()
		back.Wait()
		return nil
	}})
	s, err := link.Open(context.Background(), middle)
	require.NoError(b, err)
	defer s.Close()
	message := make([]byte, 180)
	b.Run("1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, s.Send(link.Message{message}, nil))
			_, err := s.Recv()
			require.NoError(b, err)
		}
	})
}

func pass(from, to link.Stream) {
	for {
		m, err := from.Recv()
		if err != nil {
			return
		}
		if to.Send(link.Message{slices.Concat(m...)}, nil) != nil {
			return
		}
	}
}

func BenchmarkStream(b *testing.B) {
	chunk := tool.Chunk{Value: tool.Value{TypeURL: hundred.TypeURL, Bytes: make([]byte, 64<<10)}}
	var count int
	two := setup(b, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
		stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			for range count {
				if err := send(chunk); err != nil {
					return tool.Metrics{}, err
				}
			}
			return tool.Metrics{}, nil
		},
	}})
	overTCP(b, two)
	b.SetBytes(64 << 10)
	b.ReportAllocs()
	count = b.N
	b.ResetTimer()
	_, err := two.process.Stream(context.Background(), call("chunks"), func(tool.Chunk) error { return nil })
	require.NoError(b, err)
}

func BenchmarkRawStream(b *testing.B) {
	cc := listen(b, &server{link: func(s grpc.ServerStream) error {
		chunk := &bridgepb.ToolStreamChunk{Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{
			Data: &anypb.Any{TypeUrl: hundred.TypeURL, Value: make([]byte, 64<<10)},
		}}}
		for {
			if err := s.SendMsg(chunk); err != nil {
				return err
			}
		}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, bridgepb.SnakepitBridge_Link_FullMethodName)
	require.NoError(b, err)
	b.SetBytes(64 << 10)
	b.ReportAllocs()
	var got bridgepb.ToolStreamChunk
	for b.Loop() {
		require.NoError(b, s.RecvMsg(&got))
	}
}
