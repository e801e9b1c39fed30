package frame

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// scalarForm returns the form of numbers, texts and bools. A column's type is decided by the Go type alone.
func scalarForm(t reflect.Type) (*form, bool) {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return plainForm(arrow.PrimitiveTypes.Int64, "int64", "Int64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Int64Builder).Append(v.Int())
			return nil
		}), true
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return plainForm(arrow.PrimitiveTypes.Int64, "int64", "Int64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Int64Builder).Append(int64(v.Uint()))
			return nil
		}), true
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return plainForm(arrow.PrimitiveTypes.Uint64, "uint64", "UInt64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Uint64Builder).Append(v.Uint())
			return nil
		}), true
	case reflect.Float32, reflect.Float64:
		return plainForm(arrow.PrimitiveTypes.Float64, "float64", "Float64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Float64Builder).Append(v.Float())
			return nil
		}), true
	case reflect.Bool:
		return plainForm(arrow.FixedWidthTypes.Boolean, "bool", "boolean", func(b array.Builder, v reflect.Value) error {
			b.(*array.BooleanBuilder).Append(v.Bool())
			return nil
		}), true
	case reflect.String:
		return objectForm(arrow.BinaryTypes.String, putText), t != reflect.TypeFor[json.Number]()
	}
	return nil, false
}

func putText(b array.Builder, v reflect.Value) error {
	if _, err := value.Encode(v.String()); err != nil {
		return fmt.Errorf("want text in valid UTF-8, got %.60q", v.String())
	}
	b.(*array.StringBuilder).Append(v.String())
	return nil
}

// isText reports whether values of a type are encoded as their own text, which texts are that write it by a pointer.
func isText(t reflect.Type) bool {
	return (t.Kind() == reflect.String || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())) && value.Implements[encoding.TextMarshaler](t)
}

// textForm is that of types that write their own text.
func textForm(t reflect.Type) *form {
	return objectForm(arrow.BinaryTypes.String, func(b array.Builder, v reflect.Value) error {
		at := reflect.New(t)
		at.Elem().Set(v)
		text, err := writtenText(at.Interface().(encoding.TextMarshaler))
		if err != nil {
			return fmt.Errorf("the text of a %s: %w", t, err)
		}
		return putText(b, reflect.ValueOf(string(text)))
	})
}

// writtenText is the text of a value whose method may panic.
func writtenText(m encoding.TextMarshaler) (text []byte, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("the method MarshalText of %T panics: %s", m, strings.ToValidUTF8(fmt.Sprint(why), "\uFFFD"))
		}
	}()
	return m.MarshalText()
}

// isUUID reports whether a type is a UUID, of whatever package.
func isUUID(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Len() == len(value.UUID{}) && t.Elem().Kind() == reflect.Uint8 && t.Name() == "UUID"
}

func uuidForm() *form {
	f := objectForm(&arrow.FixedSizeBinaryType{ByteWidth: len(value.UUID{})}, putFixed)
	f.meta = arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"arrow.uuid", ""})
	return f
}

// isOctets reports whether a type is a slice or an array of bytes.
func isOctets(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
}

func putFixed(b array.Builder, v reflect.Value) error {
	b.(*array.FixedSizeBinaryBuilder).Append(octetsOf(v))
	return nil
}

func putBytes(b array.Builder, v reflect.Value) error {
	b.(*array.BinaryBuilder).Append(octetsOf(v))
	return nil
}

func octetsOf(v reflect.Value) []byte {
	if v.Kind() == reflect.Slice {
		return v.Bytes()
	}
	octets := make([]byte, v.Len())
	for i := range octets { // reflect.Copy wants the very type byte
		octets[i] = byte(v.Index(i).Uint())
	}
	return octets
}
