package toolbridge

import (
	"context"
	"errors"
	"io"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// plainRPC calls tools by the unary and streaming RPCs, for bridges without links.
type plainRPC struct {
	client *Client
}

func (p plainRPC) call(ctx context.Context, call *tool.Call, result *tool.Result) error {
	if err := linkOnly(call, p.client.limits().MaxValueBytes); err != nil {
		return err
	}
	if err := p.client.ready(ctx); err != nil {
		return err
	}
	request := wire.CallProto(call)
	request.TimeoutUs = wire.TimeLeft(ctx)
	answer, err := p.client.stub.ExecuteTool(ctx, request)
	if err != nil {
		return err
	}
	*result, err = wire.ResultFromProto(answer)
	return err
}

func (p plainRPC) stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	if err := linkOnly(call, p.client.limits().MaxValueBytes); err != nil {
		return tool.Metrics{}, err
	}
	if err := p.client.ready(ctx); err != nil {
		return tool.Metrics{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := wire.StreamCallProto(call)
	request.TimeoutUs = wire.TimeLeft(ctx)
	chunks, err := p.client.stub.StreamTool(ctx, request)
	if err != nil {
		return tool.Metrics{}, err
	}
	for {
		message, err := chunks.Recv()
		if errors.Is(err, io.EOF) {
			return tool.Metrics{}, tool.Errorf(tool.ProtocolError, "the stream of tool %q ended without saying whether it is whole", call.Tool)
		}
		if err != nil {
			return tool.Metrics{}, err
		}
		chunk, ok, end := wire.ChunkFromProto(message)
		switch {
		case ok:
			if err := send(chunk); err != nil {
				return tool.Metrics{}, err
			}
		case end.Last:
			return end.Metrics, end.Err
		}
	}
}
