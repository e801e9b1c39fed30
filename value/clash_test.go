package value_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

type (
	// Base is embedded.
	Base struct {
		ID   int
		Name string
	}
	// Label is embedded, and is called otherwise than its field.
	Label struct {
		Text string `bridge:"Name"`
	}
	// Silent is embedded, and its field is not exported.
	Silent struct {
		Base `bridge:"-"`
		name string
	}
	// Ring embeds itself.
	Ring struct {
		*Ring
		Name string
	}
	// Named has a field of its interface's name.
	Named struct{ fmt.Stringer }

	left  struct{ ID int }
	right struct{ ID string }

	derived struct {
		Base
		Name string
	}
	byPointer struct {
		*Base
		Name string
	}
	twiceDeep struct {
		byPointer
		Count int
	}
	labelled struct {
		Label
		Name string
	}
	both struct {
		left
		right
	}
	settled struct {
		left
		right
		ID bool
	}
	twoTags struct {
		A int `json:"x"`
		B int `bridge:"x"`
	}
	ofInterface struct {
		Named
		Stringer string
	}
	ofRing struct{ Ring }

	renamedOuter struct {
		Base
		Name string `bridge:"title"`
	}
	renamedByJSON struct {
		Base
		Name string `json:"title"`
	}
	wholeBase struct {
		Base `bridge:"base"`
		Name string
	}
	withoutBase struct {
		Base `bridge:"-"`
		Name string
	}
	withoutOuter struct {
		Base
		Name string `bridge:"-"`
	}
	ofSilent struct {
		Silent
		Name string
	}
	chained struct {
		*Ring `bridge:"-"`
		Name  string
	}
)

func TestTwoFieldsOfOneNameAreRefusedEitherWayAtAnyDepth(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given any
		says  string
	}{
		"a field hides an embedded one":      {derived{Base{1, "base"}, "derived"}, `two fields of value_test.derived are called "Name", Base.Name and Name: give one of them another name by the tag`},
		"one behind a pointer that is nil":   {byPointer{nil, "derived"}, `called "Name", Base.Name and Name:`},
		"in a struct that is embedded again": {twiceDeep{byPointer{&Base{1, "base"}, "derived"}, 1}, `called "Name", byPointer.Base.Name and byPointer.Name:`},
		"by the tag of the embedded one":     {labelled{Label{"a"}, "b"}, `called "Name", Label.Text and Name:`},
		"two of one depth":                   {both{}, `called "ID", left.ID and right.ID:`},
		"two and one that hides them":        {settled{left{1}, right{"r"}, true}, `called "ID", left.ID and right.ID:`},
		"two tags":                           {twoTags{1, 2}, `two fields of value_test.twoTags are called "x", A and B:`},
		"an embedded interface":              {ofInterface{Named{nil}, "s"}, `called "Stringer", Named.Stringer and Stringer:`},
		"a struct in itself":                 {Ring{&Ring{nil, "inner"}, "outer"}, "the field Ring of value_test.Ring embeds a *value_test.Ring in itself"},
		"an embedded one in itself":          {ofRing{Ring{nil, "outer"}}, "the field Ring.Ring of value_test.ofRing embeds a *value_test.Ring in itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused := func(err error, path string) {
				t.Helper()
				requireRefusedAt(t, err, path)
				require.ErrorContains(t, err, test.says)
				require.ErrorContains(t, err, "`bridge:\"...\"`, or leave it out by `bridge:\"-\"`")
			}
			_, err := value.Encode(test.given)
			refused(err, "$")
			_, err = value.Encode(map[string]any{"rows": []any{1, test.given}})
			refused(err, "$.rows[1]")

			sent, err := value.Encode(map[string]any{"rows": []any{map[string]any{"Name": "sent"}}})
			require.NoError(t, err)
			rows := reflect.MapOf(reflect.TypeFor[string](), reflect.SliceOf(reflect.TypeOf(test.given)))
			refused(value.New().DecodeInto(sent, reflect.New(rows).Interface()), "$.rows[0]")

			_, err = value.FieldsOf(reflect.TypeOf(test.given))
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, value.CheckNames(reflect.TypeOf(test.given)), test.says)
		})
	}
}

func TestFieldsThatTheirTagsTellApartAllTravel(t *testing.T) {
	t.Parallel()
	isDict(t, renamedOuter{Base{1, "base"}, "derived"}, "ID", int64(1), "Name", "base", "title", "derived")
	isDict(t, renamedByJSON{Base{1, "base"}, "derived"}, "ID", int64(1), "Name", "base", "title", "derived")
	isDict(t, wholeBase{Base{1, "base"}, "derived"}, "base", value.NewDict("ID", int64(1), "Name", "base"), "Name", "derived")
}

func TestAFieldThatIsLeftOutHidesNoneAndIsHiddenByNone(t *testing.T) {
	t.Parallel()
	isDict(t, withoutBase{Name: "derived"}, "Name", "derived")
	isDict(t, withoutOuter{Base: Base{1, "base"}}, "ID", int64(1), "Name", "base")
	isDict(t, ofSilent{Name: "derived"}, "Name", "derived")
	isDict(t, chained{Name: "derived"}, "Name", "derived")
	require.Equal(t, map[string]any{"Name": "derived"}, through[map[string]any](t, ofSilent{Silent{name: "silent"}, "derived"}))
}

func TestNamesAreOfNoMatterForWhatIsNotSentByItsFields(t *testing.T) {
	t.Parallel()
	for _, of := range []reflect.Type{reflect.TypeFor[int](), reflect.TypeFor[value.Dict](), reflect.TypeFor[spelt](), reflect.TypeFor[wholeBase]()} {
		require.NoError(t, value.CheckNames(of))
	}
	encoded, err := value.Encode(spelt{Base{1, "base"}, "derived"})
	require.NoError(t, err)
	back, err := value.As[spelt](encoded)
	require.NoError(t, err)
	require.Equal(t, spelt{Base{1, "base"}, "derived"}, back)
}

// spelt says itself which value it is, with all that it has.
type spelt struct { //nolint:recvcheck // one method writes it, the other reads it
	Base
	Name string
}

// BridgeValue implements value.Marshaler.
func (s spelt) BridgeValue() (any, error) { return fmt.Sprint(s.ID, s.Base.Name, "/", s.Name), nil }

// SetBridgeValue implements value.Unmarshaler.
func (s *spelt) SetBridgeValue(v any) error {
	before, after, _ := strings.Cut(v.(string), "/")
	_, err := fmt.Sscan(before, &s.ID, &s.Base.Name)
	s.Name = after
	return err
}
