"""Columns and indexes of pandas that are Arrow's (``ArrowDtype``), whose dtype pandas does not read from its name.

Such a name is another dtype's, as ``string[pyarrow]`` is, or nobody's, as that of a list is. The cells travel as they
are, and are put back without a conversion.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framedtypes import same_dtype
from grpc_tool_bridge.frameviews import runs_of_views

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "ARROW_LEVEL",
    "arrow_columns",
    "is_arrow",
    "with_arrow",
    "with_arrow_level",
    "without_arrow",
]

ARROW_LEVEL = "arrow"
"""What is noted of a level of an index: it has the dtype of Arrow's type."""


def is_arrow(dtype: Any) -> bool:
    """Reports whether a dtype is one of Arrow's types."""
    return type(dtype).__name__ == "ArrowDtype"


def arrow_columns(arrow: Any, frame: Any, uncommon: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """The cells of the columns of a DataFrame whose dtype its name does not bring back, by their positions."""
    places = [
        at
        for at, dtype in uncommon
        if is_arrow(dtype)
        and not runs_of_views(arrow.types, dtype.pyarrow_dtype)  # which come as other types
        and not _is_named(dtype)
    ]
    return {at: arrow.array(frame.iloc[:, at].array) for at in places}


def _is_named(dtype: Any) -> bool:
    pandas: Any = importlib.import_module("pandas")
    try:
        return same_dtype(pandas.api.types.pandas_dtype(str(dtype)), dtype)
    except Exception:  # noqa: BLE001 - whatever it is, nobody makes the dtype of its name
        return False


def without_arrow(arrow: Any, table: Any, positions: Collection[int]) -> Any:
    """The table that came, with nothing in some of its columns."""
    for at in positions:
        table = table.set_column(at, table.column_names[at], arrow.nulls(table.num_rows))
    return table


def with_arrow(pandas: Any, frame: Any, cells: Mapping[str, Any]) -> Any:
    """Puts Arrow's cells into columns of a DataFrame, by their names."""
    for name, column in cells.items():
        made = pandas.arrays.ArrowExtensionArray(column)
        frame[name] = pandas.Series(made, index=frame.index, copy=False)
    return frame


def with_arrow_level(pandas: Any, index: Any, level: int, column: Any) -> Any:
    """Gives a level of an index the dtype of the column that it stands in."""
    if index.nlevels == 1:
        return pandas.Index(pandas.arrays.ArrowExtensionArray(column), name=index.name)
    made = index.levels[level].astype(pandas.ArrowDtype(column.type))
    return index.set_levels(made, level=level)
