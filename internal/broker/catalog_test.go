package broker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func ids(c *broker.Catalog) []string {
	var out []string
	for _, s := range c.All() {
		out = append(out, s.ID)
	}
	return out
}

func specs(names ...string) []*tool.Spec {
	var out []*tool.Spec
	for _, n := range names {
		out = append(out, &tool.Spec{ID: "id-" + n, Name: n})
	}
	return out
}

func TestCatalog_finds_by_id_before_name(t *testing.T) {
	t.Parallel()
	c, err := broker.NewCatalog([]*tool.Spec{{ID: "a", Name: "b"}, {ID: "b", Name: "c"}})
	require.NoError(t, err)
	require.Equal(t, "b", c.Lookup("b").ID)
	require.Equal(t, "b", c.Lookup("c").ID)
	require.Equal(t, "a", c.Lookup("a").ID)
	require.Nil(t, c.Lookup("d"))
}

func TestCatalog_nil_is_the_empty_one(t *testing.T) {
	t.Parallel()
	c, err := broker.NewCatalog(nil)
	require.NoError(t, err)
	require.Nil(t, c)
	require.Nil(t, c.Lookup("x"))
	require.Empty(t, c.All())
	require.Zero(t, c.Len())
	require.Zero(t, c.Visible())
	c, err = c.With(nil)
	require.NoError(t, err)
	require.Nil(t, c)
	c, err = c.With(specs("x"))
	require.NoError(t, err)
	require.Equal(t, 1, c.Len())
	same, err := c.Without(nil)
	require.NoError(t, err)
	require.Same(t, c, same)
	c, err = c.Without([]string{"id-x"})
	require.NoError(t, err)
	require.Nil(t, c)
}

func TestCatalog_keeps_the_order_of_first_registration(t *testing.T) {
	t.Parallel()
	first, err := broker.NewCatalog(specs("a", "b", "c"))
	require.NoError(t, err)
	given := &tool.Spec{ID: "id-a", Name: "a", Description: "new"}
	second, err := first.With(append([]*tool.Spec{given}, specs("d")...))
	require.NoError(t, err)

	require.Equal(t, []string{"id-a", "id-b", "id-c", "id-d"}, ids(second))
	require.Equal(t, "new", second.Lookup("a").Description)
	require.Empty(t, first.Lookup("a").Description, "the older catalog changed")
	require.Zero(t, given.Order, "the caller's spec changed")

	third, err := second.Without([]string{"id-d"})
	require.NoError(t, err)
	fourth, err := third.With(specs("e"))
	require.NoError(t, err)
	require.Greater(t, fourth.Lookup("e").Order, second.Lookup("d").Order, "the order of a removed tool came back")

	stored, err := broker.NewCatalog([]*tool.Spec{fourth.Lookup("e"), {ID: "fresh", Name: "fresh"}, fourth.Lookup("b"), fourth.Lookup("a")})
	require.NoError(t, err)
	require.Equal(t, []string{"id-a", "id-b", "id-e", "fresh"}, ids(stored))
}

func TestCatalog_of_two_bridges_may_hold_equal_orders(t *testing.T) {
	t.Parallel()
	c, err := broker.NewCatalog([]*tool.Spec{{ID: "a", Name: "a", Order: 3}, {ID: "b", Name: "b", Order: 3}, {ID: "c", Name: "c", Order: 3}})
	require.NoError(t, err)
	c, err = c.With([]*tool.Spec{{ID: "c", Name: "changed"}})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, ids(c))
	require.Equal(t, "c", c.Lookup("changed").ID)
}

func TestCatalog_refuses_conflicts_and_unknown_ids_whole(t *testing.T) {
	t.Parallel()
	c, err := broker.NewCatalog(specs("a"))
	require.NoError(t, err)

	_, err = c.With([]*tool.Spec{{ID: "other", Name: "a"}})
	refused(t, err, tool.ToolConflict, `"other"`, `"a"`)
	_, err = c.With(append(specs("b"), specs("b")...))
	refused(t, err, tool.ToolConflict, "given twice")
	_, err = broker.NewCatalog(append(specs("b"), specs("b")...))
	refused(t, err, tool.ToolConflict, "two tools have the id")
	_, err = c.Without([]string{"id-a", "id-b"})
	refused(t, err, tool.ToolNotFound, `"id-b"`)
	require.Equal(t, []string{"id-a"}, ids(c))

	swapped, err := c.With([]*tool.Spec{{ID: "id-a", Name: "renamed"}, {ID: "new", Name: "a"}})
	require.NoError(t, err, "a name that is given up in the same registration is free")
	require.Equal(t, "new", swapped.Lookup("a").ID)
}

func TestCatalog_lookup_takes_no_memory(t *testing.T) {
	c, err := broker.NewCatalog(specs("a", "b"))
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Lookup("b") }))
}

func TestCatalog_finds_an_id_before_the_same_name_of_another_tool(t *testing.T) {
	t.Parallel()
	specs := []*tool.Spec{{ID: "a", Name: "b"}, {ID: "b", Name: "c"}, {ID: "d", Name: "d"}}
	c, err := broker.NewCatalog(specs)
	require.NoError(t, err)
	for wanted, id := range map[string]string{"a": "a", "b": "b", "c": "b", "d": "d"} {
		require.Equal(t, id, c.Lookup(wanted).ID, wanted)
	}
	require.Nil(t, c.Lookup("e"))
	only, err := broker.NewCatalog(specs[2:])
	require.NoError(t, err)
	require.Equal(t, "d", only.Lookup("d").ID)
}
