package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type toolsVerb struct {
	Tool string `arg:"" optional:"" help:"Describe this tool alone: its arguments, their types and defaults."`
}

// Run lists the tools, or describes one.
func (v *toolsVerb) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		tools, err := session.Tools(ctx)
		if err != nil {
			return err
		}
		if v.Tool != "" {
			return v.describe(s, session, tools)
		}
		return listTools(s, tools)
	})
}

func listTools(s *shell, tools []*toolbridge.Tool) error {
	if s.json {
		documents := make([]any, len(tools))
		for i, t := range tools {
			documents[i] = toolDocument(s, t.Spec())
		}
		return s.document(documents)
	}
	t := table{heading: []string{"TOOL", "TYPE", "AVAILABLE", "DESCRIPTION"}}
	for _, listed := range tools {
		spec := listed.Spec()
		t.add(spec.Name+signature(s, spec), typeText(spec.Type), yesNo(spec.Available), shortened(inline(spec.Description), 80))
	}
	return t.print(s.stdout)
}

func (v *toolsVerb) describe(s *shell, session *toolbridge.Session, tools []*toolbridge.Tool) error {
	for _, key := range []func(*tool.Spec) string{
		func(spec *tool.Spec) string { return spec.ID }, func(spec *tool.Spec) string { return spec.Name },
	} {
		for _, t := range tools {
			if key(t.Spec()) == v.Tool {
				return describeTool(s, t.Spec())
			}
		}
	}
	return tool.Errorf(tool.ToolNotFound, "session %q sees no tool %q", session.ID(), v.Tool).With("tool", v.Tool)
}

func describeTool(s *shell, spec *tool.Spec) error {
	if s.json {
		return s.document(toolDocument(s, spec))
	}
	fmt.Fprintf(s.stdout, "%s%s -> %s\n", printable(spec.Name), signature(s, spec), orAny(spec.ReturnType))
	if spec.Description != "" {
		fmt.Fprintf(s.stdout, "\n%s\n", printable(spec.Description))
	}
	if len(spec.Arguments) > 0 {
		fmt.Fprintln(s.stdout)
		t := table{heading: []string{"ARGUMENT", "TYPE", "DEFAULT", "DESCRIPTION"}}
		for i := range spec.Arguments {
			a := &spec.Arguments[i]
			t.add(stars(a.Kind)+a.Name, argumentType(a), defaultText(s, a), a.Description)
		}
		if err := t.print(s.stdout); err != nil {
			return err
		}
	}
	return s.line("\n%s", strings.Join(traits(spec), ", "))
}

// traits are what else there is to know of a tool.
func traits(spec *tool.Spec) []string {
	out := []string{typeText(spec.Type)}
	for trait, has := range map[string]bool{"idempotent": spec.Idempotent} {
		if has {
			out = append(out, trait)
		}
	}
	if spec.Timeout > 0 {
		out = append(out, "time limit "+spec.Timeout.String())
	}
	if spec.SessionID != "" {
		out = append(out, "of this session alone")
	}
	if !spec.Available {
		out = append(out, "not available now: nobody offers it")
	}
	return out
}

// signature writes the arguments as a function has them, optional ones with a question mark.
func signature(s *shell, spec *tool.Spec) string {
	arguments := make([]string, len(spec.Arguments))
	for i := range spec.Arguments {
		a := &spec.Arguments[i]
		text := stars(a.Kind) + a.Name + ": " + argumentType(a)
		if !a.Default.IsZero() {
			text += " = " + s.brief(a.Default)
		}
		arguments[i] = text
	}
	return "(" + printable(strings.Join(arguments, ", ")) + ")"
}

func stars(kind tool.Kind) string {
	switch kind {
	case tool.VarPositional:
		return "*"
	case tool.VarKeyword:
		return "**"
	default:
		return ""
	}
}

func argumentType(a *tool.Argument) string {
	text := orAny(a.Type)
	if a.Nullable {
		text += " or none"
	}
	return text
}

func defaultText(s *shell, a *tool.Argument) string {
	switch {
	case a.Required:
		return "(required)"
	case a.Default.IsZero():
		return "-"
	default:
		return s.brief(a.Default)
	}
}

func typeText(t tool.Type) string {
	switch t {
	case tool.Streaming:
		return "streaming"
	case tool.External:
		return "external"
	default:
		return "standard"
	}
}

func orAny(name string) string {
	if name == "" {
		return "any"
	}
	return name
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// toolDocument is a tool for programs.
func toolDocument(s *shell, spec *tool.Spec) map[string]any {
	arguments := make([]any, len(spec.Arguments))
	for i := range spec.Arguments {
		a := &spec.Arguments[i]
		argument := map[string]any{
			"name": a.Name, "type": orAny(a.Type), "nullable": a.Nullable, "required": a.Required, "description": a.Description,
		}
		if !a.Default.IsZero() {
			argument["default"] = form{a.Default, s}
		}
		if mark := stars(a.Kind); mark != "" {
			argument["takes"] = mark
		}
		arguments[i] = argument
	}
	return map[string]any{
		"tool_id": spec.ID, "name": spec.Name, "type": typeText(spec.Type), "description": spec.Description, "arguments": arguments,
		"return_type": orAny(spec.ReturnType), "available": spec.Available, "idempotent": spec.Idempotent, "session_id": spec.SessionID,
		"owner": spec.Owner, "input_schema": schemaDocument(spec.InputSchema), "output_schema": schemaDocument(spec.OutputSchema),
	}
}

// schemaDocument is a JSON Schema as it is, nil where there is none or it is no JSON.
func schemaDocument(schema string) any {
	if !json.Valid([]byte(schema)) {
		return nil
	}
	return json.RawMessage(schema)
}
