"""Finds the part of a malformed dspex.bridge.Value, which protobuf only refuses as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any as AnyMessage

import dspex_bridge_pb2 as pb

from .fault import Fault
from .urls import MAX_DEPTH, VALUE
from .wirefields import BYTES, FIXED64, VARINT, broken, fields, text, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["locate"]

_NAME, _ANY_NAME = "dspex.bridge.Value", "google.protobuf.Any"
_KIND, _ITEMS, _TEXTS, _INTS, _FLOATS, _KEYS, _ANY = 1, 5, 6, 7, 8, 9, 12

_WIRE_TYPES: Mapping[int, tuple[int, ...]] = {
    _KIND: (VARINT,),
    2: (VARINT,),
    3: (FIXED64,),
    4: (BYTES,),
    _ITEMS: (BYTES,),
    _TEXTS: (BYTES,),
    _INTS: (VARINT, BYTES),
    _FLOATS: (FIXED64, BYTES),
    _KEYS: (BYTES,),
    10: (BYTES,),
    11: (VARINT,),
    _ANY: (BYTES,),
}

_LISTS = frozenset({pb.LIST, pb.TUPLE, pb.SET, pb.FROZENSET})
_CONTAINERS = _LISTS | {pb.DICT, pb.RECORD, pb.ENUM}
_Spans = list[tuple[int, int]]


def locate(data: bytes) -> None:
    """Looks through the bytes of a Value for what is wrong with them.

    Raises:
        Fault: Something is; ``path`` says where. Without it, the bytes are well-formed as far as this goes.
    """
    _value(data, 0, len(data), 1)


def _value(data: bytes, at: int, end: int, level: int) -> None:
    if level > MAX_DEPTH + 1:
        raise Fault(f"nested deeper than {MAX_DEPTH} levels")
    kind = 0
    found: dict[int, _Spans] = {_ITEMS: [], _TEXTS: [], _KEYS: []}
    for number, wire, start, stop in fields(data, at, end, _NAME):
        if wire not in _WIRE_TYPES.get(number, (wire,)):
            raise broken(_NAME)
        if number == _KIND:
            kind = varint(data, start, stop, _NAME)[0]
        elif number in found:
            found[number].append((start, stop))
        else:
            _content(data, number, wire, start, stop)
    if level > MAX_DEPTH and kind in _CONTAINERS:
        raise Fault(f"nested deeper than {MAX_DEPTH} levels")
    _each(found[_KEYS], lambda start, stop: _value(data, start, stop, level + 1), Fault.at_key)
    step = Fault.at if kind in _LISTS else Fault.at_key
    names: list[str] = []
    _each(found[_TEXTS], lambda start, stop: names.append(text(data, start, stop)), step)
    items, keys = found[_ITEMS], found[_KEYS]
    if kind == pb.DICT and keys and names:
        raise Fault("keys stand in more than one field of the message")
    if kind == pb.RECORD:
        keys = []
    if kind in (pb.DICT, pb.RECORD) and len(items) != len(keys) + len(names):
        raise Fault(f"{len(keys) + len(names)} keys for {len(items)} values")
    _each(
        items,
        lambda start, stop: _value(data, start, stop, level + 1),
        _item_step(kind, names or [data[start:stop] for start, stop in keys]),
    )


def _content(data: bytes, number: int, wire: int, start: int, stop: int) -> None:
    """Checks what stands in a field that leads no deeper."""
    if number == 4:
        text(data, start, stop)
    elif number == _ANY:
        _any(data, start, stop)
    elif wire == BYTES and number == _FLOATS and (stop - start) % 8:
        raise broken(_NAME)
    elif wire == BYTES and number == _INTS:
        while start < stop:
            _, start = varint(data, start, stop, _NAME)


def _any(data: bytes, at: int, end: int) -> None:
    for number, wire, start, stop in fields(data, at, end, _ANY_NAME):
        if number <= 2 and wire != BYTES:
            raise broken(_ANY_NAME)
        if number == 1:
            text(data, start, stop)


def _item_step(kind: int, keys: Sequence[str | bytes]) -> Callable[[Fault, int], None]:
    if kind == pb.ENUM:
        return lambda fault, index: fault.inside("value")
    if kind in (pb.DICT, pb.RECORD):
        return lambda fault, index: fault.at(_decoded(keys[index]))
    return Fault.at


def _decoded(key: str | bytes) -> object:
    if isinstance(key, str):
        return key
    from .decode import decode_part

    return decode_part(AnyMessage(type_url=VALUE, value=key), 1)


def _each(
    spans: _Spans,
    check: Callable[[int, int], None],
    step: Callable[[Fault, int], None],
) -> None:
    index = 0
    try:
        for index, (start, stop) in enumerate(spans):  # noqa: B007 - names the part that failed
            check(start, stop)
    except Fault as fault:
        step(fault, index)
        raise
