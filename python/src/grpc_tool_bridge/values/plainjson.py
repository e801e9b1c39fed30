"""Values as JSON alone writes them, which say nothing of their types: pydantic reads them by its own rules."""

from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Any, Final, cast

import typing_extensions as tx

from .classes import is_named_tuple
from .containers import ITEMS, MAPPINGS
from .hintforms import UNIONS, bare

__all__ = ["copied", "is_tried_in_time", "plain_height"]

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_TRIED: Final = 8
"""How many levels of a value pydantic tries where each may double the work."""


def plain_height(value: Any) -> int | None:
    """Returns how many levels of lists and dicts a value has, or None if JSON could not have written it."""
    kind = cast("type[Any]", type(value))
    if kind in _SCALARS:
        return 0
    if kind is dict:
        if any(type(key) is not str for key in value):
            return None
        parts = value.values()
    elif kind is list:
        parts = value
    else:
        return None
    highest = 0
    for part in parts:
        height = plain_height(part)
        if height is None:
            return None
        highest = max(highest, height)
    return highest + 1


def copied(value: Any) -> Any:
    """Returns the same lists and dicts made anew, for validators that change what they are given."""
    kind = cast("type[Any]", type(value))
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if kind is list else value


def is_tried_in_time(height: int, cls: Any) -> bool:
    """Reports whether pydantic comes to an end soon with a value of this height.

    It tries all members of a union at each level: in a tree whose nodes are unions a small text of JSON could keep a
    program busy for hours.
    """
    return height <= _TRIED or not _is_ambiguous(cls)


@functools.lru_cache(maxsize=1024)
def _is_ambiguous(cls: Any) -> bool:
    """Reports whether a class has a union inside, of which more than one member may look into a value."""
    return _has_choice(cls, set(), told_apart=False)


def _has_choice(hint: Any, seen: set[Any], *, told_apart: bool) -> bool:
    if typing.get_origin(hint) is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        return _has_choice(inner, seen, told_apart=told_apart or _tells(*notes))
    alias = typing.get_origin(hint) or hint
    if hasattr(alias, "__value__"):
        if alias in seen:
            return False
        seen.add(alias)
    hint = bare(hint)
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in UNIONS:
        kinds = [kind for member in args for kind in _looks_into(member)]
        if not told_apart and len(kinds) > len(set(kinds)):
            return True
    if origin is typing.Literal:
        return False
    if isinstance(origin, type):
        if origin in seen:
            return False
        if origin not in ITEMS and origin not in MAPPINGS and origin is not tuple:
            seen.add(origin)
        if _fields_have_choice(origin, seen):
            return True
    return any(
        _has_choice(arg, seen, told_apart=False) for arg in args if not isinstance(arg, list)
    )


def _tells(*notes: Any) -> bool:
    """Reports whether one of these notes says how the members of a union are told apart."""
    return any(getattr(note, "discriminator", None) is not None for note in notes)


def _fields_have_choice(cls: Any, seen: set[Any]) -> bool:
    fields: dict[str, Any] | None = getattr(cls, "__pydantic_fields__", None)
    if fields is not None:
        return any(
            _has_choice(field.annotation, seen, told_apart=_tells(field, *field.metadata))
            for field in fields.values()
        )
    if not (dataclasses.is_dataclass(cls) or tx.is_typeddict(cls) or is_named_tuple(cls)):
        return False
    try:
        hints = tx.get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - pydantic, which has read them, knows more of them
        return True
    return any(_has_choice(each, seen, told_apart=False) for each in hints.values())


def _looks_into(hint: Any) -> tuple[str, ...]:
    """Whether something of dicts, or of lists, is made what a member of a union asks for."""
    hint = bare(hint)
    cls: Any = typing.get_origin(hint) or hint
    if not isinstance(cls, type):
        return ()
    if is_named_tuple(cls):
        return ("list", "dict")
    if cls is tuple or cls in ITEMS:
        return ("list",)
    is_dict = (
        cls in MAPPINGS
        or hasattr(cls, "__pydantic_fields__")
        or dataclasses.is_dataclass(cls)
        or tx.is_typeddict(cast("Any", cls))
    )
    return ("dict",) if is_dict else ()
