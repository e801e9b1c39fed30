"""Small, lossless lists and dicts as google.protobuf's ListValue and Struct.

The bytes are written here, key by key: protobuf's own deterministic order of a map puts a key behind those that
it is a beginning of ("ab" before "a"), which is not the order of their bytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

from . import urls
from .fault import Fault
from .urls import MAX_ELEMENTS, MAX_EXACT, PLAIN_LEVELS, SMALL_ELEMENTS, SMALL_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

_double = struct.Struct("<cd").pack


class _NotPlainError(Exception):
    """The value has to travel as dspex.bridge.Value."""


def encode_plain(
    value: list[object] | dict[object, object],
    natural: Callable[[object], object],
    *,
    limits: bool,
) -> bytes | None:
    """Returns a list as ListValue or a dict as Struct, or None if it is not small and lossless.

    Args:
        value: A list or dict.
        natural: Makes an object of a known class of one of a subclass.
        limits: Keep the limits on elements and levels.
    """
    if limits and len(value) >= SMALL_ELEMENTS:
        return None
    writer = (
        _Writer(natural, SMALL_ELEMENTS - 1, SMALL_LEVELS)
        if limits
        else _LongWriter(natural, MAX_ELEMENTS, PLAIN_LEVELS)
    )
    try:
        if type(value) is list:
            return writer.list_(value, 1)
        return writer.struct(cast("dict[object, object]", value), 1)
    except (_NotPlainError, UnicodeEncodeError, Fault, RuntimeError):
        # Whatever is wrong with it, the other form says where.
        return None


class _Writer:
    """Writes messages while the elements and levels that are left suffice."""

    def __init__(self, natural: Callable[[object], object], elements: int, levels: int) -> None:
        self._natural = natural
        self._left = elements
        self._levels = levels

    def list_(self, items: list[object], level: int) -> bytes:
        """Writes a ListValue."""
        self._take(len(items), level)
        return b"".join([field(b"\x0a", self._value(item, level)) for item in items.copy()])

    def struct(self, items: dict[object, object], level: int) -> bytes:
        """Writes a Struct, if the keys ascend."""
        self._take(len(items), level)
        entries: list[bytes] = []
        last = None
        for given, item in items.items():
            key = given if type(given) is str else self._natural(given)
            if type(key) is not str or (last is not None and key <= last):
                raise _NotPlainError
            last = key
            value = field(b"\x12", self._value(item, level))
            entries.append(field(b"\x0a", field(b"\x0a", key.encode()) + value))
        return b"".join(entries)

    def _take(self, count: int, level: int) -> None:
        self._left -= count
        if self._left < 0 or level > self._levels:
            raise _NotPlainError

    def _value(self, item: object, level: int) -> bytes:
        """Writes a Value."""
        kind = type(item)
        if kind is str:
            return field(b"\x1a", cast("str", item).encode())
        if kind is int and -MAX_EXACT <= cast("int", item) <= MAX_EXACT:
            return _double(b"\x11", item)
        if kind is float and _is_exact(cast("float", item)):
            return _double(b"\x11", item)
        if kind is bool:
            return b"\x20\x01" if item else b"\x20\x00"
        if item is None:
            return b"\x08\x00"
        if kind is list:
            return field(b"\x32", self.list_(cast("list[object]", item), level + 1))
        if kind is dict:
            return field(b"\x2a", self.struct(cast("dict[object, object]", item), level + 1))
        known = self._natural(item)
        if known is item:
            raise _NotPlainError
        return self._value(known, level)


class _LongWriter(_Writer):
    """Writes values of any length, whose texts are counted."""

    _characters = 0

    def struct(self, items: dict[object, object], level: int) -> bytes:
        """Writes a Struct, if the keys ascend."""
        for key in items:
            self._count(key)
        return super().struct(items, level)

    def _value(self, item: object, level: int) -> bytes:
        self._count(item)
        return super()._value(item, level)

    def _count(self, item: object) -> None:
        if isinstance(item, str):
            self._characters += len(item)
            if self._characters > urls.MAX_CHARACTERS:
                raise _NotPlainError


def field(tag: bytes, content: bytes) -> bytes:
    """A field of a message, with its length."""
    size = len(content)
    return tag + (_SIZES[size] if size < 128 else _size(size)) + content


_SIZES = [bytes((size,)) for size in range(128)]


def _size(size: int) -> bytes:
    varint = bytearray()
    while size > 127:
        varint.append(size & 127 | 128)
        size >>= 7
    varint.append(size)
    return bytes(varint)


def _is_exact(number: float) -> bool:
    """Reports whether the number comes back as a float: neither NaN nor infinite nor taken for an int."""
    return number - number == 0 and (not number.is_integer() or abs(number) > MAX_EXACT)
