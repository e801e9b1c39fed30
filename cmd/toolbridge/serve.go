package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/internal/demo"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type serveVerb struct {
	placement

	Demo      bool          `help:"Offer the demo tools."`
	AccessLog bool          `help:"Write a line for each request and call to standard error, without values."`
	LogLevel  string        `default:"warn" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"Least level that is logged to standard error: debug, info, warn or error. Defaults to warn."`
	Drain     time.Duration `default:"10s" placeholder:"DURATION" help:"How long running calls may go on when it is told to stop. Defaults to 10s."`
}

// Run serves until it is interrupted.
func (v *serveVerb) Run(ctx context.Context, s *shell) error {
	cfg, err := v.config(s)
	if err != nil {
		return err
	}
	if v.Drain < 0 {
		return usage("--drain is %s: want 0 or more", v.Drain)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(v.LogLevel)); err != nil {
		return usage("--log-level: %w", err)
	}
	cfg.Logger = slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: level}))
	cfg.AccessLog = cfg.AccessLog || v.AccessLog
	cfg.AccessLogger = slog.New(slog.NewTextHandler(s.stderr, nil)) // whatever the level of the other
	cfg.Tables = frame.Extension()
	if err := v.addDemo(&cfg); err != nil {
		return err
	}
	b, err := bridge.New(cfg)
	if err != nil {
		return usage("%w", err)
	}
	if err := b.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop before it had started
		}
		return cannotStart(err)
	}
	return v.serve(ctx, s, b)
}

func (v *serveVerb) addDemo(cfg *bridge.Config) error {
	if !v.Demo {
		return nil
	}
	host, err := demo.New()
	if err != nil {
		return fmt.Errorf("demo tools: %w", err)
	}
	cfg.Hosts = append(cfg.Hosts, host)
	return nil
}

// serve waits for the end of a started bridge and stops it.
func (v *serveVerb) serve(ctx context.Context, s *shell, b *bridge.Bridge) error {
	err := v.announce(s, b)
	if err == nil {
		select {
		case <-ctx.Done():
			fmt.Fprintln(s.stderr, "stopping: running calls may end; a second signal kills")
		case err = <-b.Failed():
		}
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.Drain)
	defer cancel()
	return errors.Join(err, stopped(s, b.Stop(stopping)))
}

// stopped takes it for no failure that calls outlasted the patience: they were cancelled, as the flag says.
func stopped(s *shell, err error) error {
	if tool.CodeOf(err) == tool.DeadlineExceeded {
		fmt.Fprintf(s.stderr, "warning: %s\n", messageOf(err))
		return nil
	}
	if err != nil {
		return &ownError{tool.Internal, exitFailed, fmt.Errorf("the bridge did not stop cleanly: %w", err)}
	}
	return nil
}

// announce says where the bridge listens, what it stores where, and how to make the first call.
func (v *serveVerb) announce(s *shell, b *bridge.Bridge) error {
	cfg := b.Config()
	store, first := storeText(&cfg), v.firstCall(b.Addr())
	if s.json {
		return s.document(map[string]any{"listening": b.Addr(), "http": httpURL(b), "debug": b.DebugAddr(), "store": store, "tools": toolCount(&cfg), "try": first})
	}
	if err := s.line("listening on %s", b.Addr()); err != nil {
		return err
	}
	if b.HTTPAddr() != "" {
		if err := s.line("http on %s", httpURL(b)); err != nil {
			return err
		}
	}
	if b.DebugAddr() != "" {
		if err := s.line("profiles and metrics on http://%s/debug/pprof/", b.DebugAddr()); err != nil {
			return err
		}
	}
	if err := s.line("storing %s", store); err != nil {
		return err
	}
	if v.Demo {
		if err := s.line("offering %d demo tools", toolCount(&cfg)); err != nil {
			return err
		}
	}
	return s.line("try: %s", first)
}

// httpURL is where the bridge serves HTTP; empty where it does not.
func httpURL(b *bridge.Bridge) string {
	if b.HTTPAddr() == "" {
		return ""
	}
	return "http://" + b.HTTPAddr()
}

func toolCount(cfg *bridge.Config) int {
	count := 0
	for _, host := range cfg.Hosts {
		count += len(host.Specs())
	}
	return count
}

func storeText(cfg *bridge.Config) string {
	const what = "sessions, tools, variables and agents"
	switch {
	case cfg.Memory:
		return what + " in memory: they end with this process"
	case len(cfg.Etcd.Endpoints) > 0:
		return fmt.Sprintf("%s in etcd at %v under %s", what, cfg.Etcd.Endpoints, cfg.Etcd.Prefix)
	default:
		return what + " in " + cfg.Data
	}
}

// firstCall is a command that can be copied.
func (v *serveVerb) firstCall(address string) string {
	where := ""
	if address != "127.0.0.1:50051" {
		where = " --bridge " + address
	}
	if v.Demo {
		return "toolbridge" + where + " call echo_tool hello"
	}
	return "toolbridge" + where + " tools"
}
