"""Frames that carry large values, read where they lie: protobuf would copy each value in and out again.

Only what a sender writes by default is read so: fields in order, each once, nothing unknown around the value.
Whatever else is left to protobuf, and so is every refusal: a reader here gives None for what it does not take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from google.protobuf.message import DecodeError

from dspex_bridge_pb2 import Frame, ToolCallResponse, ToolStreamChunk, ToolStreamContent

from .values.large import LargeValue

if TYPE_CHECKING:
    from dspex_bridge_pb2 import ExecutionMetrics

__all__ = [
    "LARGE_FRAME",
    "LARGE_MESSAGE",
    "LargeChunk",
    "LargeContent",
    "LargeFragment",
    "LargeFrame",
    "LargeResponse",
    "read_frame",
    "read_message",
    "value_offset",
]

LARGE_MESSAGE = 48 * 1024
"""A message shorter than this is protobuf's."""
LARGE_FRAME = 8 * 1024
"""So is a frame shorter than this."""
_SMALL_FRAMES = 16
_PINNED = 16
"""How many times its own size a value may keep of the message that it lies in."""
_LONGEST_URL = 255
_ACK, _FRAMES, _CALL_ID = 0x08, 0x12, 0x08
_SUCCESS_RESULT = b"\x08\x01\x12"
_RESULT, _CHUNK, _FRAGMENT = 0x1A, 0x22, 0x4A


class LargeFragment(NamedTuple):
    """A piece of a frame, with the fields of ``Fragment``."""

    id: int
    total: int
    data: memoryview


class LargeContent:
    """The content of a chunk with a large value, with the fields of ``ToolStreamContent``."""

    __slots__ = ("data",)

    def __init__(self, data: LargeValue) -> None:
        self.data = data

    def WhichOneof(self, _: str, /) -> Literal["data"]:  # noqa: N802 - as the message has it
        """The only kind that has a large value."""
        return "data"


class LargeChunk:
    """A chunk with a large value, with the fields of ``ToolStreamChunk``."""

    __slots__ = ("content", "sequence")

    def __init__(self, sequence: int, data: LargeValue) -> None:
        self.sequence = sequence
        self.content = LargeContent(data)

    def message(self) -> ToolStreamChunk:
        """The same as a message."""
        content = ToolStreamContent(data=self.content.data.message())
        return ToolStreamChunk(sequence=self.sequence, content=content)


class LargeResponse:
    """The answer to a call, with a large value for its result."""

    __slots__ = ("_rest", "result")

    success = True

    def __init__(self, result: LargeValue, rest: ToolCallResponse) -> None:
        self.result = result
        self._rest = rest

    @property
    def metrics(self) -> ExecutionMetrics:
        """As in the message."""
        return self._rest.metrics

    @property
    def request_id(self) -> str:
        """As in the message."""
        return self._rest.request_id

    @property
    def replayed(self) -> bool:
        """As in the message."""
        return self._rest.replayed

    def message(self) -> ToolCallResponse:
        """The same as a message."""
        response = ToolCallResponse(result=self.result.message())
        response.MergeFrom(self._rest)
        return response


class LargeFrame(NamedTuple):
    """A frame with a large value."""

    call_id: int
    size: int
    """Its bytes."""
    body: LargeFragment | LargeChunk | LargeResponse


def read_message(message: bytes) -> tuple[int, list[Frame | LargeFrame]] | None:
    """Reads a message of a link: its ``ack`` and its frames.

    None is for protobuf to read.
    """
    data = memoryview(message)
    ack = at = small = 0
    frames: list[Frame | LargeFrame] = []
    least = len(data) // _PINNED
    try:
        if data[0] == _ACK:
            ack, at = _number(data, 1)
        end = len(data)
        while at < end:
            if data[at] != _FRAMES:
                return None
            size, at = _number(data, at + 1)
            frame = data[at : at + size]
            if len(frame) != size:
                return None
            at += size
            read = read_frame(frame, least) if size >= LARGE_FRAME else None
            if read is None:
                small += 1
                if small > _SMALL_FRAMES:
                    return None
                frames.append(Frame.FromString(bytes(frame)))
            else:
                frames.append(read)
    except (IndexError, DecodeError):
        return None
    return (ack, frames) if small < len(frames) else None


def read_frame(frame: memoryview, least: int = 0) -> LargeFrame | None:
    """Reads a frame with a large value.

    Args:
        frame: Its bytes.
        least: What a value must have that stays where it is; a fragment's data does not.
    """
    try:
        if frame[0] != _CALL_ID:
            return None
        call_id, at = _number(frame, 1)
        tag = frame[at]
        size, at = _number(frame, at + 1)
        if not call_id or at + size != len(frame):
            return None
        if tag == _FRAGMENT:
            body = _fragment(frame, at)
        elif size < least:
            return None
        elif tag == _CHUNK:
            body = _chunk(frame, at)
        elif tag == _RESULT:
            body = _response(frame, at)
        else:
            return None
    except (IndexError, DecodeError, UnicodeDecodeError):
        return None
    return None if body is None else LargeFrame(call_id, len(frame), body)


def value_offset(frame: bytes | memoryview) -> int:
    """Where the value of a frame begins of which these are the first bytes; 0 if that cannot be told."""
    try:
        _, at = _number(frame, 1)
        tag = frame[at]
        _, at = _number(frame, at + 1)
        if tag == _CHUNK:
            if frame[at] == 0x10:
                _, at = _number(frame, at + 1)
            if frame[at] != 0x1A:
                return 0
            _, at = _number(frame, at + 1)
            if frame[at] != 0x0A:
                return 0
        elif tag == _RESULT:
            if bytes(frame[at : at + 3]) != _SUCCESS_RESULT:
                return 0
            at += 2
        else:
            return 0
        _, at = _number(frame, at + 1)
        if frame[at] != 0x0A:
            return 0
        size, at = _number(frame, at + 1)
        if frame[at + size] != 0x12:
            return 0
        return _number(frame, at + size + 1)[1]
    except IndexError:
        return 0


def _number(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A varint as protobuf writes it, and what follows it; one that is too long is an IndexError too."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    number, shift = byte & 0x7F, 7
    while shift < 63:
        at += 1
        byte = data[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte:
                break
            return number, at + 1
        shift += 7
    raise IndexError(at)


def _fragment(frame: memoryview, at: int) -> LargeFragment | None:
    name = total = 0
    if frame[at] == 0x08:
        name, at = _number(frame, at + 1)
    if frame[at] != 0x12:
        return None
    size, at = _number(frame, at + 1)
    end = at + size
    if end < len(frame):
        if frame[end] != 0x18:
            return None
        total, after = _number(frame, end + 1)
        if after != len(frame):
            return None
    return LargeFragment(name, total, frame[at:end]) if end <= len(frame) else None


def _chunk(frame: memoryview, at: int) -> LargeChunk | None:
    sequence = 0
    if frame[at] == 0x10:
        sequence, at = _number(frame, at + 1)
    for tag in (0x1A, 0x0A):
        if frame[at] != tag:
            return None
        size, at = _number(frame, at + 1)
        if at + size != len(frame):
            return None
    value = _any(frame, at, len(frame))
    return None if value is None else LargeChunk(sequence, value)


def _response(frame: memoryview, at: int) -> LargeResponse | None:
    if bytes(frame[at : at + 3]) != _SUCCESS_RESULT:
        return None
    size, at = _number(frame, at + 3)
    end = at + size
    if end > len(frame):
        return None
    value = _any(frame, at, end)
    if value is None:
        return None
    rest = ToolCallResponse.FromString(b"\x08\x01" + frame[end:])
    if not rest.success or rest.HasField("result"):
        return None
    return LargeResponse(value, rest)


def _any(frame: memoryview, at: int, end: int) -> LargeValue | None:
    if frame[at] != 0x0A:
        return None
    size, at = _number(frame, at + 1)
    if size > _LONGEST_URL:
        return None
    url, at = str(frame[at : at + size], "utf-8"), at + size
    if frame[at] != 0x12:
        return None
    size, at = _number(frame, at + 1)
    return LargeValue(url, frame[at:end]) if at + size == end else None
