package value

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// shownBytes is how much of a bad text an error shows.
const shownBytes = 48

// failure is an error on its way up to the outermost value; every level adds where it was.
type failure struct {
	code     tool.Code
	message  string
	expected string
	got      string
	limit    int // of a value that is too large, in bytes
	cause    error
	holder   reflect.Type // the struct type that has a field which is missing, until one of another package is passed
	placed   bool         // of what is wrong with a text of JSON, that it has a place in the value
	steps    []string     // innermost first
	visited  []uintptr    // identities of the containers passed, innermost first; only for deep values
}

func failf(format string, args ...any) *failure {
	return &failure{code: tool.SerializationError, message: fmt.Sprintf(format, args...)}
}

// mismatch says that something else was wanted.
func mismatch(expected, got string) *failure {
	return &failure{code: tool.SerializationError, message: "want " + expected + ", got " + got, expected: expected, got: got}
}

func tooDeep() *failure {
	f := failf("the value is deeper than %d levels", MaxDepth)
	f.expected = "at most " + strconv.Itoa(MaxDepth) + " levels"
	f.visited = []uintptr{}
	return f
}

func tooLarge(limit int) *failure {
	return &failure{
		code:     tool.MessageTooLarge,
		message:  fmt.Sprintf("message too large: the value has more than the %d bytes allowed; send less or in chunks", limit),
		expected: "at most " + strconv.Itoa(limit) + " bytes",
		limit:    limit,
	}
}

// through notes the identity of a container that a value too deep was found in, so that a cycle can be told.
func (f *failure) through(id uintptr) *failure {
	if f != nil && f.visited != nil && id != 0 {
		f.visited = append(f.visited, id)
	}
	return f
}

// err makes the error for the caller; nil stays nil.
func (f *failure) err() error {
	if f == nil {
		return nil
	}
	if f.cyclic() {
		f.message, f.expected, f.got = "the value contains itself", "a value without cycles", "a cycle"
		f.steps = f.steps[max(0, len(f.steps)-MaxDepth/4):]
	}
	path := f.path()
	message := "value at " + path + ": " + f.message
	if path == "$" {
		message = "value: " + f.message
	}
	e := tool.Errorf(f.code, "%s", message).With("path", path)
	e.Cause = f.cause
	if f.expected != "" {
		e = e.With("expected", f.expected)
	}
	if f.got != "" {
		e = e.With("got", f.got)
	}
	if f.limit > 0 {
		e = e.With("limit", strconv.Itoa(f.limit))
	}
	return e
}

func (f *failure) cyclic() bool {
	seen := make(map[uintptr]bool, len(f.visited))
	for _, id := range f.visited {
		if seen[id] {
			return true
		}
		seen[id] = true
	}
	return false
}

// quoted shows a text, shortened.
func quoted(s string) string {
	if len(s) > shownBytes {
		return strconv.Quote(strings.ToValidUTF8(s[:shownBytes], "")) + "…"
	}
	return strconv.Quote(s)
}
