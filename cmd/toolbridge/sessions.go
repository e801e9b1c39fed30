package main

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

type sessionsVerb struct {
	List   sessionsList   `cmd:"" default:"withargs" help:"List sessions."`
	Show   sessionsShow   `cmd:"" help:"Show a session. It does not count as use."`
	Create sessionsCreate `cmd:"" help:"Create a session."`
	End    sessionsEnd    `cmd:"" help:"End a session and delete what is in it."`
}

type sessionsList struct {
	Prefix string `placeholder:"TEXT" help:"Only those whose ids begin so."`
}

// Run lists sessions.
func (v *sessionsList) Run(ctx context.Context, s *shell, common *common) error {
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		documents := []any{}
		t := table{heading: []string{"SESSION", "TOOLS", "CREATED", "LAST USED", "TTL", "LABELS"}, right: map[int]bool{1: true}}
		for info, err := range client.Sessions(ctx, v.Prefix) {
			if err != nil {
				return err
			}
			documents = append(documents, sessionDocument(&info))
			t.add(info.Key.ID, number(info.ToolCount), moment(info.CreatedAt), moment(info.LastUsed), info.TTL.String(), labelsText(info.Metadata))
		}
		if s.json {
			return s.document(documents)
		}
		return t.print(s.stdout)
	})
}

type sessionsShow struct {
	ID string `arg:"" help:"Session to show."`
}

// Run shows a session.
func (v *sessionsShow) Run(ctx context.Context, s *shell, common *common) error {
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		info, err := client.SessionInfo(ctx, v.ID)
		if err != nil {
			return err
		}
		if s.json {
			return s.document(sessionDocument(&info))
		}
		return s.fields(
			"session", info.Key.ID, "epoch", number(info.Epoch), "tools", number(info.ToolCount), "created", moment(info.CreatedAt),
			"last used", moment(info.LastUsed), "ends without use after", info.TTL.String(), "labels", orDash(labelsText(info.Metadata)),
		)
	})
}

type sessionsCreate struct {
	ID         string            `arg:"" optional:"" help:"Its id. Defaults to one that the bridge makes."`
	TTL        time.Duration     `name:"ttl" placeholder:"DURATION" help:"Ends without use after so long. Defaults to 1h."`
	Label      map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"Label it."`
	CreateOnly bool              `help:"Fail if it exists."`
}

// Run creates a session.
func (v *sessionsCreate) Run(ctx context.Context, s *shell, common *common) error {
	if v.TTL < 0 {
		return usage("--ttl is %s: want more than 0", v.TTL)
	}
	var options []toolbridge.SessionOption
	if v.TTL > 0 {
		options = append(options, toolbridge.TTL(v.TTL))
	}
	if len(v.Label) > 0 {
		options = append(options, toolbridge.SessionMetadata(v.Label))
	}
	if v.CreateOnly {
		options = append(options, toolbridge.CreateOnly())
	}
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		session, err := client.Session(ctx, v.ID, options...)
		if err != nil {
			return err
		}
		if s.json {
			return s.document(map[string]any{"session_id": session.ID(), "epoch": session.Epoch(), "created": session.Created()})
		}
		if session.Created() {
			return s.line("created %s", printable(session.ID()))
		}
		return s.line("%s exists already", printable(session.ID()))
	})
}

type sessionsEnd struct {
	ID    string `arg:"" help:"Session to end."`
	Force bool   `help:"Also while calls run: they are cancelled."`
}

// Run ends a session.
func (v *sessionsEnd) Run(ctx context.Context, s *shell, common *common) error {
	var options []toolbridge.EndOption
	if v.Force {
		options = append(options, toolbridge.Force())
	}
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		ended, err := client.EndSession(ctx, v.ID, options...)
		if err != nil {
			return err
		}
		if s.json {
			return s.document(map[string]any{"tools_removed": ended.Tools, "variables_removed": ended.Variables, "agents_removed": ended.Agents})
		}
		return s.line("ended %s: %d tools, %d variables and %d agents deleted", printable(v.ID), ended.Tools, ended.Variables, ended.Agents)
	})
}

func sessionDocument(info *toolbridge.SessionInfo) map[string]any {
	return map[string]any{
		"session_id": info.Key.ID, "epoch": info.Epoch, "tool_count": info.ToolCount, "created_at": timestamp(info.CreatedAt),
		"last_used_at": timestamp(info.LastUsed), "ttl_seconds": info.TTL.Seconds(), "metadata": info.Metadata, "revision": info.Revision,
	}
}
