package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The exit codes, as the help says them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitDeadline    = 4
	exitInterrupted = 130
)

// The codes of errors that this program itself finds; they are not in the protocol's table.
const (
	// usageCode: the command line or the config file is wrong.
	usageCode tool.Code = "Usage"
	// startCode: the bridge cannot be started here.
	startCode tool.Code = "CannotStart"
)

// ownError is an error that this program itself found.
type ownError struct {
	code tool.Code
	exit int
	err  error
}

// Error implements error.
func (e *ownError) Error() string { return messageOf(e.err) }

// Unwrap returns what was wrong.
func (e *ownError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &ownError{usageCode, exitUsage, fmt.Errorf(format, args...)}
}

func cannotStart(err error) error { return &ownError{startCode, exitFailed, err} }

// report is an error as it is printed.
type report struct {
	Code      tool.Code         `json:"code"`
	Message   string            `json:"message"`
	Hint      string            `json:"hint,omitempty"`
	Class     string            `json:"class,omitempty"`
	Retryable bool              `json:"retryable"`
	Details   map[string]string `json:"details,omitempty"`
	Stack     string            `json:"stack,omitempty"`
	// Metrics say where the time of a call went, if that was asked for.
	Metrics map[string]any `json:"metrics,omitempty"`

	exit int
}

// fail prints an error and returns the exit code.
func (s *shell) fail(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	r := newReport(ctx, err)
	if s.json {
		text, err := json.Marshal(map[string]*report{"error": r})
		if err == nil {
			fmt.Fprintf(s.stderr, "%s\n", text)
		}
		return r.exit
	}
	fmt.Fprintf(s.stderr, "error: %s: %s\n", r.Code, printable(r.Message))
	if r.Class != "" && r.Class != "error" {
		fmt.Fprintf(s.stderr, "raised: %s\n", printable(r.Class))
	}
	if r.Stack != "" {
		fmt.Fprintln(s.stderr, printable(strings.TrimRight(r.Stack, "\n")))
	}
	if r.Hint != "" {
		fmt.Fprintf(s.stderr, "hint: %s\n", r.Hint)
	}
	return r.exit
}

func newReport(ctx context.Context, err error) *report {
	var own *ownError
	var known *tool.Error
	isKnown := errors.As(err, &known)
	if errors.As(err, &own) {
		r := &report{Code: own.code, Message: own.Error(), Hint: usageHint(err), exit: own.exit}
		if isKnown {
			r.Details = known.Details
		}
		return r
	}
	if !isKnown {
		known = tool.Errorf(tool.Internal, "%w", err)
	}
	r := &report{
		Code: known.Code, Message: known.Message, Class: known.Class, Retryable: known.Retryable,
		Details: known.Details, Stack: known.Stack, exit: exitFailed,
	}
	var timed *timedError
	if errors.As(err, &timed) {
		r.Metrics = timed.metrics
	}
	_, ofConnection := known.Details["address"]
	switch {
	case context.Cause(ctx) != nil && errors.Is(ctx.Err(), context.Canceled):
		r.exit, r.Code, r.Message = exitInterrupted, tool.Cancelled, "interrupted"
	case known.Code == tool.DeadlineExceeded:
		r.exit = exitDeadline
	case known.Code == tool.WorkerUnavailable && ofConnection:
		r.exit = exitUnreachable
	}
	r.Hint = hint(known, r.exit)
	return r
}

// usageHint says where the right form stands.
func usageHint(err error) string {
	var parsing *kong.ParseError
	if !errors.As(err, &parsing) || parsing.Context == nil {
		return ""
	}
	return strings.TrimSpace("toolbridge "+verbOf(parsing.Context)) + " --help"
}

// verbOf is the verb that was recognised before the parsing failed.
func verbOf(parsed *kong.Context) string {
	var words []string
	for _, step := range parsed.Path {
		if step.Command != nil {
			words = append(words, step.Command.Name)
		}
	}
	return strings.Join(words, " ")
}

// hint says what to do about an error.
func hint(err *tool.Error, exit int) string {
	switch exit {
	case exitUnreachable:
		return "toolbridge serve --demo runs a bridge; --bridge ADDR says where another one is"
	case exitDeadline:
		return "--timeout DURATION gives it more time"
	}
	switch err.Code {
	case tool.ToolNotFound:
		return "toolbridge tools lists what there is"
	case tool.SessionExpired:
		return sessionHint(err.Details["session"])
	case tool.SessionNotFound:
		return "toolbridge sessions lists what there is"
	case tool.VariableNotFound:
		return "toolbridge vars list lists what there is"
	case tool.AgentNotFound:
		return "toolbridge agents list lists what there is"
	case tool.CallNotFound:
		return "toolbridge calls list lists what there is"
	case tool.WorkerUnavailable:
		return "toolbridge workers lists who is attached; the tool's worker is not"
	case tool.ValidationError:
		if name := err.Details["tool"]; name != "" {
			return "toolbridge tools " + name + " shows what it takes"
		}
	case tool.RateLimitExceeded, tool.Overloaded, tool.StoreUnavailable:
		return "--retry N tries it again"
	default:
	}
	return ""
}

// sessionHint says how a session that ended is begun anew.
func sessionHint(id string) string {
	if id == "" {
		return "toolbridge sessions create begins it anew"
	}
	if strings.ContainsFunc(id, needsQuotes) {
		id = "'" + strings.ReplaceAll(printable(id), "'", `'\''`) + "'"
	}
	return "toolbridge sessions create " + id + " begins it anew, empty"
}

// needsQuotes reports whether a shell may take a character for something else.
func needsQuotes(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/", r)
}

// messageOf is an error's message without its code.
func messageOf(err error) string {
	var known *tool.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

// labelsText writes labels in one line, in the order of their names.
func labelsText(labels map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, key+"="+labels[key])
	}
	return strings.Join(out, " ")
}
