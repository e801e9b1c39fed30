package main

import (
	"context"
	"fmt"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

// conversion is what the tool convert takes.
type conversion struct {
	Amount float64 `bridge:"amount" desc:"how much"`
	Rate   float64 `bridge:"rate" default:"1.1" desc:"what one is worth"`
}

// ticking is what the tool ticks takes.
type ticking struct {
	Count int `bridge:"count" desc:"how many ticks"`
}

// runWorker offers two Go tools until ctx ends.
func runWorker(ctx context.Context, address string) error {
	client, err := toolbridge.Dial(ctx, address, toolbridge.WithLabels(map[string]string{"name": "demo-go"}))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	w := toolbridge.NewWorker(client)
	toolbridge.AddTool(w, "convert", func(_ context.Context, in conversion) (float64, error) {
		if in.Amount < 0 {
			return 0, fmt.Errorf("amount %v is negative", in.Amount)
		}
		return in.Amount * in.Rate, nil
	}, toolbridge.Description("Converts an amount of money."), toolbridge.IsIdempotent())
	toolbridge.AddStreamingTool(w, "ticks", func(_ context.Context, in ticking, yield func(time.Time) error) error {
		for range in.Count {
			if err := yield(time.Now().UTC()); err != nil {
				return err
			}
		}
		return nil
	}, toolbridge.Description("Yields the time, count times."))
	return w.Run(ctx)
}
