"""Scalars that stand alone, which travel as google.protobuf's wrappers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue

import dspex_bridge_pb2 as pb

from . import urls
from .fault import Fault
from .kinds import canonical_nan, fill_int, surrogate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ENCODERS", "NULL", "SCALARS", "encode_scalar"]

_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1
NULL = b"\x08\x00"
_double = struct.Struct("<Bd").pack


def encode_scalar(value: object) -> tuple[str, bytes] | None:
    """The type URL and the bytes of a scalar, as ``encode`` packs them; None for any other value."""
    try:
        scalar = ENCODERS.get(type(value))
        return None if scalar is None else scalar(value)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except UnicodeEncodeError as error:
        raise Fault(surrogate(error)).error() from error
    except TypeError:  # its class is not hashable: whoever encodes it says so
        return None


def _encode_str(value: Any) -> tuple[str, bytes]:
    data = value.encode()
    size = len(data)
    if 0 < size < 128:
        return urls.STRING, bytes((10, size)) + data
    return urls.STRING, StringValue(value=value).SerializeToString()


def _encode_bool(value: Any) -> tuple[str, bytes]:
    return urls.BOOL, b"\x08\x01" if value else b""


def _encode_int(value: Any) -> tuple[str, bytes]:
    if 0 < value < 128:
        return urls.INT64, bytes((8, value))
    if 1 << 14 <= value < 1 << 21:
        return urls.INT64, bytes((8, value & 127 | 128, value >> 7 & 127 | 128, value >> 14))
    if _INT64_MIN <= value <= _INT64_MAX:
        return urls.INT64, Int64Value(value=value).SerializeToString()
    message = pb.Value()
    fill_int(message, value)
    return urls.VALUE, message.SerializeToString()


def _encode_float(value: Any) -> tuple[str, bytes]:
    data = _double(9, value if value == value else canonical_nan(value))
    return urls.DOUBLE, b"" if data == b"\t\0\0\0\0\0\0\0\0" else data


def _encode_bytes(value: Any) -> tuple[str, bytes]:
    return urls.BYTES, BytesValue(value=value).SerializeToString()


def _encode_none(_: Any) -> tuple[str, bytes]:
    return urls.JSON_VALUE, NULL


ENCODERS: Mapping[type[Any], Callable[[Any], tuple[str, bytes]]] = {
    str: _encode_str,
    int: _encode_int,
    float: _encode_float,
    bool: _encode_bool,
    type(None): _encode_none,
    bytes: _encode_bytes,
}
"""What gives the type URL and the bytes of a scalar, by its class."""


SCALARS: frozenset[type] = frozenset(ENCODERS)
"""The classes that ``encode_scalar`` takes."""
