package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// pricedRow is a row of a table as a Go program has it.
type pricedRow struct {
	ID    int64    `bridge:"id"`
	Price *float64 `bridge:"price"`
}

// TestAGoToolThatTakesRowsTakesATable calls one over a real bridge with a table, and one that gives rows back.
func TestAGoToolThatTakesRowsTakesATable(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	worker := toolbridge.NewWorker(dial(t, b.address))
	toolbridge.AddTool(worker, "total", func(_ context.Context, in struct {
		Rows []pricedRow `bridge:"rows"`
	}) (float64, error) {
		total := 0.0
		for _, row := range in.Rows {
			if row.Price != nil {
				total += *row.Price
			}
		}
		return total, nil
	})
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	s := session(t, b.address, "rows")
	price := 1.5
	table, err := frame.FromStructs([]pricedRow{{1, &price}, {2, nil}, {3, &price}})
	require.NoError(t, err)

	total, err := toolbridge.Call[float64](t.Context(), s, "total", table)
	require.NoError(t, err)
	require.InDelta(t, 3.0, total, 0)

	wrong, err := frame.New().Int64("id", []int64{1, 2}).String("price", []string{"1.5", "x"}).Build()
	require.NoError(t, err)
	_, err = toolbridge.Call[float64](t.Context(), s, "total", wrong)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Message+e.Details["path"], "[0].price")
}
