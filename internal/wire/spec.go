package wire

import (
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SpecProto returns a tool's description as a message.
func SpecProto(s *tool.Spec) *bridgepb.ToolSpec {
	out := &bridgepb.ToolSpec{
		ToolId:         s.ID,
		Name:           s.Name,
		Description:    s.Description,
		Type:           bridgepb.ToolType(s.Type),
		ReturnType:     s.ReturnType,
		InputSchema:    s.InputSchema,
		OutputSchema:   s.OutputSchema,
		Idempotent:     s.Idempotent,
		Available:      s.Available,
		MaxConcurrency: clampUint32(s.MaxConcurrency),
		SessionId:      s.SessionID,
		Metadata:       s.Metadata,
		Hidden:         s.Hidden,
		Once:           s.Once,
		Sticky:         s.Sticky,
		TimeoutUs:      Micros(s.Timeout),
		SchemaHash:     s.Hash,
		Order:          s.Order,
		Owner:          s.Owner,
		RatePerSecond:  s.RatePerSecond,
		RateBurst:      clampUint32(s.RateBurst),
	}
	for i := range s.Arguments {
		out.Arguments = append(out.Arguments, argumentProto(&s.Arguments[i]))
	}
	return out
}

// SpecsProto returns descriptions in the same order.
func SpecsProto(specs []*tool.Spec) []*bridgepb.ToolSpec {
	return each(specs, SpecProto)
}

// SpecFromProto returns a description as a bridge lists it. An unknown type is Standard, an empty id is the name.
func SpecFromProto(s *bridgepb.ToolSpec) *tool.Spec {
	out := OfferFromProto(s)
	out.Available = s.GetAvailable()
	out.Hash = s.GetSchemaHash()
	out.Order = s.GetOrder()
	out.Owner = s.GetOwner()
	return out
}

// OfferFromProto returns a description as somebody offers it: without the fields that only a bridge sets.
func OfferFromProto(s *bridgepb.ToolSpec) *tool.Spec {
	out := &tool.Spec{
		ID:             s.GetToolId(),
		Name:           s.GetName(),
		Description:    s.GetDescription(),
		Type:           typeFromProto(s.GetType()),
		ReturnType:     s.GetReturnType(),
		InputSchema:    s.GetInputSchema(),
		OutputSchema:   s.GetOutputSchema(),
		Idempotent:     s.GetIdempotent(),
		MaxConcurrency: clampInt(uint64(s.GetMaxConcurrency())),
		SessionID:      s.GetSessionId(),
		Metadata:       s.GetMetadata(),
		Hidden:         s.GetHidden(),
		Once:           s.GetOnce(),
		Sticky:         s.GetSticky(),
		Timeout:        Duration(s.GetTimeoutUs()),
		RatePerSecond:  s.GetRatePerSecond(),
		RateBurst:      clampInt(uint64(s.GetRateBurst())),
	}
	if out.ID == "" {
		out.ID = out.Name
	}
	for _, a := range s.GetArguments() {
		out.Arguments = append(out.Arguments, argumentFromProto(a))
	}
	return out
}

// SpecsFromProto returns descriptions as a bridge lists them, in the same order.
func SpecsFromProto(specs []*bridgepb.ToolSpec) []*tool.Spec {
	return each(specs, SpecFromProto)
}

// OffersFromProto returns descriptions as somebody offers them, in the same order.
func OffersFromProto(specs []*bridgepb.ToolSpec) []*tool.Spec {
	return each(specs, OfferFromProto)
}

func each[From, To any](in []From, translate func(From) To) []To {
	out := make([]To, len(in))
	for i, from := range in {
		out[i] = translate(from)
	}
	return out
}

func typeFromProto(t bridgepb.ToolType) tool.Type {
	switch t {
	case bridgepb.ToolType_STREAMING:
		return tool.Streaming
	case bridgepb.ToolType_EXTERNAL:
		return tool.External
	default:
		return tool.Standard
	}
}

func argumentProto(a *tool.Argument) *bridgepb.ArgumentSpec {
	return &bridgepb.ArgumentSpec{
		Name:         a.Name,
		PythonType:   a.Type,
		Required:     a.Required,
		Description:  a.Description,
		DefaultValue: ValueProto(a.Default),
		Nullable:     a.Nullable,
		Kind:         bridgepb.ArgumentKind(a.Kind),
		Streamed:     a.Streamed,
	}
}

func argumentFromProto(a *bridgepb.ArgumentSpec) tool.Argument {
	kind := tool.PositionalOrKeyword
	if k := a.GetKind(); k > 0 && k <= bridgepb.ArgumentKind_VAR_KEYWORD {
		kind = tool.Kind(k)
	}
	return tool.Argument{
		Name:        a.GetName(),
		Type:        a.GetPythonType(),
		Nullable:    a.GetNullable(),
		Required:    a.GetRequired(),
		Kind:        kind,
		Streamed:    a.GetStreamed(),
		Description: a.GetDescription(),
		Default:     ValueFromProto(a.GetDefaultValue()),
	}
}
