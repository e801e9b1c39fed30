package typed

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// binding is the work of one call: its arguments on their way into the argument of the function.
type binding struct {
	plan  *plan
	codec Codec
	tool  string
	in    reflect.Value
	call  *tool.Call
	given fieldSet
	open  *tool.OpenTable // which is read while it comes; nil for none
}

// fieldSet says which fields were given. Those of a function with at most 64 need no memory of their own.
type fieldSet struct {
	first uint64
	rest  []bool
}

func (s *fieldSet) has(at int) bool {
	if at < 64 {
		return s.first&(1<<at) != 0
	}
	return at-64 < len(s.rest) && s.rest[at-64]
}

func (s *fieldSet) add(at, of int) {
	if at < 64 {
		s.first |= 1 << at
		return
	}
	if s.rest == nil {
		s.rest = make([]bool, of-64)
	}
	s.rest[at-64] = true
}

// bind decodes the arguments of a call into in. Errors are *tool.Error and name the tool and the argument.
func (p *plan) bind(ctx context.Context, name string, codec Codec, call *tool.Call, in reflect.Value) (err error) {
	b := binding{plan: p, codec: codec, tool: name, in: in, call: call}
	if p.readers {
		if call, b.open, err = tool.OpenTables(ctx, call); err != nil {
			return err
		}
	}
	if err := b.positional(call.Args); err != nil {
		return err
	}
	for i := range call.Kwargs {
		if err := b.keyword(&call.Kwargs[i]); err != nil {
			return err
		}
	}
	return b.missing()
}

func (b *binding) positional(args []tool.Value) error {
	places := b.plan.positional
	if len(args) > len(places) && b.plan.variadic < 0 {
		return b.refuse(strconv.Itoa(len(places)), "tool %q takes at most %d positional arguments, got %d", b.tool, len(places), len(args))
	}
	for i, v := range args[:min(len(args), len(places))] {
		if err := b.set(places[i], v); err != nil {
			return err
		}
	}
	if len(args) <= len(places) {
		return nil
	}
	return b.surplus(args[len(places):])
}

// surplus fills the variadic argument.
func (b *binding) surplus(args []tool.Value) error {
	f := &b.plan.fields[b.plan.variadic]
	target := f.of(b.in)
	target.Set(reflect.MakeSlice(f.goType, len(args), len(args)))
	for i, v := range args {
		label := f.Name + "[" + strconv.Itoa(i) + "]"
		if err := b.decode(f, label, v, target.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (b *binding) keyword(k *tool.Keyword) error {
	at, known := b.plan.byName[k.Name]
	if !known || b.plan.fields[at].Kind == tool.PositionalOnly || takesSeveral(b.plan.fields[at].Kind) {
		return b.extra(k, known)
	}
	if b.given.has(at) {
		return b.refuse(k.Name, "argument %q of tool %q is given twice, by position and by name", k.Name, b.tool)
	}
	return b.set(at, k.Value)
}

// extra puts a keyword argument that no field is named for into the keywords argument, if there is one.
func (b *binding) extra(k *tool.Keyword, known bool) error {
	switch {
	case b.plan.keywords >= 0:
	case known:
		return b.refuse(k.Name, "argument %q of tool %q can only be given by position", k.Name, b.tool)
	default:
		return b.refuse(k.Name, "tool %q has no argument %q: want %s", b.tool, k.Name, b.plan.names())
	}
	f := &b.plan.fields[b.plan.keywords]
	target := f.of(b.in)
	if target.IsNil() {
		target.Set(reflect.MakeMap(f.goType))
	}
	element := reflect.New(f.goType.Elem()).Elem()
	if err := b.decode(f, k.Name, k.Value, element); err != nil {
		return err
	}
	target.SetMapIndex(reflect.ValueOf(k.Name).Convert(f.goType.Key()), element)
	return nil
}

// names lists what a caller may name.
func (p *plan) names() string {
	var names []string
	for i := range p.fields {
		if k := p.fields[i].Kind; k == tool.PositionalOrKeyword || k == tool.KeywordOnly {
			names = append(names, p.fields[i].Name)
		}
	}
	if len(names) == 0 {
		return "no keyword arguments"
	}
	return strings.Join(names, ", ")
}

// missing fills in what was not given, and refuses the call where that must not be.
func (b *binding) missing() error {
	for i := range b.plan.fields {
		f := &b.plan.fields[i]
		switch {
		case b.given.has(i) || takesSeveral(f.Kind):
		case f.Required:
			return b.refuse(f.Name, "argument %q of tool %q is missing: want %s", f.Name, b.tool, f.want())
		case f.fallback.IsValid():
			f.of(b.in).Set(fresh(f.fallback))
		}
	}
	return nil
}

// fresh copies a default, so that a function which changes its argument does not change the default.
func fresh(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(fresh(v.Elem()))
		return c
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).Set(fresh(v.Index(i)))
		}
		return c
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for entries := v.MapRange(); entries.Next(); {
			c.SetMapIndex(entries.Key(), fresh(entries.Value()))
		}
		return c
	default:
		return v
	}
}

func (b *binding) set(at int, v tool.Value) error {
	b.given.add(at, len(b.plan.fields))
	f := &b.plan.fields[at]
	return b.decode(f, f.Name, v, f.of(b.in))
}

// of is the place in the function's argument that the field stands for.
func (f *field) of(in reflect.Value) reflect.Value {
	if f.index == nil {
		return in
	}
	return reach(in, f.index)
}

// want names what the argument takes.
func (f *field) want() string {
	if f.Nullable {
		return f.Type + " or none"
	}
	return f.Type
}

// decode decodes one value to its place. The label names it in errors.
func (b *binding) decode(f *field, label string, v tool.Value, target reflect.Value) error {
	if b.open != nil {
		if opened, err := b.opened(f, label, &v, target); opened || err != nil {
			return err
		}
	}
	if f.raw {
		target.Set(reflect.ValueOf(v))
		return nil
	}
	if !tool.CanBe(v.TypeURL, f.Type, f.Nullable) {
		return b.mistyped(f, label, v, nil)
	}
	if err := b.decodeInto(v, target.Addr().Interface()); err != nil {
		return b.mistyped(f, label, v, err)
	}
	if f.check == nil {
		return nil
	}
	return b.validate(f, label, v, target)
}

// validate holds a value that is of its Go type to what the argument's tags, or a schema, ask for.
func (b *binding) validate(f *field, label string, v tool.Value, target reflect.Value) error {
	rows, isTable := rowsOf(v, target)
	var decoded any
	var err error
	switch {
	case isTable && f.check.made.holds(rows), !isTable && f.check.sent.holds(target):
		return nil
	case isTable:
		decoded, err = b.decodeRows(f.check, v, rows)
	default:
		if decoded, err = b.codec.Decode(v); err == nil {
			decoded, err = b.showTables(decoded, target)
		}
	}
	if err != nil {
		return b.mistyped(f, label, v, err)
	}
	if decoded == nil && f.Nullable {
		return nil
	}
	path, wrong := f.check.validate(decoded)
	if wrong == "" {
		return nil
	}
	place := ""
	if path != "$" {
		place = "at " + path + ": "
	}
	return b.refuse(label, "argument %q of tool %q: %s%s", label, b.tool, place, wrong).With("path", path)
}

// decodeInto decodes a value. A text that is most of what came with the call is not copied: the bytes of arguments never change.
func (b *binding) decodeInto(v tool.Value, target any) error {
	if text, ok := target.(*string); ok && len(v.Bytes) >= longText && 2*len(v.Bytes) >= b.call.ArgumentBytes() {
		return b.codec.DecodeOwn(v, text)
	}
	return b.codec.DecodeInto(v, target)
}

// longText is from how many bytes on it is asked whether a text need be copied.
const longText = 8 << 10

// mistyped is the error for a value that is not of the declared type, or that cannot be decoded at all.
func (b *binding) mistyped(f *field, label string, v tool.Value, cause error) error {
	decoded, broken := b.codec.Decode(v)
	if broken != nil {
		e := tool.Errorf(tool.SerializationError, "argument %q of tool %q cannot be decoded: %s", label, b.tool, reason(broken))
		e.Cause = broken
		return placed(e.With("argument", label).With("tool", b.tool), broken)
	}
	got := typeNameOf(decoded)
	if tool.IsTable(v.TypeURL) {
		got = v.TypeURL[strings.LastIndexByte(v.TypeURL, '/')+1:]
	}
	if cause == nil || got == "none" || !tool.CanBe(v.TypeURL, f.Type, f.Nullable) {
		return b.refuse(label, "argument %q of tool %q: want %s, got %s%s", label, b.tool, f.want(), got, tool.JSONAdvice("$", f.want(), got))
	}
	why := strings.TrimPrefix(reason(cause), "value: ")
	e := placed(tool.Errorf(tool.ValidationError, "").With("argument", label).With("tool", b.tool), cause)
	path := e.Details["path"]
	inside := path != "" && path != "$" // only something inside does not fit
	if !inside && f.Type != "any" && got != f.want() {
		why = fmt.Sprintf("want %s, got %s: %s", f.want(), got, why)
	}
	e.Message = fmt.Sprintf("argument %q of tool %q: %s", label, b.tool, why)
	e.Message += tool.JSONAdvice(path, e.Details["expected"], e.Details["got"])
	return e
}

// placed adds to an error what its cause says: where in the value it was, and what was expected there.
func placed(e *tool.Error, cause error) *tool.Error {
	var known *tool.Error
	if !errors.As(cause, &known) {
		return e
	}
	for _, name := range []string{"path", "expected", "got"} {
		if said := known.Details[name]; said != "" {
			e = e.With(name, said)
		}
	}
	return e
}

// reason is what an error says, without its code.
func reason(err error) string {
	var known *tool.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

func typeNameOf(v any) string {
	if v == nil {
		return "none"
	}
	return typeName(reflect.TypeOf(v))
}

func (b *binding) refuse(argument, format string, args ...any) *tool.Error {
	e := tool.Errorf(tool.ValidationError, "%s", fmt.Sprintf(format, args...))
	return e.With("argument", argument).With("tool", b.tool)
}
