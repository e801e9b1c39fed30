package toolbridge

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ToolContext is what a tool knows of the call that it answers. FromContext finds it. Calls that the tool makes with its
// context, over any session, are nested in that call: they end when it does, carry its trace, and do not take the tool's
// place at the worker.
type ToolContext struct {
	call   *tool.Call
	client *Client
}

type toolContextKey struct{}

// toolContext is a context that has a ToolContext, in one piece of memory.
type toolContext struct {
	context.Context //nolint:containedctx // it is the context

	tool ToolContext
}

// Value finds the ToolContext.
func (c *toolContext) Value(key any) any {
	if key == (toolContextKey{}) {
		return &c.tool
	}
	return c.Context.Value(key)
}

// FromContext returns the context of the tool that runs with ctx, or nil outside a worker's tool.
func FromContext(ctx context.Context) *ToolContext {
	t, _ := ctx.Value(toolContextKey{}).(*ToolContext)
	return t
}

// depthOf is how deep a call that is made with ctx is nested.
func depthOf(ctx context.Context) uint32 {
	if t := FromContext(ctx); t != nil {
		return uint32(t.call.Depth + 1)
	}
	return 0
}

// Session is the session in which the tool was called. Tools, variables and agents are used over it.
func (t *ToolContext) Session() *Session {
	return &Session{client: t.client, id: t.call.SessionID, state: &sessionState{epoch: t.call.Epoch, revision: t.call.MinRevision}}
}

// Call is the call as it came, with encoded arguments. It must not be changed.
func (t *ToolContext) Call() *tool.Call { return t.call }

// Progress tells the caller how far the tool is: done of total, in any units; total is 0 if it is not known. It keeps a
// stream from ending as idle. It never blocks.
func (t *ToolContext) Progress(done, total float64, message string) {
	if t.call.OnProgress != nil {
		t.call.OnProgress(tool.Progress{Done: done, Total: total, Message: message})
	}
}

// Log sends a log record to the bridge, as one of the call that ctx belongs to. Attributes are as in package slog. It
// never blocks; records are dropped when too many wait.
func (t *ToolContext) Log(ctx context.Context, level slog.Level, message string, attributes ...any) {
	keeper := t.client.link
	if keeper == nil {
		return
	}
	record := slog.NewRecord(time.Now(), level, message, 0)
	record.Add(attributes...)
	fields := make(map[string]string, record.NumAttrs())
	record.Attrs(func(a slog.Attr) bool {
		fields[a.Key] = fmt.Sprint(a.Value.Any())
		return true
	})
	keeper.process.Log(ctx, link.LogRecord{Time: record.Time, Level: level, Message: message, Fields: fields})
}

// TimeLeft is how long the tool may still take, and whether there is a limit. It is also the deadline of the tool's
// context.
func TimeLeft(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, false
	}
	return time.Until(deadline), true
}
