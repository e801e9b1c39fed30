package value_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// The methods of these panic: mostly for a field that is nil.
type (
	panicsInText   struct{ of *string }
	panicsInValue  struct{ of *string }
	panicsInSet    struct{ of *string }
	panicsInClass  struct{ Of *string }
	panicsInError  struct{ of *string }
	panicsOnNil    struct{ of string }
	panicsWithText struct{}
)

func (p panicsInText) MarshalText() ([]byte, error) { return []byte(*p.of), nil }

func (p *panicsInText) UnmarshalText(text []byte) error {
	*p.of = string(text)
	return nil
}

func (p panicsInValue) BridgeValue() (any, error) { return *p.of, nil }

func (p *panicsInSet) SetBridgeValue(v any) error {
	*p.of, _ = v.(string)
	return nil
}

func (p panicsInClass) BridgeClass() string { return *p.Of }

func (p panicsInError) Error() string { return *p.of }

func (p *panicsOnNil) MarshalText() ([]byte, error) { return []byte(p.of), nil }

func (panicsWithText) MarshalText() ([]byte, error) { panic("no\xfftext") }

// holdsNil is encoded as a nil pointer, whose method panics.
type holdsNil struct{}

func (holdsNil) BridgeValue() (any, error) { return (*panicsInValue)(nil), nil }

func TestAMethodThatPanicsRefusesTheValue(t *testing.T) {
	t.Parallel()
	for says, given := range map[string]any{
		"the method MarshalText of value_test.panicsInText panics: runtime error: invalid memory address":  panicsInText{},
		"the method MarshalText of *value_test.panicsInText panics: runtime error: invalid memory address": &panicsInText{},
		"the method BridgeValue of value_test.panicsInValue panics: runtime error: invalid memory address": panicsInValue{},
		"the method BridgeClass of value_test.panicsInClass panics: runtime error: invalid memory address": panicsInClass{},
		"the method Error of value_test.panicsInError panics: runtime error: invalid memory address":       panicsInError{},
		"the method MarshalText of value_test.panicsWithText panics: no\uFFFDtext":                         panicsWithText{},
	} {
		_, err := value.Encode(given)
		requireRefusedAt(t, err, "$")
		require.ErrorContains(t, err, says)
		_, err = value.Encode(map[string]any{"rows": []any{1, given}})
		requireRefusedAt(t, err, "$.rows[1]")
		_, err = value.EncodeJSON(map[string]any{"rows": []any{1, given}})
		requireRefusedAt(t, err, "$.rows[1]")
		require.ErrorContains(t, err, says)
	}
}

func TestAMethodOfAKeyThatPanicsRefusesTheMap(t *testing.T) {
	t.Parallel()
	_, err := value.Encode([]any{map[panicsInText]int{{}: 1}})
	requireRefusedAt(t, err, "$[0][key]")
	require.ErrorContains(t, err, "the method MarshalText of value_test.panicsInText panics")
}

func TestANilPointerIsNoneWithoutACallOfItsMethods(t *testing.T) {
	t.Parallel()
	for _, given := range []any{(*panicsInText)(nil), (*panicsInValue)(nil), (*panicsInClass)(nil), (*panicsInError)(nil), (*panicsOnNil)(nil), holdsNil{}} {
		require.Equal(t, []any{nil}, through[any](t, []any{given}))
	}
}

func TestAMethodThatPanicsWhenItReadsRefusesTheValue(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode(map[string]any{"Rows": []any{"text"}})
	require.NoError(t, err)
	_, err = value.As[struct{ Rows []panicsInText }](encoded)
	requireRefusedAt(t, err, "$.Rows[0]")
	require.ErrorContains(t, err, "the method UnmarshalText of *value_test.panicsInText panics: runtime error: invalid memory address")
	_, err = value.As[struct{ Rows []panicsInSet }](encoded)
	requireRefusedAt(t, err, "$.Rows[0]")
	require.ErrorContains(t, err, "the method SetBridgeValue of *value_test.panicsInSet panics: runtime error: invalid memory address")
}

func TestTheErrorOfAMethodThatPanicsWithAnErrorLeadsToIt(t *testing.T) {
	t.Parallel()
	_, err := value.Encode(panicsByError{io.ErrUnexpectedEOF})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
}

type panicsByError struct{ err error }

func (p panicsByError) MarshalText() ([]byte, error) { panic(p.err) }
