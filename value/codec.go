package value

import (
	"strings"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The limits that hold in every SDK.
const (
	// MaxDepth is how many levels of lists, dicts, records and the like a value may have; the outermost is level 1.
	MaxDepth = 64
	// MaxDigits is how many decimal digits an int may have.
	MaxDigits = 4300
	// DefaultMaxBytes is how many bytes an encoded value may have unless MaxBytes says otherwise: 10 MiB.
	DefaultMaxBytes = 10 << 20
)

const (
	smallElements = 64
	smallLevels   = 16
)

const urlPrefix = "type.googleapis.com/"

// The type URLs of the forms that the codec itself writes.
const (
	urlString = urlPrefix + "google.protobuf.StringValue"
	urlBool   = urlPrefix + "google.protobuf.BoolValue"
	urlInt    = urlPrefix + "google.protobuf.Int64Value"
	urlFloat  = urlPrefix + "google.protobuf.DoubleValue"
	urlBytes  = urlPrefix + "google.protobuf.BytesValue"
	urlValue  = urlPrefix + "google.protobuf.Value"
	urlList   = urlPrefix + "google.protobuf.ListValue"
	urlStruct = urlPrefix + "google.protobuf.Struct"
	urlTagged = urlPrefix + "dspex.bridge.Value"
)

// Codec encodes and decodes values. It is made by New, is not changed afterwards but for what it remembers about
// types, and may be used by many goroutines at once. The package's functions do what a Codec without options does;
// a Codec of one's own is faster for structs, because it remembers their fields.
type Codec struct {
	extensions []Extension
	strict     bool
	surplus    bool // structs lack fields of dicts
	plain      bool
	maxBytes   int
	intsAsText bool
	rows       bool      // tables are written into JSON as their rows
	plans      *sync.Map // reflect.Type -> *plan; nil: remember nothing
}

// Option changes what a Codec does.
type Option func(*Codec)

// Extension teaches a Codec further types, such as tables. Its methods may be called by many goroutines at once.
type Extension interface {
	// Encode encodes a value of one of its own Go types; ok is false for all others.
	Encode(v any) (encoded tool.Value, ok bool, err error)
	// Decode decodes a value of one of its own type URLs; ok is false for all others. Bytes must not be changed.
	Decode(v tool.Value) (decoded any, ok bool, err error)
	// Assign turns a value that it decoded into *target, a pointer to what the user wants; ok is false if it cannot.
	Assign(decoded, target any) (ok bool, err error)
}

// BoundedExtension is an Extension whose values may take much more memory than they have bytes, as compressed ones do. What it allows them
// beyond what is in proportion to their bytes, it allows all values of one decoding together.
type BoundedExtension interface {
	Extension
	// DecodeWithin is Decode, and adds what it took out of proportion to what the values before took.
	DecodeWithin(v tool.Value, taken *int64) (decoded any, ok bool, err error)
}

// New makes a Codec.
func New(options ...Option) *Codec {
	return (&Codec{maxBytes: DefaultMaxBytes, plans: &sync.Map{}}).Configured(options...)
}

// Configured returns a copy with further options, which remembers types together with the original.
func (c *Codec) Configured(options ...Option) *Codec {
	changed := *c
	changed.extensions = changed.extensions[:len(changed.extensions):len(changed.extensions)]
	for _, option := range options {
		option(&changed)
	}
	return &changed
}

// With adds an extension; the first one that knows a type has it.
func With(extension Extension) Option {
	return func(c *Codec) { c.extensions = append(c.extensions, extension) }
}

// Strict refuses what could only be passed on: values of unknown types and kinds when decoding.
func Strict() Option { return func(c *Codec) { c.strict = true } }

// AllowSurplus leaves out what a struct has no field for when decoding into it: of dicts, of records and of the columns of a table. For
// programs that want a part of what others send, whoever adds to it. Without it a field too many is refused, for it would be lost in silence.
func AllowSurplus() Option { return func(c *Codec) { c.surplus = true } }

// AllowsSurplus reports whether the codec leaves out what a struct has no field for.
func (c *Codec) AllowsSurplus() bool { return c.surplus }

// Plain encodes lists and dicts as google.protobuf.ListValue and Struct at any size, as long as they are lossless; for
// clients without an SDK.
func Plain() Option { return func(c *Codec) { c.plain = true } }

// MaxBytes sets how many bytes an encoded value may have, its type URL included. Defaults to DefaultMaxBytes. A table may always have
// tool.DefaultTableBytes.
func MaxBytes(n int) Option { return func(c *Codec) { c.maxBytes = n } }

// IntsAsText writes ints into JSON as strings, for clients whose numbers are doubles. They are then not told from strings.
func IntsAsText() Option { return func(c *Codec) { c.intsAsText = true } }

// checkSize refuses a value that is larger than may be. A table may be larger than one message: links carry it in pieces.
func (c *Codec) checkSize(v tool.Value) *failure {
	limit := c.maxBytes
	if tool.IsTable(v.TypeURL) {
		limit = max(limit, tool.DefaultTableBytes)
	}
	if v.Size() > limit {
		return tooLarge(limit)
	}
	return nil
}

// TablesAsRows writes tables, series and arrays into JSON as a list of their rows, each an object, for people who want to look: their
// index, dtypes, shape and attrs are lost, and they do not come back from it. An extension must know them.
func TablesAsRows() Option { return func(c *Codec) { c.rows = true } }

// Encode encodes a Go value in its canonical form.
func Encode(v any) (tool.Value, error) { return plainCodec().Encode(v) }

// Decode decodes a value into the Go type that stands for it.
func Decode(v tool.Value) (any, error) { return plainCodec().Decode(v) }

// DecodeInto decodes a value into *target, checking types and ranges.
func DecodeInto[T any](v tool.Value, target *T) error { return plainCodec().DecodeInto(v, target) }

// As decodes a value as a T.
func As[T any](v tool.Value) (T, error) {
	var t T
	err := plainCodec().DecodeInto(v, &t)
	return t, err
}

// plainCodec is a Codec without options that remembers nothing.
func plainCodec() *Codec { return &plain }

// plain is never changed.
var plain = Codec{maxBytes: DefaultMaxBytes} //nolint:gochecknoglobals // a constant that every call of the package's functions would have to make

func afterSlash(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
