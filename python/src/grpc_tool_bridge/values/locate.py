"""Finds the part of a malformed dspex.bridge.Value, which protobuf only refuses as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fault import Fault
from .urls import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["locate"]

_TEXT, _ITEMS, _TEXTS, _INTS, _FLOATS, _KEYS = 4, 5, 6, 7, 8, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def locate(data: bytes) -> None:
    """Looks through the bytes of a Value for what is wrong with them.

    Raises:
        Fault: Something is; ``path`` says where. Without it, the bytes are well-formed as far as this goes.
    """
    _value(memoryview(data), 1)


def _value(data: memoryview, level: int) -> None:
    if level > MAX_DEPTH + 1:
        raise Fault(f"nested deeper than {MAX_DEPTH} levels")
    items: list[memoryview] = []
    names: list[str] = []
    for number, wire, content in _fields(data):
        if wire != _BYTES:
            continue
        if number in (_TEXT, _TEXTS):
            text = _text(content)
            if number == _TEXTS:
                names.append(text)
        elif number == _ITEMS:
            items.append(content)
        elif number == _KEYS:
            _value(content, level + 1)
        elif number == _INTS:
            _varints(content)
        elif number == _FLOATS and len(content) % 8:
            raise Fault("want floats of 8 bytes each, got truncated bytes")
    step: int | str = 0
    try:
        for index, item in enumerate(items):
            step = names[index] if len(names) == len(items) else index
            _value(item, level + 1)
    except Fault as fault:
        fault.at(step)
        raise


def _text(content: memoryview) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError as error:
        raise Fault(f"want text in valid UTF-8, got other bytes: {error}") from error


def _varints(content: memoryview) -> None:
    at = 0
    while at < len(content):
        _, at = _varint(content, at)


def _fields(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """The numbers, wire types and, where they have a length, contents of a message's fields."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        size = 0
        if wire == _VARINT:
            _, at = _varint(data, at)
        elif wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise Fault(f"want a dspex.bridge.Value, got a field of wire type {wire}")
        if at + size > len(data):
            raise Fault("the bytes are no dspex.bridge.Value: they are cut off")
        yield number, wire, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Fault("the bytes are no dspex.bridge.Value: they are cut off")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise Fault("want an int of at most 10 bytes, got a longer one")
