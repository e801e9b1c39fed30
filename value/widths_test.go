package value_test

import (
	"math"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// anyInt draws ints around the borders of every width, and others.
func anyInt() *rapid.Generator[*big.Int] {
	return rapid.Custom(func(t *rapid.T) *big.Int {
		bits := []uint{0, 7, 8, 15, 16, 24, 25, 31, 32, 40, 53, 54, 63, 64, 70, 128}
		n := new(big.Int).Lsh(big.NewInt(1), bits[valuetest.Evenly(len(bits)).Draw(t, "bits")])
		n.Add(n, big.NewInt(int64(valuetest.Evenly(5).Draw(t, "plus"))-2))
		if rapid.Bool().Draw(t, "any") {
			n.SetInt64(rapid.Int64().Draw(t, "int"))
		}
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		return n
	})
}

// decodedAs decodes what was encoded of v into a new place of a type.
func decodedAs(t *rapid.T, v any, of reflect.Type) (any, error) {
	encoded, err := value.Encode(v)
	require.NoError(t, err)
	into := reflect.New(of)
	err = value.New().DecodeInto(encoded, into.Interface())
	return into.Elem().Interface(), err
}

func TestAnIntIsExactInEveryWidthOrIsRefused(t *testing.T) {
	t.Parallel()
	type (
		small int8
		octet uint8
		half  float32
	)
	widths := []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[small](),
		reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[octet](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[half](), reflect.TypeFor[*big.Int](),
	}
	rapid.Check(t, func(t *rapid.T) {
		n := anyInt().Draw(t, "n")
		for _, width := range widths {
			got, err := decodedAs(t, n, width)
			inside, insideErr := decodedAs(t, map[string]any{"a": n}, reflect.MapOf(reflect.TypeFor[string](), width))
			require.Equal(t, err == nil, insideErr == nil, "%v as %v: %v, %v", n, width, err, insideErr)
			if !holds(width, n) {
				requireRefusal(t, err, "$")
				requireRefusal(t, insideErr, "$.a")
				continue
			}
			require.NoError(t, err, "%v as %v", n, width)
			require.Equal(t, n.String(), textOf(got), width)
			require.Equal(t, got, reflect.ValueOf(inside).MapIndex(reflect.ValueOf("a")).Interface())
		}
	})
}

// holds reports whether values of a type can be such an int.
func holds(of reflect.Type, n *big.Int) bool {
	limit := func(bits int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(bits)) }
	switch of.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := limit(of.Bits() - 1)
		return n.Cmp(most) < 0 && n.Cmp(new(big.Int).Neg(most)) >= 0
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return n.Sign() >= 0 && n.Cmp(limit(of.Bits())) < 0
	case reflect.Float32, reflect.Float64:
		odd := new(big.Int).Rsh(n, new(big.Int).Abs(n).TrailingZeroBits())
		return n.Sign() == 0 || odd.BitLen() <= map[reflect.Kind]int{reflect.Float32: 24, reflect.Float64: 53}[of.Kind()] &&
			(of.Kind() == reflect.Float64 || n.BitLen() <= 128)
	}
	return true
}

// textOf is the digits of a number of any type.
func textOf(v any) string {
	if n, is := v.(*big.Int); is {
		return n.String()
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return big.NewInt(r.Int()).String()
	case r.CanUint():
		return new(big.Int).SetUint64(r.Uint()).String()
	}
	n, _ := big.NewFloat(r.Float()).Int(nil)
	return n.String()
}

func requireRefusal(t *rapid.T, err error, path string) {
	var refused *tool.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, path, refused.Details["path"])
}

func TestNumbersOfEveryWidthComeBackWithEveryBit(t *testing.T) {
	t.Parallel()
	singles := rapid.OneOf(rapid.Float32(), rapid.SampledFrom([]float32{
		0, float32(math.Copysign(0, -1)), float32(math.Inf(-1)), math.SmallestNonzeroFloat32, math.MaxFloat32, 0.1, 1<<24 + 2,
	}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := singles.Draw(t, "a"), singles.Draw(t, "b")
		comesBack(t, a, float64(a))
		comesBack(t, complex(a, b), complex(float64(a), float64(b)))
		comesBack(t, rapid.Int8().Draw(t, "int8"), nil)
		comesBack(t, rapid.Int16().Draw(t, "int16"), nil)
		comesBack(t, rapid.Int32().Draw(t, "int32"), nil)
		comesBack(t, rapid.Uint8().Draw(t, "uint8"), nil)
		comesBack(t, rapid.Uint16().Draw(t, "uint16"), nil)
		comesBack(t, rapid.Uint32().Draw(t, "uint32"), nil)
		comesBack(t, rapid.Uint64().Draw(t, "uint64"), nil)
		comesBack(t, time.Duration(rapid.Int64().Draw(t, "span")), nil)
		comesBack(t, map[uint16][]float32{rapid.Uint16().Draw(t, "key"): {a, b}}, nil)
		comesBack(t, [2]*complex64{nil, new(complex(a, b))}, nil)
	})
}

// comesBack requires that a value comes back as its own type, bit by bit, and where no type is asked for as wide.
func comesBack[T any](t *rapid.T, v T, wide any) {
	encoded, err := value.Encode(v)
	require.NoError(t, err)
	back, err := value.As[T](encoded)
	require.NoError(t, err)
	again, err := value.Encode(back)
	require.NoError(t, err)
	require.Equal(t, encoded, again, "%T %v came back as %v", v, v, back)
	if wide != nil {
		untyped, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Empty(t, valuetest.Difference(wide, untyped))
	}
}
