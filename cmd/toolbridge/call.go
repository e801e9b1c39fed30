package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// calling are the arguments and flags of verbs that call a tool.
type calling struct {
	Tool      string   `arg:"" help:"Tool to call, by its id or name."`
	Arguments []string `arg:"" optional:"" name:"argument" help:"ARG by position or NAME=VALUE: JSON, a bare word for a text, or @FILE."`
	Retry     int      `placeholder:"N" help:"Try up to N times more if it fails with an error that allows it."`
	RequestID string   `name:"request-id" placeholder:"ID" help:"Name the call: the bridge runs it once, however often it comes."`
	Stack     bool     `help:"Show the stack of an error that the tool raises."`
	Time      bool     `help:"Show how long it took, and where."`
}

// Validate refuses what no call can use. The parser calls it.
func (c *calling) Validate() error {
	if c.Retry < 0 {
		return usage("--retry is %d: want 0 or more", c.Retry)
	}
	return nil
}

// view returns the session with the options of the call, and where its metrics will stand.
func (c *calling) view(session *toolbridge.Session, common *common) (*toolbridge.Session, *tool.Metrics) {
	metrics := &tool.Metrics{}
	options := []toolbridge.CallOption{toolbridge.WithMetrics(metrics), toolbridge.Timeout(common.Timeout)}
	if c.Retry > 0 {
		options = append(options, toolbridge.WithRetry(toolbridge.Retry{Max: c.Retry}))
	}
	if c.RequestID != "" {
		options = append(options, toolbridge.RequestID(c.RequestID))
	}
	if c.Stack {
		options = append(options, toolbridge.WantStack())
	}
	return session.With(options...), metrics
}

// timed says of a call that failed how long it took, and where, if the bridge told; the error that is printed behind it is the same.
func (c *calling) timed(s *shell, metrics *tool.Metrics, failed error) error {
	if !c.Time || metrics.Duration == 0 {
		return failed
	}
	if s.json {
		return &timedError{failed, metricsDocument(*metrics)}
	}
	return errors.Join(printMetrics(s, *metrics), failed)
}

// timedError is what a call failed with, and where its time went.
type timedError struct {
	error
	metrics map[string]any
}

// Unwrap returns what the call failed with.
func (e *timedError) Unwrap() error { return e.error }

type callVerb struct{ calling }

// Run calls a tool and prints its result.
func (v *callVerb) Run(ctx context.Context, s *shell, common *common) error {
	arguments, err := s.arguments(v.Arguments)
	if err != nil {
		return err
	}
	return common.withLink(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		view, metrics := v.view(session, common)
		result, err := toolbridge.Call[tool.Value](ctx, view, v.Tool, arguments...)
		if err != nil {
			return v.timed(s, metrics, err)
		}
		return v.print(s, result, *metrics)
	})
}

func (v *callVerb) print(s *shell, result tool.Value, metrics tool.Metrics) error {
	if s.json && v.Time {
		return s.document(map[string]any{"result": form{result, s}, "metrics": metricsDocument(metrics)})
	}
	if s.json {
		return s.document(form{result, s})
	}
	if err := s.show(result); err != nil || !v.Time {
		return err
	}
	fmt.Fprintln(s.stderr, metricsText(metrics))
	return nil
}

// metricsText says in one line how long a call took.
func metricsText(m tool.Metrics) string {
	if !m.Split() {
		return "took " + duration(m.Duration) + " as seen from here; the bridge's answer, which says where, did not come in time"
	}
	parts := []string{"took " + duration(m.Duration)}
	for _, part := range []struct {
		name string
		time time.Duration
	}{{"queued", m.Queue}, {"routed", m.Route}, {"ran", m.Execute}, {"under way", m.Transport}} {
		parts = append(parts, part.name+" "+duration(part.time))
	}
	if m.Worker != "" {
		parts = append(parts, "worker "+inline(m.Worker))
	}
	return strings.Join(parts, ", ")
}

func duration(d time.Duration) string { return fmt.Sprintf("%.3f ms", milliseconds(d)) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func metricsDocument(m tool.Metrics) map[string]any {
	return map[string]any{
		"duration_ms": milliseconds(m.Duration), "queue_ms": milliseconds(m.Queue), "route_ms": milliseconds(m.Route),
		"execute_ms": milliseconds(m.Execute), "transport_ms": milliseconds(m.Transport), "worker": m.Worker, "attempts": m.Attempts,
		"answered": m.Split(),
	}
}
