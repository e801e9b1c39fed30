package frame_test

import (
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type level int

// MarshalText implements encoding.TextMarshaler.
func (l level) MarshalText() ([]byte, error) { return []byte(strings.Repeat("*", int(l))), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *level) UnmarshalText(text []byte) error {
	*l = level(len(text))
	return nil
}

type wide struct {
	Price   value.Decimal
	Rebate  *value.Decimal
	Large   value.Decimal
	ID      value.UUID
	Other   *uuid.UUID
	Count   *big.Int
	Sum     big.Int
	Digest  [4]byte
	Corners [2]float64
	Prices  map[string]value.Decimal
	Nested  map[int8][]value.Decimal
	Names   map[uint8]*string
	Spans   [2][]time.Time
	Where   netip.Addr
	Stars   level
	Deep    struct{ Costs []value.Decimal }
	Own     struct{ ID *value.UUID }
}

func TestStructsOfWideTypesComeBack(t *testing.T) {
	t.Parallel()
	other, name, rebate := uuid.UUID{15: 1}, "n", value.MustDecimal("-0.5")
	d := value.MustDecimal
	in := []wide{{
		Price: d("1.10"), Rebate: &rebate, Large: d(strings.Repeat("9", 76)), ID: value.UUID{1}, Other: &other,
		Count: big.NewInt(-7), Sum: *new(big.Int).SetUint64(math.MaxUint64), Digest: [4]byte{1, 2}, Corners: [2]float64{1.5, -2},
		Prices: map[string]value.Decimal{"b": d("2.000"), "a": d("1.000")}, Nested: map[int8][]value.Decimal{-1: {d("7")}, 3: {}},
		Names: map[uint8]*string{2: nil, 1: &name}, Spans: [2][]time.Time{{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}, {}},
		Where: netip.MustParseAddr("10.0.0.1"), Stars: 3,
	}, {
		Price: d("0.00"), Large: d("-1"), Prices: map[string]value.Decimal{}, Nested: map[int8][]value.Decimal{}, Names: map[uint8]*string{},
		Spans: [2][]time.Time{{}, {}},
	}}
	in[0].Own.ID = &value.UUID{9}
	in[0].Deep.Costs, in[1].Deep.Costs = []value.Decimal{d("1E+2")}, []value.Decimal{}

	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	out, err := frame.ToStructs[wide](table)
	require.NoError(t, err)

	require.Equal(t, in[1].Sum.String(), out[1].Sum.String(), "the zero big.Int has two forms")
	in[1].Sum, out[1].Sum = big.Int{}, big.Int{}
	require.Equal(t, in, out)
	kinds := map[string]string{}
	for _, f := range table.Schema().Fields() {
		kinds[f.Name] = f.Type.String()
	}
	require.Equal(t, "decimal(3, 2)", kinds["Price"])
	require.Equal(t, "decimal256(76, 0)", kinds["Large"])
	require.Equal(t, "int64", kinds["Count"])
	require.Equal(t, "uint64", kinds["Sum"])
	require.Equal(t, "fixed_size_binary[4]", kinds["Digest"])
	require.Contains(t, kinds["Prices"], "map<utf8, decimal(4, 3)")
	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	var again []wide
	require.NoError(t, codec().DecodeInto(encoded, &again))
	require.Equal(t, in[0], again[0])
}

func TestDecimalsThatOneColumnCannotHoldAreNamed(t *testing.T) {
	t.Parallel()
	type priced struct{ Price value.Decimal }
	for name, c := range map[string]struct {
		prices []string
		path   string
		says   string
	}{
		"other digits":      {[]string{"1.10", "1.1"}, "$[1].Price", "1.1 has another exponent than 1.10"},
		"another exponent":  {[]string{"1", "1E+3"}, "$[1].Price", "another exponent"},
		"no number":         {[]string{"1", "NaN"}, "$[1].Price", "no decimal NaN"},
		"infinity":          {[]string{"-Infinity"}, "$[0].Price", "no decimal -Infinity"},
		"zero with a sign":  {[]string{"1", "-0"}, "$[1].Price", "-0"},
		"77 digits":         {[]string{strings.Repeat("9", 77)}, "$[0].Price", "more than 76 digits"},
		"77 behind a point": {[]string{"1E-77"}, "$[0].Price", "more than 76 digits"},
		"a huge exponent":   {[]string{"1E+999999999"}, "$[0].Price", "more than 76 digits"},
		"a huge one below":  {[]string{"1E-999999999"}, "$[0].Price", "more than 76 digits"},
		"many digits":       {[]string{strings.Repeat("9", 100_000)}, "$[0].Price", "more than 76 digits"},
	} {
		var rows []priced
		for _, price := range c.prices {
			rows = append(rows, priced{value.MustDecimal(price)})
		}
		_, err := frame.FromStructs(rows)
		requirePath(t, err, c.path)
		require.ErrorContains(t, err, c.says, name)
		require.Less(t, len(err.Error()), 500)
	}
	_, err := frame.FromStructs([]struct{ Prices map[string][]value.Decimal }{{map[string][]value.Decimal{"a": {value.MustDecimal("1"), value.MustDecimal("1.5")}}}})
	requirePath(t, err, "$[0].Prices")
	require.ErrorContains(t, err, `key "a": item 1: the decimal 1.5`)
}

func TestBigIntsBeyondAColumnAreNamed(t *testing.T) {
	t.Parallel()
	type counted struct{ N *big.Int }
	huge := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, rows := range [][]counted{
		{{big.NewInt(1)}, {huge}},
		{{big.NewInt(-1)}, {new(big.Int).SetUint64(math.MaxUint64)}},
	} {
		_, err := frame.FromStructs(rows)
		requirePath(t, err, "$[1].N")
		require.ErrorContains(t, err, "make the column one of value.Decimal or of texts")
	}
}

func TestColumnsWithoutValuesHaveAType(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]wide{nil, {}} {
		table, err := frame.FromStructs(rows)
		require.NoError(t, err)
		out, err := frame.ToStructs[wide](table)
		require.NoError(t, err)
		require.Empty(t, out)
	}
	table, err := frame.FromStructs([]struct{ Price *value.Decimal }{{}})
	require.NoError(t, err)
	require.Equal(t, "decimal(1, 0)", table.Schema().Field(0).Type.String())
}
