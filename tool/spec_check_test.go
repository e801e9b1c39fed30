package tool_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func addNumbers() *tool.Spec {
	return &tool.Spec{
		ID: "add_numbers", Name: "add_numbers", Type: tool.Standard, ReturnType: "int",
		Arguments: []tool.Argument{{Name: "a", Type: "int", Required: true}, {Name: "b", Type: "int", Required: true}},
	}
}

func TestSpecCheck_accepts_what_SDKs_register(t *testing.T) {
	t.Parallel()
	full := &tool.Spec{Name: "everything", Arguments: []tool.Argument{
		{Name: "p", Kind: tool.PositionalOnly}, {Name: "a", Type: "DataFrame", Nullable: true},
		{Name: "rest", Kind: tool.VarPositional}, {Name: "option", Kind: tool.KeywordOnly}, {Name: "more", Kind: tool.VarKeyword},
	}}
	for _, spec := range []*tool.Spec{addNumbers(), {Name: "bare"}, full} {
		require.Nil(t, spec.Check(), spec.Name)
	}
}

func TestSpecCheck_names_what_is_wrong(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*tool.Spec)
		want   string
	}{
		"no name":                 {func(s *tool.Spec) { s.Name = "" }, "tool name"},
		"control character in id": {func(s *tool.Spec) { s.ID = "a\x00b" }, "tool id"},
		"unknown type of tool":    {func(s *tool.Spec) { s.Type = 9 }, "has the type 9"},
		"unknown return type":     {func(s *tool.Spec) { s.ReturnType = "integer" }, `unknown type "integer"`},
		"unknown argument type":   {func(s *tool.Spec) { s.Arguments[1].Type = "Int" }, `argument "b" of tool "add_numbers" has the unknown type "Int"`},
		"argument declared twice": {func(s *tool.Spec) { s.Arguments[1].Name = "a" }, `argument "a" of tool "add_numbers" is declared twice`},
		"argument without name":   {func(s *tool.Spec) { s.Arguments[0].Name = "" }, "argument name of tool"},
		"unknown kind":            {func(s *tool.Spec) { s.Arguments[0].Kind = 77 }, "unknown kind"},
		"position after rest":     {func(s *tool.Spec) { s.Arguments[0].Kind = tool.VarPositional }, `argument "b"`},
		"two rests": {func(s *tool.Spec) {
			s.Arguments[0].Kind, s.Arguments[1].Kind = tool.VarPositional, tool.VarPositional
		}, "second one"},
		"behind the keywords":  {func(s *tool.Spec) { s.Arguments[0].Kind = tool.VarKeyword }, "that one is the last"},
		"negative concurrency": {func(s *tool.Spec) { s.MaxConcurrency = -1 }, "max_concurrency -1"},
		"negative timeout":     {func(s *tool.Spec) { s.Timeout = -time.Second }, "timeout -1s"},
		"too many arguments": {func(s *tool.Spec) {
			s.Arguments = make([]tool.Argument, tool.MaxArguments+1)
		}, `tool "add_numbers" has 257 arguments, the limit is 256`},
		"rate not a number": {func(s *tool.Spec) { s.RatePerSecond = math.NaN() }, "rate_per_second NaN"},
		"endless rate":      {func(s *tool.Spec) { s.RatePerSecond = math.Inf(1) }, "rate_per_second +Inf"},
		"negative burst":    {func(s *tool.Spec) { s.RateBurst = -2 }, "rate_burst -2"},
		"burst alone":       {func(s *tool.Spec) { s.RateBurst = 2 }, "rate_burst 2 without a rate"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := addNumbers()
			c.change(spec)

			err := spec.Check()

			require.NotNil(t, err)
			require.Equal(t, tool.ValidationError, err.Code)
			require.Contains(t, err.Message, c.want)
		})
	}
}

func TestSchemaHash_changes_with_what_callers_rely_on(t *testing.T) {
	t.Parallel()
	was := tool.SchemaHash(addNumbers())
	require.Len(t, was, 64)
	require.Equal(t, strings.ToLower(was), was)
	for name, change := range map[string]func(*tool.Spec){
		"argument's name":     func(s *tool.Spec) { s.Arguments[0].Name = "x" },
		"argument's type":     func(s *tool.Spec) { s.Arguments[0].Type = "float" },
		"argument's kind":     func(s *tool.Spec) { s.Arguments[0].Kind = tool.PositionalOnly },
		"argument's need":     func(s *tool.Spec) { s.Arguments[0].Required = false },
		"argument's nil":      func(s *tool.Spec) { s.Arguments[0].Nullable = true },
		"order of arguments":  func(s *tool.Spec) { s.Arguments[0], s.Arguments[1] = s.Arguments[1], s.Arguments[0] },
		"number of arguments": func(s *tool.Spec) { s.Arguments = s.Arguments[:1] },
		"type":                func(s *tool.Spec) { s.Type = tool.Streaming },
		"return type":         func(s *tool.Spec) { s.ReturnType = "float" },
		"input schema":        func(s *tool.Spec) { s.InputSchema = "{}" },
		"output schema":       func(s *tool.Spec) { s.OutputSchema = "{}" },
	} {
		spec := addNumbers()
		change(spec)
		require.NotEqual(t, was, tool.SchemaHash(spec), name)
	}
}

func TestSchemaHash_ignores_what_is_for_people(t *testing.T) {
	t.Parallel()
	spec := addNumbers()
	spec.ID, spec.Description, spec.Idempotent, spec.MaxConcurrency = "other", "adds", true, 3
	spec.Arguments[0].Description = "the first"
	require.Equal(t, tool.SchemaHash(addNumbers()), tool.SchemaHash(spec))
}

func TestSchemaHash_takes_an_absent_type_for_any(t *testing.T) {
	t.Parallel()
	named, absent := addNumbers(), addNumbers()
	named.ReturnType, absent.ReturnType = "any", ""
	require.Equal(t, tool.SchemaHash(named), tool.SchemaHash(absent))
}

func TestCheck_wants_schemas_that_are_json_objects_and_refer_to_nothing_outside(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"items":`, 200) + "{}" + strings.Repeat("}", 200)
	for schema, want := range map[string]string{
		"":                  "",
		"{}":                "",
		`{"type":"object"}`: "",
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}`:           "",
		`{"properties":{"$ref":{"type":"string"},"default":{}}}`:         "",
		`{"enum":[{"$ref":"https://a"}],"default":{"$ref":"https://a"}}`: "",
		"{not json":                        "no JSON",
		`{} {}`:                            "no JSON",
		"[]":                               "no object",
		"true":                             "no object",
		"null":                             "no object",
		`{"$ref":"https://a/b.json"}`:      `"#/$ref"`,
		`{"$ref":1}`:                       `"#/$ref"`,
		`{"$dynamicRef":"other.json#a"}`:   `"#/$dynamicRef"`,
		`{"allOf":[{"$ref":"file:///a"}]}`: `"#/allOf/$ref"`,
		`{"properties":{"default":{"items":{"$ref":"a"}}}}`: `"#/properties/default/items/$ref"`,
		deep: "128",
	} {
		for field, spec := range map[string]*tool.Spec{
			"input_schema": {Name: "t", InputSchema: schema}, "output_schema": {Name: "t", OutputSchema: schema},
		} {
			err := spec.Check()
			if want == "" {
				require.Nil(t, err, schema)
				continue
			}
			require.NotNil(t, err, schema)
			require.Equal(t, tool.ValidationError, err.Code)
			require.Contains(t, err.Message, want)
			require.Contains(t, err.Message, `tool "t"`)
			require.Equal(t, field, err.Details["field"])
		}
	}
}
