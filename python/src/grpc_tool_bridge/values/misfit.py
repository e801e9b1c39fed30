"""What is said of a value that does not fit a hint."""

from __future__ import annotations

import typing
from typing import Any

from .fault import Fault
from .wrappers import EnumValue, Record

__all__ = ["describe", "misfit", "name_of"]


def name_of(hint: Any) -> str:
    """Returns a hint as people write it."""
    if hint is type(None):
        return "None"
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint.__name__
    return str(hint).replace("typing.", "")


def describe(value: object) -> str:
    """Returns what a value is, for messages: its type, and the name of its class where it is wrapped."""
    if isinstance(value, (Record, EnumValue)):
        return f"{type(value).__name__} {value.class_name}"
    return "None" if value is None else type(value).__name__


def misfit(value: object, wanted: str) -> Fault:
    """Makes the fault of a value where another was wanted."""
    return Fault(f"want {wanted}, got {describe(value)}")
