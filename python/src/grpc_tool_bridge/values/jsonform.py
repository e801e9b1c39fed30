"""The lossless JSON form of values: what JSON has no type for is an object with one ``$`` key."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from . import texts, urls
from .decode import Ordered, decode, decode_ordered, decode_part
from .distinct import refuse_crowded, refuse_first
from .encode import encode
from .fault import PASSING, Fault, told
from .kinds import canonical_nan
from .messageform import message_of, message_tree
from .messagekept import check_kept
from .wrappers import DateTimeNs, EnumValue, Opaque, Record, TimeDeltaNs, TimeNs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["any_from_json", "from_json", "to_json"]


def to_json(value: object) -> str:
    """Returns a value's lossless JSON text, without spaces.

    Args:
        value: A value, or the Any that holds one.

    Raises:
        SerializationError: It cannot be encoded.
    """
    encoded = value if type(value) is AnyMessage else encode(value)
    try:
        tree = _tree(decode(encoded, native=False))
    except Fault as fault:
        raise fault.error() from fault.__cause__
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(text: str) -> Any:
    """Reads a value from its lossless JSON text; ordinary JSON is such a text too.

    Raises:
        SerializationError: It is no JSON, or an object of it has an unknown ``$`` key.
    """
    return decode(any_from_json(text))


def any_from_json(text: str) -> AnyMessage:
    """Reads an encoded value from its lossless JSON text; tables need not be decoded for it.

    Raises:
        SerializationError: As ``from_json``.
    """
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_float=_parse_float,
            parse_int=_parse_int,
            parse_constant=_parse_constant,
        )
        value = _value(tree, 1)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except RecursionError as error:
        raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels").error() from error
    except ValueError as error:
        raise Fault(f"not JSON: {error}").error() from error
    return encode(value)


# Writing


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


def _message_tree(value: Message) -> Any:
    """Protobuf's JSON of a message, or its bytes where that would lose something."""
    encoded = encode(value)
    tree = message_tree(encoded)
    if tree is not None:
        return {"$message": tree}
    return _packed_tree(encoded.type_url, encoded.value)


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


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, its keys in order."""


class _Refused(NamedTuple):
    """A number that is none, which is refused where its place is known."""

    message: str


def _parse_int(text: str) -> int | _Refused:
    if len(text.lstrip("-")) > urls.MAX_DIGITS:
        return _Refused(f"int has more than {urls.MAX_DIGITS} digits")
    return int(text)


def _parse_float(text: str) -> float | _Refused:
    number = float(text)
    if math.isinf(number):
        return _Refused(f"number {text:.40} is too large for a float")
    if number == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0]):
        return _Refused(f"number {text:.40} is too small for a float")
    return number


def _parse_constant(text: str) -> float:
    raise Fault(f'{text} is no JSON: write {{"$float": "{text}"}}')


def _value(tree: Any, level: int) -> Any:
    """Makes a value of a tree of JSON; objects with one ``$`` key are what the key says."""
    if isinstance(tree, _Pairs):
        if level > urls.MAX_DEPTH * 2 + 1:  # of a map, each has pairs inside, and the last a scalar
            raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels")
        if len(tree) == 1 and tree[0][0].startswith("$"):
            return _tagged(*tree[0], level)
        return _object(tree, level)
    if isinstance(tree, list):
        return _items(tree, level)
    if type(tree) is _Refused:
        raise Fault(tree.message)
    return tree


def _object(pairs: _Pairs, level: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, item in pairs:
        if key in values:
            fault = Fault(f"key {key!r:.80} stands twice in an object")
            fault.at_key(len(values))
            raise fault
        try:
            values[key] = _value(item, level + 1)
        except Fault as fault:
            fault.at(key)
            raise
    return values


def _items(tree: Any, level: int) -> list[Any]:
    if not isinstance(tree, list) or isinstance(tree, _Pairs):
        raise Fault("want a list")
    values: list[Any] = []
    index = 0
    try:
        for index, item in enumerate(cast("list[Any]", tree)):  # noqa: B007 - names the item that failed
            values.append(_value(item, level + 1))
    except Fault as fault:
        fault.at(index)
        raise
    return values


def _tagged(key: str, body: Any, level: int) -> Any:
    reader = _READERS.get(key)
    if reader is None:
        fault = Fault(
            f'unknown key {key!r:.80}: wrap an ordinary object as {{"$object": {{{key!r:.80}: …}}}}'
        )
        fault.at(key)
        raise fault
    try:
        return reader(body, level)
    except Fault as fault:
        fault.at(key)
        raise
    except (TypeError, ValueError, KeyError, binascii.Error, json_format.Error) as error:
        fault = Fault(f"not what stands under {key}: {error}")
        fault.at(key)
        raise fault from error


def _str(body: Any) -> str:
    if not isinstance(body, str):
        raise Fault("want a string")
    return body


def _parser(parse: Callable[[str], Any]) -> Callable[[Any, int], Any]:
    return lambda body, level: parse(_str(body))


def _parts(body: Any, *names: str) -> list[Any]:
    """Returns the parts of an object that has exactly these keys."""
    if not isinstance(body, _Pairs) or sorted(name for name, _ in body) != sorted(names):
        raise Fault(f"want an object with {' and '.join(names)}")
    fields = dict(body)
    return [fields[name] for name in names]


def _parse_bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Fault(f"want standard base64 with padding, got {text!r:.80}") from error
    # Python overlooks bits that stand for nothing; another text of the same bytes is no form of them.
    if base64.b64encode(data).decode() != text:
        raise Fault(f"want standard base64 with padding, got {text!r:.80}")
    return data


def _parse_uuid(text: str) -> uuid.UUID:
    parsed = uuid.UUID(text)
    if str(parsed) != text.lower():
        raise Fault(f'want a UUID such as "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", got {text!r:.80}')
    return parsed


def _timedelta(body: Any, level: int) -> dt.timedelta:
    """Reads microseconds: a text, which may have a fraction, or an int."""
    return texts.parse_timedelta(str(body) if type(body) is int else _str(body))


def _special_float(text: str) -> float:
    number = _SPECIAL_FLOATS.get(text)
    if number is None:
        raise Fault(f"want one of {', '.join(_SPECIAL_FLOATS)}")
    return math.copysign(
        number, number
    )  # each NaN an object of its own, so that a set may have several


_SPECIAL_FLOATS = {
    "NaN": math.nan,
    "-NaN": canonical_nan(-math.nan),
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}


def _map(body: Any, level: int) -> dict[Any, Any]:
    pairs: list[tuple[Any, Any]] = []
    for index, pair in enumerate(_items(body, level)):
        if not isinstance(pair, list) or len(cast("list[Any]", pair)) != 2:
            fault = Fault("want a pair of key and value")
            fault.at(index)
            raise fault
        key, item = cast("list[Any]", pair)
        pairs.append((key, item))
    keys = [key for key, _ in pairs]
    refuse_crowded(keys, Fault.at_key, "key")
    refuse_first(keys, Fault.at_key, "key")
    return dict(pairs)


def _set(body: Any, level: int) -> set[Any]:
    items = _items(body, level)
    refuse_crowded(items, Fault.at, "item")
    refuse_first(items, Fault.at, "item")
    return set(items)


def _numbers(body: Any, kind: type[Any]) -> list[Any]:
    items = _items(body, 1)
    if len(items) != 2 or any(type(item) is not kind for item in items):
        raise Fault(f"want two numbers of type {kind.__name__}")
    return items


def _fraction(body: Any, level: int) -> Fraction:
    numerator, denominator = _numbers(body, int)
    return texts.parse_fraction(f"{numerator}/{denominator}")


def _part(name: str, body: Any, read: Callable[[Any], Any]) -> Any:
    """Reads one of the parts of an object; errors name it."""
    try:
        return read(body)
    except Fault as fault:
        fault.at(name)
        raise


def _enum(body: Any, level: int) -> EnumValue:
    class_name, name, value = _parts(body, "class_name", "name", "value")
    return EnumValue(
        _part("class_name", class_name, _str),
        _part("name", name, _str),
        _part("value", value, lambda tree: _value(tree, level + 1)),
    )


def _record(body: Any, level: int) -> Record:
    class_name, fields = _parts(body, "class_name", "fields")
    return Record(
        _part("class_name", class_name, _str),
        _part("fields", fields, lambda tree: _plain_object(tree, level)),
    )


def _plain_object(body: Any, level: int) -> dict[str, Any]:
    if not isinstance(body, _Pairs):
        raise Fault("want an object")
    return _object(body, level)


def _message(body: Any, level: int) -> Message:
    try:
        encoded = message_of(_plain(body))
        check_kept(_plain(body), encoded)
    except PASSING:
        raise
    except Exception as error:  # of many kinds, where the text is odd
        raise Fault(f"not what stands under $message: {told(error)}") from error
    if not encoded.type_url:
        raise Fault('want an encoded message with its "@type"')
    return cast("Message", decode_part(encoded, level))


def _plain(tree: Any) -> Any:
    """Makes ordinary dicts and lists of a tree, whatever their keys."""
    if isinstance(tree, _Pairs):
        items = {key: _plain(item) for key, item in tree}
        if len(items) != len(tree):
            raise Fault("a key stands twice in the message")
        return items
    if type(tree) is _Refused:
        raise Fault(tree.message)
    return [_plain(item) for item in cast("list[Any]", tree)] if isinstance(tree, list) else tree


def _any(body: Any, level: int) -> Any:
    type_url, text = _parts(body, "type_url", "base64")
    encoded = AnyMessage(
        type_url=_part("type_url", type_url, _str), value=_part("base64", text, _octets)
    )
    if not type_url:
        raise Fault("want an encoded value, got one without a type URL")
    return decode_part(encoded, level)


def _octets(body: Any) -> bytes:
    return _parse_bytes(_str(body))


def _frame(body: Any, level: int) -> Opaque:
    kind, arrow = _parts(body, "kind", "arrow")
    name = _part("kind", kind, _kind)
    return Opaque(urls.PREFIX + name, _part("arrow", arrow, _octets))


def _kind(body: Any) -> str:
    if _str(body) not in urls.FRAME_KINDS:
        raise Fault(
            f"unknown kind of table {body!r:.80}: want one of {', '.join(sorted(urls.FRAME_KINDS))}"
        )
    return cast("str", body)


_READERS: Mapping[str, Callable[[Any, int], Any]] = {
    "$object": _plain_object,
    "$float": _parser(_special_float),
    "$bytes": _parser(_parse_bytes),
    "$tuple": lambda body, level: tuple(_items(body, level)),
    "$set": _set,
    "$frozenset": lambda body, level: frozenset(_set(body, level)),
    "$map": _map,
    "$datetime": _parser(texts.parse_datetime),
    "$date": _parser(texts.parse_date),
    "$time": _parser(texts.parse_time),
    "$timedelta": _timedelta,
    "$decimal": _parser(texts.parse_decimal),
    "$fraction": _fraction,
    "$complex": lambda body, level: complex(*_numbers(body, float)),
    "$uuid": _parser(_parse_uuid),
    "$enum": _enum,
    "$record": _record,
    "$message": _message,
    "$any": _any,
    "$frame": _frame,
}
