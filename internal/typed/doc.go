// Package typed makes a typed Go function untyped, once, when it is registered: from its signature come the tool's
// specification and its JSON Schemas, and a plan by which each call's encoded arguments are bound, decoded and
// checked. Workers and the bridge's own host run the same code.
//
// The argument of a function is either one value (a scalar, a slice, a map, …), which becomes the one argument
// "value", or a struct, whose exported fields become the arguments in their order:
//
//	type search struct {
//		Query string   `bridge:"query" desc:"what to look for"`
//		Limit int      `bridge:"limit" default:"10" min:"1" max:"100"`
//		Lang  *string  `json:"lang"`
//		Tags  []string `bridge:"tags,variadic"`
//	}
//
// A field's tags:
//
//   - bridge:"name,options…" names the argument; without it the JSON name counts, then the field's name in snake
//     case. "-" leaves the field out. Options: required, optional, nullable, positional (by position only), keyword
//     (by name only), variadic (a slice that takes every surplus positional argument), keywords (a map that takes
//     every surplus keyword argument), type=NAME (the declared type in place of the Go type's, such as DataFrame for a
//     table).
//   - desc:"…" or jsonschema:"…" describes it.
//   - default:"…" is what it is when it is not given: text for a string, JSON for everything else.
//   - min, max, pattern, enum:"a|b" constrain numbers by their size, strings by their length in characters, lists
//     and dicts by their number of items, and each choice of an enum is text for a string and JSON otherwise. So do
//     those of structs inside of an argument.
//
// An argument is required unless it is a pointer, has a default, is marked optional, or is omitempty or omitzero in its JSON tag.
package typed
