"""Whether a message holds what its JSON said: protobuf's reader rounds, drops and guesses."""

from __future__ import annotations

import re
import struct
from decimal import Decimal
from typing import Any, Final, cast

from google.protobuf import json_format

from . import urls
from .fault import Fault

__all__ = ["check_kept"]

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_SPAN: Final = re.compile(r"(-?\d+(\.\d{1,9})?)s", re.ASCII)
_LONGEST: Final = 400
"""No number in a message has more digits than that."""


def check_kept(tree: Any, message: Any) -> None:
    """Compares the JSON of a message with what was read of it.

    Raises:
        Fault: A part, which ``path`` names, was read as another.
    """
    _compare(tree, json_format.MessageToDict(message, always_print_fields_with_no_presence=True))


def _compare(given: Any, written: Any) -> None:
    if isinstance(given, dict) and isinstance(written, dict):
        _compare_members(cast("dict[str, Any]", given), cast("dict[str, Any]", written))
    elif isinstance(given, list) and isinstance(written, list):
        _compare_items(cast("list[Any]", given), cast("list[Any]", written))
    elif not _same(given, written):
        raise Fault(f"{given!r:.80} would be read as {written!r:.80}")


def _compare_items(given: list[Any], written: list[Any]) -> None:
    index = 0
    try:
        for index, (one, other) in enumerate(zip(given, written, strict=True)):  # noqa: B007 - names the item
            _compare(one, other)
    except Fault as fault:
        fault.at(index)
        raise


def _compare_members(given: dict[str, Any], written: dict[str, Any]) -> None:
    seen: set[str] = set()
    name = ""
    try:
        for name, value in given.items():
            known = name if name in written else _camel(name)
            if known in seen:
                raise Fault("the field is there twice, by both its names")
            seen.add(known)
            if value is None and written.get(known) is None:
                continue
            if known not in written:
                raise Fault(f"{value!r:.80} would be dropped")
            if value is not None:
                _compare(value, written[known])
    except Fault as fault:
        fault.at(name)
        raise


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def _same(given: Any, written: Any) -> bool:
    if type(given) is type(written) and given == written:
        return True
    if isinstance(given, bool) or isinstance(written, bool) or given is None or written is None:
        return False
    number, other = _number(given), _number(written)
    if number is not None:
        if other is None:  # the name of a member of an enumeration, or a number's text
            return type(given) is int and type(written) is str and written.isidentifier()
        if type(given) is float and type(written) is not float and abs(given) >= urls.MAX_EXACT:
            return False
        return number == other or (type(written) is float and _rounds(number, written))
    if not (isinstance(given, str) and isinstance(written, str)):
        return False
    if _MOMENT.fullmatch(given) and _MOMENT.fullmatch(written):
        return True
    span, again = _SPAN.fullmatch(given), _SPAN.fullmatch(written)
    if span and again:
        return Decimal(span[1]) == Decimal(again[1])
    return given.translate({45: 43, 95: 47}).rstrip("=") == written.rstrip("=")


def _number(value: Any) -> Decimal | None:
    if isinstance(value, (int, float)):
        return Decimal(value) if type(value) is int else Decimal(repr(value))
    if isinstance(value, str) and len(value) <= _LONGEST and _NUMBER.fullmatch(value):
        return Decimal(value)
    return None


def _rounds(number: Decimal, written: float) -> bool:
    """Reports whether a number is the nearest float, of 64 or 32 bits, and not one that became 0."""
    if not written:
        return False
    near = float(number)
    return near == written or struct.pack("<f", near) == struct.pack("<f", written)
