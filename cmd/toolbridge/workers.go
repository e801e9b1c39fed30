package main

import (
	"context"
	"slices"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge"
)

type workersVerb struct {
	All bool `help:"Also processes that offer no tools and only call, this one among them."`
}

// Run lists the processes that offer tools.
func (v *workersVerb) Run(ctx context.Context, s *shell, common *common) error {
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		workers, err := client.Workers(ctx)
		if err != nil {
			return err
		}
		if !v.All {
			workers = slices.DeleteFunc(workers, func(w toolbridge.WorkerInfo) bool { return len(w.Tools) == 0 })
		}
		if s.json {
			documents := make([]any, len(workers))
			for i := range workers {
				documents[i] = workerDocument(&workers[i])
			}
			return s.document(documents)
		}
		t := table{heading: []string{"WORKER", "STATE", "RUNNING", "CALLS", "SINCE", "ADDRESS", "TOOLS", "LABELS"}, right: map[int]bool{2: true, 3: true}}
		for i := range workers {
			w := &workers[i]
			t.add(w.Identity, w.State, number(w.Running), number(w.CallsTotal), moment(w.AttachedAt), orDash(w.Address),
				shortened(orDash(strings.Join(toolNames(w), " ")), maxCell), labelsText(w.Labels))
		}
		return t.print(s.stdout)
	})
}

func toolNames(w *toolbridge.WorkerInfo) []string {
	names := make([]string, len(w.Tools))
	for i, spec := range w.Tools {
		names[i] = spec.Name
	}
	return names
}

func workerDocument(w *toolbridge.WorkerInfo) map[string]any {
	return map[string]any{
		"identity": w.Identity, "incarnation": w.Incarnation, "state": w.State, "labels": w.Labels, "tools": toolNames(w),
		"running": w.Running, "max_calls": w.MaxCalls, "calls_total": w.CallsTotal, "attached_at": timestamp(w.AttachedAt), "address": w.Address,
	}
}
