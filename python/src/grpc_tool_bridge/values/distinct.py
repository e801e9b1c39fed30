"""Keys of dicts and items of sets, which have to be hashable and unequal, and have different hashes.

Python's hash of a number is its remainder by 2^61 - 1, and no secret is in it, so anyone can send numbers,
UUIDs and tuples of which thousands have one hash, each of which would be compared with all others.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

from .fault import PASSING, Fault, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["MAX_ALIKE", "refuse_crowded", "refuse_first"]

MAX_ALIKE = 100
"""So many keys of a dict, or items of a set, may have one hash."""
_SPREAD = frozenset({str, bytes, float})
"""Types whose hashes hold a secret, or of which at most a few values have one hash."""


def refuse_crowded(items: Sequence[Any], step: Callable[[Fault, int], None], what: str) -> None:
    """Refuses keys or items of which too many have one hash, before a dict or set is made of them.

    Args:
        items: Keys of a dict, or items of a set; those that are not hashable are left to :func:`refuse_first`.
        step: Adds the step that leads to one of them.
        what: What each is, for the message.

    Raises:
        Fault: There are more than ``MAX_ALIKE``.
    """
    if len(items) <= MAX_ALIKE or _are_spread(items):
        return
    try:
        if len(items) - len(set(map(hash, items))) < MAX_ALIKE:
            return
        hashes = list(map(hash, items))
    except PASSING:
        raise
    except Exception:  # noqa: BLE001 - named where it is added
        return
    common, count = collections.Counter(hashes).most_common(1)[0]
    if count <= MAX_ALIKE:
        return
    first = hashes.index(common)
    fault = Fault(
        f"{count} of the {len(items)} {what}s have the hash of this {what}, {items[first]!r:.80}, the limit is"
        f" {MAX_ALIKE}: Python would compare each with all others; send a list, or texts for them"
    )
    step(fault, first)
    raise fault


def _are_spread(items: Sequence[Any]) -> bool:
    """Reports quickly whether items are of kinds of which few have one hash; of the others not all that are."""
    kinds = set(map(type, items))
    if kinds == {int}:
        return min(items) >= -(2**63) and max(items) < 2**63
    return kinds <= _SPREAD


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
            fault = Fault(f"the {what} {item!r:.80} is there twice{_hint(item, seen)}")
            step(fault, index)
            raise fault


def _hint(item: Any, seen: set[Any]) -> str:
    """What to add where the item does not look like the one that it equals."""
    earlier = next((each for each in seen if hash(each) == hash(item) and each == item), item)
    if type(earlier) is type(item) and repr(earlier) == repr(item):
        return ""
    return "; in Python 1, 1.0 and True are one"
