package storecore

import (
	"bytes"
	"maps"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CheckNames refuses a request that writes one variable twice: in which order would be anybody's guess.
func CheckNames(writes []broker.VariableWrite) error {
	seen := make(map[string]bool, len(writes))
	for i := range writes {
		name := writes[i].Name
		if seen[name] {
			return tool.Errorf(tool.ValidationError, "variable %q is written twice in one request: write it once", name).With("variable", name)
		}
		seen[name] = true
	}
	return nil
}

// Repeated reports whether w was done before and still stands: the variable was last written by the same request. The
// same request id with another payload is RequestConflict.
func Repeated(w *broker.VariableWrite, current *tool.Variable, lastRequest string) (bool, error) {
	if current == nil || w.RequestID == "" || w.RequestID != lastRequest {
		return false, nil
	}
	if !samePayload(&w.Variable, current) {
		return false, tool.Errorf(tool.RequestConflict, "variable %q was last written by request %q with another value: use a new request id for a new write", w.Name, w.RequestID).With("variable", w.Name)
	}
	return true, nil
}

// Check returns RevisionConflict if the condition does not hold for the variable as it is, nil for one that is absent.
func Check(name string, cond broker.Condition, current *tool.Variable) error {
	switch {
	case cond.Absent && current != nil:
		return conflict(name, "variable %q exists, at revision %s: read it, or write without if_absent", name, current.Revision)
	case cond.Revision != "" && current == nil:
		return conflict(name, "variable %q does not exist, so it is not at revision %.64q: read it again", name, cond.Revision)
	case cond.Revision != "" && cond.Revision != current.Revision:
		return conflict(name, "variable %q is at revision %s, not at %.64q: read it again", name, current.Revision, cond.Revision)
	}
	return nil
}

func conflict(name, format string, args ...any) *tool.Error {
	return tool.Errorf(tool.RevisionConflict, format, args...).With("variable", name)
}

// WithoutValue returns v as listings and writes return it.
func WithoutValue(v tool.Variable) tool.Variable {
	v.Value = tool.Value{}
	return v
}

func samePayload(a, b *tool.Variable) bool {
	return a.Value.TypeURL == b.Value.TypeURL && bytes.Equal(a.Value.Bytes, b.Value.Bytes) && maps.Equal(a.Metadata, b.Metadata)
}
