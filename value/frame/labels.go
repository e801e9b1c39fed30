package frame

import (
	"fmt"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// notesKey is the key of the schema's metadata under which SDKs note, in the JSON form of values, what Arrow cannot say.
const notesKey = "grpc_tool_bridge"

// labels are the names of the columns as people know them: where pandas' are no unique texts, and the columns are called
// by their positions, what the notes say, if that is unique as text.
func (t *Table) labels() []string {
	names := t.Names()
	noted := t.notedLabels()
	if len(noted) == 0 {
		return names
	}
	if len(noted) > len(names) {
		return names
	}
	// The columns of the index follow those that the notes are about.
	labels := append(slices.Clone(noted), names[len(noted):]...)
	if _, twice := repeatedLabel(labels); twice {
		return names
	}
	return labels
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

// notedLabels are the labels that stand in the notes one by one.
func (t *Table) notedLabels() []string {
	columns, _ := entry(t.notes(), "columns")
	if labels, ok := entry(columns, "labels"); ok {
		list, _ := labels.([]any)
		return texts(list)
	}
	bounds, _ := entry(columns, "range")
	if tuple, ok := bounds.(value.Tuple); ok {
		return counted(tuple, t.schema.NumFields())
	}
	return nil
}

// notes is what SDKs noted, nil if that is nothing or cannot be read.
func (t *Table) notes() any {
	at := t.schema.Metadata().FindKey(notesKey)
	if at < 0 {
		return nil
	}
	notes, err := value.DecodeJSON([]byte(t.schema.Metadata().Values()[at]))
	if err != nil {
		return nil
	}
	return notes
}

func entry(v any, key string) (any, bool) {
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, false
	}
	return d.Get(key)
}

func texts(labels []any) []string {
	found := make([]string, len(labels))
	for i, label := range labels {
		switch x := label.(type) {
		case string:
			found[i] = x
		case int64, float64, bool, value.Date:
			found[i] = fmt.Sprint(x)
		default:
			text, err := value.EncodeJSON(label)
			if err != nil {
				return nil
			}
			found[i] = string(text)
		}
	}
	return found
}

// counted are the labels of a range from start to stop in steps, of which there are at most so many.
func counted(bounds value.Tuple, most int) []string {
	if len(bounds) != 3 {
		return nil
	}
	start, isStart := bounds[0].(int64)
	stop, isStop := bounds[1].(int64)
	step, isStep := bounds[2].(int64)
	if !isStart || !isStop || !isStep || step == 0 {
		return nil
	}
	var labels []string
	for n := start; len(labels) < most && (step > 0 && n < stop || step < 0 && n > stop); n += step {
		labels = append(labels, fmt.Sprint(n))
	}
	return labels
}
