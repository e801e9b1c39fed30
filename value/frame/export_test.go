package frame

import "reflect"

// FromRows is FromStructs of a slice whose type is made while the test runs.
func FromRows(rows reflect.Value) (*Table, error) { return fromRows(rows) }
