package frame

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The kinds of tables, series and arrays: what stands behind the slash of their type URL.
const (
	PandasDataFrame = "pandas.DataFrame"
	PandasSeries    = "pandas.Series"
	PolarsDataFrame = "polars.DataFrame"
	PolarsSeries    = "polars.Series"
	PyarrowTable    = "pyarrow.Table"
	NumpyArray      = "numpy.ndarray"
)

// Table is a table, series or array: record batches of one schema, and the kind of object that it is in Python.
type Table struct {
	kind    string
	encoded []byte
	schema  *arrow.Schema
	batches []arrow.RecordBatch
	rows    int
}

// Kind returns what it is in Python, such as PandasDataFrame.
func (t *Table) Kind() string { return t.kind }

// Rows returns the number of rows.
func (t *Table) Rows() int { return t.rows }

// Names returns the names of the columns in their order. Those that pandas takes for the index are among them, but for a Range; columns
// whose names are no unique texts in Python have names made from their position, while rows have the texts of those names.
func (t *Table) Names() []string {
	names := make([]string, t.schema.NumFields())
	for i := range names {
		names[i] = t.schema.Field(i).Name
	}
	return names
}

// Schema returns the Arrow schema with its metadata.
func (t *Table) Schema() *arrow.Schema { return t.schema }

// Batches returns the record batches. They belong to the table and must not be released.
func (t *Table) Batches() []arrow.RecordBatch { return t.batches }

// Bytes returns the Arrow IPC stream. It is shared and must not be changed.
func (t *Table) Bytes() []byte { return t.encoded }

// Column returns a column by its name, the first of several, or the index of that name which is a Range. What the schema's metadata says of
// the index is read when it is asked for, here, by Range and where rows are made: what cannot be read there is an error there, and no reason
// not to pass the table on.
func (t *Table) Column(name string) (*Column, error) {
	at := t.schema.FieldIndices(name)
	if len(at) == 0 {
		if c, err := t.rangeNamed(name); c != nil || err != nil {
			return c, err
		}
		return nil, failf("$", "there is no column %q; the columns are %q", name, t.Names())
	}
	return t.ColumnAt(at[0])
}

// ColumnAt returns a column by its position.
func (t *Table) ColumnAt(i int) (*Column, error) {
	if i < 0 || i >= t.schema.NumFields() {
		return nil, failf("$", "there is no column %d of %d", i, t.schema.NumFields())
	}
	f := t.schema.Field(i)
	c := &Column{name: f.Name, field: f, read: readerOf(f, meant), rows: t.rows, within: t}
	if items := t.itemReader(); items != nil {
		c.read = items
	}
	for _, b := range t.batches {
		c.chunks = append(c.chunks, b.Column(i))
	}
	return c, nil
}

// OfKind returns the same table as another kind of object in Python, without the metadata of the former.
func (t *Table) OfKind(kind string) (*Table, error) { return FromBatches(kind, t.schema, t.batches) }

// FromBatches makes a table of Arrow record batches, which all have this schema. It keeps the schema's metadata, except
// that of the bridge. A batch of more than 2 MiB is written in parts of about 1 MiB.
func FromBatches(kind string, schema *arrow.Schema, batches []arrow.RecordBatch) (t *Table, err error) {
	defer recovered(&err, "write")
	if !known(kind) {
		return nil, failf("$", "unknown kind of table %q", kind)
	}
	if err := checkSchema(schema); err != nil {
		return nil, err
	}
	batches, made := inUse(kind, batches)
	defer made.all()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	for i, b := range batches {
		if err := writeTo(&out, b, w.Write); err != nil {
			return nil, failf("$", "record batch %d cannot be written: %v", i, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, failf("$", "the table cannot be written: %v", err)
	}
	return Read(kind, out.Bytes())
}

func known(kind string) bool {
	switch kind {
	case PandasDataFrame, PandasSeries, PolarsDataFrame, PolarsSeries, PyarrowTable, NumpyArray:
		return true
	}
	return false
}

func failf(path, format string, args ...any) *tool.Error {
	return tool.Errorf(tool.SerializationError, format, args...).With("path", path)
}

// recovered turns a panic of the Arrow library, which does not check all that it is given, into an error.
func recovered(err *error, verb string) {
	if p := recover(); p != nil {
		*err = failf("$", "the Arrow library cannot %s this table: %s", verb, said(fmt.Sprint(p)))
	}
}

func shortened(s string) string { return s[:min(len(s), 200)] }
