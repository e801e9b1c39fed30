"""protobuf's messages of one scalar, which travel as what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf.wrappers_pb2 import (
    BoolValue,
    BytesValue,
    DoubleValue,
    FloatValue,
    Int32Value,
    Int64Value,
    StringValue,
    UInt32Value,
    UInt64Value,
)

from .wirefields import BYTES, FIXED32, FIXED64, VARINT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCALAR_MESSAGES", "Held"]


class Held(NamedTuple):
    """What a message has in ``value``, its field number 1: the class of Python's and the wire type."""

    cls: type
    wire: int


SCALAR_MESSAGES: Mapping[type[Any], Held] = {
    BoolValue: Held(bool, VARINT),
    BytesValue: Held(bytes, BYTES),
    DoubleValue: Held(float, FIXED64),
    FloatValue: Held(float, FIXED32),
    Int32Value: Held(int, VARINT),
    Int64Value: Held(int, VARINT),
    StringValue: Held(str, BYTES),
    UInt32Value: Held(int, VARINT),
    UInt64Value: Held(int, VARINT),
}
"""All that protobuf has, by their classes."""
