"""Values that hold one part in several places: few objects that would be very many elements on the wire."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, cast

from . import urls
from .fault import Fault
from .kinds import CONTAINERS, LEAVES
from .natural import natural
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["refuse_too_many"]

_is_leaves = frozenset(LEAVES).issuperset


def refuse_too_many(value: object) -> None:
    """Refuses a value of more elements than travel, in time that depends on how many objects there are.

    Raises:
        Fault: There are more.
    """
    if _Counter().count(value) > urls.MAX_ELEMENTS:
        raise Fault(
            f"message too large: more than {urls.MAX_ELEMENTS} elements, as parts that several"
            " containers hold travel with each of them"
        )


def _references(items: Sequence[object]) -> list[int]:
    return [sys.getrefcount(item) for item in items]


_ALONE: Final = _references([[]])[0]
"""The references to an item that nothing else holds."""


class _Counter:
    """Counts elements: not more than are encoded, and those of a shared part once."""

    def __init__(self) -> None:
        # By the ids of shared parts, which are kept, for ids are used again.
        self._known: dict[int, tuple[object, int]] = {}

    def count(self, value: object, level: int = 1, *, shared: bool = False) -> int:
        """The elements in a value. A cycle ends, as what is met in itself counts nothing."""
        if level > urls.MAX_DEPTH:  # where its encoder ends
            return 0
        if shared:
            known = self._known.get(id(value))
            if known is not None:
                return known[1]
            self._known[id(value)] = value, 0
        made = value if type(value) in CONTAINERS else natural(value)
        count = self._inside(made, level) if type(made) in CONTAINERS else 0
        if shared:
            self._known[id(value)] = value, count
        return count

    def _inside(self, container: Any, level: int) -> int:
        items = _parts(container)
        count = len(items) if type(container) in (Record, EnumValue) else len(container)
        if count <= urls.MAX_ELEMENTS and not _is_leaves(map(type, items)):
            references = _references(items)
            for item, held in zip(items, references, strict=True):
                if type(item) not in LEAVES:
                    count += self.count(item, level + 1, shared=held > _ALONE)
        return count


def _parts(container: Any) -> list[Any]:
    if type(container) is dict:
        held = cast("dict[Any, Any]", container)
        values = list(held.values())
        return values if _is_leaves(map(type, held)) else [*values, *held]
    if isinstance(container, Record):
        return list(container.fields.values())
    return [container.value] if isinstance(container, EnumValue) else list(container)
