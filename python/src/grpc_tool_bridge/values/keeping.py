"""What was found out about a class, kept on the class itself: what it leads back to the class goes with it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["kept", "kept_on"]

F = TypeVar("F")
_NAME: Final = "__toolbridge_kept__"


class _Kept:
    """What was found out while a class had this schema: pydantic makes another of one that it rebuilds."""

    __slots__ = ("found", "schema")

    def __init__(self, schema: object = None) -> None:
        self.schema = schema
        self.found: dict[Hashable, Any] = {}

    def __reduce__(self) -> tuple[object, ...]:  # with a class that is pickled by what it holds
        return _Kept, ()


def kept_on(hint: Any, find: Callable[[], F]) -> F:
    """Returns what is kept on a hint with notes, as long as there is one like it, or finds it out."""
    held = cast("dict[str, Any]", vars(hint))
    if _NAME not in held:
        held[_NAME] = find()
    return cast("F", held[_NAME])


def kept(cls: Any, what: Hashable, find: Callable[[], F]) -> F:
    """Returns what is kept of a class, or finds it out."""
    schema = getattr(cls, "__pydantic_core_schema__", None)
    held: Any = cast("dict[str, Any]", vars(cls)).get(_NAME)
    if type(held) is not _Kept or held.schema is not schema:
        held = _Kept(schema)
        with contextlib.suppress(TypeError):  # of a class that is not written in Python
            type.__setattr__(cls, _NAME, held)
    if what not in held.found:
        held.found[what] = find()
    return cast("F", held.found[what])
