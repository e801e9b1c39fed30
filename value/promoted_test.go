package value_test

import (
	"encoding"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

type (
	// Code writes its own text, and has a field.
	Code struct{ Of string }
	// Wire says which value it is.
	Wire struct{ N int64 } //nolint:recvcheck // one method writes it, the other reads it
	// Stamp is nothing but a time.
	Stamp struct{ time.Time }
	// Ref may be nothing.
	Ref struct{ *Code }
	// Kinded embeds what writes its own text beside a field.
	Kinded struct {
		Code
		Kind string
	}
	// Boxed is embedded as an instance.
	Boxed[T any] struct{ In T }

	event struct {
		time.Time
		Name string
	}
	coded struct {
		Code
		Name string
	}
	pointer struct {
		*Code
		Name string
	}
	wired struct {
		Wire
		Name string
	}
	spoken struct {
		encoding.TextMarshaler
		Name string
	}
	messaged struct {
		*durationpb.Duration
		Name string
	}
	ofStamp struct {
		Stamp
		Name string
	}
	deep struct {
		Kinded
		Name string
	}
	generic[T any] struct {
		Code
		In T
	}
	ofBoxed struct {
		Boxed[int]
		Name string
	}
	named struct {
		time.Time `json:"at"`
		Name      string
	}
	// Itself embeds itself.
	Itself struct {
		*Itself
		Code
		Name string
	}
	dated struct {
		value.Date
		Name string
	}

	// OwnText writes a text of its own, in which all of its fields are.
	OwnText struct {
		Code
		Name string
	}
	ownByPointer struct {
		Code
		Name string
	}
	ownGeneric[T any] struct {
		Code
		In T
	}
	ownDelegating struct {
		Code
		Name string
	}
	ofOwn struct {
		OwnText
		Kind string
	}

	code   struct{ of string }
	sealed struct {
		code
		Name string
	}
	leftOut struct {
		code `bridge:"-"`
		Name string
	}
	byValue struct {
		durationpb.Duration
		Name string
	}
)

// MarshalText implements encoding.TextMarshaler.
func (c Code) MarshalText() ([]byte, error) { return []byte("code " + c.Of), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Code) UnmarshalText(text []byte) error {
	c.Of = strings.TrimPrefix(string(text), "code ")
	return nil
}

// BridgeValue implements value.Marshaler.
func (w Wire) BridgeValue() (any, error) { return value.Tuple{w.N}, nil }

// SetBridgeValue implements value.Unmarshaler.
func (w *Wire) SetBridgeValue(v any) error {
	items, ok := v.(value.Tuple)
	if !ok || len(items) != 1 {
		return fmt.Errorf("%v is no wire", v)
	}
	w.N, _ = items[0].(int64)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (b Boxed[T]) MarshalText() ([]byte, error) { return fmt.Append(nil, b.In), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Boxed[T]) UnmarshalText(text []byte) error {
	_, err := fmt.Sscan(string(text), &b.In)
	return err
}

func (code) MarshalText() ([]byte, error) { return []byte("sealed"), nil }

// MarshalText implements encoding.TextMarshaler.
func (o OwnText) MarshalText() ([]byte, error) { return []byte(o.Of + "/" + o.Name), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *OwnText) UnmarshalText(text []byte) error {
	o.Of, o.Name, _ = strings.Cut(string(text), "/")
	return nil
}

func (o *ownByPointer) MarshalText() ([]byte, error) { return []byte(o.Of + "/" + o.Name), nil }

func (o ownGeneric[T]) MarshalText() ([]byte, error) { return fmt.Append(nil, o.Of, "/", o.In), nil }

func (o ownDelegating) MarshalText() ([]byte, error) { return o.Code.MarshalText() }

func TestAMethodThatIsOnlyPromotedDoesNotSwallowTheOtherFields(t *testing.T) {
	t.Parallel()
	at, day := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), value.Date{Year: 2024, Month: 5, Day: 6}
	type local struct {
		Code
		Name string
	}
	type unnamed = struct {
		Code
		Name string
	}
	isDict(t, event{at, "a"}, "Time", at, "Name", "a")
	isDict(t, &event{at, "a"}, "Time", at, "Name", "a")
	isDict(t, named{at, "a"}, "at", at, "Name", "a")
	isDict(t, dated{day, "a"}, "Date", day, "Name", "a")
	isDict(t, coded{Code{"x"}, "a"}, "Code", "code x", "Name", "a")
	isDict(t, local{Code{"x"}, "a"}, "Code", "code x", "Name", "a")
	isDict(t, unnamed{Code{"x"}, "a"}, "Code", "code x", "Name", "a")
	isDict(t, pointer{&Code{"x"}, "a"}, "Code", "code x", "Name", "a")
	isDict(t, pointer{nil, "a"}, "Code", nil, "Name", "a")
	isDict(t, generic[int]{Code{"x"}, 1}, "Code", "code x", "In", int64(1))
	isDict(t, generic[string]{Code{"x"}, "s"}, "Code", "code x", "In", "s")
	isDict(t, ofBoxed{Boxed[int]{7}, "a"}, "Boxed", "7", "Name", "a")
	isDict(t, wired{Wire{7}, "a"}, "Wire", value.Tuple{int64(7)}, "Name", "a")
	isDict(t, spoken{nil, "a"}, "TextMarshaler", nil, "Name", "a")
	isDict(t, messaged{nil, "a"}, "Duration", nil, "Name", "a")
	isDict(t, messaged{&durationpb.Duration{Seconds: 7}, "a"}, "Duration", &durationpb.Duration{Seconds: 7}, "Name", "a")
	isDict(t, ofStamp{Stamp{at}, "a"}, "Stamp", "2024-05-06T07:08:09Z", "Name", "a")
	isDict(t, deep{Kinded{Code{"x"}, "k"}, "a"}, "Code", "code x", "Kind", "k", "Name", "a")
	isDict(t, Itself{&Itself{nil, Code{"y"}, "b"}, Code{"x"}, "a"},
		"Itself", value.NewDict("Itself", nil, "Code", "code y", "Name", "b"), "Code", "code x", "Name", "a")
	isDict(t, ofOwn{OwnText{Code{"x"}, "a"}, "k"}, "OwnText", "x/a", "Kind", "k")
	isDict(t, Ref{nil}, "Code", nil)
	isDict(t, Ref{&Code{"x"}}, "Code", "code x")
	isDict(t, leftOut{Name: "a"}, "Name", "a")
}

// isDict checks that a struct is encoded as a dict of these keys and values, in JSON too, and comes back from it.
func isDict[T any](t *testing.T, given T, keysAndValues ...any) {
	t.Helper()
	encoded, err := value.Encode(given)
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Empty(t, valuetest.Difference(value.NewDict(keysAndValues...), decoded))
	back, err := value.As[T](encoded)
	require.NoError(t, err)
	again, err := value.Encode(back)
	require.NoError(t, err)
	require.Equal(t, encoded, again)
	if _, message := any(given).(proto.Message); !message { // whose caches differ
		require.Equal(t, given, back)
	}
	text, err := value.EncodeJSON(given)
	require.NoError(t, err)
	want, err := value.ToJSON(encoded)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))
}

func TestAMethodOfTheStructItselfDecidesWhateverItEmbeds(t *testing.T) {
	t.Parallel()
	own := OwnText{Code{"x"}, "a"}
	byPointer := ownByPointer{Code{"x"}, "a"}
	for _, test := range []struct {
		given any
		text  string
	}{
		{own, "x/a"}, {&own, "x/a"}, {&byPointer, "x/a"}, {ownGeneric[int]{Code{"x"}, 7}, "x/7"}, {&ownGeneric[string]{Code{"x"}, "s"}, "x/s"},
		{ownDelegating{Code{"x"}, "a"}, "code x"}, {Stamp{time.Unix(0, 0).UTC()}, "1970-01-01T00:00:00Z"},
	} {
		require.Equal(t, test.text, through[string](t, test.given), "%T", test.given)
	}
	require.Equal(t, own, through[OwnText](t, own))
	require.Equal(t, Stamp{time.Unix(0, 0).UTC()}, through[Stamp](t, Stamp{time.Unix(0, 0).UTC()}))
	require.Equal(t, map[OwnText]int{own: 1}, through[map[OwnText]int](t, map[OwnText]int{own: 1}))
	require.Equal(t, map[coded]int{{Code{"x"}, "a"}: 1}, through[map[coded]int](t, map[coded]int{{Code{"x"}, "a"}: 1}))
}

func TestATextIsNotReadIntoAnEmbeddedFieldAlone(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode(map[string]any{"in": "code x"})
	require.NoError(t, err)
	_, err = value.As[map[string]coded](encoded)
	requireRefusedAt(t, err, "$.in")
	require.ErrorContains(t, err, "want dict (value_test.coded), got str")
}

func TestAnEmbeddedTypeThatCannotBeAFieldIsRefused(t *testing.T) {
	t.Parallel()
	for says, given := range map[string]any{
		"embeds a value_test.code, which says itself what it is encoded as": sealed{code{"x"}, "a"},
		"is a message only behind a pointer: send a *durationpb.Duration":   &byValue{Name: "a"},
	} {
		_, err := value.Encode([]any{given})
		require.Error(t, err)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
	}
}

func TestAnErrorThatEmbedsOneThatIsNilIsRefused(t *testing.T) {
	t.Parallel()
	type failed struct {
		error
		Code int
	}
	for _, given := range []any{failed{nil, 1}, &failed{nil, 1}} {
		_, err := value.Encode(map[string]any{"e": given})
		requireRefusedAt(t, err, "$.e")
		require.ErrorContains(t, err, "the method Error of ")
	}
	require.Equal(t, value.Record{Class: "failed", Fields: []value.Field{{Name: "message", Value: "x"}}}, through[value.Record](t, failed{errors.New("x"), 1}))
}
