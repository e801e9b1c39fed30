package frame_test

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// drawnCases is how many types TestStructsOfAnyTypeComeBackOrAreRefused makes; the same ones every time.
const drawnCases = 1000

func TestStructsOfAnyTypeComeBackOrAreRefused(t *testing.T) {
	t.Parallel()
	generator, taken := drawnRows(), 0
	for seed := range drawnCases {
		if requireStructsComeBack(t, generator.Example(seed)) {
			taken++
		}
	}

	require.Greater(t, taken, drawnCases/3, "most types are refused, so that nothing is proved")
}

// requireStructsComeBack sends rows as a table and one by one, and reports whether they are not refused.
func requireStructsComeBack(t require.TestingT, rows reflect.Value) bool {
	note := fmt.Sprintf("%s\n%+v", rows.Type(), rows)
	table, err := frame.FromRows(rows)
	if err != nil {
		var refused *tool.Error
		require.ErrorAs(t, err, &refused, note)
		require.Equal(t, tool.SerializationError, refused.Code, note)
		require.NotEmpty(t, refused.Details["path"], note)
		return false
	}
	encoded, err := codec().Encode(table)
	require.NoError(t, err, note)
	back := reflect.New(rows.Type())
	require.NoError(t, codec().DecodeInto(encoded, back.Interface()), note)
	requireEqual(t, rows, back.Elem(), note)
	requireLikeOneByOne(t, rows, table, note)
	return true
}

// requireLikeOneByOne says that each row alone is what the table has of it, but for fields that a struct may leave out.
func requireLikeOneByOne(t require.TestingT, rows reflect.Value, table *frame.Table, note string) {
	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	var dicts []*value.Dict
	require.NoError(t, codec().DecodeInto(encoded, &dicts), note)
	require.Len(t, dicts, rows.Len())
	for i, dict := range dicts {
		alone, err := value.Encode(rows.Index(i).Interface())
		require.NoError(t, err, note)
		decoded, err := value.Decode(alone)
		require.NoError(t, err, note)
		requireAgrees(t, decoded, dict, note)
		back := reflect.New(rows.Type().Elem())
		require.NoError(t, codec().DecodeInto(alone, back.Interface()), note)
		requireEqual(t, rows.Index(i), back.Elem(), note)
	}
}

// requireAgrees says that a cell has what a value has that was encoded alone.
func requireAgrees(t require.TestingT, alone, cell any, note string) {
	switch x := alone.(type) {
	case *value.Dict:
		d, ok := cell.(*value.Dict)
		require.True(t, ok, "%v is %T in a table\n%s", x, cell, note)
		for k, v := range x.All() {
			of, has := d.Get(k)
			require.True(t, has, "a table has no %v\n%s", k, note)
			requireAgrees(t, v, of, note)
		}
		return
	case []any:
		items, ok := cell.([]any)
		require.True(t, ok && len(items) == len(x), "%v is %v in a table\n%s", x, cell, note)
		for i := range x {
			requireAgrees(t, x[i], items[i], note)
		}
		return
	case time.Time:
		at, ok := cell.(time.Time)
		require.True(t, ok && x.Equal(at), "%v is %v in a table\n%s", x, cell, note)
		return
	}
	require.Empty(t, valuetest.Difference(alone, cell), note)
}

// requireEqual compares what came back: NaN is itself, and nil slices and maps are empty ones.
func requireEqual(t require.TestingT, want, got reflect.Value, note string) {
	require.True(t, equal(want, got), "%+v\ncame back as\n%+v\n%s", want, got, note)
}

func equal(a, b reflect.Value) bool {
	switch x := a.Interface().(type) {
	case time.Time:
		return x.Equal(b.Interface().(time.Time))
	case big.Int:
		y := b.Interface().(big.Int)
		return x.Cmp(&y) == 0
	case value.Decimal:
		return x == b.Interface().(value.Decimal)
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		x, y := a.Float(), b.Float()
		return math.Signbit(x) == math.Signbit(y) && (x == y || math.IsNaN(x) && math.IsNaN(y))
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || equal(a.Elem(), b.Elem()))
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		return a.Len() == b.Len() && !slices.ContainsFunc(a.MapKeys(), func(k reflect.Value) bool {
			return !b.MapIndex(k).IsValid() || !equal(a.MapIndex(k), b.MapIndex(k))
		})
	case reflect.Struct:
		for i := range a.NumField() {
			f := a.Type().Field(i)
			if f.Tag.Get("bridge") == "-" {
				continue
			}
			if !f.IsExported() {
				return reflect.DeepEqual(a.Interface(), b.Interface())
			}
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Interface() == b.Interface()
}
