package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpc-tool-bridge/toolbridge"
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
)

// payload is what every call carries there and back: 100 bytes.
func payload() string { return strings.Repeat("x", 100) }

func same(got string) error {
	if got != payload() {
		return fmt.Errorf("an echo answered %q", got)
	}
	return nil
}

// rawUnary calls the raw echo.
func rawUnary(conn grpc.ClientConnInterface) caller {
	text := payload()
	return simple(func(ctx context.Context) error {
		answer, err := unary(ctx, conn, wrapperspb.String(text))
		if err != nil {
			return err
		}
		return same(answer.GetValue())
	})
}

// rawStream sends a message on a stream of its own and waits for its echo.
func rawStream(conn grpc.ClientConnInterface) caller {
	text := payload()
	return func(ctx context.Context) (func() error, func(), error) {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := conn.NewStream(ctx, streamDesc(), streamMethod)
		if err != nil {
			cancel()
			return nil, nil, err
		}
		call := func() error {
			if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
				return err
			}
			answer := new(wrapperspb.StringValue)
			if err := stream.RecvMsg(answer); err != nil {
				return err
			}
			return same(answer.GetValue())
		}
		return call, cancel, nil
	}
}

// rawText sends so large a text to the raw echo and back.
func rawText(conn grpc.ClientConnInterface, size int) caller {
	text := strings.Repeat("x", size)
	return simple(func(ctx context.Context) error {
		answer, err := unary(ctx, conn, wrapperspb.String(text))
		if err != nil {
			return err
		}
		return sized(len(answer.GetValue()), size)
	})
}

// linkText does the same over a tool.
func linkText(session *toolbridge.Session, name string, size int) caller {
	text := strings.Repeat("x", size)
	return simple(func(ctx context.Context) error {
		answer, err := toolbridge.Call[string](ctx, session, name, text)
		if err != nil {
			return err
		}
		return sized(len(answer), size)
	})
}

func sized(got, want int) error {
	if got != want {
		return fmt.Errorf("an answer of %d bytes: want %d", got, want)
	}
	return nil
}

// overLink calls a tool with the SDK.
func overLink(session *toolbridge.Session, name string) caller {
	text := payload()
	return simple(func(ctx context.Context) error {
		answer, err := toolbridge.Call[string](ctx, session, name, text)
		if err != nil {
			return err
		}
		return same(answer)
	})
}

// plainCall calls a tool by the plain RPC, as a client without an SDK does.
func plainCall(conn grpc.ClientConnInterface, session, name string) caller {
	stub, text := bridgepb.NewSnakepitBridgeClient(conn), payload()
	return simple(func(ctx context.Context) error {
		argument, err := anypb.New(wrapperspb.String(text))
		if err != nil {
			return err
		}
		answer, err := stub.ExecuteTool(ctx, &bridgepb.ToolCallRequest{SessionId: session, ToolId: name, Args: []*anypb.Any{argument}})
		if err != nil {
			return err
		}
		got := new(wrapperspb.StringValue)
		if err := answer.GetResult().UnmarshalTo(got); err != nil {
			return fmt.Errorf("%v: %w", answer.GetError(), err)
		}
		return same(got.GetValue())
	})
}
