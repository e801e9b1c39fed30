package value

import (
	"errors"
	"fmt"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Record is an object of a class that this program need not have: a dataclass, named tuple, model, struct or exception.
type Record struct {
	// Class is the name of its class. Nothing is ever looked up by it.
	Class string
	// Fields in the order of the class; names are unique.
	Fields []Field
}

// Field is a field of a Record.
type Field struct {
	// Name of the field.
	Name string
	// Value of the field.
	Value any
}

// Get returns a field's value.
func (r Record) Get(name string) (any, bool) {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return r.Fields[i].Value, true
		}
	}
	return nil, false
}

// Enum is a member of an enumeration that this program need not have.
type Enum struct {
	// Class is the name of the enumeration.
	Class string
	// Name of the member.
	Name string
	// Value of the member.
	Value any
}

// Opaque is an encoded value of a type that this program does not know, such as a table without the extension that
// reads it, or an object of a Python class of which only the text came. It goes back unchanged.
type Opaque struct {
	// TypeURL as it came.
	TypeURL string
	// Bytes as they came; shared, not to be changed.
	Bytes []byte
}

// Text returns the text of an object of a Python class (type URL python.<Class>), and whether it is one.
func (o Opaque) Text() (string, bool) {
	if !strings.HasPrefix(afterSlash(o.TypeURL), "python.") {
		return "", false
	}
	return string(o.Bytes), true
}

// Unknown is a dspex.bridge.Value of a kind that this version does not know, or with a field that it does not. It goes back unchanged.
type Unknown struct {
	// Kind is its number.
	Kind int32
	// Bytes of the whole message; shared, not to be changed.
	Bytes []byte
}

// Marshaler is a type that says itself which value it is encoded as.
type Marshaler interface {
	// BridgeValue returns any value that can be encoded.
	BridgeValue() (any, error)
}

// Unmarshaler is a type that takes a decoded value itself. It is called on a pointer.
type Unmarshaler interface {
	// SetBridgeValue gets the value as untyped decoding gives it.
	SetBridgeValue(value any) error
}

// Classed is a struct type that is encoded as a Record of the class that it names, not as a dict.
type Classed interface {
	// BridgeClass returns the name of the class. It is also called on zero values.
	BridgeClass() string
}

// ErrorAsRecord makes of an error the Record that it is encoded as: its class (that of the original exception, where it came
// from another program, otherwise the name of its Go type) and its message; a *tool.Error has code and details too.
func ErrorAsRecord(err error) Record {
	var known *tool.Error
	if !errors.As(err, &known) {
		return Record{Class: errorClass(err), Fields: []Field{{"message", err.Error()}}}
	}
	class := known.Class
	if class == "" {
		class = string(known.Code)
	}
	return Record{Class: class, Fields: []Field{
		{"message", known.Message}, {"code", string(known.Code)}, {"details", known.Details},
	}}
}

func errorClass(err error) string {
	name := strings.TrimLeft(fmt.Sprintf("%T", err), "*")
	return name[strings.LastIndexByte(name, '.')+1:]
}
