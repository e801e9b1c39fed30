"""Unions of lists and dicts of leaves, such as ``list[str] | list[int]``: told apart by the classes of the leaves."""

from __future__ import annotations

import typing
from typing import Any, Final, cast

__all__ = ["is_of_leaves"]

_LEAVES: Final = frozenset({bool, int, float, str, bytes, type(None)})
_CLASSES: Final = frozenset({list, dict})
_ALIASES: Final = frozenset({type(list[int]), type(typing.List[int])})  # noqa: UP006 - of which both are written
"""Of hints such as ``list[int]``; one with notes is none of these."""


def is_of_leaves(value: Any, members: tuple[Any, ...]) -> bool:
    """Reports whether a list or dict is of just the classes that a member of a union names, where none says more.

    Such a value is what the member makes of it, and no member before it would make another of it. Any other is for
    those who try the members.
    """
    kind = cast("type[Any]", type(value))
    if kind not in _CLASSES:
        return False
    is_one = False
    for member in members:
        if _is_leaf(member):
            continue
        if type(member) not in _ALIASES or member.__origin__ not in _CLASSES:
            return False
        leaves = member.__args__
        if not all(map(_is_leaf, leaves)):
            return False
        is_one = is_one or (member.__origin__ is kind and _holds(value, leaves))
    return is_one


def _is_leaf(hint: Any) -> bool:
    return type(hint) is type and hint in _LEAVES


def _holds(value: Any, leaves: tuple[Any, ...]) -> bool:
    columns = (value,) if len(leaves) == 1 else (value, cast("dict[Any, Any]", value).values())
    return all(
        set(map(type, column)) <= {leaf} for column, leaf in zip(columns, leaves, strict=True)
    )
