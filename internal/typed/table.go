package typed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// whole returns a call whose arguments hold the tables that came in pieces.
func (t *Tool) whole(ctx context.Context, call *tool.Call) (*tool.Call, error) {
	if t.plan.readers { // whose last table is read while it comes
		return call, nil
	}
	whole, err := tool.WithTables(ctx, call)
	if err != nil {
		return call, err
	}
	return whole, nil
}

// answer encodes the result of a call. A table over the limit goes ahead of it in pieces, if the caller takes it so.
func (t *Tool) answer(ctx context.Context, call *tool.Call, v any) (tool.Value, error) {
	if source, is := v.(tool.TableSource); is {
		if kind, stream := source.SendTable(); stream != nil {
			return t.pump(ctx, call, kind, stream)
		}
		v = nil
	}
	out, err := t.encodeOpen(call, v)
	if err != nil || out.Size() <= t.limit {
		return out, err
	}
	switch {
	case !tool.IsTable(out.TypeURL):
		return tool.Value{}, t.tooLarge("its result", out.Size())
	case call.Tables == nil || !call.Tables.Takes():
		return tool.Value{}, t.needsLink(out)
	}
	kind := tool.TableKind(out.TypeURL)
	put := func(piece []byte) error { return call.Tables.Put(ctx, kind, piece) }
	if err := tool.PutTable(out.Bytes, put); err != nil {
		return tool.Value{}, err
	}
	return tool.StreamedTable(out, 0), nil
}

// pump sends a table while it is made: as one message, if it fits.
func (t *Tool) pump(ctx context.Context, call *tool.Call, kind string, stream io.ReadCloser) (tool.Value, error) {
	defer func() { _ = stream.Close() }() // what was read counts
	table := tool.Value{TypeURL: "type.googleapis.com/" + kind}
	begun, whole, err := tool.BeginTable(stream, t.limit-len(table.TypeURL))
	if err != nil {
		return tool.Value{}, t.failure(ctx, err)
	}
	if table.Bytes = begun; whole {
		return table, nil
	}
	if call.Tables == nil || !call.Tables.Takes() {
		return tool.Value{}, t.needsLink(table)
	}
	size, from := 0, io.MultiReader(bytes.NewReader(begun), stream)
	for buffer := make([]byte, tool.TablePieceBytes); ; {
		n, err := tool.FillPiece(from, buffer)
		size += n
		if n > 0 {
			if err := call.Tables.Put(ctx, kind, buffer[:n]); err != nil {
				return tool.Value{}, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return tool.StandIn(kind, 0, size), call.Tables.Put(ctx, kind, nil)
		case err != nil:
			return tool.Value{}, t.failure(ctx, err)
		}
	}
}

// opened gives an argument the table that is read while it comes, if its value stands for that one; the whole of it where the argument
// wants that.
func (b *binding) opened(f *field, label string, v *tool.Value, target reflect.Value) (bool, error) {
	index, _, streamed := v.Streamed()
	if !streamed || index != b.open.Index {
		return false, nil
	}
	if _, reads := target.Interface().(tool.TableSink); !reads {
		return false, b.open.Fill(v)
	}
	kind := tool.TableKind(v.TypeURL)
	if !tool.CanBe(v.TypeURL, f.Type, f.Nullable) {
		return false, b.refuse(label, "argument %q of tool %q: want %s, got %s", label, b.tool, f.want(), kind)
	}
	target.Set(reflect.New(target.Type().Elem()))
	if err := target.Interface().(tool.TableSink).OpenTable(kind, b.open); err != nil { //nolint:forcetypeassert // seen above
		if code := tool.CodeOf(err); code != tool.SerializationError {
			return true, err
		}
		e := tool.Errorf(tool.SerializationError, "argument %q of tool %q cannot be decoded: %s", label, b.tool, reason(err))
		return true, placed(e.With("argument", label).With("tool", b.tool), err)
	}
	return true, nil
}

// needsLink is the error of a table that its caller cannot take.
func (t *Tool) needsLink(table tool.Value) error {
	e := t.tooLarge("its result, a table,", table.Size()).(*tool.Error) //nolint:errorlint,forcetypeassert // it is made here
	told := *e
	told.Message += ". A table of this size travels in pieces over a link only, and the caller did not use one, or does not take tables: call with an SDK over a link"
	return told.With("type_url", table.TypeURL)
}
