package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

// cancelling is how long after its caller gave up a tool hears of it: by the wall clock, which all processes of a machine share.
func cancelling() scene {
	c := scene{name: "cancel", open: func(ctx context.Context, s *stage) []group {
		c := startCast(ctx, s)
		if s.err != nil {
			return nil
		}
		inGo := side{"Go", timed(cancelled(c.session, "go")), []*process{c.bridge, c.goWorker}}
		inPython := side{"Python", timed(cancelled(c.session, "python")), []*process{c.bridge, c.pythonWorker}}
		return []group{{name: "cancel", width: 1, sides: []side{inGo, inPython}}}
	}}
	for _, worker := range []string{"Go", "Python"} {
		c.rows = append(c.rows, row{
			name: "from a caller's cancel to the end of the tool in a " + worker + " worker", group: "cancel", width: 1,
			of: p99, unit: "p99 ms", ours: worker, reach: 5, atMost: true,
		})
	}
	return c
}

// cancelled cancels a call that runs and says how long it took until its tool heard of it.
func cancelled(session *toolbridge.Session, language string) func(context.Context) (time.Duration, error) {
	var count atomic.Int64
	return func(ctx context.Context) (time.Duration, error) {
		name := fmt.Sprintf("%d-%d", time.Now().UnixNano(), count.Add(1))
		ctx, end := context.WithTimeout(ctx, patient)
		defer end()
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, 1)
		go func() { _, err := session.Call(waiting, language+"_wait", name); ended <- err }()
		if _, err := session.Call(ctx, language+"_running", name); err != nil {
			return 0, err
		}
		at := time.Now()
		cancel()
		stopped, err := toolbridge.Call[int64](ctx, session, language+"_stopped", name)
		if err != nil {
			return 0, err
		}
		if err := <-ended; err == nil {
			return 0, fmt.Errorf("the cancelled call of %s_wait returned", language)
		}
		return max(0, time.Unix(0, stopped).Sub(at)), nil
	}
}
