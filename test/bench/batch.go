package main

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge"
)

// batchItems is how many calls a batch has.
const batchItems = 100

// batches are 100 calls of a Go tool by one request against 100 calls one after another.
func batches() scene {
	c := scene{name: "batch", open: batchGroups}
	for _, caller := range []string{"Go", "Python"} {
		c.rows = append(c.rows, row{
			name: "a batch of 100 calls from " + caller + ", against 100 calls one after another", group: "batch " + caller, width: 1,
			of: p50, unit: "p50 ms", ours: "batch", theirs: "one by one", reach: 5, inverse: true,
		})
	}
	return c
}

func batchGroups(ctx context.Context, s *stage) []group {
	c := startCast(ctx, s)
	if s.err != nil {
		return nil
	}
	inGo, inPython := []*process{c.bridge, c.goWorker}, []*process{c.bridge, c.goWorker, c.caller}
	return []group{
		{name: "batch Go", width: 1, sides: []side{
			{"one by one", loop(oneByOne(c.session)), inGo}, {"batch", loop(inBatches(c.session)), inGo},
		}},
		{name: "batch Python", width: 1, sides: []side{
			{"one by one", measuredBy(c.caller, "one by one"), inPython}, {"batch", measuredBy(c.caller, "batch"), inPython},
		}},
	}
}

func oneByOne(session *toolbridge.Session) caller {
	return simple(func(ctx context.Context) error {
		for range batchItems {
			answer, err := toolbridge.Call[string](ctx, session, goEcho, payload())
			if err != nil {
				return err
			}
			if err := same(answer); err != nil {
				return err
			}
		}
		return nil
	})
}

func inBatches(session *toolbridge.Session) caller {
	items := make([]toolbridge.Item, batchItems)
	for i := range items {
		items[i] = toolbridge.ItemOf(goEcho, payload())
	}
	return simple(func(ctx context.Context) error {
		answers, err := session.Batch(ctx, items)
		if err != nil {
			return err
		}
		for _, answer := range answers {
			var text string
			if err := answer.Into(&text); err != nil {
				return err
			}
			if err := same(text); err != nil {
				return err
			}
		}
		return nil
	})
}
