package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// awake are the calls one at a time once more, while a process of the lowest priority keeps the processors from sleeping.
// Beside the rows of the scene calls it tells apart what a call takes and what it takes to wake a processor, of which a
// virtual machine has to be told by its host each time; what runs beside a lone call elsewhere lies in between.
func awake() scene {
	relay := "Go → bridge → Go worker"
	one := func(name, group, theirs string) row {
		return row{
			name: name + ", while no processor sleeps", group: group, width: 1, of: p50, unit: "p50 ms",
			ours: "link", theirs: theirs, atMost: true, look: true,
		}
	}
	return scene{name: "awake", open: awakeGroups, rows: []row{
		one(relay+", against an empty relayed stream", "go awake", "empty"),
		one(relay+", against raw grpc-go", "go awake", "raw"),
		one("Python → bridge → Go worker, against raw grpc.aio", "python caller awake", "raw"),
		one("Go → bridge → Python worker, against a grpc.aio server", "python worker awake", "raw"),
	}}
}

func awakeGroups(ctx context.Context, s *stage) (all []group) {
	c := startCast(ctx, s)
	s.part(ctx, "awake")
	if s.err != nil {
		return nil
	}
	for _, g := range c.callGroups() {
		if g.width == 1 {
			g.name, g.main = g.name+" awake", false
			all = append(all, g)
		}
	}
	return all
}

// keepAwake computes nothing on all processors until ctx ends, where nobody else wants them. It is for a process of its
// own: where others do want them, whatever waits for one of its threads waits long.
func keepAwake(ctx context.Context, out io.Writer) error {
	processors := runtime.NumCPU()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors + 1)) // one for whoever ends it
	started := make(chan idler, processors)
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range processors {
		all.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
			own := newIdler()
			started <- own
			for own.err == nil && ctx.Err() == nil {
				for range 10_000 {
				}
			}
		})
	}
	idlers, failed := make([]idler, processors), error(nil)
	for i := range idlers {
		idlers[i] = <-started
		failed = errors.Join(failed, idlers[i].err)
	}
	defer func() {
		for _, one := range idlers {
			one.restore()
		}
	}()
	if failed != nil {
		return fmt.Errorf("the lowest priority for a thread: %w", failed)
	}
	if err := ready(out, "no address"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// idler is a thread of the lowest priority.
type idler struct {
	thread int
	before *unix.SchedAttr
	err    error
}

// newIdler makes this thread one.
func newIdler() idler {
	own := idler{thread: unix.Gettid()}
	if own.before, own.err = unix.SchedGetAttr(0, 0); own.err == nil {
		own.err = unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0)
	}
	return own
}

// restore gives it its priority back, so that it can end where others want the processors.
func (i idler) restore() {
	if i.err == nil {
		_ = unix.SchedSetAttr(i.thread, i.before, 0) // else it ends later
	}
}
