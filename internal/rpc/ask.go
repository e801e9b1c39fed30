package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// asks answers what processes ask the bridge over their links, as the service answers the RPCs of these names.
type asks struct {
	service   *Service
	methods   map[string]*grpc.MethodDesc
	intercept grpc.UnaryServerInterceptor // nil without an access log
}

func newAsks(s *Service) *asks {
	desc := &bridgepb.SnakepitBridge_ServiceDesc
	a := &asks{service: s, methods: make(map[string]*grpc.MethodDesc)}
	for i := range desc.Methods {
		if name, asked := wire.AskedOverLinks("/" + desc.ServiceName + "/" + desc.Methods[i].MethodName); asked {
			a.methods[name] = &desc.Methods[i]
		}
	}
	if s.access != nil {
		a.intercept = s.access.unary
	}
	return a
}

// answer answers one of them. What is wrong with the request stands in the response; an error is one of the protocol.
func (a *asks) answer(ctx context.Context, p *process, call *tool.Call) (tool.Result, error) {
	method := a.methods[call.Asks]
	if method == nil {
		return tool.Result{}, tool.Errorf(tool.Unimplemented, "%q cannot be asked for over a link: make it an RPC", call.Asks)
	}
	if len(call.Args) != 1 {
		return tool.Result{}, tool.Errorf(tool.ValidationError, "%s was asked for with %d arguments: want one, the request", call.Asks, len(call.Args))
	}
	if a.intercept != nil {
		ctx = peer.NewContext(ctx, &peer.Peer{Addr: linkAddress(p.bridge.Identity())})
	}
	answer, err := method.Handler(a.service, ctx, func(request any) error { return decodeAsked(call.Args[0].Bytes, request) }, a.intercept)
	if err != nil {
		return tool.Result{}, err
	}
	message, ok := answer.(proto.Message)
	if !ok {
		return tool.Result{}, tool.Errorf(tool.Internal, "%s was answered with a %T", call.Asks, answer)
	}
	encoded, err := proto.Marshal(message)
	if err != nil {
		return tool.Result{}, tool.Errorf(tool.SerializationError, "the answer to %s cannot be encoded: %w", call.Asks, err)
	}
	return tool.Result{Value: tool.Value{Bytes: encoded}}, nil
}

// decodeAsked decodes a request, with the bounds of those that come as RPCs.
func decodeAsked(encoded []byte, request any) error {
	message, ok := request.(proto.Message)
	if !ok {
		return tool.Errorf(tool.Internal, "a %T is no request", request)
	}
	if wire.MayHaveManyParts(len(encoded)) && wire.TooManyParts(encoded, message.ProtoReflect().Descriptor()) {
		return tooManyParts()
	}
	if err := proto.Unmarshal(encoded, message); err != nil {
		return tool.Errorf(tool.ProtocolError, "a request cannot be decoded: %w", err)
	}
	return nil
}

// linkAddress names a process with a link where the access log has the address of a peer.
type linkAddress string

// Network says that it is none.
func (linkAddress) Network() string { return "link" }

// String returns the process's identity.
func (l linkAddress) String() string { return string(l) }
