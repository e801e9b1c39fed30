"""Keys of dicts and items of sets, which have to be hashable and unequal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fault import PASSING, Fault, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["refuse_first"]


def refuse_first(items: Iterable[Any], step: Callable[[Fault, int], None], what: str) -> None:
    """Refuses the first of some keys or items that is not hashable, or equal to an earlier one.

    Args:
        items: Keys of a dict, or items of a set.
        step: Adds the step that leads to one of them.
        what: What each is, for the message.

    Raises:
        Fault: There is one.
    """
    seen: set[Any] = set()
    for index, item in enumerate(items):
        try:
            twice = item in seen
            seen.add(item)
        except PASSING:
            raise
        except Exception as error:
            fault = Fault(f"want a hashable {what}, got {type(item).__name__}: {told(error)}")
            step(fault, index)
            raise fault from error
        if twice:
            fault = Fault(
                f"the {what} {item!r:.80} is there twice; in Python 1, 1.0 and True are one"
            )
            step(fault, index)
            raise fault
