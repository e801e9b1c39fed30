package conformance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

// row is what the error table says of a code.
type row struct {
	Code      string `json:"code"`
	Retryable any    `json:"retryable"`
	HTTP      int    `json:"http"`
	Python    string `json:"python"`
}

// loadErrors reads proto/errors.json.
func loadErrors(repository fs.FS) (map[string]row, error) {
	text, err := fs.ReadFile(repository, "proto/errors.json")
	if err != nil {
		return nil, fmt.Errorf("the error table: %w", err)
	}
	var table struct{ Errors []row }
	if err := json.Unmarshal(text, &table); err != nil {
		return nil, fmt.Errorf("the error table: %w", err)
	}
	rows := map[string]row{}
	for _, r := range table.Errors {
		rows[r.Code] = r
	}
	return rows, nil
}

// loadVectors reads the JSON forms of value/testdata/vectors by their names.
func loadVectors(repository fs.FS) (map[string]any, error) {
	vectors := map[string]any{}
	names, err := fs.Glob(repository, "value/testdata/vectors/*.json")
	if err != nil {
		return nil, fmt.Errorf("the vectors: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			return nil, fmt.Errorf("the vectors: %w", err)
		}
		var f struct {
			Vectors []struct{ Name, JSON string }
		}
		if err := json.Unmarshal(text, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		for _, v := range f.Vectors {
			if vectors[v.Name], err = Parse([]byte(v.JSON)); err != nil {
				return nil, fmt.Errorf("%s: vector %q: %w", path.Base(name), v.Name, err)
			}
		}
	}
	return vectors, nil
}

// lawful says how an error differs from what the table says of its code; "" where it does not. A refusal by HTTP itself
// (415, 403, 404 …) has a status of its own.
func lawful(face string, rows map[string]row, failure Object) string {
	code := failure.Text("code")
	r, known := rows[code]
	if !known {
		return fmt.Sprintf("code %q is not in the error table", code)
	}
	if retryable, is := r.Retryable.(bool); is && failure.Get("retryable") != retryable {
		return fmt.Sprintf("code %s says retryable %v, the error table %v", code, failure.Get("retryable"), retryable)
	}
	if failure.Text("message") == "" {
		return fmt.Sprintf("code %s has no message", code)
	}
	return lawfulStatus(face, r, failure.Get("status"))
}

func lawfulStatus(face string, r row, status any) string {
	switch face {
	case "http":
		if n, is := status.(json.Number); is && n.String() != fmt.Sprint(r.HTTP) {
			return fmt.Sprintf("code %s has status %s, the error table %d", r.Code, n, r.HTTP)
		}
	case "python":
		if !raisedAs(r.Python, status) {
			return fmt.Sprintf("code %s is raised as %v, the error table says %s", r.Code, status, r.Python)
		}
	}
	return ""
}

// raisedAs reports whether an exception is of the class that the table names. A code of sessions that a call is
// answered with is a ToolExecutionError, and one of calls that another verb is answered with a SessionError.
func raisedAs(class string, status any) bool {
	switch class {
	case "SessionError", "ToolExecutionError":
		return status == "SessionError" || status == "ToolExecutionError"
	default:
		return status == class
	}
}
