package value

import (
	"encoding"
	"fmt"
	"strings"
)

// The methods of a user's types are called here alone: one that panics is refused, as one that fails is.

// panicked makes a failure of a panic in a method of a user's type, of which v is. Called by a deferred function statement.
func panicked(f **failure, v any, method string) {
	why := recover()
	if why == nil {
		return
	}
	*f = failf("the method %s of %T panics: %s", method, v, strings.ToValidUTF8(fmt.Sprint(why), "\uFFFD"))
	(*f).cause, _ = why.(error)
}

func valueOf(m Marshaler) (v any, f *failure) {
	defer panicked(&f, m, "BridgeValue")
	v, err := m.BridgeValue()
	if err != nil {
		return nil, foreign(err)
	}
	return v, nil
}

func setValue(u Unmarshaler, v any) (f *failure) {
	defer panicked(&f, u, "SetBridgeValue")
	if err := u.SetBridgeValue(v); err != nil {
		return foreign(err)
	}
	return nil
}

func classOf(c Classed) (class string, f *failure) {
	defer panicked(&f, c, "BridgeClass")
	return c.BridgeClass(), nil
}

func writtenText(m encoding.TextMarshaler) (text []byte, f *failure) {
	defer panicked(&f, m, "MarshalText")
	text, err := m.MarshalText()
	if err != nil {
		return nil, foreign(err)
	}
	return text, nil
}

func readText(u encoding.TextUnmarshaler, text string) (f *failure) {
	defer panicked(&f, u, "UnmarshalText")
	if err := u.UnmarshalText([]byte(text)); err != nil {
		return foreign(err)
	}
	return nil
}

// errorRecord is ErrorAsRecord of an error that may have no text: one that embeds an error which is nil.
func errorRecord(err error) (record any, f *failure) {
	defer panicked(&f, err, "Error")
	return ErrorAsRecord(err), nil
}
