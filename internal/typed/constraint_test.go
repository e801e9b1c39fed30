package typed_test

import (
	"context"
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type price struct {
	Amount float64 `json:"amount" min:"0"`
	Unit   *string `json:"unit" enum:"eur|usd"`
}

type basket struct {
	Name   string              `json:"name" pattern:"^[a-z]+$" max:"5"`
	Prices []price             `json:"prices" max:"2"`
	ByDay  map[int]price       `json:"by_day,omitempty"`
	Inner  *basket             `json:"inner,omitempty"`
	At     *time.Time          `json:"at,omitempty"`
	Tags   map[string][]string `json:"tags,omitempty"`
}

func basketTool(t *testing.T, o typed.Options) *typed.Tool {
	t.Helper()
	made, err := typed.New("take", func(_ context.Context, in struct {
		Basket basket   `json:"basket"`
		More   []basket `json:"more,omitempty"`
	},
	) (string, error) {
		return in.Basket.Name, nil
	}, o)
	require.NoError(t, err)
	return made
}

func aBasket(name string, prices ...any) map[string]any {
	return map[string]any{"name": name, "prices": prices}
}

func aPrice(amount float64, unit any) map[string]any {
	return map[string]any{"amount": amount, "unit": unit}
}

func TestConstraintsOfStructsInsideOfArgumentsAreCheckedWithTheirPath(t *testing.T) {
	t.Parallel()
	made := basketTool(t, options())
	with := func(key string, held any) map[string]any {
		b := aBasket("abc")
		b[key] = held
		return b
	}
	odd := new(value.Dict)
	odd.Set(3, aPrice(-1, nil))
	for path, call := range map[string]*tool.Call{
		"$.name":                   callOf(t, aBasket("ABC")),
		"$.prices":                 callOf(t, aBasket("abc", aPrice(1, nil), aPrice(1, nil), aPrice(1, nil))),
		"$.prices[1].amount":       callOf(t, aBasket("abc", aPrice(1, nil), aPrice(-1, "eur"))),
		"$.prices[0].unit":         callOf(t, aBasket("abc", aPrice(1, "yen"))),
		"$.by_day[3].amount":       callOf(t, with("by_day", odd)),
		"$.inner.inner.name":       callOf(t, with("inner", with("inner", aBasket("1")))),
		"$.inner.prices[0].amount": callOf(t, with("inner", aBasket("abc", aPrice(-1, nil)))),
		"$[1].name":                callOf(t, aBasket("abc"), []any{aBasket("abc"), aBasket("toolong")}),
	} {
		e := failure(t, made, call)
		require.Equal(t, tool.ValidationError, e.Code, e.Message)
		require.Equal(t, path, e.Details["path"], e.Message)
		require.Contains(t, e.Message, "at "+path+": ")
	}
}

func TestOfSeveralThatAreWrongTheFirstIsTold(t *testing.T) {
	t.Parallel()
	type part struct {
		A, B, C, D int `max:"0"`
	}
	made, err := typed.New("take", func(_ context.Context, in struct {
		Parts []part
		Named map[string]part `bridge:",optional"`
	},
	) (int, error) {
		return len(in.Parts), nil
	}, options())
	require.NoError(t, err)
	parts := make([]part, 12)
	parts[2], parts[10] = part{0, 1, 1, 1}, part{1, 1, 1, 1}
	named := map[string]part{"x": {1, 1, 1, 1}, "w": {0, 0, 1, 1}, "y": {1, 1, 1, 1}}
	for range 20 { // for a Go map has its entries in any order
		require.Equal(t, "$[2].B", failure(t, made, callOf(t, parts)).Details["path"])
		require.Equal(t, "$.w.C", failure(t, made, callOf(t, []part{}, named)).Details["path"])
	}
}

func TestWhatFitsAStructIsTakenWhateverFormItComesIn(t *testing.T) {
	t.Parallel()
	made := basketTool(t, options())
	record := value.Record{Class: "Basket", Fields: []value.Field{
		{Name: "name", Value: value.Enum{Class: "E", Name: "A", Value: "abc"}},
		{Name: "prices", Value: value.Tuple{value.Record{Class: "Price", Fields: []value.Field{{Name: "amount", Value: 1}, {Name: "unit", Value: nil}}}}},
		{Name: "at", Value: time.Unix(0, 0).UTC()},
	}}
	require.Equal(t, "abc", result(t, made, callOf(t, record)))

	texts, err := typed.New("texts", func(_ context.Context, in struct {
		Names []string `max:"2"`
		ID    string   `max:"36"`
	},
	) (int, error) {
		return len(in.Names), nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, int64(2), result(t, texts, callOf(t, value.Tuple{"a", "b"}, value.UUID{1})))
	require.Equal(t, "$", failure(t, texts, callOf(t, value.SetOf("a", "b", "c"), "x")).Details["path"])
}

func TestConstraintsOfStructsStandInTheSchema(t *testing.T) {
	t.Parallel()
	type in struct {
		Price price `json:"price"`
	}
	require.JSONEq(t, `{"type":"object","properties":{"amount":{"type":"number","minimum":0},
		"unit":{"type":["null","string"],"enum":["eur","usd",null]}},"required":["amount","unit"],"additionalProperties":false}`, property(t, specOf[in](t).InputSchema, "price"))
}

func property(t *testing.T, schema, name string) string {
	t.Helper()
	var held struct{ Properties map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(schema), &held))
	return string(held.Properties[name])
}

func TestASchemaTakesSurplusFieldsWhereTheCodecDoes(t *testing.T) {
	t.Parallel()
	o := options()
	strict := basketTool(t, o).Spec().InputSchema
	require.Contains(t, property(t, specOf[struct{ P price }](t).InputSchema, "p"), `"additionalProperties":false`)
	require.Contains(t, strict, `"additionalProperties":false`)

	o.Codec = value.New(value.AllowSurplus())
	type point struct{ X int }
	open, err := typed.New("open", func(_ context.Context, in struct {
		Points map[string][]point
		Named  struct {
			Y int `bridge:"why"`
		}
		Point *point
	},
	) (int, error) {
		return in.Points["a"][0].X, nil
	}, o)
	require.NoError(t, err)
	shown := open.Spec().InputSchema
	for _, name := range []string{"points", "point", "named"} {
		require.NotContains(t, property(t, shown, name), `"additionalProperties":false`, name)
	}
	require.Contains(t, shown, `"additionalProperties":false`, "a further argument is still refused")
	surplus := map[string]any{"X": 1, "Y": 2}
	require.Equal(t, int64(1), result(t, open, callOf(t, map[string]any{"a": []any{surplus}}, map[string]any{"why": 1, "z": 2}, nil)))
}

func TestConstraintsThatNobodyWouldKeepAreRefused(t *testing.T) {
	t.Parallel()
	for want, sample := range map[string]func() error{
		"say nothing of a time.Time": fails[struct {
			A time.Time `min:"1"`
		}],
		"say nothing of a []uint8": fails[struct {
			A []byte `max:"1"`
		}],
		"only a string has one, not a int": fails[struct {
			A int `pattern:"1"`
		}],
		"min and max say nothing of a bool": fails[struct {
			A bool `max:"1"`
		}],
		"is a whole number": fails[struct {
			A string `max:"1.5"`
		}],
		"field B: min \"x\" is not a number": fails[struct {
			A []struct {
				B int `min:"x"`
			}
		}],
		"field B: pattern": fails[struct {
			A struct {
				B string `pattern:"("`
			}
		}],
	} {
		require.ErrorContains(t, sample(), want)
	}
}

type (
	tree  []tree
	paths map[string]*paths
	wood  []struct {
		Age  int `min:"0"`
		Wood wood
	}
)

func TestTypesThatAreInsideOfThemselvesHaveTags(t *testing.T) {
	t.Parallel()
	made, err := typed.New("grow", func(_ context.Context, in struct {
		Tree  tree `max:"2"`
		Wood  wood
		Paths *paths
	},
	) (int, error) {
		return len(in.Tree), nil
	}, options())
	require.NoError(t, err)
	old := func(age int) wood { return wood{{Age: 1, Wood: wood{{Age: age}}}} }
	require.Equal(t, int64(2), result(t, made, callOf(t, tree{{{}}, {}}, old(3), paths{"a": {"b": nil}})))
	require.Equal(t, "$[0].Wood[0].Age", failure(t, made, callOf(t, tree{}, old(-3))).Details["path"])
	require.Equal(t, "tree", failure(t, made, callOf(t, tree{{}, {}, {}}, old(0))).Details["argument"])
}

func TestBoundsHoldNumbersThatJSONHasNot(t *testing.T) {
	t.Parallel()
	type row struct {
		F float64  `json:"f" max:"100"`
		P *float64 `json:"p" min:"0"`
		N float64  `json:"n"`
	}
	made, err := typed.New("rows", func(_ context.Context, in struct {
		Rows []row
		Top  float64 `bridge:",optional" min:"1" max:"2e10"`
	},
	) (int, error) {
		return len(in.Rows), nil
	}, options())
	require.NoError(t, err)
	rows := func(f, p any) []any {
		return []any{map[string]any{"f": 1, "p": nil, "n": 1}, map[string]any{"f": f, "p": p, "n": math.NaN()}}
	}
	require.Equal(t, int64(2), result(t, made, callOf(t, rows(math.Inf(-1), math.Inf(1)))))
	huge, _ := new(big.Int).SetString("-1267650600228229401496703205376", 10)
	for want, call := range map[string]*tool.Call{
		"at $[1].f: maximum: got NaN, want 100":                         callOf(t, rows(math.NaN(), 1)),
		"at $[1].p: minimum: got NaN, want 0":                           callOf(t, rows(1, math.NaN())),
		"at $[1].f: maximum: got Infinity, want 100":                    callOf(t, rows(math.Inf(1), 1)),
		"at $[1].p: minimum: got -Infinity, want 0":                     callOf(t, rows(1, math.Inf(-1))),
		"maximum: got NaN, want 2e+10":                                  callOf(t, rows(1, 1), math.NaN()),
		"maximum: got 2.5e+10, want 2e+10":                              callOf(t, rows(1, 1), 2.5e10),
		"minimum: got -1267650600228229401496703205376, want 1":         callOf(t, rows(1, 1), huge),
		`argument "top" of tool "rows": minimum: got -Infinity, want 1`: callOf(t, rows(1, 1), math.Inf(-1)),
	} {
		e := failure(t, made, call)
		require.Equal(t, tool.ValidationError, e.Code)
		require.Contains(t, e.Message, want)
	}
}

func TestBoundsHoldHowManyAMapOrASetHas(t *testing.T) {
	t.Parallel()
	made, err := typed.New("sized", func(_ context.Context, in struct {
		Keys  map[int]string      `max:"2"`
		Set   map[string]struct{} `bridge:",optional" min:"1" max:"2"`
		Inner struct {
			Points map[[2]int]bool `json:"points" min:"1"`
		} `bridge:",optional"`
	},
	) (int, error) {
		return len(in.Keys) + len(in.Set), nil
	}, options())
	require.NoError(t, err)
	set := func(items ...any) value.Set { return items }
	require.Equal(t, int64(4), result(t, made, callOf(t, map[int]string{1: "a", 2: "b"}, set("x", "y"))))
	point := func(points ...[2]int) map[string]any {
		held := map[[2]int]bool{}
		for _, p := range points {
			held[p] = true
		}
		return map[string]any{"points": held}
	}
	require.Equal(t, int64(1), result(t, made, callOf(t, map[int]string{}, set("x"), point([2]int{1, 2}))))
	for argument, call := range map[string]*tool.Call{
		"keys":  callOf(t, map[int]string{1: "a", 2: "b", 3: "c"}),
		"set":   callOf(t, map[int]string{}, set("x", "y", "z")),
		"inner": callOf(t, map[int]string{}, set("x"), point()),
	} {
		e := failure(t, made, call)
		require.Equal(t, tool.ValidationError, e.Code)
		require.Equal(t, argument, e.Details["argument"], e.Message)
	}
}
