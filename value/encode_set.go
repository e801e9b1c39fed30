package value

import (
	"bytes"
	"cmp"
	"slices"
)

// repeated returns the first item that cannot be a key or is equal to an earlier one. What is inside of items that were looked through to their
// ends is not looked at again.
func (e *encoder) repeated(items []any) (int, *failure) {
	if e.distinct {
		return 0, nil
	}
	e.hashes.remembers, e.hashes.most = true, jsonInflation*e.codec.maxBytes
	return e.hashes.repeated(items)
}

// set writes the items in canonical order.
func (e *encoder) set(k kind, items []any, level int) *failure {
	normal, within, f := e.itemsOfSet(items)
	if f != nil {
		return f
	}
	if runOf(normal) != noRun {
		sorted, f := e.sorted(normal, level)
		if f != nil {
			return f
		}
		e.note(items, sorted)
		return e.sequence(k, sorted, level)
	}
	outer := e.distinct
	e.distinct = within
	parts, f := e.parts(normal, level)
	e.distinct = outer
	if f != nil {
		return f
	}
	if slices.IsSortedFunc(parts, e.comparePart) {
		e.note(items, normal)
	} else {
		e.permute(parts)
		if e.again {
			e.note(items, itemsAt(normal, parts))
		}
	}
	e.kind(k)
	return nil
}

// itemsOfSet refuses items of which one is there twice, and converts them; within says that none is so in any of them.
func (e *encoder) itemsOfSet(items []any) (normal []any, within bool, f *failure) {
	if at, f := e.repeated(items); f != nil {
		return nil, false, f.index(at)
	}
	within = e.distinct || e.hashes.sure
	normal, f = e.normalItems(items)
	return normal, within, f
}

// note remembers the order of a set's items where that is wanted again.
func (e *encoder) note(items, inOrder []any) {
	id, ok := frozenOf(items)
	if !ok || !e.again {
		return
	}
	if e.orders == nil {
		e.orders = make(map[frozen][]any)
	}
	e.orders[id] = inOrder
}

// inOrder returns the items of a set in canonical order, and none that is there twice.
func (e *encoder) inOrder(items []any, level int) ([]any, *failure) {
	normal, within, f := e.itemsOfSet(items)
	if f != nil {
		return nil, f
	}
	outer := e.distinct
	e.distinct = within
	sorted, f := e.sorted(normal, level)
	e.distinct = outer
	if f == nil {
		e.note(items, sorted)
	}
	return sorted, f
}

// sorted returns the items in canonical order: ints by number, texts by their bytes, others by their encodings.
func (e *encoder) sorted(items []any, level int) ([]any, *failure) {
	switch runOf(items) {
	case intRun:
		return slices.SortedFunc(slices.Values(items), compareInts), nil
	case textRun:
		return slices.SortedFunc(slices.Values(items), func(a, b any) int { return cmp.Compare(a.(string), b.(string)) }), nil
	default:
		return e.byEncoding(items, level)
	}
}

// byEncoding sorts items by the bytes of their encodings as Value.
func (e *encoder) byEncoding(items []any, level int) ([]any, *failure) {
	outer := e.writer
	e.writer = writer{}
	defer func() { e.writer = outer }()
	parts, f := e.parts(items, level)
	if f != nil {
		return nil, f
	}
	slices.SortFunc(parts, e.comparePart)
	return itemsAt(items, parts), nil
}

func compareInts(a, b any) int {
	x, _ := asInt(a)
	y, _ := asInt(b)
	return cmp.Compare(x, y)
}

// part is where an item of a set is written: how many bytes were so before it, with it, and with its field.
type part struct{ item, before, with, field int }

// parts writes items as fields, and returns where each of them is.
func (e *encoder) parts(items []any, level int) ([]part, *failure) {
	parts := make([]part, len(items))
	for i, item := range slices.Backward(items) {
		before := e.len()
		if f := e.tagged(item, level+1); f != nil {
			return nil, f.index(i)
		}
		with := e.len()
		e.close(fieldItems, before)
		if f := e.checkSize(); f != nil {
			return nil, f
		}
		parts[i] = part{i, before, with, e.len()}
	}
	return parts, nil
}

// comparePart compares the encodings of two items.
func (e *encoder) comparePart(a, b part) int {
	return bytes.Compare(e.since(a.before, a.with), e.since(b.before, b.with))
}

// permute brings the parts that were written last into their order.
func (e *encoder) permute(parts []part) {
	slices.SortFunc(parts, e.comparePart)
	e.scratch = slices.Grow(e.scratch[:0], e.len())
	for _, p := range parts {
		e.scratch = append(e.scratch, e.since(p.before, p.field)...)
	}
	copy(e.written(), e.scratch)
}

func itemsAt(items []any, parts []part) []any {
	inOrder := make([]any, len(parts))
	for i, p := range parts {
		inOrder[i] = items[p.item]
	}
	return inOrder
}
