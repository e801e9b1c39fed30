"""The JSON form of protobuf's messages, the same text in every SDK."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
from typing import TYPE_CHECKING, Any, cast

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from .fault import Fault
from .messageread import MOST_TYPED, is_map, kind_of, nearest_float
from .scalarmessages import SCALAR_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from google.protobuf.any_pb2 import Any as AnyMessage
    from google.protobuf.descriptor import Descriptor

__all__ = ["write_message"]

_GOOGLE = "google.protobuf."
_QUOTED_INTS = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
_SMALL, _LARGE = 1e-6, 1e21
"""Floats from here to there are written without an exponent."""
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_LONGEST_SPAN = 315_576_000_000
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - all of them are in UTC


def write_message(encoded: AnyMessage) -> str:
    """Returns protobuf's JSON of a message, without spaces.

    Raises:
        Fault: It has none, or more messages in one another than its readers take.
        DecodeError: An Any in it does not hold what its type URL says.
    """
    return _Writer().packed(encoded)


class _Writer:
    """Writes one message."""

    def __init__(self) -> None:
        self._typed = 0

    def packed(self, message: Any) -> str:
        """Writes an Any: what it holds, with its type."""
        if not message.type_url:
            if message.value:
                raise Fault("an Any without a type URL holds something")
            return "{}"
        kind = kind_of(message.type_url)
        inner = message_factory.GetMessageClass(kind).FromString(message.value)
        self._typed += 1
        if self._typed > MOST_TYPED:
            raise Fault(f'more than {MOST_TYPED} messages with an "@type" are in one another')
        type_url = f'"@type":{_quoted(message.type_url)}'
        writer = _WRITERS.get(kind.full_name)
        members = self._members(inner) if writer is None else [f'"value":{writer(self, inner)}']
        self._typed -= 1
        return _object([type_url, *members])

    def message(self, message: Any) -> str:
        """Writes a message."""
        writer = _WRITERS.get(message.DESCRIPTOR.full_name)
        return _object(self._members(message)) if writer is None else writer(self, message)

    def _members(self, message: Any) -> list[str]:
        fields = sorted(message.ListFields(), key=lambda entry: cast("int", entry[0].index))
        return [f"{_quoted(field.json_name)}:{self._field(field, held)}" for field, held in fields]

    def _field(self, field: FieldDescriptor, held: Any) -> str:
        if is_map(field):
            return self._map(field, held)
        if field.is_repeated:
            return "[" + ",".join(self._single(field, item) for item in held) + "]"
        return self._single(field, held)

    def _map(self, field: FieldDescriptor, held: Mapping[Any, Any]) -> str:
        value = cast("Descriptor", field.message_type).fields_by_name["value"]
        entries = ((_key(key), held[key]) for key in sorted(held))
        return _object(f"{_quoted(key)}:{self._single(value, item)}" for key, item in entries)

    def _single(self, field: FieldDescriptor, held: Any) -> str:
        kind = field.cpp_type
        if kind == field.CPPTYPE_MESSAGE:
            return self.message(held)
        if kind == field.CPPTYPE_ENUM:
            return _enum(field, held)
        if kind == field.CPPTYPE_BOOL:
            return "true" if held else "false"
        if kind == field.CPPTYPE_DOUBLE:
            return _float(held, repr(held))
        if kind == field.CPPTYPE_FLOAT:
            return _float(held, _short(held))
        if field.type == field.TYPE_BYTES:
            return f'"{base64.b64encode(held).decode()}"'
        if field.type == field.TYPE_STRING:
            return _quoted(held)
        return f'"{held}"' if kind in _QUOTED_INTS else str(held)

    def value(self, message: Any) -> str:
        """Writes a Value."""
        kind = message.WhichOneof("kind")
        if kind is None or (kind == "number_value" and not math.isfinite(message.number_value)):
            raise Fault("a Value holds nothing, or what is no number")
        return self._single(message.DESCRIPTOR.fields_by_name[kind], getattr(message, kind))

    def only(self, message: Any, name: str) -> str:
        """Writes what is the only field of a message."""
        return self._field(message.DESCRIPTOR.fields_by_name[name], getattr(message, name))


def _object(members: Iterable[str]) -> str:
    return "{" + ",".join(members) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _enum(field: FieldDescriptor, held: int) -> str:
    names = cast("Any", field.enum_type)
    if names.full_name == _GOOGLE + "NullValue":
        return "null"
    named = names.values_by_number.get(held)
    return str(held) if named is None else f'"{named.name}"'


def _short(number: float) -> str:
    """The shortest text of a float of 32 bits."""
    if not math.isfinite(number):
        return repr(number)
    texts = (f"{number:.{digits}g}" for digits in range(1, 10))
    return next(text for text in texts if nearest_float(text, 32) == number)


def _float(number: float, shortest: str) -> str:
    if not math.isfinite(number):
        return '"NaN"' if number != number else '"Infinity"' if number > 0 else '"-Infinity"'
    sign = "-" if math.copysign(1, number) < 0 else ""
    mantissa, _, power = shortest.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return sign + "0"
    point = int(power or "0") - len(fraction) + len(digits)  # where it stands in the digits
    digits = digits.rstrip("0")
    if not _SMALL <= abs(number) < _LARGE:
        return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1:+}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = digits[point:]
    return sign + digits[:point].ljust(point, "0") + ("." + rest if rest else "")


def _fraction(nanos: int) -> str:
    """A fraction of a second, of 0, 3, 6 or 9 digits."""
    text = f".{nanos:09}"
    for _ in range(3):
        text = text.removesuffix("000")
    return text if text != "." else ""


def _duration(message: Any) -> str:
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _LONGEST_SPAN or abs(nanos) > 999_999_999 or seconds * nanos < 0:
        raise Fault("a Duration is out of range")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f'"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"'


def _timestamp(message: Any) -> str:
    if not (_FIRST_SECOND <= message.seconds <= _LAST_SECOND and 0 <= message.nanos <= 999_999_999):
        raise Fault("a Timestamp is out of range")
    moment = _EPOCH + dt.timedelta(seconds=message.seconds)
    return f'"{moment.isoformat()}{_fraction(message.nanos)}Z"'


def _mask(message: Any) -> str:
    paths: list[str] = []
    for path in message.paths:
        camel = re.sub("_+([a-z])|_+", lambda found: (found[1] or "").upper(), path)
        snake = re.sub("[A-Z]", lambda found: "_" + found[0].lower(), camel)
        if snake != path or _PATH.fullmatch(path) is None:
            raise Fault(f"the path {path!r:.80} of a FieldMask has no JSON form")
        paths.append(camel)
    return _quoted(",".join(paths))


_WRITERS: Mapping[str, Callable[[_Writer, Any], str]] = {
    _GOOGLE + "Any": _Writer.packed,
    _GOOGLE + "Duration": lambda _, message: _duration(message),
    _GOOGLE + "FieldMask": lambda _, message: _mask(message),
    _GOOGLE + "ListValue": lambda writer, message: writer.only(message, "values"),
    _GOOGLE + "Struct": lambda writer, message: writer.only(message, "fields"),
    _GOOGLE + "Timestamp": lambda _, message: _timestamp(message),
    _GOOGLE + "Value": _Writer.value,
    **{
        cls.DESCRIPTOR.full_name: lambda writer, message: writer.only(message, "value")
        for cls in SCALAR_MESSAGES
    },
}
"""What writes the messages whose JSON is no object of their fields."""
