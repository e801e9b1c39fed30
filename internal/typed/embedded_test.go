package typed_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type Place struct {
	Lat  float64
	Zoom int `default:"3"`
}

type secret struct{ Key string }

func TestTheFieldsOfAnEmbeddedStructThatIsOptionalAreOptionalArguments(t *testing.T) {
	t.Parallel()
	type in struct {
		Name  string
		Place `bridge:",optional"`
	}
	made, err := typed.New("find", func(_ context.Context, in in) ([]any, error) { return []any{in.Name, in.Lat, in.Zoom}, nil }, options())
	require.NoError(t, err)
	arguments := made.Spec().Arguments
	require.Len(t, arguments, 3)
	require.True(t, arguments[0].Required)
	require.False(t, arguments[1].Required)
	require.Equal(t, "lat", arguments[1].Name)
	require.Equal(t, []any{"a", 0.0, int64(3)}, result(t, made, callOf(t, "a")))
	require.Equal(t, []any{"a", 1.5, int64(3)}, result(t, made, with(t, callOf(t, "a"), "lat", 1.5)))
}

func TestTheFieldsOfAnEmbeddedPointerAreOptionalArguments(t *testing.T) {
	t.Parallel()
	type in struct {
		Name string
		*Place
	}
	made, err := typed.New("find", func(_ context.Context, in in) (any, error) {
		if in.Place == nil {
			return "none", nil
		}
		return in.Lat, nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, 1.5, result(t, made, with(t, callOf(t, "a"), "lat", 1.5)))
	require.Equal(t, 0.0, result(t, made, callOf(t, "a")), "the default of zoom is a part of it")
}

func TestAnEmbeddedStructWithANameIsOneArgument(t *testing.T) {
	t.Parallel()
	type in struct {
		Place `bridge:"place,optional"`
	}
	made, err := typed.New("find", func(_ context.Context, in in) (float64, error) { return in.Lat, nil }, options())
	require.NoError(t, err)
	require.Equal(t, "place", made.Spec().Arguments[0].Name)
	require.Equal(t, 2.5, result(t, made, callOf(t, map[string]any{"Lat": 2.5})))
}

type Loop struct {
	*Loop
	A int
}

func TestAnEmbeddedStructWhoseTagsCannotBeMetIsRefused(t *testing.T) {
	t.Parallel()
	for says, register := range map[string]func() error{
		`"keyword" says nothing`: func() error {
			return registered[struct {
				Place `bridge:",keyword"`
			}]()
		},
		"an embedded pointer to a type that is not exported": func() error { return registered[struct{ *secret }]() },
		"cannot embed itself":                                func() error { return registered[struct{ Loop }]() },
	} {
		err := register()
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "field ")
	}
}

func registered[In any]() error {
	_, err := typed.New("t", func(context.Context, In) (any, error) { return nil, nil }, options())
	return err
}

func TestADefaultInsideOfAnArgumentIsApplied(t *testing.T) {
	t.Parallel()
	type server struct {
		Host string
		Port int           `default:"80"`
		Wait time.Duration `default:"2s"`
	}
	made, err := typed.New("ping", func(_ context.Context, in struct{ Servers []server }) ([]int, error) {
		return []int{in.Servers[0].Port, int(in.Servers[0].Wait / time.Second)}, nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, []any{int64(80), int64(2)}, result(t, made, callOf(t, []any{map[string]any{"Host": "a"}})))

	var schema struct {
		Properties struct {
			Servers struct {
				Items struct {
					Required   []string
					Properties struct {
						Port struct{ Default int }
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(made.Spec().InputSchema), &schema))
	require.Equal(t, []string{"Host"}, schema.Properties.Servers.Items.Required)
	require.Equal(t, 80, schema.Properties.Servers.Items.Properties.Port.Default)
}

func TestATagInsideOfAnArgumentThatCannotBeMetIsRefusedWhenTheToolIsMade(t *testing.T) {
	t.Parallel()
	type bad struct {
		Port int `default:"many"`
	}
	type misspelt struct {
		Port int `bridge:"port,optionl"`
	}
	for _, err := range []error{registered[struct{ In []bad }](), registered[[]*bad](), registered[struct{ In map[string]*bad }]()} {
		require.ErrorContains(t, err, `field Port: default "many" does not fit int`)
	}
	require.ErrorContains(t, registered[struct{ In misspelt }](), `unknown option "optionl"`)
}

func TestTheSchemaOfAnEmbeddedStructThatIsOptionalRequiresNoneOfItsFields(t *testing.T) {
	t.Parallel()
	type spot struct {
		Name   string
		secret `bridge:",optional"`
	}
	made, err := typed.New("find", func(_ context.Context, in struct{ At spot }) (string, error) { return in.At.Name, nil }, options())
	require.NoError(t, err)
	require.Contains(t, made.Spec().InputSchema, `"required":["Name"]`)
	require.Equal(t, "a", result(t, made, callOf(t, map[string]any{"Name": "a"})))
	require.Equal(t, tool.ValidationError, failure(t, made, callOf(t, map[string]any{"Key": "k"})).Code)
}

// Box is embedded.
type Box struct{ Width, Height int }

func TestTheSchemaOfAnEmbeddedStructWithANameHasItAsOneField(t *testing.T) {
	t.Parallel()
	type crate struct {
		Box    `bridge:"box"`
		Weight int
	}
	made, err := typed.New("load", func(_ context.Context, in struct{ What crate }) (int, error) {
		return in.What.Width + in.What.Weight, nil
	}, options())
	require.NoError(t, err)
	var schema struct {
		Properties struct {
			What struct{ Required []string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(made.Spec().InputSchema), &schema))
	require.Equal(t, []string{"box", "Weight"}, schema.Properties.What.Required)
	sent := value.NewDict("box", map[string]any{"Width": 7, "Height": 1}, "Weight", 3)
	require.EqualValues(t, 10, result(t, made, callOf(t, sent)))
}

// Happening embeds a type that writes its own text, and has a field beside it.
type Happening struct {
	time.Time
	Name string
}

func TestAStructThatEmbedsATypeWithATextIsAStructOfArguments(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	made, err := typed.New("note", func(_ context.Context, in Happening) (Happening, error) { return in, nil }, options())
	require.NoError(t, err)
	require.Len(t, made.Spec().Arguments, 2)
	require.Equal(t, "datetime", made.Spec().Arguments[0].Type)
	require.Equal(t, value.NewDict("Time", at, "Name", "a"), result(t, made, callOf(t, at, "a")))

	nested, err := typed.New("note", func(_ context.Context, in struct{ What Happening }) (string, error) { return in.What.Name, nil }, options())
	require.NoError(t, err)
	require.Equal(t, "dict", nested.Spec().Arguments[0].Type)
	require.Contains(t, nested.Spec().InputSchema, `"required":["Time","Name"]`)
	require.Equal(t, "a", result(t, nested, callOf(t, value.NewDict("Time", at, "Name", "a"))))
}
