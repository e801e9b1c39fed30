"""Texts for fields of pydantic's models: who writes JSON by hand has no type for a moment, a UUID or a Decimal."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import functools
import importlib
import re
import typing
import uuid
from typing import TYPE_CHECKING, Any, Final

import typing_extensions as tx

from .containers import ITEMS, MAPPINGS, fit_items, fit_mapping, fit_tuple
from .fault import Fault
from .hintforms import UNIONS, bare, without_none
from .misfit import misfit, name_of
from .namedfields import fit_typed_dict

if TYPE_CHECKING:
    from .containers import Fit

__all__ = ["OF_TEXT", "is_finer", "reader_of", "too_fine", "with_texts"]

OF_TEXT: Final = frozenset(
    {dt.datetime, dt.date, dt.time, dt.timedelta, uuid.UUID, decimal.Decimal}
)
"""What pydantic reads of its text, which is the value: who writes JSON by hand has no type for it."""
_SIMPLE: Final = (str, int, float, bool, bytes, type(None))
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9._]+\s*")

_FINER: Final = re.compile(r"(?::\d\d|P[\dYMWDTH]*)[.,]\d{6}0*[1-9]")
"""A part of the text of a moment or a span."""


def with_texts(fit: Fit) -> Fit:
    """Makes of a part what its hint asks for, also where a text says it."""

    def made(value: Any, hint: Any) -> Any:
        hint = bare(hint)
        if value is not None:
            hint = without_none(hint)
        if type(value) is hint:
            return value
        if hint in OF_TEXT and type(value) in (str, int):
            return _of_text(value, hint)
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if tx.is_typeddict(origin or hint):
            return fit_typed_dict(value, origin or hint, args, made, noted=False)
        if origin in UNIONS:
            return _of_union(value, hint, fit, made)
        if origin is tuple and args:
            return fit_tuple(value, args, made)
        if origin in ITEMS and args:
            return fit_items(value, origin, args[0], made)
        if origin in MAPPINGS and len(args) == 2 and origin is not collections.Counter:
            return fit_mapping(value, origin, *args, made)
        return fit(value, hint)

    return made


def _of_union(value: Any, hint: Any, fit: Fit, made: Fit) -> Any:
    from .convert import fit_unnoted

    try:
        return fit_unnoted(value, hint, fit) if _is_noted(hint) else fit(value, hint)
    except Fault:
        for member in filter(_holds_texts, typing.get_args(hint)):
            try:
                return made(value, member)
            except Fault:  # noqa: PERF203 - most have one member that fits
                continue
        raise


def _is_noted(hint: Any, depth: int = 8) -> bool:
    """Reports whether something in a hint that pydantic reads again may have notes, by a name or in a typed dict."""
    args = typing.get_args(hint)
    if not depth or bare(hint) is not hint or tx.is_typeddict(typing.get_origin(hint) or hint):
        return True
    return any(_is_noted(arg, depth - 1) for arg in args if arg is not Ellipsis)


def _holds_texts(hint: Any, depth: int = 8) -> bool:
    """Reports whether a hint is of what a text may say, also in containers, whose other parts are simple."""
    hint = bare(hint)
    args = [arg for arg in typing.get_args(hint) if arg is not Ellipsis]
    if hint in OF_TEXT or not args or not depth:
        return hint in OF_TEXT
    parts = [arg for arg in map(bare, args) if arg not in _SIMPLE]
    return bool(parts) and all(_holds_texts(part, depth - 1) for part in parts)


def _of_text(value: Any, cls: Any) -> Any:
    number = type(value) is int or (_NUMBER.fullmatch(value) and cls is not uuid.UUID)
    is_day = cls is dt.date
    if (number and cls is not decimal.Decimal) or (
        cls in (dt.date, dt.datetime) and is_day is not (len(str(value)) <= len("2024-05-06"))
    ):
        raise misfit(value, name_of(cls))
    if is_finer(str(value)):
        raise Fault(too_fine(value))
    try:
        return reader_of(cls).validate_python(value)
    except ValueError as error:
        raise misfit(value, f"{name_of(cls)} or a text of one") from error


@functools.lru_cache(maxsize=16)
def reader_of(cls: Any) -> Any:
    """Returns what has pydantic make an object of a class that is no model."""
    return importlib.import_module("pydantic").TypeAdapter(cls)


def too_fine(value: object) -> str:
    """Returns what is wrong with the text of a moment or a span that is finer than Python's."""
    return (
        f"want at most 6 digits after the point of a second, got {value!r:.80}:"
        " round it to microseconds, or declare str"
    )


def is_finer(text: str) -> bool:
    """Reports whether a text may hold moments or spans that are finer than Python's."""
    return _FINER.search(text) is not None
