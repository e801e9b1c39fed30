package value

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

// plan is how the fields of a struct type are encoded and decoded.
type plan struct {
	fields []plannedField
	byName map[string]int
	clash  string // which two fields have one name, of which one alone would travel, if there are such
	loses  string // why its values cannot be encoded without loss, if they cannot

	embeds    bool   // another type
	again     []int  // a struct that is embedded in itself
	hidden    string // the first embedded type that says itself what it is encoded as and is no field, for it is not exported
	swallowed voices // which the struct has from embedded types, without the other fields
}

type plannedField struct {
	name      string
	index     []int
	omitEmpty bool
	omitZero  bool
	optional  bool    // a dict may lack it
	fallback  *string // the text of its default, which it has then; nil for none
}

// planOf makes or remembers the plan of a struct type.
func (c *Codec) planOf(t reflect.Type, own *map[reflect.Type]*plan) *plan {
	if c.plans != nil {
		if p, ok := c.plans.Load(t); ok {
			return p.(*plan)
		}
	} else if p, ok := (*own)[t]; ok {
		return p
	}
	p := newPlan(t)
	if c.plans != nil {
		c.plans.Store(t, p)
		return p
	}
	if *own == nil {
		*own = make(map[reflect.Type]*plan)
	}
	(*own)[t] = p
	return p
}

func newPlan(t reflect.Type) *plan { return planWithin(t, map[reflect.Type]bool{}) }

// planWithin is newPlan of a struct that others may embed.
func planWithin(t reflect.Type, within map[reflect.Type]bool) *plan {
	p := &plan{byName: make(map[string]int)}
	p.add(t, nil, false, within)
	kept := p.fields[:0]
	for _, f := range p.fields {
		if at, taken := p.byName[f.name]; taken {
			p.clashes(t, f.name, kept[at].index, f.index)
			continue
		}
		p.byName[f.name] = len(kept)
		kept = append(kept, f)
	}
	p.fields = kept
	if len(p.again) > 0 {
		p.repeats(t, p.again)
	}
	if p.embeds {
		p.swallowed = p.swallows(t)
	}
	p.loses = p.loss(t)
	return p
}

// loss says why values of the type cannot be encoded: none of its fields is exported, or two have one name.
func (p *plan) loss(t reflect.Type) string {
	if p.clash != "" {
		return p.clash
	}
	if p.hidden != "" {
		return fmt.Sprintf("a %s embeds a %s, which says itself what it is encoded as, and is no field, for its name is not exported: export it, embed it under the tag `bridge:\"-\"`, or implement value.Marshaler", t, p.hidden)
	}
	if message := reflect.TypeFor[proto.Message](); reflect.PointerTo(t).Implements(message) && !t.Implements(message) && p.swallowed&isAMessage == 0 {
		return fmt.Sprintf("a %s is a message only behind a pointer: send a *%s", t, t)
	}
	if len(p.fields) > 0 {
		return ""
	}
	for i := range t.NumField() {
		if f := t.Field(i); !f.IsExported() && !f.Anonymous && f.Name != "_" && f.Type.Size() > 0 {
			return fmt.Sprintf("a %s cannot be encoded, for its fields are not exported: implement value.Marshaler, give the codec its extension, as tables have frame.Extension(), or leave it out by the tag `bridge:\"-\"`", t)
		}
	}
	return ""
}

// add plans the fields of a struct, and of those that it embeds, all optional where a pointer on the way there may be nil.
func (p *plan) add(t reflect.Type, index []int, optional bool, within map[reflect.Type]bool) {
	if within[t] {
		p.again = index
		return
	}
	within[t] = true
	defer delete(within, t)
	for i := range t.NumField() {
		f := t.Field(i)
		at := slices.Concat(index, []int{i})
		name, options, skip := fieldName(f)
		p.embeds = p.embeds || f.Anonymous
		itself := f.Anonymous && !skip && saysItself(f.Type, within)
		if embedded := structBehind(f.Type); f.Anonymous && name == "" && hasFields(embedded) && !skip && !itself {
			p.add(embedded, at, optional || f.Type.Kind() == reflect.Pointer || mayLack(options), within)
			continue
		}
		if itself && !f.IsExported() && p.hidden == "" {
			p.hidden = f.Type.String()
		}
		if skip || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		p.fields = append(p.fields, plannedField{
			name: name, index: at, omitEmpty: hasOption(options, "omitempty"), omitZero: hasOption(options, "omitzero"),
			optional: optional || mayLack(options) || nilable(f.Type), fallback: fallbackOf(f),
		})
	}
}

// mayLack reports whether a tag says that a dict may lack the field.
func mayLack(options string) bool {
	return hasOption(options, "optional") || hasOption(options, "omitempty") || hasOption(options, "omitzero")
}

func fallbackOf(f reflect.StructField) *string {
	if text, ok := f.Tag.Lookup("default"); ok {
		return &text
	}
	return nil
}

// nilable reports whether values of a type may be nil.
func nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return false
}

func fieldName(f reflect.StructField) (name, options string, skip bool) {
	tag, ok := f.Tag.Lookup("bridge")
	if !ok {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
		return "", "", true
	}
	name, options, _ = strings.Cut(tag, ",")
	return name, options, false
}

func hasOption(options, option string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == option {
			return true
		}
	}
	return false
}

func structBehind(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// hasFields reports whether the fields of an embedded struct stand for it; those of a time.Time are its own affair, so it is a field
// of the name of its type.
func hasFields(t reflect.Type) bool {
	if t == nil {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() || f.Anonymous {
			return true
		}
	}
	return false
}

// fieldsOf reads a struct's fields.
func (e *encoder) fieldsOf(r reflect.Value) (members, *failure) {
	p := e.codec.planOf(r.Type(), &e.plans)
	if p.loses != "" {
		return members{}, failf("%s", p.loses)
	}
	m := members{make([]string, 0, len(p.fields)), make([]any, 0, len(p.fields))}
	for i := range p.fields {
		f := &p.fields[i]
		v, ok := reachField(r, f.index)
		if !ok || f.fallback == nil && (f.omitEmpty && isEmpty(v) || f.omitZero && isUnset(v)) { // what is left out comes back as its default
			continue
		}
		m.names = append(m.names, f.name)
		m.values = append(m.values, v.Interface())
	}
	return m, nil
}

// reachField is FieldByIndex without the panic where an embedded pointer is nil.
func reachField(r reflect.Value, index []int) (reflect.Value, bool) {
	for i, at := range index {
		if i > 0 && r.Kind() == reflect.Pointer {
			if r.IsNil() {
				return reflect.Value{}, false
			}
			r = r.Elem()
		}
		r = r.Field(at)
	}
	return r, true
}

func isEmpty(r reflect.Value) bool {
	switch r.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return r.Len() == 0
	case reflect.Struct:
		return false
	default:
		return isUnset(r)
	}
}

// isUnset is IsZero, but of -0, which is another number.
func isUnset(r reflect.Value) bool {
	if !r.IsZero() {
		return false
	}
	switch r.Kind() {
	case reflect.Float32, reflect.Float64:
		return !math.Signbit(r.Float())
	case reflect.Complex64, reflect.Complex128:
		return !math.Signbit(real(r.Complex())) && !math.Signbit(imag(r.Complex()))
	case reflect.Array:
		for i := range r.Len() {
			if !isUnset(r.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		for i := range r.NumField() {
			if !isUnset(r.Field(i)) {
				return false
			}
		}
	}
	return true
}
