"""Whether what pandas made again of a table is what there was, to the letter.

pandas itself takes dtypes for equal that differ in what is in their categories, and indexes for equal that
differ in their dtype; whoever gets a table would compute with another one.
"""

from __future__ import annotations

import datetime as dt
import importlib
import math
from numbers import Integral
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "are_numbers",
    "called_dtype",
    "is_python_text",
    "levels_of",
    "same_dtype",
    "same_index",
    "uncommon_dtypes",
]


def uncommon_dtypes(dtypes: Iterable[Any]) -> list[tuple[int, Any]]:
    """Those of a DataFrame's dtypes that are not numpy's of numbers, bools and moments, with their columns' positions.

    Of these there is nothing to be looked into, however many columns a table has.
    """
    numpy: Any = importlib.import_module("numpy")
    return [
        (at, dtype)
        for at, dtype in enumerate(dtypes)
        if not isinstance(dtype, numpy.dtype) or dtype.kind == "O"
    ]


def are_numbers(index: Any, dtypes: Iterable[Any]) -> bool:
    """Reports whether a DataFrame has nothing but numpy's bools and numbers, and a range for its index."""
    numpy: Any = importlib.import_module("numpy")
    return type(index).__name__ == "RangeIndex" and all(
        isinstance(dtype, numpy.dtype) and dtype.kind in "biuf" for dtype in dtypes
    )


def same_dtype(before: Any, after: Any) -> bool:
    """Reports whether two dtypes of pandas or numpy are the same, with the dtype and the order of categories."""
    if hasattr(before, "categories") and hasattr(after, "categories"):
        return before.ordered == after.ordered and _same_categories(
            before.categories, after.categories
        )
    if hasattr(before, "na_value") and hasattr(after, "na_value"):
        kinds = (getattr(dtype, "storage", None) for dtype in (before, after))
        if len({*kinds}) > 1 or repr(before.na_value) != repr(after.na_value):
            return False
    return bool(before == after)


def _same_categories(before: Any, after: Any) -> bool:
    if before is None or after is None:  # those of an empty dtype
        return before is after
    return same_dtype(before.dtype, after.dtype) and before.equals(after)


def called_dtype(dtype: Any) -> str:
    """What a message calls a dtype, with what its own text leaves out."""
    categories = getattr(dtype, "categories", None)
    if categories is not None:
        order = "ordered " if dtype.ordered else ""
        return f"{order}category of {called_dtype(categories.dtype)}"
    text = f"{dtype!s:.60}"
    return f"{text} (kept by {dtype.storage})" if text in ("str", "string") else text


def is_python_text(dtype: Any) -> bool:
    """Reports whether a dtype keeps its texts as Python's, not as Arrow's."""
    return str(dtype) == "string" and getattr(dtype, "storage", "") == "python"


def levels_of(index: Any) -> list[Any]:
    """The levels of an index: itself if it has no others."""
    return list(index.levels) if hasattr(index, "levels") else [index]


def same_index(before: Any, after: Any) -> bool:
    """Reports whether two indexes have the same class, dtypes, names and labels, one by one, in this order.

    A label is the same if it is equal and of the same kind: what values make of numpy's scalars is.
    """
    if type(before) is not type(after) or len(before) != len(after):
        return False
    if not all(map(_same_label, before.names, after.names)):
        return False
    if before.nlevels != after.nlevels or not all(
        same_dtype(level.dtype, other.dtype)
        for level, other in zip(levels_of(before), levels_of(after), strict=True)
    ):
        return False
    # By numbers, which a level's name could be as well.
    parts = zip(_unnamed(before), _unnamed(after), strict=True)
    return all(all(map(_same_label, labels, others)) for labels, others in parts)


def _unnamed(index: Any) -> list[Any]:
    plain = index.set_names([None] * index.nlevels)
    return [plain.get_level_values(level) for level in range(index.nlevels)]


def _same_label(before: Any, after: Any) -> bool:
    if before is after:
        return True
    if isinstance(before, tuple) and isinstance(after, tuple):
        parts, others = cast("tuple[Any, ...]", before), cast("tuple[Any, ...]", after)
        return len(parts) == len(others) and all(map(_same_label, parts, others))
    return _same_scalar(before, after)


def _same_scalar(before: Any, after: Any) -> bool:
    kind = _kind(before)
    if kind is not _kind(after):
        return False
    if kind is float and math.isnan(before):
        return math.isnan(after) and math.copysign(1, before) == math.copysign(1, after)
    return bool(before == after)


_KINDS: tuple[Any, ...] = (Integral, float, str, dt.datetime, dt.date, dt.timedelta)
"""Of each label, and of what values make of it, the first of these is the same."""


_PANDAS = frozenset({"NaTType", "Timestamp", "Timedelta"})
"""Of pandas alone, although they say that they are the standard library's."""


def _kind(label: Any) -> Any:
    dtype: Any = getattr(label, "dtype", None)
    if isinstance(label, bool) or getattr(dtype, "kind", "") == "b":
        return bool
    if getattr(dtype, "kind", "") == "f":
        return float
    own = cast("Any", type(label))
    if own.__name__ in _PANDAS:
        return own
    return next((cls for cls in _KINDS if isinstance(label, cls)), own)
