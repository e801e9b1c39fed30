package broker_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// inPieces are the tables of a call.
type inPieces struct {
	count int
	moved bool
}

func (p *inPieces) Count() int                                { return p.count }
func (p *inPieces) Takes() bool                               { return true }
func (p *inPieces) Moved() bool                               { return p.moved }
func (p *inPieces) Put(context.Context, string, []byte) error { p.moved = true; return nil }
func (p *inPieces) Next(context.Context) ([]byte, error)      { p.moved = true; return nil, io.EOF }

func TestTables_a_call_whose_pieces_have_begun_is_not_dispatched_again(t *testing.T) {
	t.Parallel()
	for name, moves := range map[string]bool{"begun": true, "not begun": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			runs := 0
			b.host(&fakeHost{name: "w", call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
				if runs++; runs > 1 {
					return tool.Result{Value: number(runs)}, nil
				}
				if moves {
					_, _ = call.Tables.Next(ctx)
				}
				return tool.Result{}, tool.Errorf(tool.WorkerLost, "gone")
			}}, echoes(true))
			call := to("x")
			call.Tables = &inPieces{count: 1}
			_, err := b.Call(b.ctx, call)
			if moves {
				require.Equal(t, tool.WorkerLost, tool.CodeOf(err))
				require.Equal(t, 1, runs)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 2, runs)
		})
	}
}

func TestTables_are_not_recorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var x counter
	b.host(&fakeHost{name: "w", call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		if call.Tables.Count() > 0 {
			return x.call(ctx, call)
		}
		if err := call.Tables.Put(ctx, "pandas.DataFrame", []byte("piece")); err != nil {
			return tool.Result{}, err
		}
		return tool.Result{Value: tool.StreamedTable(tool.Value{TypeURL: "t/pandas.DataFrame"}, 0)}, nil
	}}, echoes(false))

	for n := 1; n <= 2; n++ { // arguments in pieces: each is a call of its own
		call := named("given")
		call.Tables = &inPieces{count: 1}
		result, err := b.Call(b.ctx, call)
		require.NoError(t, err)
		require.Equal(t, number(n), result.Value)
	}

	made := named("made")
	made.Tables = &inPieces{}
	_, err := b.Call(b.ctx, made)
	require.NoError(t, err)
	again := named("made")
	again.Tables = &inPieces{}
	_, err = b.Call(b.ctx, again)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, tool.OutcomeUnknown, e.Code)
	require.Equal(t, "true", e.Details["completed"])
	require.False(t, again.Tables.Moved())
}
