package frame

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// viewed is what a view shows of a buffer.
type viewed struct{ row, buffer, from, to int }

// checkViewedTexts checks that the texts of views that were checked are UTF-8. Any number of views may show the same bytes, which are
// looked through twice at most: as parts of their buffer, and where that is no text, as parts of what the views show of it.
func checkViewedTexts(x *array.StringView) error {
	buffers := x.Data().Buffers()[2:]
	texts := make([]bool, len(buffers))
	for i, b := range buffers {
		texts[i] = utf8.Valid(b.Bytes())
	}
	var rest []viewed
	for i := range x.Len() {
		if x.IsNull(i) {
			continue
		}
		head := x.ValueHeader(i)
		if head.IsInline() {
			if !utf8.ValidString(head.InlineString()) {
				return noText(i)
			}
			continue
		}
		at := int(head.BufferOffset())
		v := viewed{i, int(head.BufferIndex()), at, at + head.Len()}
		switch {
		case !texts[v.buffer]:
			rest = append(rest, v)
		case !v.bounds(buffers[v.buffer].Bytes()):
			return noText(i)
		}
	}
	slices.SortFunc(rest, func(a, b viewed) int {
		return cmp.Or(a.buffer-b.buffer, a.from-b.from, b.to-a.to)
	})
	for len(rest) > 0 {
		n := overlapping(rest)
		if err := checkOverlapping(rest[:n], buffers[rest[0].buffer].Bytes()); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// bounds reports whether a view of a text begins and ends between two characters.
func (v viewed) bounds(text []byte) bool {
	return utf8.RuneStart(text[v.from]) && (v.to == len(text) || utf8.RuneStart(text[v.to]))
}

// overlapping is how many of the first views, which are in order, overlap.
func overlapping(views []viewed) int {
	end := views[0].to
	for i, v := range views {
		if v.buffer != views[0].buffer || v.from >= end && i > 0 {
			return i
		}
		end = max(end, v.to)
	}
	return len(views)
}

// checkOverlapping checks views that overlap: all are texts where what they show together is one, and each begins and ends between two
// characters of it.
func checkOverlapping(views []viewed, buffer []byte) error {
	first, end := views[0].from, 0
	for _, v := range views {
		end = max(end, v.to)
	}
	for at := first; at < end; {
		r, size := utf8.DecodeRune(buffer[at:end])
		if r == utf8.RuneError && size <= 1 {
			shows := func(v viewed) bool { return v.from <= at && at < v.to }
			return noText(views[slices.IndexFunc(views, shows)].row)
		}
		at += size
	}
	for _, v := range views {
		if !v.bounds(buffer[:end]) {
			return noText(v.row)
		}
	}
	return nil
}

func noText(row int) error { return fmt.Errorf("row %d is no text in UTF-8", row) }
