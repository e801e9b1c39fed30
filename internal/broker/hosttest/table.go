package hosttest

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/tabletest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const dataFrame = "pandas.DataFrame"

// cargo is a table as a caller has it, and the one that it gets.
type cargo struct {
	left  []byte
	ended bool
	in    tool.TableBuffer
	kinds map[string]bool
}

func (c *cargo) Count() int  { return 1 }
func (c *cargo) Takes() bool { return true }
func (c *cargo) Moved() bool { return true }

func (c *cargo) Next(context.Context) ([]byte, error) {
	if c.ended {
		return nil, io.EOF
	}
	n := min(len(c.left), tool.TablePieceBytes)
	piece := c.left[:n]
	c.left, c.ended = c.left[n:], n == 0
	return piece, nil
}

func (c *cargo) Put(_ context.Context, kind string, piece []byte) error {
	c.kinds[kind] = true
	return c.in.Add(piece)
}

// tables sends a table that is larger than a message, and gets it back.
func (s suite) tables(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	table := tabletest.Stream(11 << 20)
	c := &cargo{left: table, in: tool.TableBuffer{Limit: tool.DefaultTableBytes}, kinds: map[string]bool{}}
	call := h.call("table", tool.StandIn(dataFrame, 0, len(table)))
	call.Tables = c

	result, err := h.Host.Call(t.Context(), call)

	require.NoError(t, err)
	require.NoError(t, c.in.Fill(&result.Value))
	require.Equal(t, "type.googleapis.com/"+dataFrame, result.Value.TypeURL)
	require.True(t, bytes.Equal(table, result.Value.Bytes), "it came back as another")
	require.Equal(t, map[string]bool{dataFrame: true}, c.kinds, "every piece says what the table is")
}
