package frame

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// checks checks the batches of a stream: offsets, lengths and indices, so that later reading cannot go out of bounds. Many columns and
// batches may have one dictionary, whose arrays are looked through once.
type checks struct {
	limit       int // of the batch
	before, now map[looked]bool
}

// looked is an array inside of a dictionary, by what it is made of: the library makes new ones of the same.
type looked struct {
	kind                  arrow.Type
	first, second         *memory.Buffer
	offset, length, nulls int
	dictionary, child     arrow.ArrayData
}

func lookedAt(a arrow.Array) looked {
	d := a.Data()
	key := looked{kind: d.DataType().ID(), offset: d.Offset(), length: d.Len(), nulls: d.NullN(), dictionary: d.Dictionary()}
	if b := d.Buffers(); len(b) > 1 {
		key.first, key.second = b[0], b[1]
	} else if len(b) > 0 {
		key.first = b[0]
	}
	if inside := d.Children(); len(inside) > 0 {
		key.child = inside[0]
	}
	return key
}

// batch checks a batch of a stream that can hold so many rows.
func (c *checks) batch(b arrow.RecordBatch, limit int) error {
	if b.NumRows() < 0 || b.NumRows() > int64(limit) {
		return failf("$", "%d rows in a stream that can hold %d", b.NumRows(), limit)
	}
	c.limit, c.before, c.now = limit, c.now, map[looked]bool{} // dictionaries that no batch has any more are let go
	for i, column := range b.Columns() {
		if int64(column.Len()) != b.NumRows() {
			return failf("$"+step(b.ColumnName(i)), "column %q has %d rows instead of %d", b.ColumnName(i), column.Len(), b.NumRows())
		}
		if err := c.array(column, false); err != nil {
			return failf("$"+step(b.ColumnName(i)), "column %q is malformed: %s", b.ColumnName(i), shortened(err.Error()))
		}
	}
	return nil
}

// array checks an array and what is inside of it. That its buffers are long enough was checked before it was made.
func (c *checks) array(a arrow.Array, shared bool) error {
	if a.Len() > c.limit {
		return fmt.Errorf("%d items in a stream that can hold %d", a.Len(), c.limit)
	}
	if shared {
		key := lookedAt(a)
		if !c.now[key] && !c.before[key] {
			if err := checkOwn(a); err != nil {
				return err
			}
		}
		c.now[key] = true
	} else if err := checkOwn(a); err != nil {
		return err
	}
	switch x := a.(type) {
	case *array.Dictionary:
		return c.array(x.Dictionary(), true)
	case array.ListLike:
		return c.array(x.ListValues(), shared)
	case *array.Struct:
		return c.fields(x.NumField(), x.Field, shared)
	case array.Union:
		return c.fields(x.NumFields(), x.Field, shared)
	case *array.RunEndEncoded:
		return c.fields(2, func(i int) arrow.Array { return []arrow.Array{x.RunEndsArr(), x.Values()}[i] }, shared)
	case array.ExtensionArray:
		return c.array(x.Storage(), shared)
	}
	return nil
}

func (c *checks) fields(n int, field func(int) arrow.Array, shared bool) error {
	for i := range n {
		if err := c.array(field(i), shared); err != nil {
			return err
		}
	}
	return nil
}

// checkOwn checks an array without what is inside of it.
func checkOwn(a arrow.Array) error {
	if err := checkNulls(a); err != nil {
		return err
	}
	if v, ok := a.(array.Validator); ok && !textual(a) && !isEmptyUnion(a) {
		if err := v.ValidateFull(); err != nil {
			return err
		}
	}
	switch x := a.(type) {
	case *array.Dictionary:
		return checkIndices(x)
	case *array.Map:
		if x.Keys().NullN() > 0 {
			return errors.New("want keys of maps, got null")
		}
		return nil
	case array.ListLike, array.ViewLike:
		return checkViews(a)
	case *array.Struct, array.Union, *array.RunEndEncoded, array.ExtensionArray:
		return nil
	}
	return checkCells(a)
}
