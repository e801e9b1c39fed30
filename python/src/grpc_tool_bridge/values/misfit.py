"""What is said of a value that does not fit a hint."""

from __future__ import annotations

import typing
from typing import Any

from .fault import Fault
from .wrappers import EnumValue, Record

__all__ = ["describe", "misfit", "name_of"]


_TABLES = frozenset({"numpy", "pandas", "polars", "pyarrow"})


def name_of(hint: Any) -> str:
    """Returns a hint as people write it."""
    if hint is type(None):
        return "None"
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return _class_name(hint)
    return str(hint).replace("typing.", "")


def describe(value: object) -> str:
    """Returns what a value is, for messages: its type, and the name of its class where it is wrapped."""
    if isinstance(value, (Record, EnumValue)):
        return f"{type(value).__name__} {value.class_name}"
    return "None" if value is None else _class_name(type(value))


def _class_name(cls: type) -> str:
    """Returns the name of a class, with the library's where several have one of that name."""
    library = cls.__module__.partition(".")[0]
    return f"{library}.{cls.__name__}" if library in _TABLES else cls.__name__


def misfit(value: object, wanted: str) -> Fault:
    """Makes the fault of a value where another was wanted."""
    return Fault(f"want {wanted}, got {describe(value)}")
