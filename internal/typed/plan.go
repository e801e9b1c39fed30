package typed

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// plan says how the arguments of a call become the argument of the function. It is made once and never changed.
type plan struct {
	in     reflect.Type // the function's argument
	fields []field
	byName map[string]int
	// positional are the places in fields that positional arguments fill, in order.
	positional []int
	// variadic and keywords are places in fields, or -1.
	variadic, keywords int
	// readers says that an argument reads a table while it comes.
	readers bool
}

// field is one argument and where it goes.
type field struct {
	tool.Argument
	goType reflect.Type
	// index leads to the struct's field; nil for the function's whole argument.
	index []int
	// fallback is set when the argument is not given; invalid if there is none.
	fallback reflect.Value
	// raw fields take the encoded value as it is.
	raw         bool
	constraints constraints
	check       *check
}

// takesStruct reports whether a function's argument of this type is a struct of arguments rather than one value.
func takesStruct(t reflect.Type) bool {
	if t == reflect.TypeFor[struct{}]() {
		return true
	}
	return t.Kind() == reflect.Struct && typeName(t) == "dict" && knownTypeName(t) == ""
}

// newPlan plans for a function's argument of type in.
func newPlan(in reflect.Type, o Options) (*plan, error) {
	p := &plan{in: in, byName: map[string]int{}, variadic: -1, keywords: -1}
	if takesStruct(in) {
		if err := p.addStruct(in, nil, false, o.Codec); err != nil {
			return nil, err
		}
		return p, p.checkOrder()
	}
	if why := cannotCross(in); why != "" {
		return nil, errors.New("argument: " + why)
	}
	if err := checkInside(in); err != nil {
		return nil, err
	}
	nullable := in.Kind() == reflect.Pointer
	err := p.add(field{goType: in, raw: isRaw(in), Argument: tool.Argument{
		Name: o.Argument, Type: typeName(in), Required: true, Nullable: nullable,
	}})
	return p, err
}

func isRaw(t reflect.Type) bool { return t == reflect.TypeFor[tool.Value]() }

// addField adds a field, as an optional argument where it stands in an embedded struct that is optional.
func (p *plan) addField(sf reflect.StructField, index []int, optional bool, codec Codec) error {
	tag, err := parseTag(sf)
	if err != nil || tag.skip {
		return err
	}
	tag.required = tag.required && !optional
	if why := cannotCross(sf.Type); why != "" {
		return fmt.Errorf("field %s: %s", sf.Name, why)
	}
	f := field{goType: sf.Type, index: index, raw: isRaw(sf.Type), Argument: tool.Argument{
		Name: tag.name, Type: typeName(sf.Type), Nullable: tag.nullable, Required: tag.required,
		Kind: tag.kind, Description: tag.description,
	}}
	if tag.typeName != "" {
		f.Type = tag.typeName
	}
	if err := f.readVariadic(); err != nil {
		return fmt.Errorf("field %s: %w", sf.Name, err)
	}
	if err := checkInside(f.elementType()); err != nil {
		return fmt.Errorf("field %s: %w", sf.Name, err)
	}
	if err := f.readDefault(sf.Tag, codec); err != nil {
		return fmt.Errorf("field %s: %w", sf.Name, err)
	}
	if f.constraints, err = parseConstraints(sf.Tag, f.elementType()); err != nil {
		return fmt.Errorf("field %s: %w", sf.Name, err)
	}
	if err := f.constraints.checkType(f.elementType()); err != nil {
		return fmt.Errorf("field %s: %w", sf.Name, err)
	}
	return p.add(f)
}

// elementType is the type of one value of the argument: that of an element where it takes several.
func (f *field) elementType() reflect.Type {
	if takesSeveral(f.Kind) {
		return f.goType.Elem()
	}
	return f.goType
}

// readVariadic declares the type of the elements for an argument that takes several values.
func (f *field) readVariadic() error {
	switch f.Kind {
	case tool.VarPositional:
		if f.goType.Kind() != reflect.Slice {
			return fmt.Errorf("a variadic argument is a slice, not %s", f.goType)
		}
	case tool.VarKeyword:
		if f.goType.Kind() != reflect.Map || f.goType.Key().Kind() != reflect.String {
			return fmt.Errorf("a keywords argument is a map with string keys, not %s", f.goType)
		}
	default:
		return nil
	}
	element := f.goType.Elem()
	f.Type, f.Nullable, f.raw = typeName(element), element.Kind() == reflect.Pointer, isRaw(element)
	return nil
}

// readDefault reads the default tag, as value.ParseDefault does.
func (f *field) readDefault(tags reflect.StructTag, codec Codec) error {
	text, ok := tags.Lookup("default")
	if !ok {
		return nil
	}
	if takesSeveral(f.Kind) || f.Required {
		return fmt.Errorf("default %q: only an optional argument that takes one value has a default", text)
	}
	target := reflect.New(f.goType)
	if err := value.ParseDefault(text, target.Interface()); err != nil {
		return fmt.Errorf("default %q does not fit %s: %w", text, f.goType, err)
	}
	encoded, err := codec.Encode(target.Elem().Interface())
	if err != nil {
		return fmt.Errorf("default %q: %w", text, err)
	}
	f.fallback, f.Default = target.Elem(), encoded
	return nil
}

func (p *plan) add(f field) error {
	if err := tool.CheckName("argument", f.Name); err != nil {
		return err
	}
	if at, taken := p.byName[f.Name]; taken {
		return fmt.Errorf("two arguments have the name %q, the fields %s and %s: give one of them another name by the tag `bridge:\"...\"`, or leave it out by `bridge:\"-\"`",
			f.Name, value.FieldPath(p.in, p.fields[at].index), value.FieldPath(p.in, f.index))
	}
	p.readers = p.readers || f.elementType().Implements(reflect.TypeFor[tool.TableSink]())
	at := len(p.fields)
	p.byName[f.Name] = at
	p.fields = append(p.fields, f)
	switch f.Kind {
	case tool.VarPositional:
		p.variadic = at
	case tool.VarKeyword:
		p.keywords = at
	case tool.PositionalOrKeyword, tool.PositionalOnly:
		p.positional = append(p.positional, at)
	case tool.KeywordOnly:
	}
	return nil
}

// checkOrder refuses an order of arguments in which a caller could not leave out the optional ones.
func (p *plan) checkOrder() error {
	var optional string
	last := 0
	for i := range p.fields {
		f := &p.fields[i]
		r := rank(f.Kind)
		if r < last || r == last && takesSeveral(f.Kind) {
			return fmt.Errorf("argument %q stands too late: want positional ones first, then one variadic, then keyword ones, then one keywords", f.Name)
		}
		last = r
		if r > rank(tool.PositionalOrKeyword) {
			continue
		}
		if f.Required && optional != "" {
			return fmt.Errorf("argument %q is required but stands after %q, which is optional: move it before, or mark it optional or keyword", f.Name, optional)
		}
		if !f.Required && optional == "" {
			optional = f.Name
		}
	}
	return nil
}

// takesSeveral reports whether an argument of this kind takes any number of values.
func takesSeveral(k tool.Kind) bool { return k == tool.VarPositional || k == tool.VarKeyword }

// rank orders the kinds as they follow each other in a signature.
func rank(k tool.Kind) int {
	switch k {
	case tool.PositionalOnly:
		return 0
	case tool.PositionalOrKeyword:
		return 1
	case tool.VarPositional:
		return 2
	case tool.KeywordOnly:
		return 3
	default:
		return 4
	}
}
