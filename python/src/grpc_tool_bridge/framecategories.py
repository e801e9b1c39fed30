"""Categories of dtypes that pandas' metadata forgets, such as its ``string``: noted, and made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framedtypes import is_python_text, same_dtype
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["forgotten_categories", "with_categories"]


def forgotten_categories(
    before: Sequence[Any], after: Sequence[Any], restored: Collection[str]
) -> dict[int, str]:
    """The names of the dtypes of categories that would come back as others, of these, by the columns' positions."""
    forgotten: dict[int, str] = {}
    for position, (dtype, now) in enumerate(zip(before, after, strict=True)):
        categories = getattr(dtype, "categories", None)
        if categories is None or same_dtype(dtype, now):
            continue
        name = "string[python]" if is_python_text(categories.dtype) else str(categories.dtype)
        if name in restored:
            forgotten[position] = name
    return forgotten


def with_categories(
    frame: Any, names: Sequence[str], noted: Mapping[int, str], restored: Collection[str]
) -> Any:
    """Gives the categories of columns the dtypes that they had.

    Raises:
        Fault: One is none of those that are made again.
    """
    for position, dtype in noted.items():
        if dtype not in restored:
            raise Fault(f"categories of dtype {dtype!r:.60} are refused")
        column = frame[names[position]]
        categories = column.cat.categories.astype(dtype)
        frame[names[position]] = column.cat.rename_categories(categories)
    return frame
