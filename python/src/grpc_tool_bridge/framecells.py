"""Cells of Python objects in pandas tables: what Arrow would make of each, and which kind of missing it had."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.framepylists import pylists
from grpc_tool_bridge.framesameness import are_same
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "are_texts",
    "check_categories",
    "is_object",
    "missing_of",
    "needs_object",
    "unreadable_categories",
    "with_missing",
]

_TEXTS = frozenset({"string", "empty"})
_SOLE: Mapping[str, type] = {"bytes": bytes, "boolean": bool}
"""What Arrow changes no object of, by what pandas calls a column with nothing else."""
_MISSING = frozenset({"NoneType", "float", "NaTType", "NAType"})


def is_object(dtype: Any) -> bool:
    """Reports whether a column or an index holds Python objects."""
    return str(dtype) == "object"


def are_texts(column: Any) -> bool:
    """Reports whether a column or an index of objects holds nothing but str, and what is missing."""
    import pandas as pd

    inferred = pd.api.types.infer_dtype(column, skipna=True)
    return inferred in _TEXTS and not any(issubclass(cls, Enum) for cls in set(map(type, column)))


def needs_object(column: Any, arrow_column: Any, what: str) -> bool:
    """Reports whether a column of objects would come back with another dtype.

    Raises:
        Fault: Arrow would change an object of it; ``what`` names the column.
    """
    import pandas as pd

    if are_texts(column) and str(arrow_column.type) != "double":  # of nothing but NaN
        # What pandas 2 calls object is str since pandas 3.
        return int(pd.__version__.partition(".")[0]) >= 3
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred not in _SOLE or not _are(_SOLE[inferred], column):
        _check_cells(column, arrow_column, what)
    return inferred not in ("bytes", "date")


def _are(sole: type, cells: Any) -> bool:
    """Reports whether cells are of one class, of no other that is a kind of it, or missing."""
    return {cls for cls in set(map(type, cells)) if cls.__name__ not in _MISSING} <= {sole}


def check_categories(values: Any, arrow_values: Any, what: str) -> None:
    """Checks the categories of a column or an index.

    Raises:
        Fault: Arrow would change an object of them; ``what`` names the column.
    """
    categories = getattr(values.dtype, "categories", None)
    if categories is not None:
        _check_extension(arrow_values.type, categories.dtype, what)
    if categories is None or not is_object(categories.dtype) or are_texts(categories):
        return
    chunks = arrow_values.chunks if hasattr(arrow_values, "chunks") else [arrow_values]
    if chunks:
        _check_cells(categories, chunks[0].dictionary, f"{what}, in its categories,")


def _check_extension(dtype: Any, categories: Any, what: str) -> None:
    inner = getattr(dtype, "value_type", None)
    if inner is not None and hasattr(inner, "extension_name"):
        raise unreadable_categories(what, inner if is_object(categories) else categories)


def unreadable_categories(what: str, dtype: Any) -> Fault:
    """Says that Arrow writes such categories into a stream, but cannot read them again."""
    return Fault(
        f"{what} holds categories of dtype {dtype!s:.60}, which no Arrow stream can carry: make them texts,"
        " or give the column another type than that of categories"
    )


def _check_cells(cells: Any, arrow_cells: Any, what: str) -> None:
    cells, start = cells.to_numpy(), 0
    for found in pylists(arrow_cells):
        given = cells[start : start + len(found)].tolist()
        if None in found:
            rows = [row for row, cell in enumerate(found) if cell is not None]
            same = are_same([given[row] for row in rows], [found[row] for row in rows])
        else:
            same = are_same(given, found)
        if not same:
            _check_each(given, found, what, start)
        start += len(found)


def _check_each(cells: list[Any], found: list[Any], what: str, start: int) -> None:
    for row, (before, after) in enumerate(zip(cells, found, strict=True), start):
        if after is not None and not _is_same(before, after):
            raise _changed(what, row, before, after)


def _changed(what: str, row: int, before: object, after: object) -> Fault:
    fault = Fault(
        f"{what} holds objects that Arrow would change"
        f" ({before!r:.60} to {after!r:.60}): convert it to one type"
    )
    fault.at(row)
    return fault


def _is_same(before: Any, after: Any) -> bool:
    """Reports whether an object is what it was, with its type and in its parts."""
    if type(before) is not type(after):
        return False
    if isinstance(before, (list, tuple)):
        items, others = cast("list[Any]", before), cast("list[Any]", after)
        return len(items) == len(others) and all(map(_is_same, items, others))
    if isinstance(before, dict):
        fields, others = cast("dict[Any, Any]", before), cast("dict[Any, Any]", after)
        return list(fields) == list(others) and all(map(_is_same, fields.values(), others.values()))
    if isinstance(before, Decimal):
        return str(before) == str(after)
    if isinstance(before, float) and math.isnan(before):
        return math.isnan(after) and math.copysign(1, before) == math.copysign(1, after)
    if isinstance(before, (dt.datetime, dt.time)) and (before.tzinfo is not None or before.fold):
        return repr(before) == repr(after)
    return bool(before == after)


def missing_of(column: Any, arrow_column: Any, what: str) -> Any:
    """Says what Arrow's null stands for in a column of objects.

    Returns:
        None if it is None in every row, a name such as "nan" if it is that in every row, else the rows by
        the names of what is missing in them; those of None are left out.

    Raises:
        Fault: What pandas takes for missing is another object, such as the NaN of Decimal.
    """
    import pandas as pd

    missing = column.isna().to_numpy() & arrow_column.is_null().to_numpy()
    if not missing.any():
        return None
    rows = missing.nonzero()[0].tolist()
    cells = column.to_numpy()[missing].tolist()
    if set(map(type, cells)) == {type(None)}:
        return None
    rows_of: dict[str | None, list[int]] = {}
    for row, cell in zip(rows, cells, strict=True):
        rows_of.setdefault(_missing_name(pd, cell, what, row), []).append(row)
    if len(rows_of) == 1:
        return next(iter(rows_of))
    return {kind: rows_of[kind] for kind in sorted(filter(None, rows_of))}


def _missing_name(pandas: Any, cell: object, what: str, row: int) -> str | None:
    if cell is None:
        return None
    if cell is pandas.NaT:
        return "NaT"
    if cell is pandas.NA:
        return "NA"
    if isinstance(cell, float):
        return "nan" if math.copysign(1, cell) > 0 else "-nan"
    raise _changed(what, row, cell, None)


def with_missing(pandas: Any, cells: list[Any], missing: Any) -> list[Any]:
    """Puts into a column's cells what was missing in them."""
    values: Mapping[str, Any] = {
        "nan": math.nan,
        "-nan": -math.nan,
        "NaT": pandas.NaT,
        "NA": pandas.NA,
    }
    if isinstance(missing, str):
        value = values[missing]
        return [value if cell is None else cell for cell in cells]
    if missing:
        for name, rows in cast("dict[str, list[int]]", missing).items():
            for row in rows:
                if cells[row] is None:
                    cells[row] = values[name]
    return cells
