package direct

import (
	"encoding/binary"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// preface is what a client sends first (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// kind is the type of an HTTP/2 frame (RFC 9113, section 6).
type kind uint8

const (
	kindData         kind = 0
	kindHeaders      kind = 1
	kindPriority     kind = 2
	kindReset        kind = 3
	kindSettings     kind = 4
	kindPushPromise  kind = 5
	kindPing         kind = 6
	kindGoAway       kind = 7
	kindWindowUpdate kind = 8
	kindContinuation kind = 9
)

const (
	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4
	flagPadded     = 8
	flagPriority   = 32
)

// setting is the name of a parameter (RFC 9113, section 6.5.2).
type setting uint16

const (
	settingEnablePush    setting = 2
	settingMaxStreams    setting = 3
	settingInitialWindow setting = 4
	settingMaxFrame      setting = 5
	settingMaxHeaders    setting = 6
	// settingSole says with the value 1 that the connection carries one stream, a link's. It is out of the range that others use; who does
	// not know a setting ignores it.
	settingSole setting = 0xf71b
)

const (
	frameHead  = 9 // bytes before the payload of a frame
	prefixSize = 5 // bytes before a gRPC message
	settingLen = 6
	// priorityLen is what stands before headers that say how urgent they are.
	priorityLen = 5
	// resetCancel is the code with which a stream is reset that is not wanted any more (RFC 9113, section 7).
	resetCancel = 8

	firstWindow = 1<<16 - 1 // what holds until something else is said
	firstFrame  = 1 << 14
	maxWindow   = 1<<31 - 1

	// window is what this side lets the other send ahead. Nothing is read before it is wanted, so TCP holds back what is too much.
	window = 1 << 30
	// maxFrame is the longest frame that is read.
	maxFrame = 256 << 10
	// maxMessage is the longest message that is read, above the limits of links, so that those answer first.
	maxMessage = 16 << 20
	// maxHeaders bounds the headers that are read.
	maxHeaders = 64 << 10
	// maxControl bounds what is to be answered to somebody who does not read the answers.
	maxControl = 64 << 10

	streamID = 1 // of the only stream
)

// head is the head of a frame.
type head struct {
	size   int
	kind   kind
	flags  uint8
	stream uint32
}

func readHead(b []byte) head {
	return head{
		size: int(b[0])<<16 | int(b[1])<<8 | int(b[2]), kind: kind(b[3]), flags: b[4],
		stream: binary.BigEndian.Uint32(b[5:frameHead]) & maxWindow,
	}
}

func (h head) has(flag uint8) bool { return h.flags&flag != 0 }

func appendHead(b []byte, size int, k kind, flags uint8, stream uint32) []byte {
	b = append(b, byte(size>>16), byte(size>>8), byte(size), byte(k), flags)
	return binary.BigEndian.AppendUint32(b, stream)
}

func appendSettings(b []byte, pairs ...uint32) []byte {
	b = appendHead(b, len(pairs)/2*settingLen, kindSettings, 0, 0)
	for ; len(pairs) > 1; pairs = pairs[2:] {
		b = binary.BigEndian.AppendUint16(b, uint16(pairs[0]))
		b = binary.BigEndian.AppendUint32(b, pairs[1])
	}
	return b
}

func appendWindowUpdate(b []byte, stream uint32, size int) []byte {
	return binary.BigEndian.AppendUint32(appendHead(b, 4, kindWindowUpdate, 0, stream), uint32(size))
}

// appendData appends the head of a frame with (a part of) a message.
func appendData(b []byte, size int) []byte { return appendHead(b, size, kindData, 0, streamID) }

// appendPrefix appends what stands before a message of so many bytes: not compressed, its length.
func appendPrefix(b []byte, size int) []byte {
	return binary.BigEndian.AppendUint32(append(b, 0), uint32(size))
}

// malformed is the error of bytes that may not stand where they do.
func malformed(format string, args ...any) error {
	return status.Errorf(codes.Internal, "HTTP/2: "+format, args...)
}

// broken is the error of a connection that does not go on.
func broken(format string, args ...any) error {
	return status.Errorf(codes.Unavailable, format, args...)
}

func unimplemented(path string) error {
	return status.Errorf(codes.Unimplemented, "%s is not served on a connection of its own", path)
}
