package frame

import (
	"encoding/binary"
	"errors"
)

// The Arrow library trusts the lengths that stand in a stream's metadata, which is FlatBuffers, and allocates what they
// say; a bad one ends the process. So every offset and length is checked here first, following
// format/Message.fbs and format/Schema.fbs of the Arrow specification.

var errMetadata = errors.New("an offset or a length in the metadata is out of bounds")

var errVersion = errors.New("want Arrow's metadata of version 4 or 5, got another")

// errPacked is the refusal of batches that say in a note alone that they are compressed, as those of Arrow 0.17 do. The library takes what
// is compressed in them for what it holds.
var errPacked = errors.New("a batch is compressed as it was before Arrow 1.0: write it with a later version, or not compressed")

var errCodec = errors.New("want batches that are compressed by LZ4 or zstd, got another way")

// errUnended is the refusal of a stream that may have been cut between two messages. Arrow lets a writer close what it writes to instead
// of writing a mark, but the bytes of a value do not say which of the two it was; the writers of Arrow's own libraries and of polars all
// write it.
var errUnended = errors.New("it lacks the mark of its end, which every writer writes when it is closed")

// errBehind is the refusal of a stream behind whose end there is more, which readers of Arrow would drop.
var errBehind = errors.New("there are bytes behind the mark of its end")

// continuation begins a message. Streams of before Arrow 0.15 do not have it.
const continuation = 0xffffffff

// verifyStream checks the metadata of every message of a stream, and that it ends with the mark of its end. It returns the messages as the
// library is to read them.
func verifyStream(data []byte) (*messages, error) {
	var found views
	all := &messages{limit: int64(rowLimit(data))}
	for next := 0; ; {
		at, size, err := messageAt(data[next:])
		body := next + at + size
		switch {
		case err != nil:
			return nil, err
		case size == 0 && body < len(data):
			return nil, errBehind
		case size == 0:
			all.turned = found.layouts.big
			return all, nil
		}
		message, err := verifyMessage(data[next+at:body], &found)
		if err != nil {
			return nil, err
		}
		if message.body > int64(len(data)-body) {
			return nil, errMetadata
		}
		head := data[next+at : body]
		next = body + int(message.body)
		if err := all.add(message, head, data[body:next], &found); err != nil {
			return nil, err
		}
	}
}

// messageAt returns where the metadata of the message begins that data begins with, and its length, 0 for the mark of the end.
func messageAt(data []byte) (at, size int, err error) {
	for range 2 {
		if len(data) < at+4 {
			return 0, 0, errUnended
		}
		length := binary.LittleEndian.Uint32(data[at:])
		at += 4
		if length == continuation && at == 4 {
			continue
		}
		if uint64(length) > uint64(len(data)-at) {
			return 0, 0, errMetadata
		}
		return at, int(length), nil
	}
	return 0, 0, errMetadata
}

// message is one whose metadata was checked.
type message struct {
	body  int64 // its length
	laid  *laid
	parts []part
}

// compressed reports whether it is a batch whose body holds buffers that may be compressed.
func (m message) compressed() bool { return m.laid != nil && m.laid.compressed && m.body > 0 }

// check checks a batch with its body, nil where that is not known, in a stream that can hold so many rows. It returns the buffers of one
// that is compressed.
func (m message) check(body []byte, limit int64) ([]packed, error) {
	if m.laid == nil {
		return nil, nil
	}
	again := *m.laid
	err := again.check(m.parts, body, limit)
	return again.packs, err
}

// verifyMessage checks a message's metadata.
func verifyMessage(data []byte, found *views) (message, error) {
	v := &verifier{data: data, views: found, left: len(data)/4 + 1, room: textsRead * len(data)}
	root, err := v.offset(0)
	if err != nil {
		return message{}, err
	}
	v.message = root
	if err := v.table(root, scalar, scalar, schemaOrBatch, scalar, keyValues); err != nil {
		return message{}, err
	}
	if version := v.number(root, 0, 0, 2); version < 3 || version > 4 {
		return message{}, errVersion
	}
	if v.field(root, 2) == 0 {
		return message{}, errMetadata
	}
	if at := v.field(root, 3); at != 0 && at+8 > len(data) {
		return message{}, errMetadata
	}
	for _, note := range v.listed(root, 4) {
		if v.called(note) == "ARROW:experimental_compression" {
			return message{}, errPacked
		}
	}
	body := v.long(root, 3)
	if body < 0 {
		return message{}, errMetadata
	}
	return message{body, v.laid, v.parts}, nil
}
