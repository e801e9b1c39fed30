package bridgetest

import (
	"context"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Faults is a script of what goes wrong with which call of a tool. Its Interceptor is given to a client, where a fault stands
// for a call that failed on the way, or to a worker, where it stands for a tool that fails. Any goroutine may use it.
type Faults struct {
	mu     sync.Mutex
	script map[string][]fault
	seen   map[string]int
}

// fault is one entry of the script.
type fault struct {
	err  error
	hold <-chan struct{}
}

// Fail lets the next call of a tool that has no entry yet fail with err; nil lets it pass.
func (f *Faults) Fail(name string, err error) { f.add(name, fault{err: err}) }

// Hold lets the next call of a tool that has no entry yet wait until release is closed.
func (f *Faults) Hold(name string, release <-chan struct{}) { f.add(name, fault{hold: release}) }

func (f *Faults) add(name string, entry fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.script == nil {
		f.script = map[string][]fault{}
	}
	f.script[name] = append(f.script[name], entry)
}

// Calls counts the calls of a tool that came by.
func (f *Faults) Calls(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[name]
}

// Interceptor plays the script.
func (f *Faults) Interceptor() toolbridge.Interceptor {
	return toolbridge.Interceptor{
		Call: func(next toolbridge.CallFunc) toolbridge.CallFunc {
			return func(ctx context.Context, call *tool.Call) (tool.Result, error) {
				if err := f.play(ctx, call.Tool); err != nil {
					return tool.Result{}, err
				}
				return next(ctx, call)
			}
		},
		Stream: func(next toolbridge.StreamFunc) toolbridge.StreamFunc {
			return func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
				if err := f.play(ctx, call.Tool); err != nil {
					return tool.Metrics{}, err
				}
				return next(ctx, call, send)
			}
		},
	}
}

// play plays the first entry for a tool and strikes it.
func (f *Faults) play(ctx context.Context, name string) error {
	entry := f.take(name)
	if entry.hold == nil {
		return entry.err
	}
	select {
	case <-entry.hold:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *Faults) take(name string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[name]++
	entries := f.script[name]
	if len(entries) == 0 {
		return fault{}
	}
	f.script[name] = entries[1:]
	return entries[0]
}
