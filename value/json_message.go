package value

import (
	"bytes"
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	// All programs know these messages, so that each can read what another writes as $message.
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// maxTyped is how many messages with an "@type", the outermost too, may be in one another in protobuf's JSON: its readers look through all that
// is in an Any for its type before they read it, and so again in the Any in it. Deeper ones are written as $any.
const maxTyped = 8

// message writes a message as protobuf's JSON, or by its bytes where that would lose something: fields that this program does not
// know, the sign of a NaN, an Any of an unknown type.
func (w *jsonWriter) message(m proto.Message) *failure {
	name := m.ProtoReflect().Descriptor().FullName()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return foreign(err)
	}
	packed := &anypb.Any{TypeUrl: urlPrefix + string(name), Value: b}
	if fewAnys(m.ProtoReflect(), maxTyped-1) {
		if text, ok := sameInJSON(packed); ok {
			w.tag("$message", text)
			return nil
		}
	}
	w.packed(packed.GetTypeUrl(), b)
	return nil
}

// fewAnys reports whether at most so many Anys of a message are in one another.
func fewAnys(m protoreflect.Message, most int) bool {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Struct", "google.protobuf.ListValue", "google.protobuf.Value":
		return true
	case "google.protobuf.Any":
		packed, ok := m.Interface().(*anypb.Any)
		if !ok || packed.GetTypeUrl() == "" {
			return true
		}
		if most == 0 {
			return false
		}
		in, err := packed.UnmarshalNew()
		return err != nil || fewAnys(in.ProtoReflect(), most-1)
	}
	few := true
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		few = fewAnysIn(field, v, most)
		return few
	})
	return few
}

func fewAnysIn(field protoreflect.FieldDescriptor, v protoreflect.Value, most int) bool {
	few := true
	switch {
	case field.IsMap():
		if field.MapValue().Message() != nil {
			v.Map().Range(func(_ protoreflect.MapKey, held protoreflect.Value) bool {
				few = fewAnys(held.Message(), most)
				return few
			})
		}
	case field.Message() == nil:
	case field.IsList():
		for i := 0; few && i < v.List().Len(); i++ {
			few = fewAnys(v.List().Get(i).Message(), most)
		}
	default:
		return fewAnys(v.Message(), most)
	}
	return few
}

// sameInJSON returns the JSON of a message, and whether its bytes can be made of it again.
func sameInJSON(packed *anypb.Any) (string, bool) {
	text, err := protojson.Marshal(packed)
	if err != nil {
		return "", false
	}
	if !fewTyped(text) {
		return "", false
	}
	var back anypb.Any
	if err := protojson.Unmarshal(text, &back); err != nil {
		return "", false
	}
	m, err := back.UnmarshalNew()
	if err != nil {
		return "", false
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil || !bytes.Equal(b, packed.GetValue()) {
		return "", false
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return "", false
	}
	return compact.String(), true
}

// fewTyped reports whether a text of JSON that is right has at most maxTyped objects with an "@type" in one another.
func fewTyped(text []byte) bool {
	r := jsonReader{scanner: scanner{data: text}}
	return r.typed() <= maxTyped
}

// typed reads a value and returns how many objects with an "@type" are in one another.
func (r *jsonReader) typed() int {
	open := r.next()
	switch open {
	case '"':
		r.readText()
		return 0
	case '{', '[':
	default:
		for r.pos < len(r.data) && bytes.IndexByte([]byte(",]} \t\r\n"), r.data[r.pos]) < 0 {
			r.pos++
		}
		return 0
	}
	most, own := 0, 0
	r.pos++
	for c := r.next(); c != '}' && c != ']'; c = r.next() {
		if open == '{' {
			if r.readText() == "@type" {
				own = 1
			}
			r.next()
			r.pos++
		}
		most = max(most, r.typed())
		if r.next() == ',' {
			r.pos++
		}
	}
	r.pos++
	return most + own
}
