package toolbridge_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// batchRows is how many rows the batches here have, of one column of ints: 1 MiB.
const batchRows = 1 << 17

// counted makes batches of ints, counts them, and fails or waits where it is told to.
type counted struct {
	batches int
	made    atomic.Int64
	wait    func(ctx context.Context, batch int) error
	stopped chan struct{} // closed when nobody wants more of them
}

var ints = arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)

func (c *counted) all(ctx context.Context) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for i := range c.batches {
			if c.wait != nil {
				if err := c.wait(ctx, i); err != nil {
					yield(nil, err)
					return
				}
			}
			b := array.NewInt64Builder(memory.DefaultAllocator)
			b.Reserve(batchRows)
			for row := range batchRows {
				b.UnsafeAppend(int64(i*batchRows + row))
			}
			c.made.Add(1)
			if !yield(array.NewRecordBatch(ints, []arrow.Array{b.NewArray()}, batchRows), nil) {
				if c.stopped != nil {
					close(c.stopped)
				}
				return
			}
		}
	}
}

func (c *counted) reader(ctx context.Context, t *testing.T) *frame.Reader {
	t.Helper()
	r, err := frame.NewReader(frame.PolarsDataFrame, array.ReaderFromIter(ints, c.all(ctx)))
	require.NoError(t, err)
	return r
}

// sum adds up what a reader gives.
func sum(r *frame.Reader) (rows, total int64, err error) {
	for r.Next() {
		column := r.RecordBatch().Column(0).(*array.Int64) //nolint:forcetypeassert // a wrong one fails the test
		for i := range column.Len() {
			total += column.Value(i)
		}
		rows += r.RecordBatch().NumRows()
	}
	return rows, total, r.Err()
}

func sumOf(rows int64) int64 { return rows * (rows - 1) / 2 }

func withFrames() toolbridge.DialOption {
	return toolbridge.WithCodec(value.New(value.With(frame.Extension())))
}

// readers is a bridge with tools that read and make tables batch by batch.
func readers(t *testing.T, source *counted) (*bridgetest.Bridge, *toolbridge.Session) {
	t.Helper()
	b := bridgetest.New(t)
	b.WorkerOn(b.Dial(withFrames()), func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "sum", func(_ context.Context, r *frame.Reader) ([]int64, error) {
			rows, total, err := sum(r)
			return []int64{rows, total}, err
		})
		toolbridge.AddTool(w, "both", func(_ context.Context, in struct {
			First  *frame.Table
			Second *frame.Reader
			Third  *frame.Table
		},
		) ([]int64, error) {
			rows, _, err := sum(in.Second)
			return []int64{int64(in.First.Rows()), rows, int64(in.Third.Rows())}, err
		})
		toolbridge.AddTool(w, "make", func(ctx context.Context, batches int) (*frame.Reader, error) {
			source.batches = batches
			return source.reader(ctx, t), nil
		})
		toolbridge.AddTool(w, "same", func(_ context.Context, r *frame.Reader) (*frame.Reader, error) { return r, nil })
		toolbridge.AddTool(w, "double", func(_ context.Context, r *frame.Reader) (*frame.Reader, error) {
			return frame.NewReader(r.Kind(), array.ReaderFromIter(r.Schema(), doubled(r)))
		})
		toolbridge.AddTool(w, "first", func(_ context.Context, r *frame.Reader) (int64, error) {
			r.Next()
			return r.RecordBatch().NumRows(), r.Err()
		})
		toolbridge.AddTool(w, "none", func(context.Context, struct{}) (*frame.Reader, error) { return nil, nil })
		toolbridge.AddStreamingTool(w, "chunks", func(ctx context.Context, n int, yield func(*frame.Reader) error) error {
			return yield((&counted{batches: n}).reader(ctx, t))
		})
	})
	return b, b.Session(withFrames()).With(toolbridge.Timeout(5 * time.Minute)) // with the race detector, beside everything else
}

func doubled(r *frame.Reader) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for r.Next() {
			in := r.RecordBatch().Column(0).(*array.Int64) //nolint:forcetypeassert // a wrong one fails the test
			b := array.NewInt64Builder(memory.DefaultAllocator)
			for i := range in.Len() {
				b.Append(2 * in.Value(i))
			}
			if !yield(array.NewRecordBatch(r.Schema(), []arrow.Array{b.NewArray()}, r.RecordBatch().NumRows()), nil) {
				return
			}
		}
		if err := r.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func TestATableIsReadBatchByBatchOnEitherSide(t *testing.T) {
	t.Parallel()
	_, s := readers(t, &counted{})
	for _, batches := range []int{0, 1, 9, 11, 40} {
		rows := int64(batches) * batchRows

		got, err := toolbridge.Call[[]int64](t.Context(), s, "sum", (&counted{batches: batches}).reader(t.Context(), t))
		require.NoError(t, err, "an argument of %d batches", batches)
		require.Equal(t, []int64{rows, sumOf(rows)}, got)

		for _, name := range []string{"same", "double"} {
			r, err := toolbridge.Call[*frame.Reader](t.Context(), s, name, (&counted{batches: batches}).reader(t.Context(), t))
			require.NoError(t, err, "%s, %d batches", name, batches)
			require.Equal(t, frame.PolarsDataFrame, r.Kind())
			require.True(t, ints.Equal(r.Schema()))
			n, total, err := sum(r)
			require.NoError(t, err)
			require.Equal(t, rows, n)
			require.Equal(t, map[string]int64{"same": 1, "double": 2}[name]*sumOf(rows), total)
			r.Release()
		}

		whole, err := toolbridge.Call[*frame.Table](t.Context(), s, "make", batches)
		require.NoError(t, err, "whoever wants the whole gets it")
		require.EqualValues(t, rows, whole.Rows())
		got, err = toolbridge.Call[[]int64](t.Context(), s, "sum", whole)
		require.NoError(t, err)
		require.Equal(t, []int64{rows, sumOf(rows)}, got)
	}
}

func TestOneReaderAndSeveralTablesOfACallComeInAnyOrder(t *testing.T) {
	t.Parallel()
	_, s := readers(t, &counted{})
	table := func(batches int) *frame.Table {
		r := (&counted{batches: batches}).reader(t.Context(), t)
		whole, err := r.Table()
		require.NoError(t, err)
		return whole
	}
	large, small := table(12), table(1)
	for _, given := range [][3]any{
		{large, large, large}, {large, (&counted{batches: 13}).reader(t.Context(), t), small}, {small, small, large},
		{(&counted{batches: 12}).reader(t.Context(), t), large, large}, {small, (&counted{batches: 11}).reader(t.Context(), t), (&counted{batches: 11}).reader(t.Context(), t)},
	} {
		got, err := toolbridge.Call[[]int64](t.Context(), s, "both", given[0], toolbridge.Kw{"second": given[1], "third": given[2]})
		require.NoError(t, err)
		for i := range given {
			require.Contains(t, []int64{1 * batchRows, 11 * batchRows, 12 * batchRows, 13 * batchRows}, got[i])
		}
	}
}

func TestACallerThatReadsSlowlyHoldsTheToolBack(t *testing.T) {
	t.Parallel()
	source := &counted{}
	_, s := readers(t, source)
	const batches = 100

	r, err := toolbridge.Call[*frame.Reader](t.Context(), s, "make", batches)

	require.NoError(t, err)
	require.Less(t, source.made.Load(), int64(25), "it returned before all was made")
	for range 10 {
		require.True(t, r.Next())
	}
	settled := func() int64 { // once the tool waits
		last := int64(-1)
		for made := source.made.Load(); made != last; made = source.made.Load() {
			last = made
			runtime.Gosched()
			<-time.After(20 * time.Millisecond)
		}
		return last
	}
	require.Less(t, settled(), int64(40), "no more is made than 10 batches read, 10 MiB kept until it was clear that they are too many, and what is under way")
	n, _, err := sum(r)
	require.NoError(t, err)
	require.EqualValues(t, (batches-10)*batchRows, n)
	require.EqualValues(t, batches, source.made.Load())
}

func TestAToolThatReadsSlowlyHoldsTheCallerBack(t *testing.T) {
	t.Parallel()
	_, s := readers(t, &counted{})
	source := &counted{batches: 200}
	rows, err := toolbridge.Call[int64](t.Context(), s, "first", source.reader(t.Context(), t))
	require.NoError(t, err)
	require.EqualValues(t, batchRows, rows)
	require.Less(t, source.made.Load(), int64(40), "the tool did not want more")
}

func TestReleasingAReaderCancelsItsCall(t *testing.T) {
	t.Parallel()
	source := &counted{stopped: make(chan struct{})}
	_, s := readers(t, source)
	r, err := toolbridge.Call[*frame.Reader](t.Context(), s, "make", 100)
	require.NoError(t, err)
	require.True(t, r.Next())
	r.Release()
	<-source.stopped
	require.False(t, r.Next())
	require.NoError(t, r.Err())
}

func TestAnErrorInTheMiddleOfATableReachesWhoeverReadsIt(t *testing.T) {
	t.Parallel()
	failing := func(context.Context, int) error { return nil }
	source := &counted{wait: func(ctx context.Context, batch int) error {
		if batch == 15 {
			return tool.Errorf(tool.QuotaExceeded, "the disk is gone")
		}
		return failing(ctx, batch)
	}}
	_, s := readers(t, source)

	r, err := toolbridge.Call[*frame.Reader](t.Context(), s, "make", 100)
	require.NoError(t, err)
	_, _, err = sum(r)
	require.Equal(t, tool.QuotaExceeded, asError(t, err).Code, "%v", err)

	mine := &counted{batches: 100, wait: source.wait}
	_, err = s.Call(t.Context(), "sum", mine.reader(t.Context(), t))
	require.Equal(t, tool.QuotaExceeded, asError(t, err).Code, "%v", err)

	plain := &counted{batches: 100, wait: func(_ context.Context, batch int) error {
		if batch == 15 {
			return errors.New("bad sector")
		}
		return nil
	}}
	_, err = s.Call(t.Context(), "sum", plain.reader(t.Context(), t))
	require.Equal(t, tool.SerializationError, asError(t, err).Code)
	require.ErrorContains(t, err, "bad sector")
}

func TestTheTimeLimitOfACallCoversReadingItsTable(t *testing.T) {
	t.Parallel()
	_, s := readers(t, &counted{wait: func(ctx context.Context, batch int) error {
		if batch > 15 {
			<-ctx.Done()
		}
		return nil
	}})
	givenTime(t, 4*time.Second, func(limit time.Duration) bool {
		r, err := toolbridge.Call[*frame.Reader](t.Context(), s.With(toolbridge.Timeout(limit)), "make", 100)
		if err != nil {
			require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code, "%v", err)
			return false
		}
		_, _, err = sum(r)
		require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code, "%v", err)
		return true
	})
}

func TestAReaderWhereNoneCanBe(t *testing.T) {
	t.Parallel()
	b, s := readers(t, &counted{})

	_, err := toolbridge.Call[*frame.Reader](t.Context(), s, "sum", 1)
	require.Equal(t, tool.ValidationError, asError(t, err).Code, "an int is no table")
	_, err = toolbridge.Call[*frame.Reader](t.Context(), s, "first", (&counted{batches: 1}).reader(t.Context(), t))
	require.Equal(t, tool.SerializationError, asError(t, err).Code, "the result is an int: %v", err)
	r, err := toolbridge.Call[*frame.Reader](t.Context(), s, "none")
	require.NoError(t, err)
	require.Nil(t, r)
	_, err = toolbridge.Call[*frame.Reader](t.Context(), s, "nobody")
	require.Equal(t, tool.ToolNotFound, asError(t, err).Code)

	large := func() *frame.Reader { return (&counted{batches: 12}).reader(t.Context(), t) }
	_, err = s.Call(t.Context(), "sum", []any{large()})
	require.ErrorContains(t, err, "a whole argument or the whole result of a call over a link")
	_, err = s.Set(t.Context(), "v", large())
	require.ErrorContains(t, err, "10485760 bytes")
	for _, err := range s.Stream(t.Context(), "chunks", 12) {
		require.ErrorContains(t, err, "10485760 bytes")
	}
	plain := b.Session(withFrames(), toolbridge.WithoutLink())
	_, err = plain.Call(t.Context(), "sum", large())
	require.ErrorContains(t, err, "over a link only")
	_, err = toolbridge.Call[*frame.Reader](t.Context(), plain, "make", 12)
	require.ErrorContains(t, err, "over a link only")
	small, err := toolbridge.Call[*frame.Reader](t.Context(), plain, "make", 2)
	require.NoError(t, err)
	n, _, err := sum(small)
	require.NoError(t, err)
	require.EqualValues(t, 2*batchRows, n)
}
