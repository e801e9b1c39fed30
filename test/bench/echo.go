package main

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The raw peer: a service that answers each text with the same text, by single calls or on a stream.
const (
	unaryMethod  = "/bench.Echo/Unary"
	streamMethod = "/bench.Echo/Stream"
	chunksMethod = "/bench.Echo/Chunks"
)

type echoServer interface {
	unary(ctx context.Context, text *wrapperspb.StringValue) (*wrapperspb.StringValue, error)
	stream(stream grpc.ServerStream) error
}

func streamDesc() *grpc.StreamDesc {
	return &grpc.StreamDesc{StreamName: "Stream", ServerStreams: true, ClientStreams: true, Handler: func(server any, stream grpc.ServerStream) error {
		return server.(echoServer).stream(stream)
	}}
}

func chunksDesc() *grpc.StreamDesc {
	return &grpc.StreamDesc{StreamName: "Chunks", ServerStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
		return sendChunks(stream)
	}}
}

// sendChunks sends as many chunks as it is asked for.
func sendChunks(stream grpc.ServerStream) error {
	count := new(wrapperspb.Int64Value)
	if err := stream.RecvMsg(count); err != nil {
		return err
	}
	chunk := wrapperspb.Bytes(make([]byte, chunkBytes))
	for range count.GetValue() {
		if err := stream.SendMsg(chunk); err != nil {
			return err
		}
	}
	return nil
}

func echoService() *grpc.ServiceDesc {
	unary := func(server any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		text := new(wrapperspb.StringValue)
		if err := decode(text); err != nil {
			return nil, err
		}
		return server.(echoServer).unary(ctx, text)
	}
	return &grpc.ServiceDesc{
		ServiceName: "bench.Echo", HandlerType: (*echoServer)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: unary}}, Streams: []grpc.StreamDesc{*streamDesc(), *chunksDesc()},
	}
}

// echo answers by itself.
type echo struct{}

func (echo) unary(_ context.Context, text *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	return text, nil
}

func (echo) stream(stream grpc.ServerStream) error { return pass(stream, stream) }

// relay passes everything on to another server, and the answers back.
type relay struct{ to grpc.ClientConnInterface }

func (r relay) unary(ctx context.Context, text *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	return unary(ctx, r.to, text)
}

func (r relay) stream(from grpc.ServerStream) error {
	to, err := r.to.NewStream(from.Context(), streamDesc(), streamMethod)
	if err != nil {
		return err
	}
	back := make(chan error, 1)
	go func() { back <- pass(to, from) }()
	return errors.Join(pass(from, to), to.CloseSend(), <-back)
}

// messages is either end of a stream.
type messages interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// pass sends on what comes until there is no more.
func pass(from, to messages) error {
	for {
		text := new(wrapperspb.StringValue)
		if err := from.RecvMsg(text); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := to.SendMsg(text); err != nil {
			return err
		}
	}
}

// unary makes one raw call.
func unary(ctx context.Context, conn grpc.ClientConnInterface, text *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	answer := new(wrapperspb.StringValue)
	if err := conn.Invoke(ctx, unaryMethod, text, answer); err != nil {
		return nil, err
	}
	return answer, nil
}
