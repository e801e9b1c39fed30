package main

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge"
)

type varsVerb struct {
	Get    varsGet    `cmd:"" help:"Print a variable."`
	Set    varsSet    `cmd:"" help:"Write a variable, durably."`
	List   varsList   `cmd:"" help:"List variables."`
	Delete varsDelete `cmd:"" help:"Delete a variable."`
	Watch  varsWatch  `cmd:"" help:"Print variables as they are and then each change, until interrupted."`
}

type varsGet struct {
	Name string `arg:"" help:"Variable to print."`
	All  bool   `help:"Its labels and revision as well."`
}

// Run prints a variable.
func (v *varsGet) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		variable, err := session.Variable(ctx, v.Name)
		if err != nil {
			return err
		}
		switch {
		case s.json && v.All:
			return s.document(variableDocument(s, &variable))
		case s.json:
			return s.document(form{variable.Encoded, s})
		case v.All:
			return s.fields(
				"variable", variable.Name, "value", s.brief(variable.Encoded), "labels", orDash(labelsText(variable.Metadata)),
				"revision", variable.Revision, "written", moment(variable.UpdatedAt),
			)
		default:
			return s.show(variable.Encoded)
		}
	})
}

type varsSet struct {
	Name       string            `arg:"" help:"Variable to write."`
	Value      string            `arg:"" help:"JSON, a bare word for a text, or @FILE."`
	Label      map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"Label it, in place of the labels that it had."`
	IfAbsent   bool              `xor:"condition" help:"Only if there is no such variable."`
	IfRevision string            `xor:"condition" placeholder:"REVISION" help:"Only if it still is at this revision."`
}

// Run writes a variable.
func (v *varsSet) Run(ctx context.Context, s *shell, common *common) error {
	value, err := s.value(v.Value, "the value of "+quoted(v.Name))
	if err != nil {
		return err
	}
	var options []toolbridge.SetOption
	if len(v.Label) > 0 {
		options = append(options, toolbridge.Metadata(v.Label))
	}
	if v.IfAbsent {
		options = append(options, toolbridge.IfAbsent())
	}
	if v.IfRevision != "" {
		options = append(options, toolbridge.IfRevision(v.IfRevision))
	}
	return common.withSessionOnDemand(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		revision, err := session.Set(ctx, v.Name, value, options...)
		if err != nil {
			return err
		}
		if s.json {
			return s.document(map[string]string{"name": v.Name, "revision": revision})
		}
		return s.line("set %s at revision %s", printable(v.Name), revision)
	})
}

type varsList struct {
	Prefix string `placeholder:"TEXT" help:"Only those whose names begin so."`
}

// Run lists variables.
func (v *varsList) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		documents := []any{}
		t := table{heading: []string{"VARIABLE", "VALUE", "WRITTEN", "REVISION", "LABELS"}}
		for variable, err := range session.Variables(ctx, v.Prefix) {
			if err != nil {
				return err
			}
			documents = append(documents, variableDocument(s, &variable))
			t.add(variable.Name, s.brief(variable.Encoded), moment(variable.UpdatedAt), variable.Revision, labelsText(variable.Metadata))
		}
		if s.json {
			return s.document(documents)
		}
		return t.print(s.stdout)
	})
}

type varsDelete struct {
	Name       string `arg:"" help:"Variable to delete."`
	IfRevision string `placeholder:"REVISION" help:"Only if it still is at this revision."`
}

// Run deletes a variable.
func (v *varsDelete) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		var condition []string
		if v.IfRevision != "" {
			condition = []string{v.IfRevision}
		}
		if err := session.Delete(ctx, v.Name, condition...); err != nil {
			return err
		}
		if s.json {
			return s.document(map[string]string{"deleted": v.Name})
		}
		return s.line("deleted %s", printable(v.Name))
	})
}

type varsWatch struct {
	Names []string `arg:"" optional:"" name:"name" help:"Variables to watch. Defaults to all."`
}

// Run prints variables and their changes.
func (v *varsWatch) Run(ctx context.Context, s *shell, common *common) error {
	return common.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		for change, err := range session.Watch(ctx, v.Names...) {
			if err == nil {
				err = printChange(s, &change)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func printChange(s *shell, change *toolbridge.VariableChange) error {
	variable := &change.Variable
	switch {
	case change.Current && s.json:
		return s.document(map[string]string{"event": "current"})
	case change.Current:
		return nil
	case s.json:
		document := variableDocument(s, variable)
		document["event"] = "set"
		if change.Deleted {
			document["event"] = "deleted"
		}
		return s.document(document)
	case change.Deleted:
		return s.line("%s deleted", printable(variable.Name))
	default:
		return s.line("%s = %s", printable(variable.Name), s.brief(variable.Encoded))
	}
}

func variableDocument(s *shell, v *toolbridge.Variable) map[string]any {
	return map[string]any{
		"name": v.Name, "value": form{v.Encoded, s}, "metadata": v.Metadata, "revision": v.Revision, "updated_at": timestamp(v.UpdatedAt),
	}
}
