package frame

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// meaning gives what a cell of an extension type means; stored is what is stored for it, which is not nil.
type meaning func(x extensionType, stored any) (any, error)

// extensionType is a type that is none of Arrow's own.
type extensionType struct {
	name   string
	detail string // what the type says of itself, such as a frequency
}

// extensionOf returns the extension type of a field, without a name if it has none.
func extensionOf(f arrow.Field) extensionType {
	if x, ok := f.Type.(arrow.ExtensionType); ok {
		return extensionType{x.ExtensionName(), x.Serialize()}
	}
	name, _ := f.Metadata.GetValue("ARROW:extension:name")
	detail, _ := f.Metadata.GetValue("ARROW:extension:metadata")
	return extensionType{name, detail}
}

// readerOf returns what reads the cells of a field with extension types in it, nil for all others, whose cells are what is stored.
func readerOf(f arrow.Field, mean meaning) cellReader {
	if x := extensionOf(f); x.name != "" {
		return meantCell(x, mean)
	}
	switch t := f.Type.(type) {
	case *arrow.DictionaryType:
		if item := readerOf(arrow.Field{Type: t.ValueType}, mean); item != nil {
			return func(s *shared, a arrow.Array, i int) (any, error) {
				d := a.(*array.Dictionary)
				if d.IsNull(i) {
					return nil, nil
				}
				return item(s, d.Dictionary(), d.GetValueIndex(i))
			}
		}
	case *arrow.RunEndEncodedType:
		if item := readerOf(arrow.Field{Type: t.Encoded()}, mean); item != nil {
			return func(s *shared, a arrow.Array, i int) (any, error) {
				runs := a.(*array.RunEndEncoded)
				return item(s, runs.Values(), runs.GetPhysicalIndex(i))
			}
		}
	case *arrow.StructType:
		return structReader(t, mean)
	case *arrow.MapType:
		return mapReader(t, mean)
	case arrow.ListLikeType:
		if item := readerOf(t.ElemField(), mean); item != nil {
			return unlessNull(func(s *shared, a arrow.Array, i int) (any, error) {
				return listCell(s, a.(array.ListLike), i, item)
			})
		}
	}
	return nil
}

func structReader(t *arrow.StructType, mean meaning) cellReader {
	readers, extended := make([]cellReader, t.NumFields()), false
	for i, f := range t.Fields() {
		if readers[i] = readerOf(f, mean); readers[i] != nil {
			extended = true
		} else {
			readers[i] = cellOf
		}
	}
	if !extended {
		return nil
	}
	return unlessNull(func(s *shared, a arrow.Array, i int) (any, error) {
		return structCell(s, a.(*array.Struct), i, func(f int) cellReader { return readers[f] })
	})
}

func mapReader(t *arrow.MapType, mean meaning) cellReader {
	key, item := readerOf(t.KeyField(), mean), readerOf(t.ItemField(), mean)
	if key == nil && item == nil {
		return nil
	}
	return unlessNull(func(s *shared, a arrow.Array, i int) (any, error) {
		return mapCell(s, a.(*array.Map), i, orCellOf(key), orCellOf(item))
	})
}

func orCellOf(r cellReader) cellReader {
	if r == nil {
		return cellOf
	}
	return r
}

func unlessNull(read cellReader) cellReader {
	return func(s *shared, a arrow.Array, i int) (any, error) {
		if a.IsNull(i) {
			return nil, nil
		}
		return read(s, a, i)
	}
}

func meantCell(x extensionType, mean meaning) cellReader {
	return func(s *shared, a arrow.Array, i int) (any, error) {
		stored, err := cellOf(s, a, i)
		if err != nil || stored == nil {
			return nil, err
		}
		return mean(x, stored)
	}
}

// meant gives the value that a cell of an extension type stands for.
func meant(x extensionType, stored any) (any, error) {
	switch cell := stored.(type) {
	case []byte:
		if x.name == "arrow.uuid" && len(cell) == len(value.UUID{}) {
			return value.UUID(cell), nil
		}
	case int64:
		if x.name == "arrow.bool8" {
			return cell != 0, nil
		}
	case string:
		if x.name == "arrow.json" {
			return cell, nil
		}
	}
	return nil, fmt.Errorf("of type %s, which no value stands for: convert it, in pandas with astype(str); Batches has what is stored", x.name)
}

// meantToShow gives, for people who want to look, also the texts of what no value stands for.
func meantToShow(x extensionType, stored any) (any, error) {
	switch x.name {
	case "pandas.period":
		if text, ok := periodText(x.detail, stored); ok {
			return text, nil
		}
	case "pandas.interval":
		if text, ok := intervalText(x.detail, stored); ok {
			return text, nil
		}
	}
	return meant(x, stored)
}
