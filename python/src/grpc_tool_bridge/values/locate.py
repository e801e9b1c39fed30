"""Finds the part of a malformed dspex.bridge.Value, which protobuf only refuses as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any as AnyMessage

import dspex_bridge_pb2 as pb

from .fault import Fault
from .urls import MAX_DEPTH, VALUE
from .wirefields import BYTES, FIXED64, VARINT, broken, fields, text, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

__all__ = ["locate", "unread_values"]

_NAME, _ANY_NAME = "dspex.bridge.Value", "google.protobuf.Any"
_MOST_MESSAGES = 101
"""How many protobuf reads in one another, the outermost too."""
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
    """Looks through the bytes of a Value for what is wrong with them, whatever the kinds of it and those in it are.

    Raises:
        Fault: Something is; ``path`` says where. Without it, the bytes are well-formed as far as this goes.
    """
    _value(data, 0, len(data), 1, read=True)


def unread_values(data: bytes, kinds: Collection[int]) -> Iterator[bytes]:
    """The bytes of the Values in a well-formed one that are of other than these kinds, in the order of decoding."""
    kind = 0
    items: list[bytes] = []
    keys: list[bytes] = []
    for number, _, start, stop in fields(data, 0, len(data), _NAME):
        if number == _KIND:
            kind = varint(data, start, stop, _NAME)[0]
        elif number == _ITEMS:
            items.append(data[start:stop])
        elif number == _KEYS:
            keys.append(data[start:stop])
    if kind not in kinds:
        yield data
    elif kind in _CONTAINERS:
        for part in (*keys, *items) if kind == pb.DICT else items:
            yield from unread_values(part, kinds)


def _value(data: bytes, at: int, end: int, level: int, *, read: bool) -> None:
    if read and level > MAX_DEPTH + 1:
        raise Fault(f"nested deeper than {MAX_DEPTH} levels")
    if level > _MOST_MESSAGES:
        raise broken(_NAME)
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
    if level > MAX_DEPTH and read and kind in _CONTAINERS:
        raise Fault(f"nested deeper than {MAX_DEPTH} levels")
    read_keys, read_items = read and kind == pb.DICT, read and kind in _CONTAINERS
    _each(
        found[_KEYS],
        lambda start, stop: _value(data, start, stop, level + 1, read=read_keys),
        Fault.at_key,
    )
    step = Fault.at if kind in _LISTS else Fault.at_key
    names: list[str] = []
    _each(found[_TEXTS], lambda start, stop: names.append(text(data, start, stop)), step)
    items, keys = found[_ITEMS], found[_KEYS]
    if read and kind == pb.DICT and keys and names:
        raise Fault("keys stand in more than one field of the message")
    if kind == pb.RECORD:
        keys = []
    count = len(keys) + len(names)
    if read and kind in (pb.DICT, pb.RECORD) and len(items) != count:
        raise Fault(f"{count} keys for {len(items)} values")
    called = names or [data[start:stop] for start, stop in keys]
    _each(
        items,
        lambda start, stop: _value(data, start, stop, level + 1, read=read_items),
        _item_step(kind, called) if len(called) == len(items) or kind == pb.ENUM else Fault.at,
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
