"""Kinds of values that are drawn, each with a weight and what tells that a value is of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Values = st.SearchStrategy[Any]

__all__ = ["Kind", "is_a", "of", "suits"]


class Kind(NamedTuple):
    """One kind of value that is drawn.

    Attributes:
        name: What to call it.
        weight: How often it is drawn, against the other kinds of its list.
        values: Draws values of the kind.
        holds: Reports whether a value is of the kind.
    """

    name: str
    weight: int
    values: Values
    holds: Callable[[Any], bool]


def of(kinds: Sequence[Kind]) -> Values:
    """Values of several kinds, each as often as its weight says."""
    weighted = [kind.values for kind in kinds for _ in range(kind.weight)]
    return st.sampled_from(weighted).flatmap(lambda values: values)


def is_a(*types: type[Any]) -> Callable[[Any], bool]:
    """Reports whether a value is of one of these types itself."""
    return lambda value: type(value) in types


def suits(kind: type[Any], has: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Reports whether a value is of this type itself, and has something."""
    return lambda value: type(value) is kind and has(value)
