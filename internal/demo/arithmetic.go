package demo

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// maxExpression bounds an expression, in bytes and in nodes.
	maxExpression = 1000
	// maxMemory bounds what an expression may allocate, in the units of the library.
	maxMemory = 10_000
)

// evaluateText evaluates numbers, operators and a few arithmetic functions. There is nothing that repeats, so the time
// that it takes is bounded by the length of the expression.
func evaluateText(source string) (any, *tool.Error) {
	if len(source) > maxExpression {
		return nil, tool.Errorf(tool.ValidationError, "argument \"expression\" of tool \"calculate\" has %d bytes: the limit is %d", len(source), maxExpression)
	}
	only := &arithmeticOnly{}
	program, err := expr.Compile(source, sandbox(only)...)
	if only.foreign != nil {
		err = only.foreign
	}
	if err != nil {
		return nil, tool.Errorf(tool.ValidationError, "argument \"expression\" of tool \"calculate\" is no arithmetic expression: %s", inOneLine(err))
	}
	machine := vm.VM{MemoryBudget: maxMemory}
	out, err := machine.Run(program, nil)
	if err != nil {
		return nil, tool.Errorf(tool.ValidationError, "argument \"expression\" of tool \"calculate\" cannot be evaluated: %s", inOneLine(err))
	}
	if f, is := out.(float64); is && !isFinite(f) {
		return nil, tool.Errorf(tool.ValidationError, "argument \"expression\" of tool \"calculate\" has no finite value: it gives %v", f)
	}
	return out, nil
}

// inOneLine leaves out the picture of the place that the library draws.
func inOneLine(err error) string {
	var placed *file.Error
	if errors.As(err, &placed) {
		return fmt.Sprintf("%s, at column %d", placed.Message, placed.Column+1)
	}
	return err.Error()
}

// The functions that operators are compiled to: the library's own would wrap whole numbers around.
const (
	sum        = "sum"
	difference = "difference"
	product    = "product"
	negated    = "negated"
	absolute   = "abs"
)

// functions are those that an expression may call.
func functions() []string { return []string{absolute, "ceil", "floor", "round", "min", "max"} }

// sandbox leaves nothing but arithmetic. Nothing is computed before the program runs.
func sandbox(only *arithmeticOnly) []expr.Option {
	options := []expr.Option{
		expr.DisableAllBuiltins(), expr.MaxNodes(maxExpression), expr.Optimize(false), expr.Patch(only),
		expr.Operator("+", sum), expr.Operator("-", difference), expr.Operator("*", product),
		onTwo("+", sum, (*big.Int).Add, func(a, b float64) float64 { return a + b }),
		onTwo("-", difference, (*big.Int).Sub, func(a, b float64) float64 { return a - b }),
		onTwo("*", product, (*big.Int).Mul, func(a, b float64) float64 { return a * b }),
		onOne(negated, (*big.Int).Neg, func(f float64) float64 { return -f }),
		onOne(absolute, (*big.Int).Abs, math.Abs),
	}
	for _, name := range functions() {
		if name != absolute {
			options = append(options, expr.EnableBuiltin(name))
		}
	}
	return options
}

// onTwo is an operator that refuses whole numbers which do not fit into 64 bits.
func onTwo(sign, name string, ints func(z, a, b *big.Int) *big.Int, floats func(a, b float64) float64) expr.Option {
	return expr.Function(name, func(args ...any) (any, error) {
		a, aIsInt := args[0].(int)
		b, bIsInt := args[1].(int)
		if !aIsInt || !bIsInt {
			x, y, err := twoFloats(args)
			return floats(x, y), err
		}
		z := ints(new(big.Int), big.NewInt(int64(a)), big.NewInt(int64(b)))
		return fitting(z, fmt.Sprintf("%d %s %d", a, sign, b))
	}, new(func(any, any) any))
}

// onOne is an operation on one number, in the same way.
func onOne(name string, ints func(z, a *big.Int) *big.Int, floats func(float64) float64) expr.Option {
	return expr.Function(name, func(args ...any) (any, error) {
		if a, is := args[0].(int); is {
			return fitting(ints(new(big.Int), big.NewInt(int64(a))), fmt.Sprintf("%s(%d)", name, a))
		}
		x, err := float(args[0])
		return floats(x), err
	}, new(func(any) any))
}

func fitting(z *big.Int, what string) (any, error) {
	if !z.IsInt64() {
		return nil, fmt.Errorf("%s does not fit into 64 bits: write a number with a fraction, such as 1.0", what)
	}
	return int(z.Int64()), nil
}

func twoFloats(args []any) (x, y float64, err error) {
	if x, err = float(args[0]); err != nil {
		return 0, 0, err
	}
	y, err = float(args[1])
	return x, y, err
}

func float(v any) (float64, error) {
	switch n := v.(type) {
	case int:
		return float64(n), nil
	case float64:
		return n, nil
	default:
		return 0, fmt.Errorf("want a number, got %T", v)
	}
}

// arithmeticOnly finds the first part of an expression that is not arithmetic, and replaces each "-" before an operand
// by the function that checks it.
type arithmeticOnly struct{ foreign error }

// Visit implements ast.Visitor.
func (o *arithmeticOnly) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IntegerNode, *ast.FloatNode:
	case *ast.IdentifierNode:
		ours := slices.Contains([]string{sum, difference, product, negated}, n.Value)
		o.refuse(n, !ours && !slices.Contains(functions(), n.Value), fmt.Sprintf("%q is not one of the functions %v", n.Value, functions()))
	case *ast.BuiltinNode:
		o.refuse(n, !slices.Contains(functions(), n.Name), fmt.Sprintf("%q is not one of the functions %v", n.Name, functions()))
	case *ast.CallNode:
		_, named := n.Callee.(*ast.IdentifierNode)
		o.refuse(n, !named, "only functions can be called")
	case *ast.BinaryNode:
		o.operator(n, n.Operator, "+", "-", "*", "/", "%", "**", "^")
	case *ast.UnaryNode:
		o.operator(n, n.Operator, "+", "-")
		if n.Operator == "-" {
			ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: negated}, Arguments: []ast.Node{n.Node}})
		}
	default:
		o.refuse(n, true, "want numbers, + - * / % **, and functions")
	}
}

func (o *arithmeticOnly) operator(node ast.Node, sign string, signs ...string) {
	o.refuse(node, !slices.Contains(signs, sign), fmt.Sprintf("the operator %q is not one of %v", sign, signs))
}

func (o *arithmeticOnly) refuse(node ast.Node, wrong bool, why string) {
	if wrong && o.foreign == nil {
		o.foreign = fmt.Errorf("%s, at column %d", why, node.Location().From+1)
	}
}
