package tool_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/tabletest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// passed gives tables to a meter in pieces of some length, each with its end, until one is refused.
func passed(piece, limit int, tables ...[]byte) error {
	var m tool.TableMeter
	for _, table := range tables {
		for part := range slices.Chunk(table, piece) {
			if err := m.Pass(part, limit); err != nil {
				return err
			}
		}
		if err := m.Pass(nil, limit); err != nil {
			return err
		}
	}
	return nil
}

func TestTableMeter_passes_tables_whose_batches_are_within_the_limit_however_they_are_cut(t *testing.T) {
	t.Parallel()
	for _, piece := range []int{1, 3, 4, 7, 39, 40, 41, 1 << 10, 1 << 20} {
		require.NoError(t, passed(piece, 1<<10, tabletest.Batches(5000, 1000), tabletest.Stream(8), nil, tabletest.Batches(1000, 1000)), "%d", piece)
	}
	require.NoError(t, passed(1<<10, 0, tabletest.Batches(5000, 5000)), "no limit")
}

func TestTableMeter_refuses_a_batch_over_the_limit_before_it_has_come(t *testing.T) {
	t.Parallel()
	const limit = 1000
	table := append(tabletest.Batches(500, 500), tabletest.Batches(2000, 2000)...)
	var m tool.TableMeter

	err := m.Pass(table[:540], limit) // the second batch has only begun

	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, tool.MessageTooLarge, e.Code)
	require.Equal(t, "1000", e.Details["limit"])
	require.Equal(t, "1992", e.Details["size"])
	require.Contains(t, e.Message, "record batch 1 of a table in pieces has 1992 bytes, the limit of a batch is 1000")
	require.Contains(t, e.Message, "batches of fewer rows")
	require.Equal(t, err, m.Pass(table[540:], limit), "it stays refused")
}

func TestTableMeter_refuses_a_schema_over_the_limit(t *testing.T) {
	t.Parallel()
	long := binary.LittleEndian.AppendUint32([]byte{255, 255, 255, 255}, 2000)
	err := passed(100, 1000, long)
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
	require.ErrorContains(t, err, "the schema of a table in pieces has 2000 bytes, the limit of a message is 1000: its attrs, names or other metadata are too large")
	require.NotContains(t, err.Error(), "fewer rows")
}

func TestTableMeter_reads_streams_without_continuation_marks(t *testing.T) {
	t.Parallel()
	table := tabletest.Batches(500, 500)
	for _, piece := range []int{1, 5, 1000} {
		require.NoError(t, passed(piece, 1000, table[4:], append(table[4:], 0, 0, 0, 0)))
		require.Equal(t, tool.MessageTooLarge, tool.CodeOf(passed(piece, 400, table[4:])))
	}
}

func TestTableMeter_refuses_what_is_no_Arrow_stream(t *testing.T) {
	t.Parallel()
	good := tabletest.Batches(500, 500)
	change := func(at int, b ...byte) []byte {
		bad := bytes.Clone(good)
		copy(bad[at:], b)
		return bad
	}
	for name, table := range map[string][]byte{
		"a cut body":                       good[:499],
		"a cut head":                       good[:10],
		"a cut length":                     good[:3],
		"the table is beyond the end":      change(8, 200),
		"the list of fields is beyond it":  change(24, 0, 0, 0, 128),
		"the list of fields is at the end": change(24, 241, 255, 255, 255),
		"a field is beyond the end":        change(22, 250),
		"a body of less than nothing":      change(39, 255),
	} {
		err := passed(7, 1<<20, table)
		require.Equal(t, tool.SerializationError, tool.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, "no Arrow IPC stream", name)
	}
	require.NoError(t, passed(7, 1<<20, change(12, 4)[:40], good), "a message may say nothing of a body")
}

func FuzzTableMeter(f *testing.F) {
	f.Add(tabletest.Batches(500, 200), 7)
	f.Add(tabletest.Stream(8), 1)
	f.Fuzz(func(t *testing.T, table []byte, piece int) {
		if piece < 1 || piece > 1<<16 {
			piece = 1
		}
		const limit = 1 << 16
		whole, cut := passed(len(table)+1, limit, table), passed(piece, limit, table)
		require.Equal(t, tool.CodeOf(whole), tool.CodeOf(cut), "the same however it is cut")
	})
}
