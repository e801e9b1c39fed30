package wire

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ValueProto returns v as an Any; nil for the zero Value.
func ValueProto(v tool.Value) *anypb.Any {
	if v.IsZero() {
		return nil
	}
	return &anypb.Any{TypeUrl: v.TypeURL, Value: v.Bytes}
}

// ValueFromProto returns an Any as a Value; nil is the zero Value.
func ValueFromProto(a *anypb.Any) tool.Value {
	return tool.Value{TypeURL: a.GetTypeUrl(), Bytes: a.GetValue()}
}

// argsProto keeps every position: a zero Value becomes an empty Any, not a missing one.
func argsProto(args []tool.Value) []*anypb.Any {
	if len(args) == 0 {
		return nil
	}
	out := make([]*anypb.Any, len(args))
	for i, v := range args {
		out[i] = &anypb.Any{TypeUrl: v.TypeURL, Value: v.Bytes}
	}
	return out
}

func argsFromProto(args []*anypb.Any) []tool.Value {
	if len(args) == 0 {
		return nil
	}
	out := make([]tool.Value, len(args))
	for i, a := range args {
		out[i] = ValueFromProto(a)
	}
	return out
}

func kwargsProto(kwargs []tool.Keyword) map[string]*anypb.Any {
	if len(kwargs) == 0 {
		return nil
	}
	out := make(map[string]*anypb.Any, len(kwargs))
	for _, k := range kwargs {
		out[k.Name] = &anypb.Any{TypeUrl: k.Value.TypeURL, Value: k.Value.Bytes}
	}
	return out
}

// kwargsFromProto sorts by name, so that the same message always gives the same call.
func kwargsFromProto(kwargs map[string]*anypb.Any) []tool.Keyword {
	if len(kwargs) == 0 {
		return nil
	}
	out := make([]tool.Keyword, 0, len(kwargs))
	for _, name := range slices.Sorted(maps.Keys(kwargs)) {
		out = append(out, tool.Keyword{Name: name, Value: ValueFromProto(kwargs[name])})
	}
	return out
}
