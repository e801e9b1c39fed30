package demo

import (
	"context"
	"math"
	"math/big"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// whole returns the whole number that an untyped value holds.
func whole(v any) (*big.Int, bool) {
	switch n := v.(type) {
	case int64:
		return big.NewInt(n), true
	case *big.Int:
		return n, true
	default:
		return nil, false
	}
}

type pair struct {
	A big.Int `bridge:"a,required" desc:"a whole number"`
	B big.Int `bridge:"b,required" desc:"a whole number"`
}

func add(_ context.Context, in pair) (*big.Int, error) { return new(big.Int).Add(&in.A, &in.B), nil }

type upTo struct {
	N int64 `bridge:"n" min:"0" max:"1000000" desc:"up to 1,000,000"`
}

func sumOfSquares(ctx context.Context, in upTo) (*big.Int, error) {
	sum := new(big.Int)
	var part uint64 // of at most 1,000 squares below 10^12: fits
	for i := int64(1); i <= in.N; i++ {
		part += uint64(i) * uint64(i)
		if i%1000 == 0 || i == in.N {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			sum.Add(sum, new(big.Int).SetUint64(part))
			part = 0
		}
	}
	return sum, nil
}

type processIn struct {
	Value  any    `bridge:"value" desc:"a number or a text"`
	Option string `bridge:"option" default:"A" enum:"A|B|C" desc:"what to do with it"`
}

func process(_ context.Context, in processIn) (any, error) {
	if n, is := whole(in.Value); is {
		return processInt(n, in.Option), nil
	}
	switch v := in.Value.(type) {
	case float64:
		return processFloat(v, in.Option), nil
	case string:
		return processText(v, in.Option), nil
	default:
		return nil, tool.Errorf(tool.ValidationError, "argument \"value\" of tool \"process\": want a number or a text, got %s", typeName(in.Value)).With("argument", "value")
	}
}

func processInt(n *big.Int, option string) *big.Int {
	switch option {
	case "B":
		return new(big.Int).Lsh(n, 1)
	case "C":
		return new(big.Int).Neg(n)
	default:
		return new(big.Int).Mul(n, n)
	}
}

func processFloat(f float64, option string) float64 {
	switch option {
	case "B":
		return f + f
	case "C":
		return -f
	default:
		return f * f
	}
}

func processText(s, option string) string {
	switch option {
	case "B":
		return strings.ToLower(s)
	case "C":
		return backwards(s)
	default:
		return strings.ToUpper(s)
	}
}

// squared is what process_data makes of an item.
func squared(v any) any {
	if n, is := whole(v); is {
		return processInt(n, "A")
	}
	switch v := v.(type) {
	case float64:
		return processFloat(v, "A")
	case string:
		return processText(v, "A")
	default:
		return v
	}
}

func isFinite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }
