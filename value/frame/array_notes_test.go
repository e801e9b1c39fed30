package frame_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// notedTable makes a table of a kind with a note under the bridge's key, of columns called "values", "values1", …
func notedTable(kind, notes string, columns ...arrow.Array) (*frame.Table, error) {
	fields := make([]arrow.Field, len(columns))
	rows := int64(0)
	for i, c := range columns {
		fields[i] = arrow.Field{Name: strings.TrimSuffix(fmt.Sprint("values", i), "0"), Type: c.DataType(), Nullable: true}
		rows = int64(c.Len())
	}
	metadata := arrow.NewMetadata([]string{"grpc_tool_bridge"}, []string{notes})
	if notes == "" {
		metadata = arrow.Metadata{}
	}
	schema := arrow.NewSchema(fields, &metadata)
	return frame.FromBatches(kind, schema, []arrow.RecordBatch{array.NewRecordBatch(schema, columns, rows)})
}

func textArray(texts ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(texts, nil)
	return b.NewArray()
}

func bytesArray(octets ...string) arrow.Array {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for _, o := range octets {
		b.AppendString(o)
	}
	return b.NewArray()
}

func nullArray() arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendNull()
	return b.NewArray()
}

func TestAnArrayWhoseNotesSayWhatItsColumnIsNotIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		notes   string
		columns []arrow.Array
		want    string // "" for none
	}{
		"no column":                      {`{}`, nil, "1 column, not 0"},
		"two columns":                    {`{"dtype":"<c16"}`, []arrow.Array{floatArray(1, 2), intArray(1, 2)}, "1 column, not 2"},
		"no notes":                       {"", []arrow.Array{textArray("a")}, ""},
		"notes that are no object":       {`[1]`, []arrow.Array{intArray(1)}, "cannot be read"},
		"notes without a dtype":          {`{"shape":7}`, []arrow.Array{intArray(1)}, ""},
		"a dtype that is no text":        {`{"dtype":8}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"a dtype without an order":       {`{"dtype":"i8"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"a byte with an order":           {`{"dtype":"<i1"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"a dtype of the machine's order": {`{"dtype":"=i8"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"a dtype of nothing":             {`{"dtype":"<"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"objects":                        {`{"dtype":"|O"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"wide complex numbers":           {`{"dtype":"<c32"}`, []arrow.Array{floatArray(1, 2, 3, 4)}, "name of a dtype"},
		"ints of another width":          {`{"dtype":"<i4"}`, []arrow.Array{intArray(1)}, "want a column of int32, got int64"},
		"ints":                           {`{"dtype":">i8"}`, []arrow.Array{intArray(1)}, ""},
		"half a complex number":          {`{"dtype":"<c16"}`, []arrow.Array{floatArray(1, 2, 3)}, "two floats an item"},
		"complex ints":                   {`{"dtype":"<c8"}`, []arrow.Array{intArray(1, 2)}, "want a column of float32"},
		"complex numbers":                {`{"dtype":"<c16","shape":{"$tuple":[1,1]}}`, []arrow.Array{floatArray(1, 2)}, ""},
		"moments of no unit":             {`{"dtype":"<M8"}`, []arrow.Array{intArray(1)}, ""},
		"moments of an unknown unit":     {`{"dtype":"<M8[x]"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"moments of half a unit":         {`{"dtype":"<M8[s"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"steps of 1 s":                   {`{"dtype":"<M8[1s]"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"steps of more than 31 bits":     {`{"dtype":"<M8[2147483648s]"}`, []arrow.Array{intArray(1)}, "name of a dtype"},
		"moments of other units":         {`{"dtype":"<M8[ms]"}`, []arrow.Array{momentArray(arrow.Second, "", 1)}, "want a column of timestamp[ms]"},
		"spans that are moments":         {`{"dtype":"<m8[s]"}`, []arrow.Array{momentArray(arrow.Second, "", 1)}, "want a column of duration[s]"},
		"moments with a zone":            {`{"dtype":"<M8[s]"}`, []arrow.Array{momentArray(arrow.Second, "UTC", 1)}, "want a column of timestamp[s]"},
		"a zone that nothing is said of": {`{}`, []arrow.Array{momentArray(arrow.Second, "UTC", 1)}, "lose its zone"},
		"NaT":                            {`{"dtype":"<M8[s]","shape":{"$tuple":[2]}}`, []arrow.Array{momentArray(arrow.Second, "", 1)}, ""},
		"nulls":                          {`{"dtype":"<i8"}`, []arrow.Array{nullArray()}, "has nulls"},
		"nulls without notes":            {"", []arrow.Array{nullArray()}, "has nulls"},
		"texts":                          {`{"dtype":"<U2"}`, []arrow.Array{textArray("😀é", "")}, ""},
		"texts as long as the longest":   {`{"dtype":"<U0"}`, []arrow.Array{textArray("abc")}, ""},
		"texts that are longer":          {`{"dtype":">U2"}`, []arrow.Array{textArray("a", "abc")}, `item 1 of dtype ">U2" is "abc"`},
		"texts that end in zeros":        {`{"dtype":"<U5"}`, []arrow.Array{textArray("a\x00")}, "item 0"},
		"texts of no order":              {`{"dtype":"|U5"}`, []arrow.Array{textArray("a")}, "name of a dtype"},
		"bytes":                          {`{"dtype":"|S1"}`, []arrow.Array{bytesArray("\xff")}, ""},
		"bytes that are longer":          {`{"dtype":"|S1"}`, []arrow.Array{bytesArray("é")}, "item 0"},
		"a shape that is no tuple":       {`{"dtype":"<i8","shape":[1]}`, []arrow.Array{intArray(1)}, "want a shape"},
		"a shape of texts":               {`{"dtype":"<i8","shape":{"$tuple":["1"]}}`, []arrow.Array{intArray(1)}, "want a shape of lengths"},
		"a shape below 0":                {`{"dtype":"<i8","shape":{"$tuple":[-1,-1]}}`, []arrow.Array{intArray(1)}, "want a shape of lengths"},
		"a shape of other items":         {`{"dtype":"<i8","shape":{"$tuple":[2]}}`, []arrow.Array{intArray(1)}, "want a shape of 1 items"},
		"a shape that overflows":         {`{"dtype":"<i8","shape":{"$tuple":[4294967296,4294967296]}}`, []arrow.Array{intArray()}, "want a shape of 0 items"},
		"a shape of nothing":             {`{"dtype":"<i8","shape":{"$tuple":[5,0]}}`, []arrow.Array{intArray()}, ""},
		"too vast a shape of nothing":    {`{"dtype":"<i8","shape":{"$tuple":[1099511627776,1099511627776,0]}}`, []arrow.Array{intArray()}, "want a shape of 0 items"},
		"a shape of one item":            {`{"dtype":"<i8","shape":{"$tuple":[]}}`, []arrow.Array{intArray(1)}, ""},
		"too many dimensions":            {`{"dtype":"<i8","shape":{"$tuple":[` + strings.Repeat("1,", 64) + `1]}}`, []arrow.Array{intArray(1)}, "at most 64"},
		"an order that is none":          {`{"dtype":"<i8","order":"A"}`, []arrow.Array{intArray(1)}, "want the order"},
	} {
		_, err := notedTable(frame.NumpyArray, c.notes, c.columns...)
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
	}
}

func TestASeriesHasOneColumn(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{frame.PandasSeries, frame.PolarsSeries} {
		_, err := notedTable(kind, `{}`, intArray(1))
		require.NoError(t, err, kind)
		_, err = notedTable(kind, `{}`, intArray(1), intArray(2))
		require.ErrorContains(t, err, "a series is a table of 1 column, not 2", kind)
	}
}
