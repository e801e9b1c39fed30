"""How frames become messages of a link: packing, cutting, the message window.

A message of a link is ``ack`` followed by frames. A frame is serialized once, when it is queued, with
the tag and length that it has inside a ``LinkMessage``; packing is then a concatenation of bytes, and a
message that has to be sent again after a lost connection is the same bytes behind a new ``ack``.

Nothing here knows a connection, a clock or a loop. Sizes are bytes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from dspex_bridge_pb2 import Frame

from .largeframes import value_offset

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Buffer

FULL_MESSAGE = 256 * 1024
"""Bytes of frames at which a message is full: it takes no further frame. Tags and lengths around them do not count."""
MAX_FRAMES = 512
"""Frames in one message."""
MAX_PIECE = 64 * 1024
"""A frame longer than this travels in pieces; no piece carries more."""
MAX_FRAME = 16 * 1024 * 1024
"""The longest frame, cut or not: the transport's own limit."""
SMALL_WINDOW = 4
"""Messages that are not full and may be unacknowledged."""
FULL_WINDOW = 8 * 1024 * 1024
"""Bytes of frames in full messages that may be unacknowledged."""
SEND_QUEUE = 8 * 1024 * 1024
"""While so many bytes wait to be sent, the link takes no further call, result or chunk."""
_BULK_SHARE = 128 * 1024
_ALIGNED = 16


class ProtocolViolationError(Exception):
    """The other side of a link broke the protocol; the link must be closed."""


def body_tag(name: str) -> bytes:
    """The tag of a body of ``Frame``, such as ``"call"``, as it stands on the wire."""
    return varint(Frame.DESCRIPTOR.fields_by_name[name].number << 3 | 2)


def varint(number: int) -> bytes:
    """A whole number that is not negative, as protobuf writes it."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if number < 0x200000:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_SHORT = 1024
_VARINTS = tuple(map(varint, range(_SHORT)))


_FRAGMENT = body_tag("fragment")


class CutPiece(NamedTuple):
    """A piece of a frame, on its way out."""

    name: int
    """Of the frame."""
    size: int
    """Bytes of the frame in it."""
    parts: tuple[Buffer, ...]
    """As it stands in a message, into which they are copied."""
    length: int
    """Bytes of these."""
    frame: int
    """Bytes of the frame that carries it, without the tag and the length around it."""


class Outbox:
    """Frames that wait to be sent: short ones in one queue, cut ones in a lane for each call.

    Lanes take turns, so a long frame delays neither short frames nor other long ones. Whatever follows
    a cut frame of the same call queues behind it in its lane, and a lane takes no turn before the short
    frames that were queued before it have left, which keeps a call's frames in order.
    """

    def __init__(self) -> None:
        self.size = 0
        """Bytes that wait."""
        # A number among the short frames is a lane that takes turns from there on; none is in front.
        self._short: deque[bytes | int] = deque()
        self._lanes: dict[int, deque[bytes | CutPiece]] = {}
        self._turns: deque[int] = deque()
        self._next_cut = 1

    def __bool__(self) -> bool:
        return bool(self._short or self._lanes)

    def put_parts(self, call_id: int, tag: bytes, body: Sequence[Buffer]) -> None:
        """Queues a frame whose long body lies in parts, which nobody may change until they have left."""
        size = sum(len(memoryview(part)) for part in body)
        if size <= MAX_PIECE:
            self.put(call_id, tag, b"".join(body))
            return
        head = b"\x08" + varint(call_id) + tag + varint(size)
        for piece in self.cut(call_id, head, *body):
            self.put_piece(call_id, piece)

    def put(self, call_id: int, tag: bytes, body: bytes) -> None:
        """Queues a frame. One over ``MAX_PIECE`` is cut."""
        size = len(body)
        head = tag + (_VARINTS[size] if size < _SHORT else varint(size))
        if call_id:
            head = b"\x08" + varint(call_id) + head
        size += len(head)
        if size > MAX_PIECE:
            for piece in self.cut(call_id, head, body):
                self.put_piece(call_id, piece)
            return
        entry = b"\x12" + (_VARINTS[size] if size < _SHORT else varint(size)) + head + body
        self.size += len(entry)
        if self._lanes and call_id in self._lanes:
            self._lanes[call_id].append(entry)
        else:
            self._short.append(entry)

    def cut(self, call_id: int, head: bytes, *body: Buffer) -> Iterator[CutPiece]:
        """The pieces of a serialized frame, in order.

        Args:
            call_id: Of its call.
            head: What stands before the body in the frame, less than a piece.
            *body: The parts of its body; nobody may change them until the pieces have left.
        """
        views = [memoryview(head), *map(memoryview, body)]
        total = sum(map(len, views))
        if total > MAX_FRAME:
            raise ValueError(
                f"message too large: a frame of {total} bytes, the limit is {MAX_FRAME}"
            )
        name, self._next_cut = self._next_cut, self._next_cut + 1
        call = b"\x08" + varint(call_id) if call_id else b""
        fragment = b"\x08" + varint(name) + b"\x12"
        after = b"\x18" + varint(total)
        for parts in _windows(views, MAX_PIECE):
            size = sum(map(len, parts))
            inner = fragment + varint(size)
            inside = len(inner) + size + len(after)
            outer = call + _FRAGMENT + varint(inside)
            around = len(outer) + inside
            front = b"".join((b"\x12", varint(around), outer, inner))
            length = len(front) + size + len(after)
            yield CutPiece(name, size, (front, *parts, after), length, around)
            after = b""

    def put_piece(self, call_id: int, piece: CutPiece) -> None:
        """Queues a piece, in the lane of its call."""
        self.size += piece.length
        key = call_id or -piece.name
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            (self._short or self._turns).append(key)
        lane.append(piece)

    def take(self) -> bytes:
        """The frames of the next message; empty when nothing waits."""
        if not self._lanes and len(self._short) <= MAX_FRAMES and self.size < FULL_MESSAGE:
            body = b"".join(self._short)  # pyright: ignore[reportArgumentType] # lanes alone are numbers
            self._short.clear()
            self.size = 0
            return body
        return self._take_some()

    def _take_some(self) -> bytes:
        taken: list[Buffer] = []
        count = size = 0
        share, most = (_BULK_SHARE, MAX_FRAMES - 4) if self._lanes else (FULL_MESSAGE, MAX_FRAMES)
        for source, take, bytes_at_most, frames_at_most in (
            (self._short, self._take_short, share, most),
            (self._turns, self._take_piece, FULL_MESSAGE, MAX_FRAMES),
            (self._short, self._take_short, FULL_MESSAGE, MAX_FRAMES),
            (self._turns, self._take_piece, FULL_MESSAGE, MAX_FRAMES),
        ):
            while source and size < bytes_at_most and count < frames_at_most:
                entry = take()
                count += 1
                if isinstance(entry, CutPiece):
                    taken += entry.parts
                    self.size -= entry.length
                    size += entry.frame
                else:
                    taken.append(entry)
                    self.size -= len(entry)
                    size += _frame_size(entry)
        return b"".join(taken)

    def _take_short(self) -> bytes:
        short = self._short
        entry = cast("bytes", short.popleft())
        while short and isinstance(short[0], int):
            self._turns.append(short[0])
            short.popleft()
        return entry

    def _take_piece(self) -> bytes | CutPiece:
        key = self._turns.popleft()
        lane = self._lanes[key]
        entry = lane.popleft()
        if lane:
            self._turns.append(key)
        else:
            del self._lanes[key]
        return entry

    def clear(self) -> None:
        """Forgets what waits."""
        self._short.clear()
        self._lanes.clear()
        self._turns.clear()
        self.size = 0


def _windows(views: Sequence[memoryview], size: int) -> Iterator[list[memoryview]]:
    """The bytes of some views, so many at once; fewer at the end."""
    window: list[memoryview] = []
    room = size
    for view in views:
        rest = view
        while len(rest) > room:
            yield [*window, rest[:room]]
            rest, window, room = rest[room:], [], size
        window.append(rest)
        room -= len(rest)
    yield window


class Window:
    """Counts messages with frames in both directions and holds back what the peer has not yet room for.

    Counting belongs to an incarnation and outlives connections: what is not acknowledged is kept here, to be
    sent again.
    """

    def __init__(self) -> None:
        self.sent = 0
        """Counted messages that were sent."""
        self.received = 0
        """Counted messages that were read."""
        self.acknowledged = 0
        """How many of those sent the peer has read."""
        self._told = 0
        # The frames of each message, and how many bytes of the window for full ones they take.
        self._unacknowledged: deque[tuple[bytes, int]] = deque()
        self._small = 0
        self._full_bytes = 0
        self._held = b""

    @property
    def owed(self) -> int:
        """Messages that were read and whose reading the peer was not told."""
        return self.received - self._told

    @property
    def unacknowledged(self) -> tuple[bytes, ...]:
        """The frames of each message that the peer may not have read, oldest first."""
        return tuple(body for body, _ in self._unacknowledged)

    def next_frames(self, outbox: Outbox) -> bytes:
        """The frames of the next message that may be sent now, counted as sent; empty if none may."""
        body = self._held
        if not body:
            if not outbox or (self._small >= SMALL_WINDOW and outbox.size < FULL_MESSAGE):
                return b""
            body = outbox.take()
        full = _full_bytes(body)
        if not self._allows(full):
            # Packed to the brim by number of frames: waiting adds nothing to it.
            self._held = body
            return b""
        self._held = b""
        self._count(body, full)
        return body

    def _allows(self, full: int) -> bool:
        if full:
            return self._full_bytes + full <= FULL_WINDOW
        return self._small < SMALL_WINDOW

    def _count(self, body: bytes, full: int) -> None:
        self.sent += 1
        self._unacknowledged.append((body, full))
        if full:
            self._full_bytes += full
        else:
            self._small += 1

    def stamp(self, body: bytes) -> bytes:
        """A message: these frames (or none) behind the present acknowledgement."""
        self._told = self.received
        return b"\x08" + varint(self.received) + body if self.received else body

    def acknowledge(self, ack: int) -> bool:
        """Takes the peer's count; says whether it grew."""
        if ack == self.acknowledged:
            return False
        if ack > self.sent or ack < self.acknowledged:
            raise ProtocolViolationError(
                f"ack {ack} does not lie between {self.acknowledged}, acknowledged before, "
                f"and {self.sent}, sent"
            )
        for _ in range(ack - self.acknowledged):
            _, full = self._unacknowledged.popleft()
            if full:
                self._full_bytes -= full
            else:
                self._small -= 1
        self.acknowledged = ack
        return True


def _full_bytes(body: bytes) -> int:
    # How many bytes of frames a full message has; 0 for one that is not full.
    if len(body) < FULL_MESSAGE:
        return 0
    size = at = 0
    while at < len(body):
        frame, at = _frame_bounds(body, at)
        size += frame
        at += frame
    return size if size >= FULL_MESSAGE else 0


def _frame_size(entry: bytes) -> int:
    return _frame_bounds(entry, 0)[0]


def _frame_bounds(body: bytes, at: int) -> tuple[int, int]:
    # How long the frame is whose tag stands at that place, and where it begins.
    at += 1
    size = shift = 0
    while body[at] > 0x7F:
        size |= (body[at] & 0x7F) << shift
        shift += 7
        at += 1
    return size | body[at] << shift, at + 1


class Piece(Protocol):
    """What is read of a ``Fragment``."""

    @property
    def id(self) -> int:
        """As in the message."""
        ...

    @property
    def total(self) -> int:
        """As in the message."""
        ...

    @property
    def data(self) -> bytes | memoryview:
        """As in the message."""
        ...


class Assembler:
    """Puts cut frames together again."""

    def __init__(self, *, max_unfinished: int = 8192) -> None:
        self._unfinished: dict[int, _Unfinished] = {}
        self._max_unfinished = max_unfinished

    def add(self, fragment: Piece) -> memoryview | None:
        """Takes a piece; returns the whole frame when it was the last one."""
        begun = self._unfinished.get(fragment.id)
        data = fragment.data
        if len(data) > MAX_PIECE or not data:
            raise ProtocolViolationError(
                f"fragment {fragment.id} has {len(data)} bytes, wanted are 1 to {MAX_PIECE}"
            )
        if begun is None:
            begun = self._begin(fragment)
        begun.add(data)
        if begun.size < begun.total:
            return None
        del self._unfinished[fragment.id]
        if begun.size > begun.total:
            raise ProtocolViolationError(
                f"fragment {fragment.id} brought {begun.size} bytes of {begun.total}"
            )
        return begun.whole()

    def _begin(self, fragment: Piece) -> _Unfinished:
        total = fragment.total
        if not total:
            raise ProtocolViolationError(f"fragment {fragment.id} has no beginning")
        if total > MAX_FRAME:
            raise ProtocolViolationError(
                f"fragment {fragment.id} announces {total} bytes, the limit is {MAX_FRAME}"
            )
        if len(self._unfinished) >= self._max_unfinished:
            raise ProtocolViolationError(
                f"more than {self._max_unfinished} frames are cut and not whole"
            )
        begun = self._unfinished[fragment.id] = _Unfinished(total)
        return begun

    def clear(self) -> None:
        """Forgets what is not whole."""
        self._unfinished.clear()


class _Unfinished:
    """A frame of which some pieces came."""

    __slots__ = ("_buffer", "_margin", "size", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self.size = 0
        self._buffer = bytearray()
        self._margin = 0

    def add(self, data: bytes | memoryview) -> None:
        if not self.size:
            # The value in the frame, which may be read where it lies, begins where numbers of any width may.
            self._margin = -value_offset(data) % _ALIGNED
            self._buffer += bytes(self._margin)
        self._buffer += data
        self.size += len(data)

    def whole(self) -> memoryview:
        return memoryview(self._buffer)[self._margin :]
