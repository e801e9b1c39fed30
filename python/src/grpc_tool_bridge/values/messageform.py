"""The JSON form of protobuf's messages, the same text in every language."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Any, cast

# All programs know these messages, so that each can read what another writes as $message.
from google.protobuf import (
    api_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    descriptor_pool,
    duration_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    empty_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    field_mask_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    json_format,
    message_factory,
    source_context_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    struct_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    timestamp_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    type_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    wrappers_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from google.protobuf.any_pb2 import Any as AnyMessage

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

__all__ = ["message_of", "message_tree"]

_TYPE = "@type"
# How many messages with an "@type" may be in one another: readers look through all that is in
# an Any for its type, and so again in the Any in it. Deeper ones are written as $any.
_MOST_TYPED = 8
_ANY = "google.protobuf.Any"
_FLOATS = {"google.protobuf.DoubleValue": "<d", "google.protobuf.FloatValue": "<f"}
_MASK = "google.protobuf.FieldMask"
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
# Their JSON is any JSON; like that of an Any, it stands under "value" in an Any.
_NATURAL = frozenset(
    {"google.protobuf.Struct", "google.protobuf.ListValue", "google.protobuf.Value"}
)


def message_tree(encoded: AnyMessage) -> Any:
    """Returns protobuf's JSON of a message, or None where that would lose something.

    That is fields that this program does not know, the sign of a NaN, an Any of an unknown type.

    Args:
        encoded: The message as it is encoded, deterministically.
    """
    try:
        # Reading a tree changes it, so it is made twice.
        if message_of(json_format.MessageToDict(encoded)) != encoded:
            return None
        return _ordered(json_format.MessageToDict(encoded), encoded.DESCRIPTOR)
    except Exception:  # noqa: BLE001 - whatever it is, there is no such JSON
        return None


def message_of(tree: Any) -> AnyMessage:
    """Reads an encoded message from its JSON.

    Raises:
        json_format.Error: It is no JSON of a message that this program knows.
    """
    if _typed(tree) > _MOST_TYPED:
        raise json_format.ParseError(
            f'at most {_MOST_TYPED} messages with an "@type" may be in one another;'
            " deeper ones are written as $any"
        )
    _hold_floats(tree)
    encoded = json_format.ParseDict(tree, AnyMessage())
    _repack(encoded)
    return encoded


def _typed(tree: Any) -> int:
    """Returns how many objects with an "@type" are in one another."""
    if isinstance(tree, dict):
        members = cast("dict[str, Any]", tree)
        return max(map(_typed, members.values()), default=0) + (_TYPE in members)
    if isinstance(tree, list):
        return max(map(_typed, cast("list[Any]", tree)), default=0)
    return 0


def _hold_floats(tree: Any) -> None:
    """Makes the number of each wrapper of one a float that its field holds, which the reader of JSON does not check."""
    if isinstance(tree, dict):
        members = cast("dict[str, Any]", tree)
        form = _FLOATS.get(str(members.get(_TYPE)).rpartition("/")[2])
        if form and "value" in members:
            members["value"] = _held(members["value"], form)
        for member in members.values():
            _hold_floats(member)
    elif isinstance(tree, list):
        for item in cast("list[Any]", tree):
            _hold_floats(item)


def _held(number: Any, form: str) -> Any:
    if type(number) not in (int, float, str) or number in ("NaN", "Infinity", "-Infinity"):
        return number
    written = str(number)
    if isinstance(number, str) and not _NUMBER.fullmatch(number):
        raise json_format.ParseError(f"want a number, got {number!r:.60}")
    try:
        held: float = struct.unpack(form, struct.pack(form, float(number)))[0]
    except OverflowError:
        held = math.inf
    if math.isinf(held) or (held == 0 and re.search("[1-9]", re.split("[eE]", written)[0])):
        raise json_format.ParseError(f"want a number that its float can hold, got {written:.60}")
    return held


def _repack(message: Any) -> None:
    """Encodes what Anys hold deterministically; refuses masks that other readers of JSON do."""
    if message.DESCRIPTOR.full_name == _MASK and not all(map(_PATH.fullmatch, message.paths)):
        raise json_format.ParseError("want a mask of paths that are names")
    if message.DESCRIPTOR.full_name == _ANY:
        if message.type_url:
            inner = message_factory.GetMessageClass(_kind_of(message.type_url))()
            inner.ParseFromString(message.value)
            _repack(inner)
            message.value = inner.SerializeToString(deterministic=True)
        return
    for field, held in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for key in held:
                    _repack(held[key])
        elif field.is_repeated:
            for item in held:
                _repack(item)
        else:
            _repack(held)


def _kind_of(type_url: str) -> Descriptor:
    name = type_url.rpartition("/")[2]
    kind: Descriptor = descriptor_pool.Default().FindMessageTypeByName(name)  # type: ignore[no-untyped-call]
    return kind


def _ordered(tree: Any, kind: Descriptor | None) -> Any:
    """Returns the tree with the entries of maps in the order of their keys; a message keeps none."""
    if kind is None or not isinstance(tree, (dict, list)):
        return tree
    if kind.full_name in _NATURAL:
        return _by_key(tree)
    members = cast("dict[str, Any]", tree)
    if kind.full_name == _ANY:
        return _ordered_any(members)
    for field in kind.fields:
        held = members.get(field.json_name)
        if held is not None and field.message_type is not None:
            members[field.json_name] = _ordered_field(held, field, field.message_type)
    return members


def _ordered_any(members: dict[str, Any]) -> dict[str, Any]:
    if _TYPE not in members:
        return members
    kind = _kind_of(members[_TYPE])
    if kind.full_name == _ANY or kind.full_name in _NATURAL:
        return {_TYPE: members[_TYPE], "value": _ordered(members["value"], kind)}
    return cast("dict[str, Any]", _ordered(members, kind))


def _ordered_field(held: Any, field: FieldDescriptor, kind: Descriptor) -> Any:
    if kind.GetOptions().map_entry:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"].message_type
        numbers = key.cpp_type not in (key.CPPTYPE_STRING, key.CPPTYPE_BOOL)
        entries = sorted(held.items(), key=lambda e: (int(e[0]) if numbers else 0, e[0]))
        return {name: _ordered(item, value) for name, item in entries}
    if field.is_repeated:
        return [_ordered(item, kind) for item in held]
    return _ordered(held, kind)


def _by_key(tree: Any) -> Any:
    if isinstance(tree, dict):
        members = cast("dict[str, Any]", tree)
        return {key: _by_key(members[key]) for key in sorted(members)}
    if isinstance(tree, list):
        return [_by_key(item) for item in cast("list[Any]", tree)]
    return tree
