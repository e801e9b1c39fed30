package main

import (
	"context"
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

// keepAwake computes nothing on all processors until ctx ends, where nobody else wants them.
func keepAwake(ctx context.Context, out io.Writer) error {
	processors := runtime.NumCPU()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors + 1)) // one for whoever ends it
	started := make(chan error, processors)
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range processors {
		all.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its priority
			err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
			started <- err
			for err == nil && ctx.Err() == nil {
				for range 10_000 {
				}
			}
		})
	}
	for range processors {
		if err := <-started; err != nil {
			return fmt.Errorf("the lowest priority for a thread: %w", err)
		}
	}
	if err := ready(out, "no address"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
