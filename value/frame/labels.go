package frame

import (
	"fmt"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// notesKey is the key of the schema's metadata under which SDKs note, in the JSON form of values, what Arrow cannot say.
const notesKey = "grpc_tool_bridge"

// labels are the names of the columns as people know them: where pandas' are no unique texts, and the columns are called by their positions,
// the texts of what the notes say.
func (t *Table) labels() ([]string, error) {
	labels := t.Names()
	noted, err := t.notedLabels()
	if err != nil {
		return nil, err
	}
	if len(noted) > len(labels) {
		return nil, failf("$", "the notes of this %s name %d columns, and it has %d", t.kind, len(noted), len(labels))
	}
	copy(labels, noted) // the columns of the index follow those that the notes are about
	return labels, nil
}

// repeatedLabel returns the first label that is there twice.
func repeatedLabel(labels []string) (string, bool) {
	seen := make(map[string]struct{}, len(labels))
	for _, label := range labels {
		if _, twice := seen[label]; twice {
			return label, true
		}
		seen[label] = struct{}{}
	}
	return "", false
}

// notedLabels are the texts of the labels that the notes tell, none if the columns' names are their labels.
func (t *Table) notedLabels() ([]string, error) {
	if t.kind != PandasDataFrame && t.kind != PandasSeries && t.kind != NumpyArray {
		return nil, nil // under this key a table of another library may have what it wants
	}
	notes, err := t.notes()
	if err != nil {
		return nil, err
	}
	columns, ok := entry(notes, "columns")
	if !ok {
		return nil, nil
	}
	if labels, ok := entry(columns, "labels"); ok {
		if list, ok := labels.([]any); ok {
			return texts(list)
		}
	}
	if index, ok := entry(columns, "frame"); ok {
		if encoded, ok := index.([]byte); ok {
			return indexTexts(encoded)
		}
	}
	bounds, _ := entry(columns, "range")
	if tuple, ok := bounds.(value.Tuple); ok {
		if labels, ok := counted(tuple, t.schema.NumFields()); ok {
			return labels, nil
		}
	}
	return nil, failf("$", "what the notes of this %s say of its columns' names cannot be read", t.kind)
}

// notes is what SDKs noted, nil if that is nothing.
func (t *Table) notes() (any, error) {
	at := t.schema.Metadata().FindKey(notesKey)
	if at < 0 || t.schema.Metadata().Values()[at] == "" {
		return nil, nil
	}
	notes, err := value.DecodeJSON([]byte(t.schema.Metadata().Values()[at]))
	if err != nil {
		return nil, failf("$", "the metadata %q of this %s cannot be read: %s", notesKey, t.kind, shortened(err.Error()))
	}
	if _, ok := notes.(*value.Dict); !ok {
		return nil, failf("$", "the metadata %q of this %s cannot be read: it is no object", notesKey, t.kind)
	}
	return notes, nil
}

func entry(v any, key string) (any, bool) {
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, false
	}
	return d.Get(key)
}

// counted are the labels of a range from start to stop in steps, of which there are at most so many.
func counted(bounds value.Tuple, most int) (labels []string, ok bool) {
	if len(bounds) != 3 {
		return nil, false
	}
	start, isStart := bounds[0].(int64)
	stop, isStop := bounds[1].(int64)
	step, isStep := bounds[2].(int64)
	if !isStart || !isStop || !isStep || step == 0 {
		return nil, false
	}
	for n := start; len(labels) < most && (step > 0 && n < stop || step < 0 && n > stop); n += step {
		labels = append(labels, fmt.Sprint(n))
	}
	return labels, true
}
