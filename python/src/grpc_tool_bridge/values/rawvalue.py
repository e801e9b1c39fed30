"""A dspex.bridge.Value as its bytes have it, for those that protobuf refuses, or would give back as others.

It has the fields of the message, which are read when they are asked for: so what is wrong first is found first, and
kinds that this program does not know keep their bytes.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Generic, TypeVar

from google.protobuf.any_pb2 import Any as AnyMessage

import dspex_bridge_pb2 as pb

from .fault import Fault
from .wirefields import BYTES, FIXED64, VARINT, broken, fields, text, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["LATER", "RawValue"]

_T = TypeVar("_T")

_NAME, _ANY_NAME = "dspex.bridge.Value", "google.protobuf.Any"
_MOST_MESSAGES = 101
"""How many are in one another, the outermost too, where something in them is not read."""
_KIND, _INT, _FLOAT, _TEXT, _ITEMS, _TEXTS, _INTS, _FLOATS, _KEYS, _DATA, _BOOL, _ANY = range(1, 13)

_WIRE_TYPES: Mapping[int, tuple[int, ...]] = {
    _KIND: (VARINT,),
    _INT: (VARINT,),
    _FLOAT: (FIXED64,),
    _TEXT: (BYTES,),
    _ITEMS: (BYTES,),
    _TEXTS: (BYTES,),
    _INTS: (VARINT, BYTES),
    _FLOATS: (FIXED64, BYTES),
    _KEYS: (BYTES,),
    _DATA: (BYTES,),
    _BOOL: (VARINT,),
    _ANY: (BYTES,),
}
LATER = -(2**31) - 1
"""The kind of those with a field that this program does not know: they are kept whole, as those of unknown kinds."""
_LISTS = frozenset({pb.LIST, pb.TUPLE, pb.SET, pb.FROZENSET})
_TEXTUAL = frozenset({pb.STR, pb.DATETIME, pb.DATE, pb.TIME, pb.TIMEDELTA, pb.DECIMAL, pb.FRACTION})
_double = struct.Struct("<d").unpack_from


class _Parts(Generic[_T]):
    """A repeated field, read part by part."""

    def __init__(self, spans: array[int], read: Callable[[int, int, int], _T]) -> None:
        self._spans = spans
        self._read = read

    def __len__(self) -> int:
        return len(self._spans) // 2

    def __getitem__(self, index: int) -> _T:
        return self._read(index, self._spans[2 * index], self._spans[2 * index + 1])

    def __iter__(self) -> Iterator[_T]:
        return (self[index] for index in range(len(self)))


class RawValue:
    """A Value that stands in bytes.

    Args:
        data: The bytes.
        at: Where it begins.
        end: Where it ends.
        depth: How many messages it is in, it too.
        is_checked: Whether all that is in it is known to be well-formed.

    Raises:
        Fault: Its own fields are malformed, or some that its kind does not read have something malformed in them.
            So do those fields that are read later.
    """

    def __init__(
        self, data: bytes, at: int, end: int, depth: int = 1, *, is_checked: bool = False
    ) -> None:
        self._data, self._at, self._end = data, at, end
        self._depth = depth
        self.kind = 0
        self.int_value = 0
        self.float_value = 0.0
        self.bool_value = False
        self.ints: array[int] = array("q")
        self.floats: array[float] = array("d")
        self._text = self._bytes = (at, at)
        self._text_count = 0
        self._spans: dict[int, array[int]] = {}
        is_later = False
        for number, wire, start, stop in fields(data, at, end, _NAME):
            if wire not in _WIRE_TYPES.get(number, (wire,)):
                raise broken(_NAME)
            is_later = is_later or number > _ANY
            if number <= _ANY:
                self._take(number, wire, start, stop)
        if is_later and 0 <= self.kind <= pb.ANY:
            self.kind = LATER
        self._is_checked = is_checked
        if not is_checked and self._has_unread():
            self._check()
            self._is_checked = True

    def _take(self, number: int, wire: int, start: int, stop: int) -> None:
        if number in (_ITEMS, _TEXTS, _KEYS, _ANY):
            self._spans.setdefault(number, array("q")).extend((start, stop))
        elif number == _TEXT:
            self._text = start, stop
            self._text_count += 1
        elif number == _DATA:
            self._bytes = start, stop
        elif number == _FLOAT:
            self.float_value = _double(self._data, start)[0]
        elif number == _FLOATS:
            if (stop - start) % 8:
                raise broken(_NAME)
            self.floats.extend(struct.unpack_from(f"<{(stop - start) // 8}d", self._data, start))
        elif number == _INTS:
            self._take_ints(wire, start, stop)
        else:
            self._take_number(number, varint(self._data, start, stop, _NAME)[0])

    def _take_ints(self, wire: int, start: int, stop: int) -> None:
        if wire == BYTES and stop > start and self._data[stop - 1] > 127:
            raise broken(_NAME)
        while start < stop:
            number, start = varint(self._data, start, stop, _NAME)
            self.ints.append(_signed(number))

    def _take_number(self, number: int, value: int) -> None:
        if number == _KIND:
            self.kind = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
        elif number == _INT:
            self.int_value = _signed(value)
        else:
            self.bool_value = value != 0

    def _has_unread(self) -> bool:
        """Whether there are texts or messages in fields that its kind does not read."""
        if self._text_count > 1:
            return True
        there = {number for number, spans in self._spans.items() if spans}
        if self._text[0] < self._text[1]:
            there.add(_TEXT)
        if self.kind in _LISTS:
            there -= {_ITEMS, _TEXTS}
        elif self.kind == pb.DICT:
            there -= {_ITEMS, _TEXTS, _KEYS}
        elif self.kind in (pb.RECORD, pb.ENUM):
            there -= {_TEXT, _ITEMS, _TEXTS}
        elif self.kind == pb.ANY:
            there -= {_ANY}
        elif self.kind in _TEXTUAL:
            there -= {_TEXT}
        return bool(there)

    def _check(self) -> None:
        """Checks all that is in it, whatever the kinds are, in the order of the bytes."""
        _check(self._data, self._at, self._end, self._depth)

    @property
    def whole(self) -> bytes:
        """Its bytes."""
        return self._data[self._at : self._end]

    def ByteSize(self) -> int:  # noqa: N802 - as messages have it
        """How many bytes it has."""
        return self._end - self._at

    @property
    def text(self) -> str:
        """The text, the last one of several."""
        return text(self._data, *self._text)

    @property
    def data(self) -> bytes:
        """The bytes, the last ones of several."""
        return self._data[slice(*self._bytes)]

    @property
    def any(self) -> AnyMessage:
        """The Any; of several, the fields of all count."""
        spans = self._spans.get(_ANY, ())
        joined = b"".join(
            self._data[start:stop] for start, stop in zip(spans[::2], spans[1::2], strict=True)
        )
        return _any(joined, 0, len(joined))

    @property
    def items(self) -> _Parts[RawValue]:
        """The values in it."""
        return self._values(_ITEMS)

    @property
    def keys(self) -> _Parts[RawValue]:
        """The keys that are no texts."""
        return self._values(_KEYS)

    @property
    def texts(self) -> _Parts[str]:
        """The texts, which may be items or keys."""
        step = Fault.at if self.kind in _LISTS else Fault.at_key

        def read(index: int, start: int, stop: int) -> str:
            try:
                return text(self._data, start, stop)
            except Fault as fault:
                step(fault, index)
                raise

        return _Parts(self._spans.get(_TEXTS, array("q")), read)

    def _values(self, number: int) -> _Parts[RawValue]:
        return _Parts(
            self._spans.get(number, array("q")),
            lambda _, start, stop: RawValue(
                self._data, start, stop, self._depth + 1, is_checked=self._is_checked
            ),
        )


def _signed(number: int) -> int:
    return number >> 1 ^ -(number & 1)


def _check(data: bytes, at: int, end: int, depth: int) -> None:
    if depth > _MOST_MESSAGES:
        raise broken(f"{_NAME} of at most {_MOST_MESSAGES} messages in one another")
    RawValue(data, at, end, depth, is_checked=True)
    counts = {_ITEMS: 0, _TEXTS: 0, _KEYS: 0}
    for number, _, start, stop in fields(data, at, end, _NAME):
        try:
            if number in (_TEXT, _TEXTS):
                text(data, start, stop)
            elif number in (_ITEMS, _KEYS):
                _check(data, start, stop, depth + 1)
            elif number == _ANY:
                _any(data[start:stop], 0, stop - start)
                if depth == _MOST_MESSAGES:
                    raise broken(f"{_NAME} of at most {_MOST_MESSAGES} messages in one another")
        except Fault as fault:
            if number in counts:
                step = Fault.at if number == _ITEMS else Fault.at_key
                step(fault, counts[number])
            raise
        if number in counts:
            counts[number] += 1


def _any(data: bytes, at: int, end: int) -> AnyMessage:
    url, value = "", b""
    for number, wire, start, stop in fields(data, at, end, _ANY_NAME):
        if number <= 2 and wire != BYTES:
            raise broken(_ANY_NAME)
        if number == 1:
            url = text(data, start, stop)
        elif number == 2:
            value = data[start:stop]
    return AnyMessage(type_url=url, value=value)
