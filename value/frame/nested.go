package frame

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// cellReader gives the Go value of a cell.
type cellReader func(s *shared, a arrow.Array, i int) (any, error)

func listCell(s *shared, a array.ListLike, i int, item cellReader) (any, error) {
	from, to := a.ValueOffsets(i)
	items := make([]any, 0, to-from)
	for j := from; j < to; j++ {
		v, err := item(s, a.ListValues(), int(j))
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}

func structCell(s *shared, a *array.Struct, i int, field func(int) cellReader) (any, error) {
	d := value.NewDict()
	for f, described := range a.DataType().(*arrow.StructType).Fields() {
		if _, twice := d.Get(described.Name); twice {
			return nil, fmt.Errorf("a struct has the field %q twice; Batches has it", described.Name)
		}
		v, err := field(f)(s, a.Field(f), i)
		if err != nil {
			return nil, err
		}
		d.Set(described.Name, v)
	}
	return d, nil
}

// mapCell gives a dict. Arrow does not check that each key is there once.
func mapCell(s *shared, a *array.Map, i int, key, item cellReader) (any, error) {
	d := value.NewDict()
	from, to := a.ValueOffsets(i)
	for j := from; j < to; j++ {
		k, err := key(s, a.Keys(), int(j))
		if err != nil {
			return nil, err
		}
		if _, twice := d.Get(k); twice {
			return nil, fmt.Errorf("a map has the key %v twice; Batches has it", k)
		}
		v, err := item(s, a.Items(), int(j))
		if err != nil {
			return nil, err
		}
		if err := setKey(d, k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// setKey sets an entry of a dict; Arrow has keys that no dict has, such as lists.
func setKey(d *value.Dict, key, v any) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("a map has a %T as a key, which no dict has; Batches has it", key)
		}
	}()
	d.Set(key, v)
	return nil
}
