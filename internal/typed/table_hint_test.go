package typed_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// priced is a row of a table.
type priced struct {
	Price float64
}

func TestAWorkerThatDoesNotReadTablesSaysWhatReadsThem(t *testing.T) {
	t.Parallel()
	made, err := typed.New("total", func(_ context.Context, rows []priced) (int, error) { return len(rows), nil }, options())
	require.NoError(t, err)
	call := &tool.Call{Args: []tool.Value{{TypeURL: "type.googleapis.com/pandas.DataFrame", Bytes: []byte("ARROW")}}}

	e := failure(t, made, call)

	require.Equal(t, tool.ValidationError, e.Code)
	require.ErrorContains(t, e, "got pandas.DataFrame")
	require.ErrorContains(t, e, "value.New(value.With(frame.Extension()))")
	require.ErrorContains(t, e, "toolbridge.WithCodec")
}
