"""The lossless codec: Python values as google.protobuf.Any and as JSON, and back.

What goes in comes out, with its type: ints of any size, bytes, NaN, tuples, sets, dicts in their order
and with keys of any kind, moments and spans of time, Decimal, Fraction, complex, UUID, members of
enumerations, dataclasses, named tuples, pydantic models, exceptions, protobuf messages, and the tables,
series and arrays of pandas, polars, pyarrow and numpy. Objects of classes arrive as ``Record`` and
``EnumValue``, unless a type hint or ``register`` says which class to make of them. Nothing is unpickled,
and no class is looked up by a name from the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .classes import register
from .convert import convert
from .decode import decode
from .encode import encode
from .jsonform import to_json
from .jsonread import any_from_json, from_json
from .scalars import encode_scalar
from .urls import MAX_DEPTH, MAX_DIGITS
from .wrappers import DateTimeNs, EnumValue, Opaque, Record, TimeDeltaNs, TimeNs

if TYPE_CHECKING:
    from google.protobuf.any_pb2 import Any as AnyMessage

__all__ = [
    "MAX_DEPTH",
    "MAX_DIGITS",
    "DateTimeNs",
    "EnumValue",
    "Opaque",
    "Record",
    "TimeDeltaNs",
    "TimeNs",
    "any_from_json",
    "convert",
    "deserialize_value",
    "encode_into",
    "from_json",
    "register",
    "serialize_value",
    "to_json",
]


def serialize_value(value: object, *, strict: bool = False, plain: bool = False) -> AnyMessage:
    """Encodes a value.

    Args:
        value: Any value. An object that has no encoding travels as the text that ``str`` gives.
        strict: Refuse such objects instead.
        plain: For clients that know only google.protobuf's own types: lists and dicts of any size travel
            as ListValue and Struct, if they are lossless.

    Raises:
        SerializationError: It is nested deeper than 64 levels, cyclic, has an int of more than 4,300 digits,
            a str that UTF-8 cannot carry, or, if strict, an object without an encoding; ``path`` says where.
    """
    return encode(value, strict=strict, plain=plain)


def encode_into(
    message: AnyMessage, value: object, *, strict: bool = False, plain: bool = False
) -> int:
    """Encodes a value as ``serialize_value`` does, into an empty message; returns the bytes of its URL and value."""
    scalar = encode_scalar(value)
    if scalar is None:
        message.CopyFrom(encode(value, strict=strict, plain=plain))
        return len(message.type_url) + len(message.value)
    message.type_url, message.value = url, data = scalar
    return len(url) + len(data)


def deserialize_value(encoded: AnyMessage, hint: Any = None, *, strict: bool = False) -> Any:
    """Decodes a value.

    Args:
        encoded: What was received.
        hint: The type that is wanted, such as ``list[Point]``; None takes whatever it is. Dataclasses,
            named tuples, pydantic models, typed dicts and enumerations are made of the records, members
            and dicts that arrive; an int is accepted where a float is wanted, never the reverse.
        strict: Refuse values of unknown types instead of returning them as ``Opaque``.

    Raises:
        SerializationError: The bytes are malformed, or the value does not fit the hint; ``path`` says where.
    """
    value = decode(encoded, strict=strict)
    return value if hint is None else convert(value, hint)
