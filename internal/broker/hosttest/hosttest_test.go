package hosttest_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker/hosttest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct is the smallest host that passes: it runs the functions where it is called.
type direct struct{ hosttest.Functions }

func (d direct) Identity() string { return "direct" }

func (d direct) Call(ctx context.Context, c *tool.Call) (r tool.Result, err error) {
	if c.Tool == "count" {
		_, err := d.Stream(ctx, c, func(tool.Chunk) error { return nil })
		return tool.Result{Value: tool.Value{TypeURL: "type.googleapis.com/google.protobuf.ListValue"}}, err
	}
	if c.Tables != nil {
		return d.table(ctx, c)
	}
	_, err = d.Stream(ctx, c, func(chunk tool.Chunk) error {
		r.Value = chunk.Value
		return nil
	})
	return r, err
}

// table answers with a table in pieces.
func (d direct) table(ctx context.Context, c *tool.Call) (tool.Result, error) {
	whole, err := tool.WithTables(ctx, c)
	if err != nil {
		return tool.Result{}, err
	}
	out, err := d.Table(ctx, whole.Args[0])
	if err != nil {
		return tool.Result{}, err
	}
	err = tool.PutTable(out.Bytes, func(piece []byte) error { return c.Tables.Put(ctx, tool.TableKind(out.TypeURL), piece) })
	return tool.Result{Value: tool.StreamedTable(out, 0)}, err
}

func (d direct) Stream(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) (m tool.Metrics, err error) {
	if err := over(ctx); err != nil {
		return m, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = tool.Errorf(tool.ExecutionError, "panic: %v", p)
		}
	}()
	start := time.Now()
	var sendErr error
	switch c.Tool {
	case "echo":
		_, n := binary.Uvarint(c.Args[0].Bytes[1:])
		var out string
		if out, err = d.Echo(ctx, string(c.Args[0].Bytes[1+n:])); err == nil {
			sendErr = send(tool.Chunk{Value: value("StringValue", append(binary.AppendUvarint([]byte{10}, uint64(len(out))), out...))})
		}
	case "count":
		var n uint64
		if len(c.Args[0].Bytes) > 0 {
			n, _ = binary.Uvarint(c.Args[0].Bytes[1:])
		}
		err = d.Count(ctx, int64(n), func(i int64) error {
			sendErr = send(tool.Chunk{Value: value("Int64Value", binary.AppendUvarint([]byte{8}, uint64(i)))})
			return sendErr
		})
	default:
		return m, tool.Errorf(tool.WorkerUnavailable, "no tool %q here", c.Tool)
	}
	m.Execute = time.Since(start)
	switch {
	case sendErr != nil:
		return m, sendErr
	case err == nil:
		return m, nil
	case over(ctx) != nil:
		return m, over(ctx)
	default:
		return m, tool.Errorf(tool.ExecutionError, "%v", err)
	}
}

func value(name string, bytes []byte) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf." + name, Bytes: bytes}
}

func over(ctx context.Context) error {
	switch ctx.Err() {
	case nil:
		return nil
	case context.DeadlineExceeded:
		return tool.Errorf(tool.DeadlineExceeded, "too late")
	default:
		return tool.Errorf(tool.Cancelled, "stopped")
	}
}

func TestSuite_is_passed_by_a_host_that_runs_functions_itself(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, func(_ *testing.T, f hosttest.Functions) hosttest.Harness {
		return hosttest.Harness{Host: direct{f}}
	})
}
