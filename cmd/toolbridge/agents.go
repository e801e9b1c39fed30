package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type agentsVerb struct {
	Create agentsCreate `cmd:"" help:"Describe a ReAct agent; a worker that hosts agents runs it."`
	Run    agentsRun    `cmd:"" help:"Run an agent and print what it thinks and does."`
	List   agentsList   `cmd:"" default:"withargs" help:"List agents."`
	Delete agentsDelete `cmd:"" help:"Delete an agent."`
}

type agentsCreate struct {
	Signature    string   `arg:"" help:"What it takes and gives, as in DSPy: \"question -> answer\"."`
	ID           string   `name:"id" help:"Its id. Defaults to a new one."`
	Tool         []string `placeholder:"NAME" help:"Tool that it may call; may be repeated. Defaults to all that the session lists."`
	MaxIters     int      `default:"5" placeholder:"N" help:"Largest number of steps. Defaults to 5."`
	Model        string   `help:"Model that it uses. Defaults to the worker's own."`
	Instructions string   `help:"What it is told besides the signature."`
}

// Run creates an agent.
func (v *agentsCreate) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSessionOnDemand(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		id, err := session.CreateReActAgent(ctx, tool.Agent{
			ID: v.ID, Signature: v.Signature, Tools: v.Tool, MaxIters: v.MaxIters, Model: v.Model, Instructions: v.Instructions,
		})
		if err != nil {
			return err
		}
		if s.json {
			return s.document(map[string]string{"agent_id": id})
		}
		return s.line("created %s", printable(id))
	})
}

type agentsRun struct {
	ID    string   `arg:"" help:"Agent to run."`
	Input []string `arg:"" optional:"" help:"NAME=VALUE for each input field of its signature."`
	Model string   `help:"Model to use instead of the agent's."`
}

// Run runs an agent.
func (v *agentsRun) Run(ctx context.Context, s *shell, common *common) error {
	arguments, err := s.arguments(v.Input)
	if err != nil {
		return err
	}
	input := map[string]any{}
	for _, argument := range arguments {
		fields, is := argument.(toolbridge.Kw)
		if !is {
			return usage("the input of an agent is given by name: question=\"…\"")
		}
		input = fields
	}
	var options []toolbridge.RunOption
	if v.Model != "" {
		options = append(options, toolbridge.Model(v.Model))
	}
	if common.Timeout > 0 {
		options = append(options, toolbridge.RunTimeout(common.Timeout))
	}
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		for event, err := range session.RunAgent(ctx, v.ID, input, options...) {
			if err != nil {
				return err
			}
			if err := printEvent(s, &event); err != nil {
				return err
			}
		}
		return nil
	})
}

type agentsList struct{}

// Run lists agents.
func (v *agentsList) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		agents, err := session.Agents(ctx)
		if err != nil {
			return err
		}
		if s.json {
			documents := make([]any, len(agents))
			for i := range agents {
				documents[i] = agentDocument(&agents[i])
			}
			return s.document(documents)
		}
		t := table{heading: []string{"AGENT", "SIGNATURE", "STEPS", "TOOLS", "MODEL", "CREATED"}, right: map[int]bool{2: true}}
		for i := range agents {
			a := &agents[i]
			tools := strings.Join(a.Tools, " ")
			if tools == "" {
				tools = "(all)"
			}
			t.add(a.ID, a.Signature, number(a.MaxIters), tools, orDash(a.Model), moment(a.CreatedAt))
		}
		return t.print(s.stdout)
	})
}

type agentsDelete struct {
	ID string `arg:"" help:"Agent to delete."`
}

// Run deletes an agent.
func (v *agentsDelete) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		if err := session.DeleteAgent(ctx, v.ID); err != nil {
			return err
		}
		if s.json {
			return s.document(map[string]string{"deleted": v.ID})
		}
		return s.line("deleted %s", printable(v.ID))
	})
}

// printEvent prints one step of a run.
func printEvent(s *shell, e *toolbridge.AgentEvent) error {
	if s.json {
		return s.document(eventDocument(s, e))
	}
	switch e.Type {
	case toolbridge.AgentThought, toolbridge.AgentProgress:
		return s.line("%-12s %s", e.Type, inline(e.Text))
	case toolbridge.AgentAction:
		return s.line("%-12s %s %s", e.Type, inline(e.Tool), s.cell(e.Args))
	case toolbridge.AgentObservation:
		if e.Err != nil {
			return s.line("%-12s %s failed: %s", e.Type, inline(e.Tool), inline(e.Err.Error()))
		}
		return s.line("%-12s %s", e.Type, s.cell(e.Observation))
	case toolbridge.AgentResult:
		if text, is := e.Answer.(string); is {
			return s.line("%-12s %s", e.Type, printable(text))
		}
		return s.line("%-12s %s", e.Type, s.cell(e.Answer))
	default:
		return s.line("%-12s %s", inline(string(e.Type)), inline(e.Text))
	}
}

func eventDocument(s *shell, e *toolbridge.AgentEvent) map[string]any {
	document := map[string]any{"run_id": e.RunID, "sequence": e.Sequence, "type": e.Type, "step": e.Step}
	if e.Text != "" {
		document["text"] = e.Text
	}
	if e.Tool != "" {
		document["tool"] = e.Tool
	}
	if e.Err != nil {
		document["error"] = e.Err.Error()
	}
	switch e.Type {
	case toolbridge.AgentAction:
		document["args"] = decodedForm{e.Args, s}
	case toolbridge.AgentObservation:
		document["observation"] = decodedForm{e.Observation, s}
	case toolbridge.AgentResult:
		document["answer"], document["outputs"] = decodedForm{e.Answer, s}, decodedForm{e.Outputs, s}
	default:
	}
	return document
}

func agentDocument(a *tool.Agent) map[string]any {
	return map[string]any{
		"agent_id": a.ID, "signature": a.Signature, "tools": a.Tools, "max_iters": a.MaxIters, "model": a.Model,
		"instructions": a.Instructions, "metadata": a.Metadata, "created_at": timestamp(a.CreatedAt),
	}
}

// decodedForm is a decoded value in a JSON document, as its JSON form.
type decodedForm struct {
	value any
	shell *shell
}

// MarshalJSON implements json.Marshaler.
func (f decodedForm) MarshalJSON() ([]byte, error) {
	text, err := f.shell.codec.EncodeJSON(f.value)
	if err != nil {
		return nil, fmt.Errorf("the event: %w", err)
	}
	return text, nil
}
