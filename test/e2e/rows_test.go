package e2e

import (
	"context"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
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

// heldRow has what of Go's types pandas has a cell for.
type heldRow struct {
	Price  value.Decimal
	Rebate *value.Decimal
	ID     value.UUID
	Count  *big.Int
	Digest [4]byte
	Corner [2]float64
	At     time.Time
	Costs  []value.Decimal
	Level  big.Accuracy
}

// TestStructsOfGoComeBackFromPandas sends a DataFrame of structs to Python, which writes it anew.
func TestStructsOfGoComeBackFromPandas(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	pythonWorker(t, b.address)
	s := session(t, b.address, "structs")
	awaitTools(t, s, pythonEcho)
	rebate := value.MustDecimal("0.50")
	sent := []heldRow{
		{value.MustDecimal("1.10"), &rebate, value.UUID{1}, big.NewInt(1 << 62), [4]byte{1}, [2]float64{1.5, -2}, time.Date(2024, 5, 6, 7, 8, 9, 1, time.UTC), []value.Decimal{value.MustDecimal("7.5")}, big.Above},
		{value.MustDecimal("-0.25"), nil, value.UUID{2}, big.NewInt(-1), [4]byte{}, [2]float64{}, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), []value.Decimal{}, big.Below},
	}
	table, err := frame.FromStructs(sent)
	require.NoError(t, err)

	back, err := toolbridge.Call[[]heldRow](t.Context(), s, pythonEcho, table)

	require.NoError(t, err)
	require.Equal(t, sent, back)
}

// Spot is embedded: its fields are columns of their own, but where it has a name.
type Spot struct{ Lat, Lon *float64 }

// oddRow has fields that stand otherwise in a table than in a struct.
type oddRow struct {
	*Spot
	Home    Spot `bridge:"home"`
	Digests [][3]byte
	Keys    map[string][16]byte
	Nested  struct {
		At    []time.Time
		Spans []*time.Duration
		Local value.LocalDateTime
		Clock value.TimeOfDay
		Day   *value.Date
		Sum   [2]byte
	} `bridge:"the nested"`
	Maybe  *uint64
	Times  *time.Time
	Lists  [][]*bool `json:",omitempty"`
	Parts  []struct{ Name, Text *string }
	Octets []byte
}

// TestOddStructsOfGoComeBackFromPandas sends what pandas has cells of lists and dicts for.
func TestOddStructsOfGoComeBackFromPandas(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	pythonWorker(t, b.address)
	s := session(t, b.address, "odd")
	awaitTools(t, s, pythonEcho)
	north, most, span, yes, name := 59.5, uint64(math.MaxUint64), time.Hour, true, "n"
	at := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	full := oddRow{
		Spot: &Spot{Lat: &north}, Home: Spot{Lon: &north}, Digests: [][3]byte{{1, 2, 3}, {}}, Keys: map[string][16]byte{},
		Maybe: &most, Times: &at, Lists: [][]*bool{{&yes, nil}, {}}, Parts: []struct{ Name, Text *string }{{&name, nil}, {nil, &name}}, Octets: []byte{0},
	}
	full.Nested.At, full.Nested.Spans, full.Nested.Sum = []time.Time{at, time.Unix(0, 0).UTC()}, []*time.Duration{&span, nil}, [2]byte{255}
	full.Nested.Local = value.LocalDateTime{Date: value.Date{Year: 2024, Month: 2, Day: 29}, Nanosecond: 1000}
	full.Nested.Clock, full.Nested.Day = value.TimeOfDay{Hour: 23}, &value.Date{Year: 1, Month: 1, Day: 1}
	empty := oddRow{Digests: [][3]byte{}, Keys: map[string][16]byte{}, Lists: [][]*bool{}, Parts: []struct{ Name, Text *string }{}, Octets: []byte{}}
	empty.Nested.At, empty.Nested.Spans, empty.Nested.Local = []time.Time{}, []*time.Duration{}, full.Nested.Local
	for _, sent := range [][]oddRow{{full, empty}, {empty, full}} {
		table, err := frame.FromStructs(sent)
		require.NoError(t, err)

		back, err := toolbridge.Call[[]oddRow](t.Context(), s, pythonEcho, table)

		require.NoError(t, err)
		require.Equal(t, sent, back)
	}
}
