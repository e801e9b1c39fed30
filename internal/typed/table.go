package typed

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// whole returns a call whose arguments hold the tables that came in pieces.
func (t *Tool) whole(ctx context.Context, call *tool.Call) (*tool.Call, error) {
	whole, err := tool.WithTables(ctx, call)
	if err != nil {
		return call, err
	}
	return whole, nil
}

// answer encodes the result of a call. A table over the limit goes ahead of it in pieces, if the caller takes it so.
func (t *Tool) answer(ctx context.Context, call *tool.Call, v any) (tool.Value, error) {
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

// needsLink is the error of a table that its caller cannot take.
func (t *Tool) needsLink(table tool.Value) error {
	e := t.tooLarge("its result, a table,", table.Size()).(*tool.Error) //nolint:errorlint,forcetypeassert // it is made here
	told := *e
	told.Message += ". A table of this size travels in pieces over a link only, and the caller did not use one, or does not take tables: call with an SDK over a link"
	return told.With("type_url", table.TypeURL)
}
