"""Which hint a value is meant for: that of its own kinds, with the classes of its records."""

from __future__ import annotations

import collections.abc as abc
import typing
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

from .hintforms import ANYTHING, UNIONS, bare, class_name
from .libraryhints import is_scalar_of_library, travels_as
from .members import is_enum
from .wrappers import EnumValue, Record

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_meant"]

_DEPTH: Final = 8
"""How deep a value is looked at."""
_ITEMS: Final = (list, tuple, set, frozenset)
_KEEPING: Final = (abc.Sequence, abc.Reversible, abc.Collection, abc.Iterable, abc.Container)
"""Hints that leave items in what they came in."""

_WIDER: Final[Mapping[type[Any], tuple[type[Any], ...]]] = {
    int: (float, complex, Decimal, Fraction),
    float: (complex,),
}
"""The numbers that are made of others, and are others then."""


def is_meant(value: Any, hint: Any, depth: int = _DEPTH) -> bool:
    """Reports whether nothing in a value would be made another than it is.

    Lists stay lists, ints ints, texts texts, and each record stands where a hint has a class of its name, or
    where anything may stand. It says which member of a union such as ``list[Dog] | list[Cat]`` was meant, and
    not whether the value fits.
    """
    hint, kind = bare(hint), cast("type[Any]", type(value))
    if depth == 0 or hint in ANYTHING:
        return True
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in UNIONS:
        return any(is_meant(value, member, depth) for member in args)
    if kind in (Record, EnumValue):
        return class_name(hint) == value.class_name
    if kind in _WIDER:
        return origin not in _WIDER[kind] and _is_scalar_meant(kind, origin)
    if kind in (str, bytes):
        return not isinstance(origin, type) or origin in kind.__mro__ or origin in _KEEPING
    if kind in _ITEMS:
        return (origin is kind or origin in _KEEPING) and _are_meant(value, origin, args, depth - 1)
    if kind is dict:
        key, inner = args if len(args) == 2 else (Any, Any)
        items = cast("dict[Any, Any]", value)
        return all(
            is_meant(name, key, depth - 1) and is_meant(item, inner, depth - 1)
            for name, item in items.items()
        )
    return True


def _is_scalar_meant(kind: type[Any], cls: Any) -> bool:
    """Reports whether a class is none of enumerations nor of another kind of scalars of numpy or pandas."""
    if not isinstance(cls, type):
        return True
    return travels_as(cls, kind) if is_scalar_of_library(cls) else not is_enum(cls)


def _are_meant(value: Any, origin: Any, args: tuple[Any, ...], depth: int) -> bool:
    if origin is tuple and args and args[-1] is not Ellipsis:
        return len(args) == len(value) and all(
            is_meant(item, inner, depth) for item, inner in zip(value, args, strict=True)
        )
    inner = args[0] if args else Any
    return inner in ANYTHING or all(is_meant(item, inner, depth) for item in value)
