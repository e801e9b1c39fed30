package typed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// sale is a row without tags, and heldSale the same row with them.
type (
	sale struct {
		ID     int64    `json:"id"`
		Amount float64  `json:"amount"`
		Unit   string   `json:"unit"`
		Code   string   `json:"code"`
		Count  *int     `json:"count"`
		Scores []string `json:"scores"`
		Paid   bool     `json:"paid"`
	}
	heldSale struct {
		ID     int64    `json:"id" min:"0"`
		Amount float64  `json:"amount" min:"0" max:"1e6"`
		Unit   string   `json:"unit" enum:"eur|usd|gbp"`
		Code   string   `json:"code" min:"2" max:"12" pattern:"^[a-z]+-[0-9]+$"`
		Count  *int     `json:"count" max:"1000"`
		Scores []string `json:"scores" max:"4"`
		Paid   bool     `json:"paid"`
	}
)

func sales(n int) []sale {
	rows, units := make([]sale, n), []string{"eur", "usd", "gbp"}
	for i := range rows {
		rows[i] = sale{ID: int64(i), Amount: float64(i) / 7, Unit: units[i%3], Code: fmt.Sprintf("abc-%d", i), Scores: units[:i%3], Paid: i%2 == 0}
		if i%4 != 0 {
			rows[i].Count = &[]int{i % 1000}[0]
		}
	}
	return rows
}

// BenchmarkTags calls a tool without tags and one with them, in turn, and gives what the tags cost: how many times as long as without.
func BenchmarkTags(b *testing.B) {
	o := typed.Options{Codec: value.New(value.With(frame.Extension()))}
	rows := sales(10_000)
	table, err := frame.FromStructs(rows)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("rows of a table", func(b *testing.B) { compare[[]sale, []heldSale](b, o, table) })
	b.Run("rows of a list", func(b *testing.B) { compare[[]sale, []heldSale](b, o, rows) })
	b.Run("a struct", func(b *testing.B) { compare[struct{ Sale sale }, struct{ Sale heldSale }](b, o, rows[7]) })
	b.Run("a number", func(b *testing.B) {
		compare[struct{ N int }, struct {
			N int `min:"0"`
		}](b, o, 7)
	})
}

func compare[Free, Held any](b *testing.B, o typed.Options, sent any) {
	b.Helper()
	encoded, err := o.Codec.Encode(sent)
	if err != nil {
		b.Fatal(err)
	}
	free, held := taker[Free](b, o), taker[Held](b, o)
	call := &tool.Call{Args: []tool.Value{encoded}}
	var took [2]time.Duration
	for b.Loop() {
		for i, made := range []*typed.Tool{free, held} {
			started := time.Now()
			if _, err := made.Call(b.Context(), call); err != nil {
				b.Fatal(err)
			}
			took[i] += time.Since(started)
		}
	}
	b.ReportMetric(float64(took[0].Nanoseconds())/float64(b.N), "ns-untagged/op")
	b.ReportMetric(float64(took[1].Nanoseconds())/float64(b.N), "ns-tagged/op")
	b.ReportMetric(float64(took[1])/float64(took[0]), "tagged/untagged")
}

// taker is a tool that does nothing with what it takes.
func taker[In any](b *testing.B, o typed.Options) *typed.Tool {
	b.Helper()
	made, err := typed.New("count", func(context.Context, In) (struct{}, error) { return struct{}{}, nil }, o)
	if err != nil {
		b.Fatal(err)
	}
	return made
}
