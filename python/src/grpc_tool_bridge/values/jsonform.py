"""The lossless JSON form of values: what JSON has no type for is an object with one ``$`` key."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, EncodeError, Message

from . import texts, urls
from .decode import Ordered, decode, decode_ordered
from .encode import encode
from .fault import Fault
from .jsonload import loaded
from .messageread import read_message
from .messagewrite import write_message
from .wrappers import DateTimeNs, EnumValue, Opaque, Record, TimeDeltaNs, TimeNs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["to_json"]


def to_json(value: object) -> str:
    """Returns a value's lossless JSON text, without spaces.

    Args:
        value: A value, or the Any that holds one. Where an Any is itself the value, as ``from_json`` may return,
            give what ``serialize_value`` makes of it.

    Raises:
        SerializationError: It cannot be encoded.
    """
    encoded = value if type(value) is AnyMessage else encode(value)
    try:
        tree = _tree(decode(encoded, native=False))
    except Fault as fault:
        raise fault.error() from fault.__cause__
    try:
        return _dumped(tree)
    except _HoldsMessage:
        return _joined(tree)


def _tree(value: Any) -> Any:
    kind = cast("type[Any]", type(value))
    if value is None or kind in (bool, str, int):
        return value
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(value)
    if isinstance(value, Message):
        return _message_tree(value)
    raise Fault(f"{kind.__name__} has no JSON form")


def _float_tree(value: float) -> Any:
    if math.isfinite(value):
        return value
    sign = "-" if math.copysign(1, value) < 0 else ""
    return {"$float": sign + ("NaN" if math.isnan(value) else "Infinity")}


def _dict_tree(value: dict[Any, Any]) -> Any:
    if not all(type(key) is str for key in value):
        return {"$map": [[_tree(key), _tree(item)] for key, item in value.items()]}
    tree = {key: _tree(item) for key, item in value.items()}
    if len(tree) == 1 and next(iter(tree)).startswith("$"):
        return {"$object": tree}
    return tree


def _set_tree(value: set[Any] | frozenset[Any]) -> Any:
    """A set, and all sets inside of it, whose items stand in the order in which they are encoded."""
    return _tree(decode_ordered(encode(value)))


def _ordered_tree(value: Ordered) -> Any:
    return {"$frozenset" if value.frozen else "$set": [_tree(item) for item in value.items]}


def _enum_tree(value: EnumValue) -> Any:
    return {
        "$enum": {"class_name": value.class_name, "name": value.name, "value": _tree(value.value)}
    }


def _record_tree(value: Record) -> Any:
    fields = {name: _tree(item) for name, item in value.fields.items()}
    return {"$record": {"class_name": value.class_name, "fields": fields}}


def _opaque_tree(value: Opaque) -> Any:
    name = value.type_url.removeprefix(urls.PREFIX)
    # A table under another host, or none, is written with its URL, which its kind alone would lose.
    if name != value.type_url and name in urls.FRAME_KINDS:
        return {"$frame": {"kind": name, "arrow": base64.b64encode(value.value).decode()}}
    return _packed_tree(value.type_url, value.value)


def _packed_tree(type_url: str, data: bytes) -> Any:
    return {"$any": {"type_url": type_url, "base64": base64.b64encode(data).decode()}}


class _Written:
    """A part of the text, as it is."""

    def __init__(self, text: str) -> None:
        self.text = text


class _HoldsMessage(Exception):  # noqa: N818 - never leaves this module
    """A tree holds what is written already."""


def _dumped(tree: Any) -> str:
    return _ENCODER.encode(tree)


def _refuse_written(part: object) -> Any:
    raise _HoldsMessage


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse_written
)


def _joined(tree: Any) -> str:
    """The text of a tree that holds messages."""
    if isinstance(tree, _Written):
        return tree.text
    if isinstance(tree, dict):
        members = cast("dict[str, Any]", tree).items()
        return "{" + ",".join(f"{_dumped(name)}:{_joined(held)}" for name, held in members) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(_joined, cast("list[Any]", tree))) + "]"
    return _dumped(tree)


def _message_tree(value: Message) -> Any:
    """Protobuf's JSON of a message, or its bytes where that would lose something.

    That is fields that this program does not know, the sign of a NaN, an Any of an unknown type.
    """
    encoded = encode(value)
    text = _message_text(encoded)
    if text is not None:
        return {"$message": _Written(text)}
    return _packed_tree(encoded.type_url, encoded.value)


def _message_text(encoded: AnyMessage) -> str | None:
    """The text of which the same message can be read again."""
    try:
        text = write_message(encoded)
        return text if read_message(loaded(text, exact=True)) == encoded else None
    except (Fault, DecodeError, EncodeError, ValueError):
        return None


def _text_writer(key: str, text_of: Callable[[Any], str]) -> Callable[[Any], Any]:
    return lambda value: {key: text_of(value)}


_WRITERS: Mapping[type[Any], Callable[[Any], Any]] = {
    float: _float_tree,
    bytes: lambda value: {"$bytes": base64.b64encode(value).decode()},
    list: lambda value: [_tree(item) for item in value],
    tuple: lambda value: {"$tuple": [_tree(item) for item in value]},
    set: _set_tree,
    frozenset: _set_tree,
    Ordered: _ordered_tree,
    dict: _dict_tree,
    dt.datetime: _text_writer("$datetime", texts.datetime_text),
    DateTimeNs: _text_writer("$datetime", texts.datetime_text),
    dt.date: _text_writer("$date", dt.date.isoformat),
    dt.time: _text_writer("$time", texts.time_text),
    TimeNs: _text_writer("$time", texts.time_text),
    dt.timedelta: _text_writer("$timedelta", texts.timedelta_text),
    TimeDeltaNs: _text_writer("$timedelta", texts.timedelta_text),
    Decimal: _text_writer("$decimal", texts.decimal_text),
    Fraction: lambda value: {"$fraction": [value.numerator, value.denominator]},
    complex: lambda value: {"$complex": [_float_tree(value.real), _float_tree(value.imag)]},
    uuid.UUID: _text_writer("$uuid", str),
    EnumValue: _enum_tree,
    Record: _record_tree,
    Opaque: _opaque_tree,
}
