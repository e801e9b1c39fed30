package toolbridge_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/internal/tabletest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const dataFrame = "type.googleapis.com/pandas.DataFrame"

// table is a table of so many bytes; nobody reads it here.
func table(size int) tool.Value {
	return tool.Value{TypeURL: dataFrame, Bytes: tabletest.Stream(size)}
}

// tables offers tools that take and give tables as they are encoded.
func tables(w *toolbridge.Worker) {
	toolbridge.AddTool(w, "same", func(_ context.Context, v tool.Value) (tool.Value, error) { return v, nil })
	toolbridge.AddTool(w, "join", func(_ context.Context, in struct {
		Name string
		A, B tool.Value
	},
	) (tool.Value, error) {
		return tool.Value{TypeURL: dataFrame, Bytes: append(bytes.Clone(in.A.Bytes), in.B.Bytes...)}, nil
	})
	toolbridge.AddTool(w, "make", func(_ context.Context, size int) (tool.Value, error) { return table(size), nil })
	toolbridge.AddStreamingTool(w, "split", func(_ context.Context, v tool.Value, yield func(int) error) error {
		return yield(len(v.Bytes))
	})
}

func TestATableLargerThanOneMessageTravelsBothWaysOverALink(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(tables)
	session := b.Session().With(toolbridge.Timeout(5 * time.Minute))
	given := table(25 << 20)

	got, err := toolbridge.Call[tool.Value](t.Context(), session, "same", given)

	require.NoError(t, err)
	require.Equal(t, dataFrame, got.TypeURL)
	require.True(t, bytes.Equal(given.Bytes, got.Bytes))
}

func TestSeveralTablesOfACallTravelInPiecesOnlyAsFarAsTheyMust(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(tables)
	session := b.Session().With(toolbridge.Timeout(5 * time.Minute))
	for _, sizes := range [][2]int{{6 << 20, 7 << 20}, {12 << 20, 4}, {11 << 20, 13 << 20}, {4, 4}} {
		one, two := table(sizes[0]), table(sizes[1])
		got, err := toolbridge.Call[tool.Value](t.Context(), session, "join", "both", toolbridge.Kw{"a": one, "b": two})
		require.NoError(t, err)
		require.True(t, bytes.Equal(append(one.Bytes, two.Bytes...), got.Bytes), "%v", sizes)
	}
}

func TestAStreamingToolTakesALargeTable(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(tables)
	session := b.Session().With(toolbridge.Timeout(5 * time.Minute))
	var got []int
	for n, err := range toolbridge.Stream[int](t.Context(), session, "split", table(12<<20)) {
		require.NoError(t, err)
		got = append(got, n)
	}
	require.Equal(t, []int{12 << 20}, got)
}

func TestOverPlainRPCALargeTableIsRefusedAndTheLinkIsNamed(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(tables)
	session := b.Session(toolbridge.WithoutLink())

	_, err := session.Call(t.Context(), "same", table(11<<20))
	sent := asError(t, err)
	_, err = session.Call(t.Context(), "make", 11<<20)
	answered := asError(t, err)

	for _, e := range []*tool.Error{sent, answered} {
		require.Equal(t, tool.MessageTooLarge, e.Code)
		require.Contains(t, e.Message, "over a link only")
		require.Equal(t, "10485760", e.Details["limit"])
	}
}

func TestATableWhereItHasToFitOneMessageSaysTheWay(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(tables)
	s := b.Session()
	given := table(11 << 20)
	for name, attempt := range map[string]func() error{
		"in a list": func() error { _, err := s.Call(t.Context(), "same", []any{given}); return err },
		"in a batch": func() error {
			results, err := s.Batch(t.Context(), []toolbridge.Item{{Tool: "same", Args: []any{given}}})
			if err != nil {
				return err
			}
			return results[0].Err
		},
		"in a variable": func() error { _, err := s.Set(t.Context(), "v", given); return err },
		"in a stream": func() error {
			for _, err := range s.Stream(t.Context(), "make", 11<<20) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		e := asError(t, attempt())
		require.Equal(t, tool.MessageTooLarge, e.Code, name)
		require.NotEmpty(t, e.Details["limit"], name)
		require.Contains(t, e.Message, e.Details["limit"], name)
		if name != "in a variable" { // which is no place for a table of that size at all
			require.Contains(t, e.Message, "over a link", name)
		}
	}
}
