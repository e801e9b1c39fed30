"""Lists and dicts from google.protobuf's ListValue and Struct.

Read from the bytes: protobuf stops at 100 levels of messages, which are 33 levels of dicts, and takes fields of
wrong wire types for unknown ones.
"""

from __future__ import annotations

import math
import struct

from . import urls
from .fault import Fault
from .wirefields import BYTES, broken, fields, text, varint

__all__ = ["read_list", "read_struct", "read_value"]

_LIST, _STRUCT, _VALUE = (
    "google.protobuf.ListValue",
    "google.protobuf.Struct",
    "google.protobuf.Value",
)
_ENTRY = "entry of a google.protobuf.Struct"
_double = struct.Struct("<d").unpack_from

# The tags of a Value's fields: their numbers, and the wire types that they have.
_NULL, _NUMBER, _TEXT, _BOOL, _DICT, _ITEMS = 0x08, 0x11, 0x1A, 0x20, 0x2A, 0x32
_TAGS = (0, _NULL, _NUMBER, _TEXT, _BOOL, _DICT, _ITEMS)


def read_list(data: bytes, level: int) -> list[object]:
    """Reads a ListValue at a level of containers.

    Raises:
        Fault: It is malformed or too deep; ``path`` says where.
    """
    return _list(data, 0, len(data), level)


def read_struct(data: bytes, level: int) -> dict[str, object]:
    """Reads a Struct, its keys in ascending order.

    Raises:
        Fault: As ``read_list``.
    """
    return _struct(data, 0, len(data), level)


def read_value(data: bytes, level: int) -> object:
    """Reads a Value; one without any kind is taken for null.

    Raises:
        Fault: As ``read_list``.
    """
    return _value(data, 0, len(data), level)


def _list(data: bytes, at: int, end: int, level: int) -> list[object]:
    values: list[object] = []
    spans = _entries(data, at, end, level, _LIST)
    try:
        for start, stop in spans:
            values.append(_value(data, start, stop, level + 1))
    except Fault as fault:
        fault.at(len(values))
        raise
    return values


def _struct(data: bytes, at: int, end: int, level: int) -> dict[str, object]:
    found: dict[str, tuple[int, int]] = {}
    last, ascending = "", True
    spans = _entries(data, at, end, level, _STRUCT)
    for start, stop in spans:
        key, *span = _entry(data, start, stop)
        ascending = ascending and (key > last or not found)
        found[key] = (span[0], span[1])
        last = key
    if len(found) < len(spans):
        raise _key_twice([_entry(data, *span)[0] for span in spans])
    values: dict[str, object] = {}
    key = ""
    try:
        for key in found if ascending else sorted(found):
            start, stop = found[key]
            values[key] = _value(data, start, stop, level + 1)
    except Fault as fault:
        fault.at(key)
        raise
    return values


def _key_twice(keys: list[str]) -> Fault:
    """The fault of the first key that was there before."""
    seen: set[str] = set()
    at = next(at for at, key in enumerate(keys) if key in seen or seen.add(key))
    fault = Fault(f"the key {keys[at][:60]!r} is there twice")
    fault.at_key(at)
    return fault


def _entries(data: bytes, at: int, end: int, level: int, name: str) -> list[tuple[int, int]]:
    """Where the messages in field 1 begin and end."""
    if level > urls.MAX_DEPTH:
        raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels")
    spans: list[tuple[int, int]] = []
    while at + 1 < end and data[at] == 0x0A:
        size, start = data[at + 1], at + 2
        if size > 127:
            size, start = varint(data, at + 1, end, name)
        at = start + size
        if at > end:
            raise broken(name)
        spans.append((start, at))
    if at < end:
        for number, wire, start, stop in fields(data, at, end, name):
            if number == 1:
                if wire != BYTES:
                    raise broken(name)
                spans.append((start, stop))
    return spans


def _entry(data: bytes, at: int, end: int) -> tuple[str, int, int]:
    """Reads a key, and where its value begins and ends."""
    if at + 1 < end and data[at] == 0x0A and data[at + 1] < 128:
        start = at + 2
        stop = start + data[at + 1]
        rest = end - stop - 2
        if rest >= 0 and data[stop] == 0x12 and rest == data[stop + 1] < 128:
            return text(data, start, stop), stop + 2, end
    key, span = "", (end, end)
    for number, wire, start, stop in fields(data, at, end, _ENTRY):
        if number <= 2 and wire != BYTES:
            raise broken(_ENTRY)
        if number == 1:
            key = text(data, start, stop)
        elif number == 2:
            span = (start, stop)
    return key, *span


def _value(data: bytes, at: int, end: int, level: int) -> object:
    size = end - at
    if size > 1:
        tag, first = data[at], data[at + 1]
        if tag == _NUMBER and size == 9:
            return _number(_double(data, at + 1)[0])
        if size == 2 and first < 128 and tag in (_BOOL, _NULL):
            return first != 0 if tag == _BOOL else None
        if first == size - 2 < 128:
            if tag == _TEXT:
                return text(data, at + 2, end)
            if tag == _DICT:
                return _struct(data, at + 2, end, level)
            if tag == _ITEMS:
                return _list(data, at + 2, end, level)
    return _any_value(data, at, end, level)


def _any_value(data: bytes, at: int, end: int, level: int) -> object:
    """Reads what is written in an unusual way; of several kinds the last counts."""
    value: object = None
    for number, wire, start, stop in fields(data, at, end, _VALUE):
        if number >= len(_TAGS):
            continue
        if wire != _TAGS[number] & 7:
            raise broken(_VALUE)
        value = _content(data, number << 3 | wire, start, stop, level)
    return value


def _content(data: bytes, tag: int, start: int, stop: int, level: int) -> object:
    if tag == _NUMBER:
        return _number(_double(data, start)[0])
    if tag == _TEXT:
        return text(data, start, stop)
    if tag == _BOOL:
        return varint(data, start, stop, _VALUE)[0] != 0
    if tag == _DICT:
        return _struct(data, start, stop, level)
    if tag == _ITEMS:
        return _list(data, start, stop, level)
    return None


def _number(value: float) -> int | float:
    """Takes a number for an int if it is integral and exact, but for -0.0, which no int is."""
    if value.is_integer() and -urls.MAX_EXACT <= value <= urls.MAX_EXACT:
        return int(value) if value or math.copysign(1, value) > 0 else value
    return value
