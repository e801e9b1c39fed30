package direct

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// treat does what a frame asks for that is not data.
func (in *incoming) treat(h head, payload []byte) error {
	switch h.kind {
	case kindHeaders:
		return in.takeHeaders(h, payload)
	case kindContinuation:
		if in.block == nil || h.stream != streamID {
			return malformed("a continuation without headers")
		}
		return in.addHeaders(h, payload)
	case kindSettings:
		return in.takeSettings(h, payload)
	case kindPing:
		return in.takePing(h, payload)
	case kindWindowUpdate:
		return in.takeWindow(h, payload)
	case kindReset:
		return takeReset(h, payload)
	case kindGoAway:
		return in.takeGoAway(h, payload)
	case kindPushPromise:
		return malformed("a promise, and none was allowed")
	default: // what is not known is ignored, and priorities are not known
		return nil
	}
}

func (in *incoming) takeHeaders(h head, payload []byte) error {
	if h.stream != streamID {
		return malformed("headers of stream %d, there is only %d", h.stream, streamID)
	}
	before, pad := 0, 0
	if h.has(flagPadded) {
		before++
	}
	if h.has(flagPriority) {
		before += priorityLen
	}
	if h.has(flagPadded) && len(payload) > 0 {
		pad = int(payload[0])
	}
	if before+pad > len(payload) {
		return malformed("headers of %d bytes with %d of padding", len(payload), pad)
	}
	in.block, in.blockCost, in.blockEnd = make([]byte, 0, len(payload)), 0, h.has(flagEndStream)
	return in.addHeaders(h, payload[before:len(payload)-pad])
}

// addHeaders takes a part of a block of headers, and reads the block when it is complete.
func (in *incoming) addHeaders(h head, part []byte) error {
	if in.blockCost += frameHead + len(part); in.blockCost > frameHead+maxHeaders { // also if each part is empty
		return malformed("headers of more than %d bytes", maxHeaders)
	}
	in.block = append(in.block, part...)
	if !h.has(flagEndHeaders) {
		return nil
	}
	f, err := in.headers.decode(in.block)
	in.block = nil
	if err != nil {
		return err
	}
	return in.takeFields(f)
}

func (in *incoming) takeFields(f fields) error {
	first := !in.opened
	in.opened = true
	switch {
	case in.stream.server && first:
		in.request, in.last = f, in.blockEnd
		return nil
	case in.stream.server:
		return malformed("headers after the first")
	case first:
		if err := responseError(f); err != nil {
			return err
		}
	}
	switch {
	case in.blockEnd:
		err := statusOf(f)
		if in.had > 0 && errors.Is(err, io.EOF) {
			return malformed("the stream ended within a message")
		}
		return err
	case !first:
		return malformed("trailers that do not end the stream")
	default:
		return nil
	}
}

func (in *incoming) takeSettings(h head, payload []byte) error {
	switch {
	case h.stream != 0:
		return malformed("settings of stream %d", h.stream)
	case h.has(flagAck):
		return nil
	case len(payload)%settingLen != 0:
		return malformed("settings of %d bytes, want %d for each", len(payload), settingLen)
	}
	for pair := range slices.Chunk(payload, settingLen) {
		if err := in.stream.set(setting(binary.BigEndian.Uint16(pair)), binary.BigEndian.Uint32(pair[2:])); err != nil {
			return err
		}
	}
	in.stream.answer(appendHead(nil, 0, kindSettings, flagAck, 0))
	return nil
}

// set takes one setting of the other side.
func (s *Stream) set(name setting, value uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case settingInitialWindow:
		if value > maxWindow {
			return malformed("a window of %d bytes, the limit is %d", value, maxWindow)
		}
		s.streamWindow += int(value) - s.granted
		s.granted = int(value)
		if s.streamWindow > maxWindow {
			return malformed("a window of %d bytes, the limit is %d", s.streamWindow, maxWindow)
		}
		s.signalRoom()
	case settingMaxFrame:
		if value < firstFrame || value > 1<<24-1 {
			return malformed("frames of at most %d bytes, want %d to %d", value, firstFrame, 1<<24-1)
		}
		s.frame = int(value)
	default:
	}
	return nil
}

func (in *incoming) takePing(h head, payload []byte) error {
	if len(payload) != 8 || h.stream != 0 {
		return malformed("a ping of %d bytes on stream %d, want 8 on 0", len(payload), h.stream)
	}
	if !h.has(flagAck) {
		in.stream.answer(append(appendHead(nil, len(payload), kindPing, flagAck, 0), payload...))
	}
	return nil
}

func (in *incoming) takeWindow(h head, payload []byte) error {
	if len(payload) != 4 {
		return malformed("a window update of %d bytes, want 4", len(payload))
	}
	n := binary.BigEndian.Uint32(payload) & maxWindow
	if n == 0 {
		return malformed("a window update of nothing")
	}
	return in.stream.grow(h.stream != 0, int(n))
}

// takeReset is how a stream ends that the other side gave up.
func takeReset(h head, payload []byte) error {
	if len(payload) != 4 || h.stream != streamID {
		return malformed("a reset of %d bytes of stream %d, want 4 of %d", len(payload), h.stream, streamID)
	}
	code := binary.BigEndian.Uint32(payload)
	if code == resetCancel {
		return status.Error(codes.Canceled, "the other side cancelled the stream")
	}
	return broken("the other side ended the stream with HTTP/2's error %d", code)
}

// takeGoAway hears that the other side begins nothing new. What is under way goes on, unless it was never begun there.
func (in *incoming) takeGoAway(h head, payload []byte) error {
	if len(payload) < 8 || h.stream != 0 {
		return malformed("a farewell of %d bytes on stream %d, want 8 or more on 0", len(payload), h.stream)
	}
	if !in.stream.server && binary.BigEndian.Uint32(payload)&maxWindow < streamID {
		return broken("the other side takes no stream: HTTP/2's error %d, %q", binary.BigEndian.Uint32(payload[4:]), payload[8:min(len(payload), 200)])
	}
	return nil
}
