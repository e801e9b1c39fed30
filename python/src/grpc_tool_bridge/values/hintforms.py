"""Hints as what they stand for, without the names, notes and variables around them."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, Final, Union, cast

import typing_extensions as tx

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANYTHING",
    "UNIONS",
    "bare",
    "class_name",
    "is_around",
    "layers",
    "with_types",
    "without_none",
    "without_notes",
]

ANYTHING: Final[tuple[Any, ...]] = (Any, object, inspect.Parameter.empty)
"""Hints that every value fits."""

UNIONS: Final[tuple[Any, ...]] = (Union, types.UnionType)
"""What ``get_origin`` gives of a union, in both ways to write it."""

_AROUND: Final[tuple[Any, ...]] = (
    typing.Annotated,
    tx.Required,
    tx.NotRequired,
    tx.ReadOnly,
    typing.ClassVar,
    typing.Final,
)


def is_around(origin: object) -> bool:
    """Reports whether what ``get_origin`` gives is no type of values, but stands around one."""
    return origin in _AROUND


def bare(hint: Any) -> Any:
    """Returns what a hint stands for: of an alias its value, of a new type its base, of a variable its bound."""
    return hint if issubclass(type(hint), type) else layers(hint)[-1]


def without_none(hint: Any) -> Any:
    """Returns the only other member of a union with None, bare; what is no such union as it is."""
    while typing.get_origin(hint) in UNIONS:
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        if len(members) != 1:
            break
        hint = bare(members[0])
    return hint


def layers(hint: Any) -> list[Any]:
    """Returns a hint, what it stands for, what that stands for, and so on."""
    found = [hint]
    while (inner := _inner(hint)) is not hint:
        hint = inner
        found.append(hint)
    return found


def _inner(hint: Any) -> Any:
    if hint is None:
        return type(None)
    if hint is tx.LiteralString:
        return str
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if is_around(origin):
        return args[0]
    if isinstance(hint, typing.TypeVar):
        return hint.__bound__ or _union_of(hint.__constraints__)
    if isinstance(origin, tx.TypeAliasType):
        chosen = dict(zip(origin.__type_params__, args, strict=False))
        return with_types(_meaning(origin), chosen)
    if isinstance(hint, tx.TypeAliasType):
        return _meaning(hint)
    inner = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    return hint if inner is None else inner


@functools.lru_cache(maxsize=1024)
def _meaning(alias: Any) -> Any:
    """What an alias stands for, also where it names itself in a text."""
    names = vars(sys.modules.get(alias.__module__, typing))
    said = types.SimpleNamespace(__annotations__={"it": alias.__value__})
    try:
        return tx.get_type_hints(said, names, {alias.__name__: alias}, include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - a name that nobody knows here
        return alias.__value__


def without_notes(hint: Any) -> Any:
    """Returns a hint without the notes on it and inside of it."""
    said = types.SimpleNamespace(__annotations__={"it": hint})
    try:
        return tx.get_type_hints(said)["it"]
    except Exception:  # noqa: BLE001 - a name that nobody knows here
        return hint


def _union_of(members: tuple[Any, ...]) -> Any:
    return Union[members] if members else Any  # noqa: UP007 - made at run time


def class_name(hint: Any) -> str:
    """Returns the name of the class that a hint stands for."""
    hint = bare(hint)
    return getattr(typing.get_origin(hint) or hint, "__name__", "")


def with_types(hint: Any, chosen: Mapping[Any, Any]) -> Any:
    """Returns a hint with types in the place of its variables."""
    if isinstance(hint, typing.TypeVar):
        return chosen.get(hint, hint)
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint
    variables: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    return cast("Any", hint)[tuple(chosen.get(v, v) for v in variables)] if variables else hint
