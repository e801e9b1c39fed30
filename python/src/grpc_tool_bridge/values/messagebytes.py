"""The bytes of messages, the same in every SDK: protobuf's own order of keys that begin alike is another in some."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

from google.protobuf.descriptor import FieldDescriptor

from .wirefields import BYTES, fields

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

__all__ = ["message_bytes"]


def message_bytes(message: Message) -> bytes:
    """Serializes a message, the entries of each map in ascending order of their keys.

    Raises:
        EncodeError: It cannot be encoded.
    """
    data = message.SerializeToString(deterministic=True)
    kind = cast("Descriptor", message.DESCRIPTOR)
    return _in_order(data, kind) if _has_named(kind) else data


@functools.cache
def _has_named(kind: Descriptor) -> bool:
    """Reports whether there may be a map with texts as keys in a message."""
    looked_at, ahead = {kind.full_name}, [kind]
    while ahead:
        kind = ahead.pop()
        if _is_named(kind):
            return True
        inner = (field.message_type for field in kind.fields if field.message_type is not None)
        new = [each for each in inner if each.full_name not in looked_at]
        looked_at.update(each.full_name for each in new)
        ahead += new
    return False


def _is_named(kind: Descriptor) -> bool:
    """Reports whether a message is an entry of a map with texts as keys."""
    if not kind.GetOptions().map_entry:
        return False
    return kind.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING


def _in_order(data: bytes, kind: Descriptor) -> bytes:
    """Puts the entries of maps in order; the message keeps its length."""
    known = kind.fields_by_number
    parts: list[bytes] = []
    entries: list[tuple[bytes, bytes]] = []
    before = at = 0
    for number, wire, start, stop in fields(data, 0, len(data), kind.full_name):
        field = known.get(number)
        inner = None if field is None or wire != BYTES else field.message_type
        if number != before:
            parts += _sorted(entries)
            entries, before = [], number
        if inner is None or not _has_named(inner):
            parts.append(data[at:stop])
        else:
            part = _in_order(data[start:stop], inner)
            whole = data[at:start] + part
            if _is_named(inner):
                entries.append((_key(part), whole))
            else:
                parts.append(whole)
        at = stop
    return b"".join(parts + _sorted(entries))


def _sorted(entries: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [whole for _, whole in sorted(entries)]


def _key(entry: bytes) -> bytes:
    spans = (
        entry[start:stop]
        for number, _, start, stop in fields(entry, 0, len(entry), "entry")
        if number == 1
    )
    return next(spans, b"")
