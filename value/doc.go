// Package value is the lossless codec between Go values, google.protobuf.Any (as tool.Value) and JSON.
//
// What is encoded to which form is decided by the value alone and is the same in every SDK; message Value in
// proto/dspex_bridge.proto says it, and testdata/vectors pins it byte for byte.
//
// Untyped decoding gives nil, bool, int64 (or *big.Int outside its range), float64, string, []byte, []any, *Dict, Tuple,
// Set, FrozenSet, time.Time (with an offset) or LocalDateTime (without), Date, TimeOfDay, time.Duration (or Timedelta
// outside its range), Decimal, *big.Rat, complex128, UUID, Enum, Record, proto.Message for message types that the
// program links, and Opaque or Unknown for what it does not know; those go back unchanged.
//
// Encoding takes all of these and every Go type that has an obvious counterpart: all integer types are ints,
// float32 a float, slices and arrays lists, those of bytes bytes, maps dicts in ascending order of their keys
// (numbers, bools, texts, spans, days and times; others, and keys of several kinds, by the bytes of their encodings),
// map[K]struct{} a set, pointers what they point to, json.Number the number that it spells (see below), errors records, other
// encoding.TextMarshalers their text, arrays of 16 bytes whose type is called UUID a UUID. A map's keys may be of any comparable type: arrays are tuples there
// and structs Records called as their type, because Python's lists and dicts are no keys. Nil pointers and interfaces
// are None; nil slices and maps are empty. A struct is a dict of its exported fields in their order, named by the tag
// `bridge:"name,omitempty"` or, failing that, `json:"name,omitempty"`, "-" leaving one out; embedded structs
// without a tag are flattened, but for those that say themselves what they are encoded as, which are fields of their types' names; a method that a struct
// has from such a one alone does not count where it has other fields. One that implements Classed is a Record, one that implements Marshaler what that returns. One of
// which no field is exported, or two have one name, at whatever depth, is refused where it is encoded, and where it is decoded into: something
// would be lost in silence. Tags tell the two apart, or leave one out, and an embedded struct with a name of its own is one field. CheckNames
// says so of a type.
//
// A json.Number travels with every digit: as an int if it has neither fraction nor exponent, as a float if the nearest one, written shortest, is
// the same number (1.10 is 1.1), and as a Decimal if it is not, such as 0.1234567890123456789 or 1e400; "-0" is the float -0.0. Where a
// json.Number is asked for, ints, finite floats and finite Decimals are taken, with all their digits.
//
// Errors are *tool.Error of code SerializationError with details "path", such as $.rows[3].price, and where they apply
// "expected" and "got"; only size has MessageTooLarge, with "limit".
package value
