package typed_test

import (
	"context"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestGoTypesHaveTheNamesOfDeclaredTypes(t *testing.T) {
	t.Parallel()
	type nested struct{ X int }
	type in struct {
		Bool     bool
		Uint     uint16
		Big      *big.Int
		Float    float32
		Text     string
		Bytes    []byte
		List     []nested
		Tuple    value.Tuple
		Set      map[string]struct{}
		Dict     map[string]int
		Ordered  *value.Dict
		Struct   nested
		Time     time.Time
		Local    value.LocalDateTime
		Date     value.Date
		Clock    value.TimeOfDay
		Duration time.Duration
		Decimal  value.Decimal
		UUID     value.UUID
		Enum     value.Enum
		Record   value.Record
		Any      any
		Err      error
	}
	made, err := typed.New("types", func(context.Context, struct {
		In in
	}) (in, error) {
		return in{}, nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, "dict", made.Spec().ReturnType)

	flat, err := typed.New("types", func(context.Context, struct {
		in
		Optional *int
	}) (any, error) {
		return nil, nil
	}, options())
	require.Error(t, err, "an embedded pointer after required fields is fine, but *big.Int is optional and stands first")
	require.Nil(t, flat)

	var names []string
	for _, c := range []struct{ spec *tool.Spec }{
		{specOf[bool](t)}, {specOf[uint16](t)}, {specOf[*big.Int](t)}, {specOf[float32](t)}, {specOf[string](t)}, {specOf[[]byte](t)},
		{specOf[[]nested](t)}, {specOf[value.Tuple](t)}, {specOf[map[string]struct{}](t)}, {specOf[map[string]int](t)}, {specOf[*value.Dict](t)},
		{specOf[time.Time](t)}, {specOf[value.LocalDateTime](t)}, {specOf[value.Date](t)}, {specOf[value.TimeOfDay](t)},
		{specOf[time.Duration](t)}, {specOf[value.Decimal](t)}, {specOf[value.UUID](t)}, {specOf[value.Enum](t)}, {specOf[value.Record](t)},
		{specOf[any](t)}, {specOf[*string](t)},
	} {
		names = append(names, c.spec.Arguments[0].Type)
	}
	require.Equal(t, strings.Fields("bool int int float str bytes list tuple set dict dict datetime datetime date time timedelta Decimal UUID Enum record any str"), names)
}
