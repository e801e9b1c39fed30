package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestTools_lists_them_in_their_order_with_their_arguments(t *testing.T) {
	t.Parallel()
	lines := strings.Split(newDesk(t).works("tools"), "\n")
	require.Len(t, lines, 19)
	require.Regexp(t, `^TOOL +TYPE +AVAILABLE +DESCRIPTION$`, lines[0])
	require.Regexp(t, `^echo_tool\(value: any\) +standard +yes +Returns its argument unchanged\.$`, lines[1])
	require.Regexp(t, `^search_web\(query: str, limit: int = 5\) +standard +yes +Full-text search`, lines[2])
	require.Regexp(t, `^stream_data\(count: int = 10\) +streaming`, lines[17])
}

func TestTools_with_json_has_everything(t *testing.T) {
	t.Parallel()
	var tools []struct {
		Name        string
		Type        string
		Available   bool
		Idempotent  bool
		ReturnType  string `json:"return_type"`
		InputSchema struct {
			Properties map[string]any
		} `json:"input_schema"`
		Arguments []struct {
			Name, Type string
			Required   bool
			Default    any
		}
	}
	newDesk(t).run("tools", "--json").document(t, &tools)
	require.Len(t, tools, 17)
	require.Equal(t, "add_numbers", tools[13].Name)
	require.Equal(t, "standard", tools[13].Type)
	require.True(t, tools[13].Available)
	require.True(t, tools[13].Idempotent)
	require.Len(t, tools[13].InputSchema.Properties, 2)
	require.Equal(t, "int", tools[13].Arguments[0].Type)
	require.True(t, tools[13].Arguments[0].Required)
	require.InDelta(t, 5, tools[1].Arguments[1].Default, 0)
}

func TestTools_describes_one(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, `count_to_n(n: int, delay_ms: int = 0) -> int

Yields the numbers from 1 to n.

ARGUMENT  TYPE  DEFAULT     DESCRIPTION
n         int   (required)  the last number
delay_ms  int   0           milliseconds between two numbers

streaming, idempotent
`, d.works("tools", "count_to_n"))
	var one struct{ Name string }
	d.run("tools", "count_to_n", "--json").document(t, &one)
	require.Equal(t, "count_to_n", one.Name)
	out := d.run("tools", "nope")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, `error: ToolNotFound: session "cli" sees no tool "nope"`)
}

type manyKinds struct {
	First *string        `bridge:"first" desc:"may be none"`
	Rest  []int          `bridge:"rest,variadic" desc:"all others"`
	More  map[string]any `bridge:"more,keywords" desc:"by name"`
}

func TestTools_shows_arguments_of_every_kind_and_what_is_not_available(t *testing.T) {
	t.Parallel()
	f, err := bridge.NewFunction("many", func(context.Context, manyKinds) (any, error) { return "x", nil }, bridge.FunctionOptions{})
	require.NoError(t, err)
	host, err := bridge.NewHost("many", f)
	require.NoError(t, err)
	d := newDeskWith(t, host)
	session, err := d.client().Session(t.Context(), "cli")
	require.NoError(t, err)
	_, err = session.RegisterTools(t.Context(), &tool.Spec{
		ID: "e1", Name: "elsewhere", Type: tool.External, Timeout: 5e9, Arguments: []tool.Argument{{Name: "x"}},
	})
	require.NoError(t, err)

	many, elsewhere := d.works("tools", "many"), d.works("tools", "elsewhere")

	require.Contains(t, many, "many(first: str or none, *rest: int, **more: any) -> any")
	require.Contains(t, elsewhere, "elsewhere(x: any) -> any")
	require.Contains(t, elsewhere, "external, time limit 5s, of this session alone, not available now")
	require.Equal(t, elsewhere, d.works("tools", "e1"))
	var document struct {
		InputSchema any `json:"input_schema"`
		Arguments   []struct{ Takes string }
	}
	d.run("tools", "many", "--json").document(t, &document)
	require.Equal(t, "*", document.Arguments[1].Takes)
	require.Equal(t, "**", document.Arguments[2].Takes)
}
