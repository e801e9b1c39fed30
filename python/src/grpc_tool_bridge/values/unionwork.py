"""The work that pydantic has with unions: it tries the parts of a value for each member, and remembers no outcome.

In a tree whose nodes are unions each level multiplies the work, so that a small value could keep a program busy for
hours. So each time that a union is given something, the parts of that are counted.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import math
from typing import TYPE_CHECKING, Any, Final, cast

from .fault import Fault

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

__all__ = ["WORK", "counted", "limited"]

WORK: Final = 1 << 18
"""So many parts may the unions in a value be given, however small it is."""
_OFTEN: Final = 256
"""How often they may be given each part of a large value."""
_NESTED: Final = (dict, list, tuple, set, frozenset, collections.deque)
"""The classes of what pydantic reads again, part by part; objects of classes with fields it takes as they are."""

_work: contextvars.ContextVar[_Work | None] = contextvars.ContextVar("work", default=None)


class _Work:
    """How many parts the unions in one value may still be given."""

    __slots__ = ("given", "left", "most")

    def __init__(self, given: Any) -> None:
        self.given = given
        self.left = WORK
        self.most: int | None = None
        """How many at all; None while its size did not matter."""

    def add(self, value: Any) -> None:
        self.left -= _size(value, self.left)
        if self.left < 0 and self.most is None:
            self.most = max(WORK, _OFTEN * _size(self.given))
            self.left += self.most - WORK
        if self.left < 0:
            raise Fault(
                f"pydantic would try its parts more than {self.most} times, as its unions have unions inside:"
                " give these a discriminator, Field(discriminator=...), or fewer members, or nest the value less deep"
            )


@contextlib.contextmanager
def limited(given: Any) -> Generator[None]:
    """Bounds, by the size of a value or of a text of JSON, the parts that unions are given while it is validated."""
    token = _work.set(_Work(given))
    try:
        yield
    finally:
        _work.reset(token)


def counted(given: Any) -> Any:
    """Counts the parts of what a union is given, and returns it.

    Raises:
        Fault: They are too many by now. Pydantic, which takes it for no error of a value, tries no other member.
    """
    if isinstance(given, _NESTED):
        work = _work.get()
        if work is not None:
            work.add(given)
    return cast("Any", given)


def _size(value: Any, most: float = math.inf) -> int:
    """How many parts a value has, itself included, or more than so many; of a text, which may be JSON, characters."""
    if isinstance(value, str):
        return len(value)
    size, left = 0, [value]
    while left and size <= most:
        part = left.pop()
        size += 1
        if isinstance(part, dict):
            left.extend(cast("dict[Any, Any]", part).values())
        elif isinstance(part, _NESTED):
            left.extend(cast("Iterable[Any]", part))
    return size
