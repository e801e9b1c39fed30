// Package wire translates between the messages of the protocol and the vocabulary of package tool, and holds the
// only table from error codes to gRPC and HTTP statuses.
//
// Names ending in Proto make messages, names ending in FromProto read them. Byte slices and maps are shared with
// what they were made from, never copied: neither side may change them afterwards. Text that is not UTF-8, which
// protobuf refuses to send, is repaired where it may come from a user's function (errors, progress, logs).
package wire
