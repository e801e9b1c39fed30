"""Whether cells are what they were: many compared at once, and one by one only where that does not settle it."""

from __future__ import annotations

import datetime as dt
from array import array
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["are_same"]

_NOTHING = type(None)
_MAX_LEVELS = 32
"""Levels of containers that are looked into; cells of more are left to who compares one by one."""


def are_same(before: list[Any], after: list[Any], levels: int = _MAX_LEVELS) -> bool:
    """Reports whether objects are certainly the same as others at their places, with their types and in their parts.

    False says nothing: it may be that they are the same.
    """
    kinds = list(map(type, before))
    if kinds != list(map(type, after)):
        return False
    found = set(kinds)
    if len(found) == 1:
        return _one_kind(found.pop(), before, after, levels)
    pairs = list(zip(kinds, before, after, strict=True))
    return all(
        _one_kind(
            kind,
            [a for k, a, _ in pairs if k is kind],
            [b for k, _, b in pairs if k is kind],
            levels,
        )
        for kind in found
    )


def _one_kind(kind: type, before: list[Any], after: list[Any], levels: int) -> bool:
    if kind in _FORMS:
        form = _FORMS[kind]
        return before == after if form is None else form(before) == form(after)
    if not levels or kind not in _PARTS:
        return False
    lengths, others = list(map(len, before)), list(map(len, after))
    if lengths != others:
        return False
    if kind is dict and list(chain.from_iterable(before)) != list(chain.from_iterable(after)):
        return False
    parts = _PARTS[kind]
    return are_same(parts(before), parts(after), levels - 1)


def _values(cells: list[Any]) -> list[Any]:
    return list(chain.from_iterable(cell.values() for cell in cells))


def _items(cells: list[Any]) -> list[Any]:
    return list(chain.from_iterable(cells))


_PARTS: Mapping[type, Callable[[list[Any]], list[Any]]] = {
    list: _items,
    tuple: _items,
    dict: _values,
}


def _texts(cells: list[Any]) -> list[str]:
    return list(map(repr, cells))


_FORMS: Mapping[type, Callable[[list[Any]], object] | None] = {
    **dict.fromkeys((int, str, bytes, bool, _NOTHING, dt.date, dt.timedelta)),
    float: lambda cells: array("d", cells).tobytes(),
    **dict.fromkeys((Decimal, dt.datetime, dt.time), _texts),
}
"""What is the same of equal objects of a class only, by the class; None where that is their equality."""
