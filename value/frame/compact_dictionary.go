package frame

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// shortDictionary is how many bytes a dictionary may have that travels whole, whatever of it is used.
const shortDictionary = 64 << 10

// inUse returns record batches without those entries of long dictionaries that none of their rows uses, if that is half of them or more.
// They are as they were where the entries are a part of the value: pandas' categories and polars' enumerations. In a pyarrow.Table they
// are a way to write texts down. The caller releases what was made.
func inUse(kind string, batches []arrow.RecordBatch) (written []arrow.RecordBatch, made releases) {
	if kind != PyarrowTable || len(batches) == 0 {
		return batches, nil
	}
	written = batches
	for i := range int(batches[0].NumCols()) {
		column, now := columnInUse(written, i)
		if column == nil {
			continue
		}
		made = append(made, now...)
		changed := make([]arrow.RecordBatch, len(written))
		for at, b := range written {
			columns := slices.Clone(b.Columns())
			columns[i] = column[at]
			changed[at] = array.NewRecordBatch(b.Schema(), columns, b.NumRows())
			made = append(made, changed[at])
		}
		written = changed
	}
	return written, made
}

// columnInUse returns a column of the batches with the entries of its dictionary that they use, nil if it is to stay as it is.
func columnInUse(batches []arrow.RecordBatch, i int) (column []arrow.Array, made releases) {
	first, ok := batches[0].Column(i).(*array.Dictionary)
	if !ok || first.Dictionary().Data().SizeInBytes() <= shortDictionary {
		return nil, nil
	}
	entries := first.Dictionary().Data()
	used := make([]bool, entries.Len())
	for _, b := range batches {
		d, ok := b.Column(i).(*array.Dictionary)
		if !ok || d.Dictionary().Data() != entries {
			return nil, nil
		}
		for row := range d.Len() {
			if !d.IsNull(row) {
				used[d.GetValueIndex(row)] = true
			}
		}
	}
	spans, places, count := spansInUse(used)
	if 2*count > len(used) {
		return nil, nil
	}
	dictionary := joined(entries, spans, make([]int64, len(spans)))
	if dictionary == nil {
		return nil, nil
	}
	made = append(made, dictionary)
	for _, b := range batches {
		column = append(column, reindexed(b.Column(i).(*array.Dictionary), dictionary, places))
		made = append(made, column[len(column)-1])
	}
	return column, made
}

// spansInUse returns where the entries stand that are used, where each of them stands among these, and how many they are.
func spansInUse(used []bool) (spans []span, places []int64, count int) {
	places = make([]int64, len(used))
	for at, is := range used {
		if !is {
			continue
		}
		places[at] = int64(count)
		count++
		if last := len(spans) - 1; last >= 0 && spans[last].to == int64(at) {
			spans[last].to++
		} else {
			spans = append(spans, span{int64(at), int64(at) + 1})
		}
	}
	return spans, places, count
}

// reindexed returns a column with another dictionary, in which its entries stand at other places.
func reindexed(d *array.Dictionary, dictionary arrow.ArrayData, places []int64) arrow.Array {
	kind := d.DataType().(*arrow.DictionaryType)
	width := kind.IndexType.(arrow.FixedWidthDataType).Bytes()
	indices := make([]byte, 0, d.Len()*width+8)
	for row := range d.Len() {
		at := int64(0)
		if !d.IsNull(row) {
			at = places[d.GetValueIndex(row)]
		}
		indices = binary.LittleEndian.AppendUint64(indices, uint64(at))[:len(indices)+width]
	}
	buffers := []*memory.Buffer{shiftedBits(d.Data()), memory.NewBufferBytes(indices)}
	data := array.NewDataWithDictionary(kind, d.Len(), buffers, d.NullN(), 0, dictionary.(*array.Data))
	defer data.Release()
	return array.NewDictionaryData(data)
}
