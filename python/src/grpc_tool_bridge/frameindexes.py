"""Indexes of Python objects in pandas tables: checked and kept as the cells of columns are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.framecells import (
    are_texts,
    is_object,
    missing_of,
    needs_object,
    with_missing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["note_index_objects", "with_index_objects"]


def note_index_objects(index: Any, table: Any, notes: dict[str, Any]) -> None:
    """Notes which levels of an index hold objects that pandas does not bring back, and what is missing in them.

    Raises:
        Fault: Arrow would change an object of it.
    """
    import pandas as pd

    objects: dict[int, Any] = {}
    for level, stored in enumerate(_stored(table)):
        values = index.get_level_values(level)
        # What is missing in one of several levels is NaN for pandas, whatever it was.
        alone = index.nlevels == 1
        if not is_object(values.dtype) or (
            are_texts(values) and not (alone and values.isna().any())
        ):
            continue
        column = pd.Series(values.to_numpy(), dtype=object)
        if _come_back(column, table.column(stored).to_pandas()):
            continue
        what = "the index" if alone else f"level {level} of the index"
        needs_object(column, table.column(stored), what)
        objects[level] = missing_of(column, what) if alone else None
    if objects:
        notes["index_objects"] = objects


def _come_back(before: Any, after: Any) -> bool:
    """Reports whether pandas makes the same objects of what Arrow made of them, such as Timestamps."""
    return all(
        type(cell) is type(again) and repr(cell) == repr(again)
        for cell, again in zip(before, after.astype(object), strict=True)
    )


def with_index_objects(pandas: Any, index: Any, table: Any, objects: Mapping[int, Any]) -> Any:
    """Puts the objects of an index back into it."""
    stored = _stored(table)
    for level, missing in objects.items():
        cells = table.column(stored[level]).to_pylist()
        if index.nlevels == 1:
            index = _objects(pandas, with_missing(pandas, cells, missing)).rename(index.name)
            continue
        items: list[Any] = [None] * len(index.levels[level])
        for code, cell in zip(index.codes[level].tolist(), cells, strict=True):
            if code >= 0:
                items[code] = cell
        index = index.set_levels(_objects(pandas, items), level=level)
    return index


def _objects(pandas: Any, items: list[Any]) -> Any:
    return pandas.Index(items, dtype=object, tupleize_cols=False)


def _stored(table: Any) -> list[Any]:
    """The names of the columns that hold the levels of the index; what describes a RangeIndex is none."""
    metadata = cast("dict[str, list[Any]]", table.schema.pandas_metadata or {})
    described = metadata.get("index_columns", [])
    return [] if any(isinstance(stored, dict) for stored in described) else described
