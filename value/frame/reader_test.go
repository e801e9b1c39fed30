package frame_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// opened is a reader of a stream.
func opened(t *testing.T, stream io.Reader) *frame.Reader {
	t.Helper()
	var r frame.Reader
	require.NoError(t, r.OpenTable(frame.PandasDataFrame, io.NopCloser(stream)))
	return &r
}

// rowsOf reads a reader to its end.
func rowsOf(r *frame.Reader) (rows int64, err error) {
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	return rows, r.Err()
}

func TestReader_gives_the_batches_of_a_stream_however_it_comes(t *testing.T) {
	t.Parallel()
	table := floats(t, 1_000_000)
	for name, stream := range map[string]io.Reader{
		"at once": bytes.NewReader(table.Bytes()), "in halves": iotest.HalfReader(bytes.NewReader(table.Bytes())),
		"with its end": iotest.DataErrReader(bytes.NewReader(table.Bytes())),
	} {
		r := opened(t, stream)
		require.True(t, table.Schema().Equal(r.Schema()), name)
		rows, err := rowsOf(r)
		require.NoError(t, err, name)
		require.EqualValues(t, 1_000_000, rows, name)
		require.False(t, r.Next())
	}
}

func TestReader_is_passed_on_as_it_came_if_it_was_not_read(t *testing.T) {
	t.Parallel()
	table := floats(t, 600_000)
	kind, stream := opened(t, bytes.NewReader(table.Bytes())).SendTable()
	got, err := io.ReadAll(stream)
	require.NoError(t, err)
	require.Equal(t, frame.PandasDataFrame, kind)
	require.True(t, bytes.Equal(table.Bytes(), got))

	begun := opened(t, bytes.NewReader(table.Bytes()))
	require.True(t, begun.Next())
	first := begun.RecordBatch().NumRows()
	rest, err := begun.Table()
	require.NoError(t, err)
	require.EqualValues(t, 600_000-first, rest.Rows(), "what was read is not sent")
}

func TestReader_says_what_is_wrong_with_a_stream(t *testing.T) {
	t.Parallel()
	table := floats(t, 600_000).Bytes()
	broken := tool.Errorf(tool.WorkerLost, "the worker is gone")
	for name, c := range map[string]struct {
		stream io.Reader
		code   tool.Code
	}{
		"cut in a batch":       {bytes.NewReader(table[:1<<20]), tool.SerializationError},
		"cut before its end":   {bytes.NewReader(table[:len(table)-8]), tool.SerializationError},
		"cut in a length":      {bytes.NewReader(table[:len(table)-3]), tool.SerializationError},
		"an error of the call": {io.MultiReader(bytes.NewReader(table[:1<<20]), iotest.ErrReader(broken)), tool.WorkerLost},
		"an error at its end":  {io.MultiReader(bytes.NewReader(table), iotest.ErrReader(broken)), tool.WorkerLost},
	} {
		_, err := rowsOf(opened(t, c.stream))
		require.Equal(t, c.code, tool.CodeOf(err), "%s: %v", name, err)
	}
	var r frame.Reader
	require.Error(t, r.OpenTable(frame.PandasDataFrame, io.NopCloser(bytes.NewReader([]byte("no table at all")))))
	require.Error(t, r.OpenTable("my.Table", io.NopCloser(bytes.NewReader(table))))
	require.ErrorContains(t, r.OpenTable(frame.PandasDataFrame, io.NopCloser(bytes.NewReader([]byte{255, 255, 255, 255, 0, 0, 0, 16}))),
		"the schema of a table has 268435456 bytes, the limit is 67108864: its attrs, names or other metadata are too large")
	_, err := frame.NewReader("my.Table", nil)
	require.Error(t, err)
	_, err = new(frame.Reader).Table()
	require.Error(t, err)
}

func TestReader_of_batches_made_here(t *testing.T) {
	t.Parallel()
	table := floats(t, 500_000)
	r, err := table.Reader()
	require.NoError(t, err)
	again, err := r.Table()
	require.NoError(t, err)
	require.Equal(t, table.Rows(), again.Rows())

	failing := array.ReaderFromIter(table.Schema(), func(yield func(arrow.RecordBatch, error) bool) { yield(nil, errors.New("bad sector")) })
	r, err = frame.NewReader(frame.PyarrowTable, failing)
	require.NoError(t, err)
	_, err = rowsOf(r)
	require.ErrorContains(t, err, "bad sector")
	r.Retain()
	r.Release()
	r.Release()
	r.Release()
}

func TestReader_is_a_value_like_a_table_as_long_as_it_fits_a_message(t *testing.T) {
	t.Parallel()
	codec := value.New(value.With(frame.Extension()))
	table := floats(t, 500_000)
	r, err := table.Reader()
	require.NoError(t, err)
	encoded, err := codec.Encode([]any{r, "x"})
	require.NoError(t, err)
	var got struct {
		R *frame.Reader
	}
	whole, err := codec.Encode(table)
	require.NoError(t, err)
	require.NoError(t, codec.DecodeInto(whole, &got.R))
	rows, err := rowsOf(got.R)
	require.NoError(t, err)
	require.EqualValues(t, 500_000, rows)
	list, err := codec.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, 500_000, list.([]any)[0].(*frame.Table).Rows()) //nolint:forcetypeassert // a wrong one fails the test

	long, err := floats(t, 2_000_000).Reader()
	require.NoError(t, err)
	_, err = codec.Encode(long)
	require.ErrorContains(t, err, "a whole argument or the whole result of a call over a link")
}
