package etcdstore

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newZap makes etcd's logger: errors go to logger, all else nowhere. Where etcd would end the process, because a disk is
// full or damaged, only the goroutine that found it ends, and died is told why.
func newZap(logger *slog.Logger, died *fault) *zap.Logger {
	hook := goexit{died}
	return zap.New(quiet{logger: logger}, zap.WithFatalHook(hook), zap.WithPanicHook(hook))
}

// fault is why an embedded etcd stopped working for good. Any number of goroutines may use it.
type fault struct {
	happened chan struct{}

	mu  sync.Mutex
	why error
}

func newFault() *fault { return &fault{happened: make(chan struct{})} }

// set records the first reason.
func (f *fault) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil {
		f.why = err
		close(f.happened)
	}
}

// get returns the reason, or nil.
func (f *fault) get() error {
	select {
	case <-f.happened:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.why
	default:
		return nil
	}
}

// goexit ends the goroutine that logs something fatal.
type goexit struct{ died *fault }

func (g goexit) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	g.died.set(fmt.Errorf("etcd gave up: %s", line(entry.Message, fields)))
	runtime.Goexit()
}

// quiet is a zapcore.Core that passes errors on to slog.
type quiet struct {
	logger *slog.Logger
	with   []zapcore.Field
}

func (quiet) Enabled(level zapcore.Level) bool { return level >= zapcore.ErrorLevel }

func (q quiet) With(fields []zapcore.Field) zapcore.Core {
	return quiet{logger: q.logger, with: append(append([]zapcore.Field(nil), q.with...), fields...)}
}

func (q quiet) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if q.Enabled(entry.Level) {
		return checked.AddCore(entry, q)
	}
	return checked
}

func (q quiet) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	q.logger.LogAttrs(context.Background(), slog.LevelError, "etcd", slog.String("error", line(entry.Message, append(q.with, fields...))))
	return nil
}

func (quiet) Sync() error { return nil }

// line writes a message with its fields.
func line(message string, fields []zapcore.Field) string {
	enc := zapcore.NewMapObjectEncoder()
	parts := make([]string, 0, len(fields)+1)
	if message != "" {
		parts = append(parts, message)
	}
	for _, f := range fields {
		f.AddTo(enc)
		parts = append(parts, fmt.Sprintf("%s=%v", f.Key, enc.Fields[f.Key]))
	}
	return strings.Join(parts, " ")
}
