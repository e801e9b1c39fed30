"""The part of HTTP/2 and gRPC that one long bidirectional stream needs, on a connection of its own (RFC 9113).

:class:`Exchange` does no input or output: it is fed with the bytes that came, and says what to send. It reads no
header but ":status": a stream that ends says only that it ended, and grpc itself is asked why.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 32 * 1024 * 1024
"""Bytes that the other side may have sent and this one not taken."""
MAX_MESSAGE = 16 * 1024 * 1024
"""The longest message that is read."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 1, 1, 4, 8, 32
_ENABLE_PUSH, _INITIAL_WINDOW_SIZE, _MAX_FRAME_SIZE = 2, 4, 5
# With the value 1: the connection carries this stream alone (docs/protocol.md). Who does not know it ignores it.
_SOLE = 0xF71B
# What holds until settings say otherwise, for both sides.
_FIRST_WINDOW, _FRAME = 65_535, 16_384
_MAX_WINDOW = (1 << 31) - 1
_HEAD, _PREFIX = 9, 5
_STREAM = 1
# "200" among the headers that every implementation knows.
_STATUS_OK = b"\x88"
_TABLE_SIZE = 0x20
_head_of_data = struct.Struct(">HBBBLBL").pack
_setting = struct.Struct(">HL")
_word = struct.Struct(">L")


class Http2Error(ConnectionError):
    """The connection cannot carry the stream any further."""


class Exchange:
    """One gRPC stream on one connection: what came in order, and what is to be sent.

    Args:
        path: Of the method, "/package.Service/Method".
        authority: Whom the connection was made to.
    """

    def __init__(self, path: str, authority: str) -> None:
        self.messages: deque[bytes] = deque()
        """What came and was not taken."""
        self.ended = False
        """The other side sends nothing more."""
        self.out = bytearray()
        """To be sent now."""
        self._held: deque[memoryview] = deque()
        self._end_held = False
        self._rest = b""
        self._body = bytearray()
        # Bytes of messages that may still come, and those that were taken and not allowed anew.
        self._room = WINDOW
        self._free = 0
        # Bytes that may still be sent: on the connection, and on the stream.
        self._window = self._stream_window = self._first_window = _FIRST_WINDOW
        self._frame = _FRAME
        self._treatments: dict[int, Callable[[int, int, bytes], None]] = {
            _DATA: self._data,
            _HEADERS: self._headers,
            _RST_STREAM: self._reset,
            _SETTINGS: self._settings,
            _PING: self._pinged,
            _GOAWAY: self._going_away,
            _WINDOW_UPDATE: self._window_update,
        }
        headers = b"".join(
            _literal(name, value)
            for name, value in (
                (":method", "POST"),
                (":scheme", "http"),
                (":path", path),
                (":authority", authority),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
            )
        )
        settings = b"".join(
            _setting.pack(name, value)
            for name, value in ((_SOLE, 1), (_ENABLE_PUSH, 0), (_INITIAL_WINDOW_SIZE, WINDOW))
        )
        self.out += _PREFACE + _frame(_SETTINGS, 0, 0, settings)
        self.out += _frame(_WINDOW_UPDATE, 0, 0, _word.pack(WINDOW - _FIRST_WINDOW))
        self.out += _frame(_HEADERS, _END_HEADERS, _STREAM, headers)

    # --- sending ---

    @property
    def holds_back(self) -> bool:
        """Something waits until the other side takes more."""
        return bool(self._held)

    def send(self, message: bytes) -> None:
        """Puts a message behind the others."""
        size = len(message) + _PREFIX
        if (
            not self._held
            and size <= self._window
            and size <= self._stream_window
            and size <= self._frame
        ):
            self._window -= size
            self._stream_window -= size
            self.out += _head_of_data(size >> 8, size & 0xFF, _DATA, 0, _STREAM, 0, size - _PREFIX)
            self.out += message
            return
        self._held.append(memoryview(b"\0" + _word.pack(len(message)) + message))
        self._send_held()

    def end(self) -> None:
        """Says that no further message follows."""
        self._end_held = True
        self._send_held()

    def ping(self) -> None:
        """Asks for a sign of life."""
        self.out += _frame(_PING, 0, 0, bytes(8))

    def _send_held(self) -> None:
        while self._held:
            room = min(self._window, self._stream_window, self._frame)
            if room <= 0:
                return
            body = self._held.popleft()
            if len(body) > room:
                self._held.appendleft(body[room:])
                body = body[:room]
            self._window -= len(body)
            self._stream_window -= len(body)
            self.out += _head_of_frame(len(body), _DATA, 0, _STREAM)
            self.out += body
        if self._end_held:
            self._end_held = False
            self.out += _frame(_DATA, _END_STREAM, _STREAM)

    # --- receiving ---

    def feed(self, data: bytes) -> None:
        """Takes bytes that came.

        Raises:
            Http2Error: They are not what may follow here, or end the connection.
        """
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= _HEAD:
            size = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
            if size > _FRAME:
                raise Http2Error(f"an HTTP/2 frame of {size} bytes came, the limit is {_FRAME}")
            begin = at + _HEAD
            if end - begin < size:
                break
            stream = int.from_bytes(data[at + 5 : begin], "big") & _MAX_WINDOW
            if stream > _STREAM:
                raise Http2Error(f"a frame of stream {stream} came, there is only {_STREAM}")
            treat = self._treatments.get(data[at + 3])
            if treat is not None:
                treat(data[at + 4], stream, data[begin : begin + size])
            at = begin + size
        self._rest = data[at:]

    def take(self) -> bytes:
        """The oldest message; the other side may send as many bytes again."""
        message = self.messages.popleft()
        self._taken(len(message) + _PREFIX)
        return message

    def _taken(self, size: int) -> None:
        self._free += size
        if self._free >= WINDOW // 4:
            update = _word.pack(self._free)
            self.out += _frame(_WINDOW_UPDATE, 0, 0, update)
            self.out += _frame(_WINDOW_UPDATE, 0, _STREAM, update)
            self._room += self._free
            self._free = 0

    def _data(self, flags: int, _: int, payload: bytes) -> None:
        self._room -= len(payload)
        if self._room < 0:
            raise Http2Error(f"more than {WINDOW} bytes came that were not taken")
        if flags & _PADDED:
            padding = payload[0] if payload else 0
            if padding >= len(payload):
                raise Http2Error(f"a frame of {len(payload)} bytes came with {padding} of padding")
            payload = payload[1 : len(payload) - padding]
            self._taken(1 + padding)
        body = self._body
        if not body and len(payload) >= _PREFIX and len(payload) == _PREFIX + _length(payload):
            self.messages.append(payload[_PREFIX:])
        else:
            body += payload
            while len(body) >= _PREFIX and len(body) >= (whole := _PREFIX + _length(body)):
                self.messages.append(bytes(memoryview(body)[_PREFIX:whole]))
                del body[:whole]
        if flags & _END_STREAM:
            self.ended = True

    def _headers(self, flags: int, _: int, payload: bytes) -> None:
        if flags & _END_STREAM:
            self.ended = True
            return
        begin = (1 if flags & _PADDED else 0) + (5 if flags & _PRIORITY else 0)
        # Whoever sends may say first how large its table is, in a byte for sizes like 0 (RFC 7541, section 6.3).
        while payload[begin : begin + 1] and payload[begin] & 0xE0 == _TABLE_SIZE:
            begin += 1
        if payload[begin : begin + 1] != _STATUS_OK:
            raise Http2Error("the answer's HTTP status is not 200")

    def _reset(self, _flags: int, _: int, payload: bytes) -> None:
        _check_size("RST_STREAM", payload, 4)
        self.ended = True
        code = int.from_bytes(payload, "big")
        if code:
            raise Http2Error(f"the stream was reset with code {code}")

    def _settings(self, flags: int, _: int, payload: bytes) -> None:
        if flags & _ACK:
            return
        if len(payload) % 6:
            raise Http2Error(f"a SETTINGS frame of {len(payload)} bytes came, want 6 for each")
        for name, value in _setting.iter_unpack(payload):
            if name == _INITIAL_WINDOW_SIZE:
                _check_window(value)
                self._stream_window += value - self._first_window
                self._first_window = value
            elif name == _MAX_FRAME_SIZE:
                self._frame = max(value, _FRAME)
        self.out += _frame(_SETTINGS, _ACK, 0)
        self._send_held()

    def _pinged(self, flags: int, _: int, payload: bytes) -> None:
        _check_size("PING", payload, 8)
        if not flags & _ACK:
            self.out += _frame(_PING, _ACK, 0, payload)

    def _going_away(self, _flags: int, _: int, payload: bytes) -> None:
        if len(payload) < 8:
            raise Http2Error(f"a GOAWAY frame of {len(payload)} bytes came, want 8 or more")
        # What is under way goes on, unless it was never begun there.
        if int.from_bytes(payload[:4], "big") & _MAX_WINDOW < _STREAM:
            raise Http2Error("the other side takes no stream")

    def _window_update(self, _flags: int, stream: int, payload: bytes) -> None:
        _check_size("WINDOW_UPDATE", payload, 4)
        size = int.from_bytes(payload, "big") & _MAX_WINDOW
        if stream:
            self._stream_window += size
            _check_window(self._stream_window)
        else:
            self._window += size
            _check_window(self._window)
        self._send_held()


def _check_size(name: str, payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise Http2Error(f"a {name} frame of {len(payload)} bytes came, want {size}")


def _check_window(size: int) -> None:
    if size > _MAX_WINDOW:
        raise Http2Error(f"a window of {size} bytes came, the limit is {_MAX_WINDOW}")


def _length(body: bytes | bytearray) -> int:
    """How long the message is whose prefix stands first."""
    if body[0]:
        raise Http2Error("a compressed message came, and none was asked for")
    size = body[1] << 24 | body[2] << 16 | body[3] << 8 | body[4]
    if size > MAX_MESSAGE:
        raise Http2Error(f"a message of {size} bytes came, the limit is {MAX_MESSAGE}")
    return size


def _head_of_frame(size: int, kind: int, flags: int, stream: int) -> bytes:
    return size.to_bytes(3, "big") + bytes((kind, flags)) + _word.pack(stream)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return _head_of_frame(len(payload), kind, flags, stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A header as it is, in no table."""
    return b"\x10" + _text(name.encode()) + _text(value.encode())


def _text(text: bytes) -> bytes:
    if len(text) < 0x7F:
        return bytes((len(text),)) + text
    size, head = len(text) - 0x7F, bytearray(b"\x7f")
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + text
