"""The fields of a protobuf message, read from its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BYTES", "FIXED32", "FIXED64", "VARINT", "broken", "fields", "text", "varint"]

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
_GROUP: Final = 3
_END: Final = 4
FIXED32: Final = 5

_LAST_NUMBER = 2**29 - 1
_MOST_TAG_BYTES = 5


def broken(name: str) -> Fault:
    """Says that bytes are not the message that they should be."""
    return Fault(f"want a well-formed {name}, got malformed or truncated bytes")


def fields(data: bytes, at: int, end: int, name: str) -> Iterator[tuple[int, int, int, int]]:
    """The fields of a message, as number, wire type, and where the content begins and ends.

    Args:
        data: Bytes in which the message stands.
        at: Where it begins.
        end: Where it ends.
        name: What message it should be, for errors.

    Raises:
        Fault: It is malformed.
    """
    while at < end:
        begin = at
        tag, at = varint(data, at, end, name)
        number, wire, start = tag >> 3, tag & 7, at
        if not 1 <= number <= _LAST_NUMBER or at > begin + _MOST_TAG_BYTES:
            raise broken(name)
        if wire == BYTES:
            size, start = varint(data, at, end, name)
            at = start + size
        else:
            at = _after(data, at, end, number, wire, name)
        if at > end:
            raise broken(name)
        yield number, wire, start, at


def _after(data: bytes, at: int, end: int, number: int, wire: int, name: str) -> int:
    """Where the content of a field without a length ends."""
    if wire == VARINT:
        return varint(data, at, end, name)[1]
    if wire == FIXED64:
        return at + 8
    if wire == FIXED32:
        return at + 4
    if wire == _GROUP:
        return _after_group(data, at, end, number, name)
    raise broken(name)


def _after_group(data: bytes, at: int, end: int, number: int, name: str) -> int:
    open_groups = [number]
    while open_groups:
        tag, at = varint(data, at, end, name)
        number, wire = tag >> 3, tag & 7
        if not number or len(open_groups) > 100:
            raise broken(name)
        if wire == _GROUP:
            open_groups.append(number)
        elif wire == _END:
            if open_groups.pop() != number:
                raise broken(name)
        elif wire == BYTES:
            size, at = varint(data, at, end, name)
            at += size
        else:
            at = _after(data, at, end, number, wire, name)
        if at > end:
            raise broken(name)
    return at


def varint(data: bytes, at: int, end: int, name: str) -> tuple[int, int]:
    """An unsigned int of up to 64 bits, and where it ends.

    Raises:
        Fault: It is cut off, or longer.
    """
    number = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise broken(name)
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >> 64:
                raise broken(name)
            return number, at
    raise broken(name)


def text(data: bytes, start: int, end: int) -> str:
    """A text.

    Raises:
        Fault: It is no UTF-8.
    """
    try:
        return str(data[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise Fault(f"want text in valid UTF-8, got other bytes: {error}") from error
