"""Records inside of lists and dicts, beside hints with classes of the same names."""

from __future__ import annotations

import typing
from typing import Any, cast

from .hintforms import ANYTHING, UNIONS, bare, class_name
from .wrappers import Record

__all__ = ["holds_records", "meets_namesakes"]

_DEPTH = 8
"""How deep records are looked for."""
_ITEMS = (list, tuple, set, frozenset)


def holds_records(value: Any, depth: int = _DEPTH) -> bool:
    """Reports whether there are records inside of a list, a tuple, a set or a dict."""
    return depth > 0 and any(
        type(part) is Record or holds_records(part, depth - 1) for part in _parts(value)
    )


def _parts(value: Any) -> list[Any]:
    kind = cast("type[Any]", type(value))
    if kind in _ITEMS:
        return list(value)
    if kind is dict:
        items = cast("dict[Any, Any]", value)
        return [*items, *items.values()]
    return []


def meets_namesakes(value: Any, hint: Any, depth: int = _DEPTH) -> bool:
    """Reports whether each record in a value stands where a hint has a class of its name, or anything may stand.

    It says which member of a union such as ``list[Dog] | list[Cat]`` was meant, and not whether the value fits.
    """
    hint, kind = bare(hint), cast("type[Any]", type(value))
    if depth == 0 or hint in ANYTHING:
        return True
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return any(meets_namesakes(value, member, depth) for member in args)
    if kind is Record:
        return class_name(hint) == value.class_name
    if kind is tuple and origin is tuple and args and args[-1] is not Ellipsis:
        return len(args) == len(value) and all(
            meets_namesakes(item, inner, depth - 1) for item, inner in zip(value, args, strict=True)
        )
    if type(value) in _ITEMS:
        inner = args[0] if args else Any
        return all(meets_namesakes(item, inner, depth - 1) for item in value)
    if type(value) is dict:
        key, inner = args if len(args) == 2 else (Any, Any)
        items = cast("dict[Any, Any]", value)
        return all(
            meets_namesakes(name, key, depth - 1) and meets_namesakes(item, inner, depth - 1)
            for name, item in items.items()
        )
    return True
