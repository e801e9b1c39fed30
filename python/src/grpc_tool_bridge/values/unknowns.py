"""Bytes that are not what their type URL says: protobuf takes a known field of another wire type for an unknown one."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

import dspex_bridge_pb2 as pb

from .rawvalue import RawValue
from .wirefields import broken, fields

__all__ = ["check_wrapper", "honest", "known_message"]

_M = TypeVar("_M", bound=Message)


def honest(data: bytes) -> pb.Value | RawValue:
    """Parses a Value.

    Fields that this program does not know are kept, for they are those of a later version.

    Raises:
        Fault: A field of it is malformed, or has another wire type than it may have.
    """
    try:
        message = pb.Value.FromString(data)
    except DecodeError:
        return RawValue(data, 0, len(data))
    # Of an int of more than 64 bits protobuf drops the bits beyond.
    if message.SerializeToString() == data:
        message.DiscardUnknownFields()
        if message.ByteSize() == len(data):
            return message
    return RawValue(data, 0, len(data))


def known_message(cls: type[_M], data: bytes) -> _M:
    """Parses a message of a class that this program has.

    Raises:
        Fault: An int of it has more than 64 bits, of which protobuf drops those beyond, or a field the number 0.
    """
    message = cls.FromString(data)
    if message.SerializeToString(deterministic=True) != data or len(UnknownFieldSet(message)):
        for _ in fields(data, 0, len(data), cls.DESCRIPTOR.full_name):
            pass
    return message


def check_wrapper(data: bytes, wire: int, name: str) -> None:
    """Checks the bytes of a wrapper of a scalar.

    Raises:
        Fault: Its field, which is the first, has another wire type.
    """
    for number, found, _, _ in fields(data, 0, len(data), name):
        if number == 1 and found != wire:
            raise broken(name)
