"""The hints of a class's fields, with what stands for the type variables of a generic class."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import typing_extensions as tx

from .fault import Fault, told
from .hintforms import with_types

__all__ = ["hints_of", "required_keys"]


def hints_of(cls: type[Any], args: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Returns the hints of a class's fields, with their notes; args are those of a generic class.

    Raises:
        Fault: They cannot be read.
    """
    try:
        hints = tx.get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise Fault(f"the type hints of {cls.__name__} cannot be read: {told(error)}") from error
    chosen = _chosen_types(cls, args)
    for base in cls.__mro__[::-1]:
        for name in inspect.get_annotations(base):
            if chosen.get(base) and name in hints:
                hints[name] = with_types(hints[name], chosen[base])
    return hints


def _chosen_types(cls: type[Any], args: tuple[Any, ...]) -> dict[type[Any], dict[Any, Any]]:
    """Returns what stands for the type variables of a generic class, and in each of those that it inherits."""
    chosen = dict(zip(getattr(cls, "__parameters__", ()), args, strict=False))
    found = {cls: chosen}
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and origin not in (object, typing.Generic, typing.Protocol):
            inner = tuple(with_types(arg, chosen) for arg in typing.get_args(base))
            found = {**_chosen_types(origin, inner), **found}
    return found


def required_keys(cls: type[Any]) -> set[str]:
    """Returns the keys that a typed dict must have; a hint that is a string hides this from its class."""
    found: set[str] = set(getattr(cls, "__required_keys__", ()))
    for name, hint in tx.get_type_hints(cls, include_extras=True).items():
        if typing.get_origin(hint) is tx.NotRequired:
            found.discard(name)
        elif typing.get_origin(hint) is tx.Required:
            found.add(name)
    return found
