package main

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// commands is the grammar: each verb stands in the file of its name.
type commands struct {
	common

	Serve      serveVerb      `cmd:"" help:"Run a bridge."`
	Call       callVerb       `cmd:"" help:"Call a tool and print its result."`
	Stream     streamVerb     `cmd:"" help:"Call a tool and print its results as they come."`
	Bench      benchVerb      `cmd:"" help:"Measure how long calls take."`
	Tools      toolsVerb      `cmd:"" help:"List the tools that a session sees, or describe one."`
	Sessions   sessionsVerb   `cmd:"" help:"List, show, create and end sessions."`
	Vars       varsVerb       `cmd:"" help:"Get, set, list, delete and watch the variables of a session."`
	Calls      callsVerb      `cmd:"" help:"List, show and cancel running and recently ended calls."`
	Workers    workersVerb    `cmd:"" help:"List the processes that offer tools."`
	Agents     agentsVerb     `cmd:"" help:"Create, run, list and delete the agents of a session."`
	Config     configVerb     `cmd:"" help:"Check a config file."`
	Version    versionVerb    `cmd:"" help:"Print the version."`
	Completion completionVerb `cmd:"" help:"Print the completion script of a shell."`
	Candidates candidatesVerb `cmd:"" hidden:"" name:"__complete" help:"Print what may come next, for the completion scripts."`
}

// common are the flags of every verb.
type common struct {
	Help    helpFlag      `short:"h" help:"Show help."`
	Bridge  string        `placeholder:"ADDR" help:"Address of the bridge. Defaults to $$TOOLBRIDGE_ADDR, $$GRPC_ADDR, $$ELIXIR_GRPC_ADDR, the port $$GRPC_PORT of this host, or localhost:50051."`
	JSON    bool          `name:"json" help:"Print JSON, errors too."`
	Frames  string        `enum:"arrow,records" default:"arrow" placeholder:"FORM" help:"How tables are written as JSON: arrow, which loses nothing, or records, rows to look at."`
	Session string        `placeholder:"ID" help:"Session to work in; verbs that write or call create it where it does not exist. Defaults to \"cli\"."`
	Timeout time.Duration `placeholder:"DURATION" help:"Time limit, such as 5s. Defaults to the tool's or the bridge's."`
}

// defaultSession is worked in where no other is named.
const defaultSession = "cli"

// address is where the bridge is looked for.
func (c *common) address(s *shell) string {
	if c.Bridge != "" {
		return c.Bridge
	}
	for _, name := range []string{"TOOLBRIDGE_ADDR", "GRPC_ADDR", "ELIXIR_GRPC_ADDR"} {
		if address := s.env(name); address != "" {
			return address
		}
	}
	if port := s.env("GRPC_PORT"); port != "" {
		return "localhost:" + port
	}
	return "localhost:50051"
}

// sessionID names the session to work in.
func (c *common) sessionID() string {
	if c.Session == "" {
		return defaultSession
	}
	return c.Session
}

// limit puts the time limit on what a verb does.
func (c *common) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.Timeout, tool.Errorf(tool.DeadlineExceeded, "it did not end within the %s of --timeout", c.Timeout))
}

// patience is how long the bridge is waited for.
func (c *common) patience() time.Duration {
	if c.Timeout > 0 {
		return min(c.Timeout, toolbridge.DefaultConnectTimeout)
	}
	return toolbridge.DefaultConnectTimeout
}

// Validate refuses what no verb can use. The parser calls it.
func (c *common) Validate() error {
	if c.Timeout < 0 {
		return usage("--timeout is %s: want more than 0", c.Timeout)
	}
	return nil
}

// withClient dials the bridge, hands the client on and closes it. It has no link: one request needs none.
func (c *common) withClient(ctx context.Context, s *shell, use func(context.Context, *toolbridge.Client) error) error {
	return c.dial(ctx, s, use, toolbridge.WithoutLink())
}

func (c *common) dial(ctx context.Context, s *shell, use func(context.Context, *toolbridge.Client) error, options ...toolbridge.DialOption) error {
	options = append(options, toolbridge.WithCodec(s.codec), toolbridge.WithLogger(s.quiet()), toolbridge.WithConnectTimeout(c.patience()),
		toolbridge.WithLabels(map[string]string{"program": "toolbridge"}))
	client, err := toolbridge.Dial(ctx, c.address(s), options...)
	if tool.CodeOf(err) == tool.ValidationError {
		return usage("%w", err) // of the address, before anything was asked
	}
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // everything was answered; nothing is lost with the connection
	ctx, cancel := c.limit(ctx)
	defer cancel()
	return use(ctx, client)
}

// withSession attaches to the session as well. One that --session names must exist.
func (c *common) withSession(ctx context.Context, s *shell, use func(context.Context, *toolbridge.Session) error) error {
	return c.withClient(ctx, s, c.attached(mustExist, use))
}

// withSessionOnDemand is withSession for verbs that put something into the session: they create it where it never was.
func (c *common) withSessionOnDemand(ctx context.Context, s *shell, use func(context.Context, *toolbridge.Session) error) error {
	return c.withClient(ctx, s, c.attached(createdOnDemand, use))
}

// withLink is withSessionOnDemand for calls: over a link a large value does not delay others, and streams have back-pressure.
func (c *common) withLink(ctx context.Context, s *shell, use func(context.Context, *toolbridge.Session) error) error {
	return c.dial(ctx, s, c.attached(createdOnDemand, use))
}

// existence says what becomes of a session that --session names and that never was.
type existence int

const (
	// mustExist: it is SessionNotFound.
	mustExist existence = iota
	// createdOnDemand: it is created.
	createdOnDemand
)

func (c *common) attached(unknown existence, use func(context.Context, *toolbridge.Session) error) func(context.Context, *toolbridge.Client) error {
	return func(ctx context.Context, client *toolbridge.Client) error {
		if err := c.look(ctx, client, unknown); err != nil {
			return err
		}
		session, err := client.Session(ctx, c.sessionID())
		if err != nil {
			return err
		}
		return use(ctx, session)
	}
}

// look refuses a session that was named and has ended: attaching would begin it anew, without what it held.
func (c *common) look(ctx context.Context, client *toolbridge.Client, unknown existence) error {
	if c.Session == "" {
		return nil
	}
	_, err := client.SessionInfo(ctx, c.Session)
	if unknown == createdOnDemand && tool.CodeOf(err) == tool.SessionNotFound {
		return nil
	}
	return err
}
