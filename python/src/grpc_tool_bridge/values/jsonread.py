"""Reads the lossless JSON form of values, part by part in the order of the text."""

from __future__ import annotations

import base64
import binascii
import math
import uuid
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage

from . import texts, urls
from .decode import decode, decode_part
from .distinct import refuse_crowded, refuse_first
from .encode import encode
from .fault import Fault
from .jsonload import Refused, loaded, number_of, text_of
from .kinds import canonical_nan
from .messageread import Number, Pairs, read_message
from .wrappers import EnumValue, Opaque, Record

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from fractions import Fraction

__all__ = ["any_from_json", "from_json"]


def from_json(text: str | bytes | bytearray) -> Any:
    """Reads a value from its lossless JSON text; ordinary JSON is such a text too.

    Args:
        text: The text, or its bytes in UTF-8.

    Raises:
        SerializationError: It is no JSON, no UTF-8, or an object of it has an unknown ``$`` key.
        TypeError: It is neither a text nor bytes.
    """
    return decode(any_from_json(text))


def any_from_json(text: str | bytes | bytearray) -> AnyMessage:
    """Reads an encoded value from its lossless JSON text; tables need not be decoded for it.

    Args:
        text: As of ``from_json``.

    Raises:
        SerializationError: As ``from_json``.
        TypeError: As ``from_json``.
    """
    text = text_of(text)
    # Messages read numbers otherwise, and more exactly, than values do.
    may_hold_message = "$message" in text or "\\u" in text
    try:
        value = _value(loaded(text, exact=may_hold_message), 1)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except RecursionError as error:
        raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels").error() from error
    except ValueError as error:
        raise Fault(f"not JSON: {error}").error() from error
    return encode(value)


def _value(tree: Any, level: int) -> Any:
    """Makes a value of a tree of JSON; objects with one ``$`` key are what the key says."""
    if isinstance(tree, Pairs):
        if len(tree) == 1 and tree[0][0].startswith("$"):
            return _tagged(*tree[0], level)
        return _object(tree, level)
    if isinstance(tree, list):
        return _container(tree, level)
    if type(tree) is Number:
        tree = number_of(tree)
    if type(tree) is Refused:
        raise Fault(tree.message)
    return tree


def _check_level(level: int) -> None:
    if level > urls.MAX_DEPTH:
        raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels")


def _object(pairs: Pairs, level: int) -> dict[str, Any]:
    _check_level(level)
    values: dict[str, Any] = {}
    key = ""
    try:
        for key, item in pairs:
            values[key] = _value(item, level + 1)
    except Fault as fault:
        fault.at(key)
        raise
    if len(values) != len(pairs):
        refuse_first([key for key, _ in pairs], Fault.at_key, "key")
    return values


def _container(tree: Any, level: int) -> list[Any]:
    """Reads the items of a list, or of what is written as one."""
    _check_level(level)
    return _items(tree, level)


def _items(tree: Any, level: int) -> list[Any]:
    if not isinstance(tree, list) or isinstance(tree, Pairs):
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
    except (TypeError, ValueError, KeyError, binascii.Error) as error:
        fault = Fault(f"not what stands under {key}: {error}")
        fault.at(key)
        raise fault from error


def _str(body: Any) -> str:
    if not isinstance(body, str):
        raise Fault("want a string")
    return body


def _parser(parse: Callable[[str], Any]) -> Callable[[Any, int], Any]:
    return lambda body, level: parse(_str(body))


def _parts(body: Any, **readers: Callable[[Any], Any]) -> list[Any]:
    """Reads an object that has exactly these keys, each once; returns its parts as they are listed here."""
    names = " and ".join(readers)
    if not isinstance(body, Pairs):
        raise Fault(f"want an object with {names}")
    found: dict[str, Any] = {}
    for name, part in body:
        if name in found or name not in readers:
            raise Fault(f"want an object with {names}, each once, got {name!r:.80}")
        try:
            found[name] = readers[name](part)
        except Fault as fault:
            fault.at(name)
            raise
    for name in readers:
        if name not in found:
            raise Fault(f"want an object with {names}, got none called {name}")
    return [found[name] for name in readers]


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
    value = _value(body, level) if isinstance(body, (Number, Refused)) else body
    if type(value) is not int and not isinstance(value, str):
        raise Fault("want microseconds as an int, or as a text where they have a fraction")
    return texts.parse_timedelta(str(value))


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
    """Reads a list of pairs, which are no level of the value."""
    _check_level(level)
    if not isinstance(body, list) or isinstance(body, Pairs):
        raise Fault("want a list of pairs")
    pairs: list[list[Any]] = []
    try:
        for pair in cast("list[Any]", body):
            read = _items(pair, level) if type(pair) is list else []
            if len(read) != 2:
                raise Fault("want a pair of key and value")
            pairs.append(read)
    except Fault as fault:
        fault.at(len(pairs))
        raise
    keys = [key for key, _ in pairs]
    refuse_crowded(keys, Fault.at_key, "key")
    refuse_first(keys, Fault.at_key, "key")
    return dict(zip(keys, (value for _, value in pairs), strict=True))


def _set(body: Any, level: int) -> set[Any]:
    items = _container(body, level)
    refuse_crowded(items, Fault.at, "item")
    refuse_first(items, Fault.at, "item")
    return set(items)


def _numbers(body: Any, kind: type[Any], want: str) -> list[Any]:
    items = _items(body, 1) if isinstance(body, list) and not isinstance(body, Pairs) else []
    if len(items) != 2 or any(type(item) is not kind for item in items):
        raise Fault(f"want {want}")
    return items


def _complex(body: Any, level: int) -> complex:
    return complex(*_numbers(body, float, "two floats such as [1.0,-2.5]"))


def _fraction(body: Any, level: int) -> Fraction:
    want = "two ints such as [1,3], the second above 0"
    numerator, denominator = _numbers(body, int, want)
    if denominator <= 0:
        raise Fault(f"want {want}")
    return texts.parse_fraction(f"{numerator}/{denominator}")


def _enum(body: Any, level: int) -> EnumValue:
    _check_level(level)
    parts = _parts(body, class_name=_str, name=_str, value=lambda tree: _value(tree, level + 1))
    return EnumValue(*parts)


def _record(body: Any, level: int) -> Record:
    return Record(*_parts(body, class_name=_str, fields=lambda tree: _plain_object(tree, level)))


def _plain_object(body: Any, level: int) -> dict[str, Any]:
    if not isinstance(body, Pairs):
        raise Fault("want an object")
    return _object(body, level)


def _message(body: Any, level: int) -> object:
    encoded = read_message(body)
    if not encoded.type_url:
        raise Fault('want an encoded message with its "@type"')
    return decode_part(encoded, level)


def _any(body: Any, level: int) -> object:
    type_url, text = _parts(body, type_url=_str, base64=_str)
    encoded = AnyMessage(type_url=type_url, value=_octets(text, "base64"))
    if not type_url:
        raise Fault("want an encoded value, got one without a type URL")
    return decode_part(encoded, level)


def _octets(text: str, name: str) -> bytes:
    try:
        return _parse_bytes(text)
    except Fault as fault:
        fault.at(name)
        raise


def _frame(body: Any, level: int) -> Opaque:
    kind, arrow = _parts(body, kind=_str, arrow=_str)
    if kind not in urls.FRAME_KINDS:
        fault = Fault(
            f"unknown kind of table {kind!r:.80}: want one of {', '.join(sorted(urls.FRAME_KINDS))}"
        )
        fault.at("kind")
        raise fault
    return Opaque(urls.PREFIX + kind, _octets(arrow, "arrow"))


_READERS: Mapping[str, Callable[[Any, int], Any]] = {
    "$object": _plain_object,
    "$float": _parser(_special_float),
    "$bytes": _parser(_parse_bytes),
    "$tuple": lambda body, level: tuple(_container(body, level)),
    "$set": _set,
    "$frozenset": lambda body, level: frozenset(_set(body, level)),
    "$map": _map,
    "$datetime": _parser(texts.parse_datetime),
    "$date": _parser(texts.parse_date),
    "$time": _parser(texts.parse_time),
    "$timedelta": _timedelta,
    "$decimal": _parser(texts.parse_decimal),
    "$fraction": _fraction,
    "$complex": _complex,
    "$uuid": _parser(_parse_uuid),
    "$enum": _enum,
    "$record": _record,
    "$message": _message,
    "$any": _any,
    "$frame": _frame,
}
