package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SessionProto returns a session as a message. LastUsedAt and ToolCount are the edge's to set.
func SessionProto(s tool.Session) *bridgepb.Session {
	return &bridgepb.Session{
		SessionId: s.Key.ID,
		Epoch:     s.Epoch,
		Metadata:  s.Metadata,
		CreatedAt: TimeProto(s.CreatedAt),
		Ttl:       durationpb.New(s.TTL),
		Revision:  s.Revision,
		Owner:     s.Key.Owner,
	}
}

// SessionFromProto returns the session of a message.
func SessionFromProto(s *bridgepb.Session) tool.Session {
	return tool.Session{
		Key:       tool.SessionKey{Owner: s.GetOwner(), ID: s.GetSessionId()},
		Epoch:     s.GetEpoch(),
		Metadata:  s.GetMetadata(),
		CreatedAt: TimeFromProto(s.GetCreatedAt()),
		TTL:       s.GetTtl().AsDuration(),
		Revision:  s.GetRevision(),
	}
}

// VariableProto returns a variable as a message.
func VariableProto(v tool.Variable) *bridgepb.Variable {
	return &bridgepb.Variable{
		Name:      v.Name,
		Value:     ValueProto(v.Value),
		Metadata:  v.Metadata,
		Revision:  v.Revision,
		UpdatedAt: TimeProto(v.UpdatedAt),
	}
}

// VariableFromProto returns the variable of a message.
func VariableFromProto(v *bridgepb.Variable) tool.Variable {
	return tool.Variable{
		Name:      v.GetName(),
		Value:     ValueFromProto(v.GetValue()),
		Metadata:  v.GetMetadata(),
		Revision:  v.GetRevision(),
		UpdatedAt: TimeFromProto(v.GetUpdatedAt()),
	}
}

// AgentProto returns an agent as a message.
func AgentProto(a tool.Agent) *bridgepb.Agent {
	return &bridgepb.Agent{
		AgentId:      a.ID,
		Signature:    a.Signature,
		ToolNames:    a.Tools,
		MaxIters:     clampUint32(a.MaxIters),
		Model:        a.Model,
		Instructions: a.Instructions,
		Metadata:     a.Metadata,
		CreatedAt:    TimeProto(a.CreatedAt),
	}
}

// AgentFromProto returns the agent of a message.
func AgentFromProto(a *bridgepb.Agent) tool.Agent {
	return tool.Agent{
		ID:           a.GetAgentId(),
		Signature:    a.GetSignature(),
		Tools:        a.GetToolNames(),
		MaxIters:     clampInt(uint64(a.GetMaxIters())),
		Model:        a.GetModel(),
		Instructions: a.GetInstructions(),
		Metadata:     a.GetMetadata(),
		CreatedAt:    TimeFromProto(a.GetCreatedAt()),
	}
}

// TimeProto returns a point in time as a message; nil for the zero Time.
func TimeProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// TimeFromProto returns the point in time of a message, in UTC; the zero Time for nil.
func TimeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
