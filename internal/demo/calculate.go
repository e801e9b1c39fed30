package demo

import (
	"context"
	"math"
	"math/big"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type calculateIn struct {
	Expression any    `bridge:"expression" desc:"an arithmetic expression such as \"2 * (3 + 4)\", or a number"`
	Option     string `bridge:"option" default:"A" enum:"A|B|C" desc:"A: exact, B: two decimals, C: a whole number"`
}

func calculate(_ context.Context, in calculateIn) (any, error) {
	n, err := evaluate(in.Expression)
	if err != nil {
		return nil, err.With("argument", "expression")
	}
	return rounded(n, in.Option), nil
}

// evaluate returns an int, a *big.Int or a finite float64.
func evaluate(expression any) (any, *tool.Error) {
	switch e := expression.(type) {
	case string:
		return evaluateText(e)
	case float64:
		if !isFinite(e) {
			return nil, tool.Errorf(tool.ValidationError, "argument \"expression\" of tool \"calculate\": want a finite number, got %v", e)
		}
		return e, nil
	}
	if n, is := whole(expression); is {
		return n, nil
	}
	return nil, tool.Errorf(tool.ValidationError, "argument \"expression\" of tool \"calculate\": want str, int or float, got %s", typeName(expression))
}

// rounded gives a whole number as it is, and a finite float as the option asks.
func rounded(n any, option string) any {
	f, is := n.(float64)
	switch {
	case !is || option == "A":
		return n
	case option == "B":
		if scaled := f * 100; isFinite(scaled) {
			return math.Round(scaled) / 100
		}
		return f
	default:
		whole, _ := big.NewFloat(math.Round(f)).Int(nil)
		return whole
	}
}
