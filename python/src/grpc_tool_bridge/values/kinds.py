"""The classes that are values as they are, and what is written of each that is no container."""

from __future__ import annotations

import datetime as dt
import math
import operator
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import dspex_bridge_pb2 as pb

from . import texts
from .wrappers import DateTimeNs, EnumValue, Record, TimeDeltaNs, TimeNs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "CONTAINERS",
    "KNOWN",
    "LEAVES",
    "canonical_floats",
    "canonical_nan",
    "fill_int",
    "float_bytes",
    "surrogate",
]

_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1

# The kinds as names of this module: looking them up in the generated one is slow.
_BOOL, _INT, _FLOAT, _STR, _BYTES, _BIGINT = pb.BOOL, pb.INT, pb.FLOAT, pb.STR, pb.BYTES, pb.BIGINT
_COMPLEX, _UUID = pb.COMPLEX, pb.UUID


def canonical_nan(number: float) -> float:
    """Returns the quiet NaN of the number's sign: payloads do not travel."""
    return math.copysign(math.nan, number)


def canonical_floats(items: Sequence[float]) -> Sequence[float]:
    """Returns numbers with each NaN the quiet one of its sign."""
    if any(map(operator.ne, items, items)):
        return [item if item == item else canonical_nan(item) for item in items]
    return items


def float_bytes(number: float) -> bytes:
    """Returns a float as it is written, by which the items of a set are ordered."""
    message = pb.Value()
    _fill_float(message, number)
    return message.SerializeToString()


def surrogate(error: UnicodeEncodeError) -> str:
    """Says what is wrong with a text that UTF-8 cannot carry."""
    return (
        f"str has a lone surrogate at character {error.start}, which UTF-8 cannot carry: send bytes"
    )


def fill_int(message: pb.Value, value: int) -> None:
    """Writes an int of any size.

    Raises:
        Fault: It has more digits than travel.
    """
    if _INT64_MIN <= value <= _INT64_MAX:
        message.kind = _INT
        message.int_value = value
        return
    texts.check_digits(value)
    message.kind = _BIGINT
    size = (value if value > 0 else ~value).bit_length() // 8 + 1
    message.data = value.to_bytes(size, "big", signed=True)


def _fill_bool(message: pb.Value, value: bool) -> None:
    message.kind = _BOOL
    message.bool_value = value


def _fill_float(message: pb.Value, value: float) -> None:
    message.kind = _FLOAT
    message.float_value = value if value == value else canonical_nan(value)


def _fill_str(message: pb.Value, value: str) -> None:
    message.kind = _STR
    message.text = value


def _fill_bytes(message: pb.Value, value: bytes) -> None:
    message.kind = _BYTES
    message.data = value


def _fill_none(message: pb.Value, value: None) -> None:
    message.SetInParent()


def _fill_complex(message: pb.Value, value: complex) -> None:
    message.kind = _COMPLEX
    message.floats.extend(canonical_floats((value.real, value.imag)))


def _fill_uuid(message: pb.Value, value: uuid.UUID) -> None:
    message.kind = _UUID
    message.data = value.bytes


def _text_filler(
    kind: pb.ValueKind, text_of: Callable[[Any], str]
) -> Callable[[pb.Value, Any], None]:
    def fill(message: pb.Value, value: Any) -> None:
        message.kind = kind
        message.text = text_of(value)

    return fill


LEAVES: Mapping[type[Any], Callable[[pb.Value, Any], None]] = {
    type(None): _fill_none,
    bool: _fill_bool,
    int: fill_int,
    float: _fill_float,
    str: _fill_str,
    bytes: _fill_bytes,
    complex: _fill_complex,
    uuid.UUID: _fill_uuid,
    dt.datetime: _text_filler(pb.DATETIME, texts.datetime_text),
    DateTimeNs: _text_filler(pb.DATETIME, texts.datetime_text),
    dt.date: _text_filler(pb.DATE, dt.date.isoformat),
    dt.time: _text_filler(pb.TIME, texts.time_text),
    TimeNs: _text_filler(pb.TIME, texts.time_text),
    dt.timedelta: _text_filler(pb.TIMEDELTA, texts.timedelta_text),
    TimeDeltaNs: _text_filler(pb.TIMEDELTA, texts.timedelta_text),
    Decimal: _text_filler(pb.DECIMAL, texts.decimal_text),
    Fraction: _text_filler(pb.FRACTION, texts.fraction_text),
}
"""What writes a value that holds no other."""


CONTAINERS: Mapping[type[Any], pb.ValueKind] = {
    list: pb.LIST,
    tuple: pb.TUPLE,
    set: pb.SET,
    frozenset: pb.FROZENSET,
    dict: pb.DICT,
    Record: pb.RECORD,
    EnumValue: pb.ENUM,
}
"""The classes of what holds other values."""

KNOWN = frozenset({*LEAVES, *CONTAINERS})
"""The classes whose objects are encoded as they are; subclasses are made one of them first."""
