package link

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Handshake is a connection whose Hello was read and that waits for an answer: Bridge.Serve or Refuse.
type Handshake struct {
	// Hello is what the process said.
	Hello Hello

	stream Stream
}

// Accept reads the Hello of a new connection, for at most 5 s. An error is a violation of the protocol, which the other
// side was told, or the stream's; a gRPC handler returns wire.Status of it.
func Accept(ctx context.Context, s Stream) (*Handshake, error) {
	message, err := readOpening(ctx, s)
	h := &Handshake{stream: s}
	if tool.CodeOf(err) == tool.ProtocolError {
		return nil, h.Refuse(err)
	}
	if err != nil {
		return nil, err
	}
	hello, ok := message.(*bridgepb.Hello)
	switch {
	case !ok:
		return nil, h.Refuse(tool.Errorf(tool.ProtocolError, "the first message of a link is a hello"))
	case hello.GetIdentity() == "":
		return nil, h.Refuse(tool.Errorf(tool.ProtocolError, "hello has no identity; a process makes one for its life"))
	case hello.GetMinRevision() > Revision || hello.GetRevision() < Revision:
		return nil, h.Refuse(tool.Errorf(tool.ProtocolError, "the process speaks revisions %d to %d of the protocol, the bridge speaks %d; update the older of them",
			hello.GetMinRevision(), hello.GetRevision(), Revision))
	}
	h.Hello = helloFromProto(hello)
	return h, nil
}

// Refuse tells the process why it cannot be served and returns that error.
func (h *Handshake) Refuse(reason error) error {
	why := wire.Error(reason)
	if err := h.stream.Send(protocolErrorMessage(0, why), nil); err != nil {
		return errors.Join(why, err)
	}
	return why
}

// readOpening reads the first message of a connection: its only frame.
func readOpening(ctx context.Context, s Stream) (proto.Message, error) {
	type opening struct {
		message proto.Message
		err     error
	}
	read := make(chan opening, 1)
	go func() {
		m, err := s.Recv()
		if err != nil {
			read <- opening{err: err}
			return
		}
		body, err := decodeOpening(m.bytes())
		read <- opening{body, err}
	}()
	patience := time.NewTimer(helloTimeout)
	defer patience.Stop()
	select {
	case r := <-read:
		if errors.Is(r.err, io.EOF) {
			return nil, tool.Errorf(tool.WorkerLost, "the stream ended before the link was opened: %w", r.err)
		}
		return r.message, r.err
	case <-patience.C:
		return nil, tool.Errorf(tool.ProtocolError, "no first message within %v", helloTimeout)
	case <-ctx.Done():
		return nil, wire.ContextError(ctx)
	}
}

func decodeOpening(m []byte) (proto.Message, error) {
	if len(m) > maxMessage {
		return nil, tool.Errorf(tool.ProtocolError, "first message has %d bytes; the limit is %d", len(m), maxMessage)
	}
	var body proto.Message
	_, err := decodeMessage(m, func(b []byte) error {
		var fr frame
		if err := decodeFrame(b, &fr); err != nil {
			return err
		}
		if body != nil {
			return tool.Errorf(tool.ProtocolError, "the first message of a link has one frame")
		}
		switch fr.kind {
		case frameHello, frameWelcome, frameProtocolError:
			body = coldMessage(fr.kind)
			return proto.Unmarshal(fr.body, body)
		default:
			return tool.Errorf(tool.ProtocolError, "the first message of a link cannot have a frame of kind %d", fr.kind)
		}
	})
	if err != nil {
		return nil, undecodable(err)
	}
	return body, nil
}
