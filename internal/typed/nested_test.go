package typed_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type (
	// Base is embedded.
	Base struct {
		ID   int
		Name string
	}
	derived struct {
		Base
		Name string
	}
	apart struct {
		Base
		Name string `json:"title"`
	}
	hiding struct {
		Base
		Name string `json:"-"`
	}
	ofLevels struct {
		leveled
		Level string `json:"title"`
	}
	// leveled is embedded, and its field has a struct that the inference does not read.
	leveled struct {
		Level struct {
			At int `bridge:"at"`
		}
	}
	// classy is a record.
	classy struct{ derived }
	// failed is an error, of which the text alone is sent.
	failed struct{ derived }
)

func (classy) BridgeClass() string { return "classy" }

func (*failed) Error() string { return "failed" }

func TestAToolOfAStructTwoFieldsOfWhichHaveOneNameIsRefused(t *testing.T) {
	t.Parallel()
	const says = `two fields of typed_test.derived are called "Name", Base.Name and Name: give one of them another name by the tag`
	for name, err := range map[string]error{
		"a field":   registered[struct{ In derived }](),
		"a pointer": registered[struct{ In *derived }](),
		"a list":    registered[[]derived](),
		"a map":     registered[map[string][2]derived](),
		"a key":     registered[struct{ In map[derived]int }](),
		"a field's field": registered[struct {
			In struct{ At []struct{ In derived } }
		}](),
		"variadic": registered[struct {
			In []derived `bridge:",variadic"`
		}](),
		"a result":          returned[derived](),
		"a pointer to one":  returned[*derived](),
		"a list of results": returned[[]derived](),
		"streamed":          streamed[derived](),
	} {
		require.ErrorContains(t, err, says, name)
	}
	require.ErrorContains(t, returned[derived](), "result: ")
	require.ErrorContains(t, registered[struct{ In derived }](), "field In: ")
	require.ErrorContains(t, returned[classy](), `two fields of typed_test.classy are called "Name", derived.Base.Name and derived.Name`)
	require.ErrorContains(t, registered[struct{ In []Loop }](), "the field Loop of typed_test.Loop embeds a *typed_test.Loop in itself")
	require.ErrorContains(t, registered[derived](), "two arguments have the name \"name\", the fields Base.Name and Name: give one of them another name by the tag")
}

func TestAToolMayHaveStructsWhoseTagsTellTheirFieldsApart(t *testing.T) {
	t.Parallel()
	type skipped struct {
		derived `bridge:"-"`
		ID      int
	}
	require.NoError(t, registered[struct{ In []skipped }]())
	require.NoError(t, returned[map[string]skipped]())
	require.NoError(t, returned[*failed]())
	require.NoError(t, registered[apart]())
}

func TestTheSchemaHasFieldsThatOthersHideInGo(t *testing.T) {
	t.Parallel()
	schema := func(made *typed.Tool, err error) (properties []string) {
		t.Helper()
		require.NoError(t, err)
		var read struct {
			Properties struct {
				In struct{ Properties map[string]any }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(made.Spec().InputSchema), &read))
		for name := range read.Properties.In.Properties {
			properties = append(properties, name)
		}
		return properties
	}
	made, err := typed.New("t", func(_ context.Context, in struct{ In apart }) ([]string, error) {
		return []string{in.In.Base.Name, in.In.Name}, nil
	}, options())
	require.ElementsMatch(t, []string{"ID", "Name", "title"}, schema(made, err))
	require.Equal(t, []any{"base", "outer"}, result(t, made, callOf(t, value.NewDict("ID", 1, "Name", "base", "title", "outer"))))

	made, err = typed.New("t", func(_ context.Context, in struct{ In hiding }) (string, error) { return in.In.Base.Name, nil }, options())
	require.ElementsMatch(t, []string{"ID", "Name"}, schema(made, err))
	require.Equal(t, "base", result(t, made, callOf(t, value.NewDict("ID", 1, "Name", "base"))))

	made, err = typed.New("t", func(_ context.Context, in struct{ In ofLevels }) (int, error) { return in.In.leveled.Level.At, nil }, options())
	require.ElementsMatch(t, []string{"Level", "title"}, schema(made, err))
	require.Contains(t, made.Spec().InputSchema, `"at":{"type":"integer"}`)
}

func returned[Out any]() error {
	_, err := typed.New("t", func(context.Context, struct{}) (out Out, err error) { return out, nil }, options())
	return err
}

func streamed[Out any]() error {
	_, err := typed.NewStreaming("t", func(context.Context, struct{}, func(Out) error) error { return nil }, options())
	return err
}
