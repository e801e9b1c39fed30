package gateway

import (
	"context"
	"encoding/json"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Tool is a tool as documents say it.
type Tool struct {
	ToolID         string            `json:"tool_id"`
	Name           string            `json:"name"`
	Type           string            `json:"type" enum:"standard,streaming,external"`
	Description    string            `json:"description"`
	Arguments      []Argument        `json:"arguments" nullable:"false"`
	ReturnType     string            `json:"return_type" doc:"Of the result, or of each chunk."`
	Available      bool              `json:"available" doc:"Somebody offers it now."`
	Idempotent     bool              `json:"idempotent" doc:"May be run again."`
	SessionID      string            `json:"session_id" doc:"The session it belongs to; empty: offered to every session."`
	Owner          string            `json:"owner"`
	TimeoutSeconds float64           `json:"timeout_seconds,omitempty" doc:"Time limit of a call that names none."`
	Metadata       map[string]string `json:"metadata"`
	InputSchema    json.RawMessage   `json:"input_schema,omitempty" doc:"JSON Schema of the arguments."`
	OutputSchema   json.RawMessage   `json:"output_schema,omitempty" doc:"JSON Schema of the result, or of each chunk."`
}

// Argument is an argument of a tool.
type Argument struct {
	Name        string          `json:"name"`
	Type        string          `json:"type" doc:"A name that all languages share, such as int, str or datetime."`
	Nullable    bool            `json:"nullable"`
	Required    bool            `json:"required"`
	Description string          `json:"description"`
	Kind        string          `json:"kind" enum:"positional_or_keyword,positional_only,keyword_only,var_positional,var_keyword"`
	Default     json.RawMessage `json:"default,omitempty" doc:"A value."`
}

func toolOf(codec *value.Codec, s *tool.Spec) Tool {
	out := Tool{
		ToolID: s.ID, Name: s.Name, Type: typeName(s.Type), Description: s.Description, Arguments: make([]Argument, len(s.Arguments)),
		ReturnType: orAny(s.ReturnType), Available: s.Available, Idempotent: s.Idempotent, SessionID: s.SessionID, Owner: s.Owner,
		TimeoutSeconds: s.Timeout.Seconds(), Metadata: labels(s.Metadata), InputSchema: schemaText(s.InputSchema), OutputSchema: schemaText(s.OutputSchema),
	}
	for i := range s.Arguments {
		out.Arguments[i] = argumentOf(codec, &s.Arguments[i])
	}
	return out
}

func argumentOf(codec *value.Codec, a *tool.Argument) Argument {
	out := Argument{
		Name: a.Name, Type: orAny(a.Type), Nullable: a.Nullable, Required: a.Required, Description: a.Description, Kind: kindName(a.Kind),
	}
	if text, err := codec.ToJSON(a.Default); err == nil && !a.Default.IsZero() {
		out.Default = text
	}
	return out
}

func typeName(t tool.Type) string {
	switch t {
	case tool.Streaming:
		return "streaming"
	case tool.External:
		return "external"
	default:
		return "standard"
	}
}

func kindName(k tool.Kind) string {
	switch k {
	case tool.PositionalOnly:
		return "positional_only"
	case tool.KeywordOnly:
		return "keyword_only"
	case tool.VarPositional:
		return "var_positional"
	case tool.VarKeyword:
		return "var_keyword"
	default:
		return "positional_or_keyword"
	}
}

func orAny(name string) string {
	if name == "" {
		return "any"
	}
	return name
}

// schemaText is a JSON Schema as it is, nothing where there is none or it is no JSON.
func schemaText(schema string) json.RawMessage {
	if !json.Valid([]byte(schema)) {
		return nil
	}
	return json.RawMessage(schema)
}

type listToolsInput struct {
	SessionPath
	Ints string `query:"ints" enum:"number,string" doc:"How ints of values are written."`
}

type toolsOutput struct{ Body ToolList }

// ToolList is what a session sees.
type ToolList struct {
	Tools    []Tool `json:"tools" nullable:"false" doc:"In the order in which they were registered."`
	Revision string `json:"revision" doc:"An opaque token of the session's last change."`
}

func (g *Gateway) listTools(ctx context.Context, in *listToolsInput) (*toolsOutput, error) {
	codec, err := g.codecFor(in.Ints, "")
	if err != nil {
		return nil, err
	}
	specs, revision, err := g.broker.Tools(ctx, principal(ctx), in.SessionID, 0, "")
	if err != nil {
		return nil, err
	}
	out := ToolList{Tools: make([]Tool, len(specs)), Revision: revision}
	for i, spec := range specs {
		out.Tools[i] = toolOf(codec, spec)
	}
	return &toolsOutput{out}, nil
}
