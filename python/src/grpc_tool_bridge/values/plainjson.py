"""Values as JSON alone writes them, which say nothing of their types: pydantic reads them by its own rules."""

from __future__ import annotations

import functools
import importlib
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .keeping import kept

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_tried_in_time", "plain_height", "written"]

_SCALARS: Final = frozenset({str, int, bool, type(None)})
"""The classes of what has no parts; floats are looked at."""
_TEXTS: Final = frozenset({str})
_TRIES: Final = 256
"""How often pydantic may try a part of a value."""
_DICTS: Final = frozenset(
    {
        "model",
        "dataclass",
        "typed-dict",
        "dict",
        "frozendict",
        "ordered-dict",
        "counter",
        "tagged-union",
    }
)
_LISTS: Final = frozenset({"list", "tuple", "set", "frozenset", "deque", "generator"})
_AROUND: Final = frozenset({"metadata", "serialization", "default", "config", "function"})
"""What a schema holds beside schemas."""


def plain_height(value: Any) -> int | None:
    """Returns how many levels of lists and dicts a value has, or None if JSON could not have written it."""
    kind = cast("type[Any]", type(value))
    if kind in _SCALARS:
        return 0
    if kind is float:  # JSON has no sign for NaN
        return 0 if value == value or math.copysign(1, value) > 0 else None
    if kind is dict:
        if not _TEXTS.issuperset(map(type, value)):
            return None
        parts = value.values()
    elif kind is list:
        parts = value
    else:
        return None
    if _SCALARS.issuperset(map(type, parts)):
        return 1
    highest = 0
    for part in parts:
        if type(part) in _SCALARS:
            continue
        height = plain_height(part)
        if height is None:
            return None
        highest = max(highest, height)
    return highest + 1


def written(value: Any) -> str | None:
    """Returns the text of JSON of a value that JSON alone could write, or None of one for which it is too long."""
    try:
        return str(_to_json()(value, inf_nan_mode="constants"), "utf-8")
    except ValueError:  # an int of thousands of digits, half of a character
        return None


@functools.cache
def _to_json() -> Callable[..., bytes]:
    return cast("Any", importlib.import_module("pydantic_core")).to_json


def is_tried_in_time(height: int, cls: Any) -> bool:
    """Reports whether pydantic comes to an end soon with a value of this height.

    It tries all members of a union at each level: in a tree whose nodes are unions a small text of JSON could keep a
    program busy for hours.
    """
    tries = kept(cls, "tries", lambda: _tries(cls))
    often = tries.most**height if tries.again else min(tries.once, tries.most**height)
    return often <= _TRIES


class _Tries(NamedTuple):
    """How often members of unions look at one part."""

    once: int
    """Those of unions in unions, each met once."""
    most: int
    """Those of the one that has the most."""
    again: bool
    """Whether a union leads to itself again."""


def _tries(cls: Any) -> _Tries:
    schema = cls.__pydantic_core_schema__
    known = {each["ref"]: each for each in schema.get("definitions", ())}
    return _Search(known).tries(schema, 0)


class _Search:
    """Looks through a schema for unions of which more than one member may look into a value."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known
        self._open: dict[str, int] = {}
        self._done: dict[str, _Tries] = {}

    def tries(self, schema: Any, unions: int) -> _Tries:
        if isinstance(schema, (list, tuple)):
            return self._all(cast("list[Any]", schema), unions)
        if not isinstance(schema, dict):
            return _Tries(1, 1, again=False)
        held = cast("dict[str, Any]", schema)
        kind = held.get("type")
        if kind == "definition-ref":
            return self._named(held["schema_ref"], unions)
        if kind == "definitions":
            return self.tries(held["schema"], unions)
        if kind == "union":
            kinds = [each for choice in held["choices"] for each in self._looks_into(choice)]
            most = max(map(kinds.count, kinds), default=1)
            inner = self._all(held["choices"], unions + (most > 1))
            return _Tries(inner.once * most, max(inner.most, most), inner.again)
        parts = [part for name, part in held.items() if name not in _AROUND]
        return self._all(parts, unions)

    def _all(self, parts: list[Any], unions: int) -> _Tries:
        found = [self.tries(part, unions) for part in parts] or [_Tries(1, 1, again=False)]
        once, most, again = zip(*found, strict=True)
        return _Tries(max(once), max(most), any(again))

    def _named(self, name: str, unions: int) -> _Tries:
        if name in self._open:
            return _Tries(1, 1, again=unions > self._open[name])
        if name not in self._done:
            self._open[name] = unions
            self._done[name] = self.tries(self._known[name], unions)
            del self._open[name]
        return self._done[name]

    def _looks_into(self, choice: Any) -> tuple[str, ...]:
        """Whether something of dicts, or of lists, is made what a member of a union asks for."""
        while isinstance(choice, (list, tuple)):
            choice = cast("Any", choice[0])  # beside its label
        kind: str = choice["type"]
        if kind == "definition-ref":
            return self._looks_into(self._known[choice["schema_ref"]])
        if kind == "union":
            return tuple(each for inner in choice["choices"] for each in self._looks_into(inner))
        if kind in ("named-tuple", "call", "function-plain"):
            return ("list", "dict")
        if kind in _DICTS:
            return ("dict",)
        if kind in _LISTS:
            return ("list",)
        inner = choice.get("json_schema") or choice.get("lax_schema") or choice.get("schema")
        if kind == "chain":
            inner = choice["steps"][0]
        return () if inner is None else self._looks_into(inner)
