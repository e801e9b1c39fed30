package typed

import (
	"reflect"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// rowsOf returns the slice that a table became, and whether it became one.
func rowsOf(v tool.Value, target reflect.Value) (reflect.Value, bool) {
	if !tool.IsTable(v.TypeURL) {
		return reflect.Value{}, false
	}
	for target.Kind() == reflect.Pointer && !target.IsNil() {
		target = target.Elem()
	}
	if target.Kind() != reflect.Slice {
		return reflect.Value{}, false
	}
	return target, true
}

// decodeRows gives a schema the list of the rows that were made of a table, in the form in which a list of them is decoded: the first that
// does not keep the schema, and none for all others, of which nothing is asked.
func (b *binding) decodeRows(c *check, table tool.Value, rows reflect.Value) (any, error) {
	if c.row == nil {
		return asSent(b.codec, rows.Interface())
	}
	list := make([]any, rows.Len())
	came := sync.OnceValue(func() []any {
		came := make([]any, len(list))
		_ = b.codec.DecodeInto(table, &came) // where that cannot be, for columns that no row has, rows are held to their tags as they are
		return came
	})
	for i := range list {
		row := rows.Index(i)
		if c.row.made.holds(row) {
			continue
		}
		shown, err := asSent(b.codec, row.Interface())
		if err != nil {
			list[i] = row.Interface()
			return asSent(b.codec, list) // which says in which row
		}
		if c.row.keeps(shown) {
			continue
		}
		if shown = withoutLacking(shown, came()[i]); !c.row.keeps(shown) {
			list[i] = shown
			break
		}
	}
	return list, nil
}

// withoutLacking is a row without the fields that it lacked when it came, in which a struct has whatever it has then.
func withoutLacking(row, came any) any {
	switch row := row.(type) {
	case *value.Dict:
		had, is := came.(*value.Dict)
		if !is { // but a map, of which pandas makes pairs
			return row
		}
		kept := new(value.Dict)
		for name, v := range row.All() {
			if sent, is := had.Get(name); is {
				kept.Set(name, withoutLacking(v, sent))
			}
		}
		return kept
	case []any:
		had, is := came.([]any)
		if !is || len(had) != len(row) {
			return row
		}
		kept := make([]any, len(row))
		for i := range row {
			kept[i] = withoutLacking(row[i], had[i])
		}
		return kept
	default:
		return row
	}
}

// asSent gives a Go value as one that was sent is decoded.
func asSent(codec Codec, v any) (any, error) {
	sent, err := codec.Encode(v)
	if err != nil {
		return nil, err
	}
	return codec.Decode(sent)
}
