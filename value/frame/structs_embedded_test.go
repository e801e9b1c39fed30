package frame_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type (
	// Moment is a time and what it is of.
	Moment struct {
		time.Time
		Of string
	}
	// Labelled embeds what writes its own text.
	Labelled struct {
		label
		Of string
	}
	// Spoken embeds what writes its own text, as a field.
	Spoken struct {
		Word
		Of string
	}
	// Word writes its own text, and has fields.
	Word struct{ Letters, Language string }
)

type label struct{ text string }

func (l label) MarshalText() ([]byte, error) { return []byte(l.text), nil }

// MarshalText implements encoding.TextMarshaler.
func (w Word) MarshalText() ([]byte, error) { return []byte(w.Language + ":" + w.Letters), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Word) UnmarshalText(text []byte) error {
	w.Language, w.Letters = string(text[:2]), string(text[3:])
	return nil
}

func TestAStructThatEmbedsWhatWritesItsOwnTextHasAllItsFieldsInATable(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	type sound struct {
		Moment
		Cell  Moment
		Cells []Spoken
		By    map[string]Word
	}
	given := []sound{{Moment{at, "a"}, Moment{at, "b"}, []Spoken{{Word{"hi", "en"}, "c"}}, map[string]Word{"k": {"ho", "de"}}}}
	table, err := frame.FromStructs(given)
	require.NoError(t, err)
	require.Equal(t, []string{"Time", "Of", "Cell", "Cells", "By"}, table.Names())
	back, err := frame.ToStructs[sound](table)
	require.NoError(t, err)
	require.Equal(t, given, back)

	encoded, err := value.New(value.With(frame.Extension())).Encode(table)
	require.NoError(t, err)
	rows, err := value.Encode(given)
	require.NoError(t, err)
	fromTable, fromRows := []sound{}, []sound{}
	codec := value.New(value.With(frame.Extension()))
	require.NoError(t, codec.DecodeInto(encoded, &fromTable))
	require.NoError(t, codec.DecodeInto(rows, &fromRows))
	require.Equal(t, fromRows, fromTable)
}

func TestAnEmbeddedTypeThatIsNotExportedAndWritesItsOwnTextIsNoColumn(t *testing.T) {
	t.Parallel()
	_, err := frame.FromStructs([]Labelled{{label{"x"}, "a"}})
	require.ErrorContains(t, err, "embeds a frame_test.label")
	_, err = frame.FromStructs([]struct{ In Labelled }{})
	require.ErrorContains(t, err, `column "In"`)
}

func TestAnErrorThatARowEmbedsIsNotDropped(t *testing.T) {
	t.Parallel()
	type failed struct {
		error
		Code int
	}
	_, err := frame.FromStructs([]failed{{errors.New("x"), 1}})
	require.ErrorContains(t, err, "embeds a error")
}

func TestAColumnWhoseNameIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	_, err := frame.New().Int64("\xff", []int64{1}).Build()
	require.ErrorContains(t, err, "want a name in valid UTF-8")
	_, err = frame.FromStructs([]struct {
		A int `bridge:"a\xff"`
	}{{1}})
	require.ErrorContains(t, err, "want a name in valid UTF-8")
}
