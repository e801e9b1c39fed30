package frame

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Read reads a table from an Arrow IPC stream and checks it. It keeps data, which must not be changed afterwards. A compressed stream may
// grow to 64 times its bytes and 10 MiB.
func Read(kind string, data []byte) (t *Table, err error) { return read(kind, data, new(int64)) }

// read reads a table where others took so much out of proportion before.
func read(kind string, data []byte, taken *int64) (t *Table, err error) {
	defer recovered(&err, "read")
	if !known(kind) {
		return nil, failf("$", "unknown kind of table %q", kind)
	}
	stream, err := verifyStream(data)
	if err != nil {
		return nil, unlaid(kind, err)
	}
	allocator := newBounded(len(data), taken)
	defer allocator.settle(taken)
	stream.memory = allocator
	r, err := ipc.NewReaderFromMessageReader(stream, ipc.WithAllocator(allocator))
	if err != nil {
		return nil, malformed(kind, err)
	}
	t = &Table{kind: kind, encoded: data, schema: r.Schema()}
	var checked checks
	for r.Next() {
		b := r.RecordBatch()
		b.Retain()
		if err := checked.batch(b, rowLimit(data)); err != nil {
			return nil, err
		}
		t.batches = append(t.batches, b)
		t.rows += int(b.NumRows())
	}
	var known *tool.Error
	if err := r.Err(); errors.As(err, &known) {
		return nil, known
	} else if err != nil {
		return nil, blamed(kind, data, t.schema, err, taken)
	}
	if err := t.checkSingle(); err != nil {
		return nil, err
	}
	return t, nil
}

func malformed(kind string, err error) error {
	return failf("$", "malformed %s: %s", kind, said(err.Error())).
		With("expected", "an Arrow IPC stream").With("got", "malformed or truncated bytes")
}

// said is what the library says of a stream that it cannot read, or what its panics, which it recovers, mean.
func said(text string) string {
	if strings.Contains(text, "runtime error") {
		return "an offset or a length in it leads out of its data"
	}
	return shortened(strings.ReplaceAll(text, "arrow/ipc: unknown error while reading: ", ""))
}

// rowLimit is how many rows a stream may have: columns of nulls take no bytes for theirs, so there is some leeway.
func rowLimit(data []byte) int { return rowLimitOf(len(data)) }

func rowLimitOf(bytes int) int { return 1<<22 + 8*bytes }

// textual reports whether an array holds texts, of which the library validates those under null as well, and those that several views show
// once for each.
func textual(a arrow.Array) bool {
	id := a.DataType().ID()
	return id == arrow.STRING || id == arrow.LARGE_STRING || id == arrow.STRING_VIEW
}

// isEmptyUnion reports whether an array is a union without items, which need not have the buffers that the library looks for.
func isEmptyUnion(a arrow.Array) bool { return a.DataType().ID() == arrow.DENSE_UNION && a.Len() == 0 }

// checkNulls checks that as many items are null as the stream says: the library asks no bitmap where it says none.
func checkNulls(a arrow.Array) error {
	data := a.Data()
	buffers := data.Buffers()
	switch a.(type) {
	case *array.Null, array.Union, *array.RunEndEncoded: // which have none
		return nil
	}
	nulls := 0
	if len(buffers) > 0 && buffers[0] != nil {
		nulls = data.Len() - bitutil.CountSetBits(buffers[0].Bytes(), data.Offset(), data.Len())
	}
	if said := a.NullN(); said != nulls {
		return fmt.Errorf("it says that %d of %d items are null, and %d are", said, data.Len(), nulls)
	}
	return nil
}
