"""Columns of pandas, made again of those of a table that came, with the dtypes that they had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framearrow import with_arrow, without_arrow
from grpc_tool_bridge.framecategories import (
    as_dictionaries,
    with_categories,
    with_level_categories,
    with_renamed,
)
from grpc_tool_bridge.framecells import with_missing
from grpc_tool_bridge.framedtypes import levels_of
from grpc_tool_bridge.framefaults import fault_of
from grpc_tool_bridge.framemaps import exact_cells
from grpc_tool_bridge.framenumbers import stored_levels, with_numbers
from grpc_tool_bridge.framepylists import pylist
from grpc_tool_bridge.framestreams import arrow_for
from grpc_tool_bridge.frameviews import plain_types
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grpc_tool_bridge.framebounds import Budget

__all__ = ["charge_objects", "is_small", "restored"]

_NAME = "pandas.DataFrame"
_MANY_CELLS = 1 << 19
_OBJECT_CELL = 16
"""The bytes of an object's place, in a list and then in an array."""


def is_small(table: Any) -> bool:
    """Reports whether starting threads takes longer than converting a table."""
    rows, columns = table.shape
    return rows * columns < _MANY_CELLS


def charge_objects(table: Any, notes: Mapping[str, Any], budget: Budget) -> None:
    """Charges cells that are made objects, of which bools and small numbers take less before; however often."""
    names = table.column_names
    for position in (*notes.get("objects", ()), *notes.get("texts", ())):
        what = f"the objects of column {names[position]!r:.60}"
        budget.take(table.num_rows * _OBJECT_CELL, what)
    for position, dtype in notes.get("categories", {}).items():
        if not isinstance(dtype, str):
            continue
        what = f"the categories of column {names[position]!r:.60}"
        for chunk in table.column(position).chunks:
            budget.take(len(chunk.dictionary) * _OBJECT_CELL, what)


def restored(pandas: Any, table: Any, notes: Mapping[str, Any]) -> Any:
    """Makes a DataFrame of a table, its columns with the dtypes that they had.

    Args:
        pandas: The library.
        table: As it came.
        notes: What is noted, with the dtypes that were read of what is noted of categories.
    """
    arrow = arrow_for(_NAME)
    categories, of_levels = notes.get("categories", {}), notes.get("index_categories", {})
    stored = stored_levels(table)
    table = as_dictionaries(arrow, table, categories, of_levels, stored)
    of_arrow = notes.get("arrow", ())
    given = {table.column_names[at]: table.column(at) for at in of_arrow}
    table = without_arrow(arrow, table, of_arrow)
    frame = _converted(_without(arrow, table, notes.get("objects", ())))
    types = arrow.types
    places: dict[str, int] | None = None
    missing, names = notes.get("missing", {}), table.column_names
    objects = {*notes.get("objects", ())}
    plain = plain_types(arrow)
    odd = [at for at, dtype in enumerate(table.schema.types) if dtype.id not in plain]
    for at in odd:
        field = table.field(at)
        if not types.is_nested(field.type) or at in objects:
            continue
        if places is None:
            places = {name: at for at, name in enumerate(frame.columns) if type(name) is str}
        name = field.name
        cells = exact_cells(arrow, table.column(at)) if name in places else None
        if cells is not None and names.count(name) == 1:
            frame.isetitem(places[name], pandas.Series(cells, dtype=object, index=frame.index))
    frame = with_numbers(pandas, frame, table, objects)
    for position in notes.get("objects", ()):
        name = names[position]
        if types.is_dictionary(table.column(position).type):
            raise Fault(f"column {name!r} is noted as one of objects, but holds categories")
        cells = _objects(table, position)
        if cells:
            cells = with_missing(pandas, cells, missing.get(position))
        frame[name] = pandas.Series(cells, dtype=object, index=frame.index)
    for position in notes.get("texts", ()):
        name = names[position]
        frame[name] = frame[name].astype(pandas.StringDtype("python"))
    for field in map(table.field, odd):
        if types.is_dictionary(field.type) and types.is_timestamp(field.type.value_type):
            _restore_zone(frame, field, stored)
    if of_levels:
        frame.index = with_level_categories(frame.index, of_levels)
    return with_arrow(pandas, with_categories(frame, names, categories), given)


def _without(arrow: Any, table: Any, positions: Sequence[int]) -> Any:
    """The same table with nothing in the columns whose cells are made objects by themselves."""
    columns = table.columns
    for position in positions:
        if not arrow.types.is_dictionary(table.field(position).type):
            columns[position] = arrow.chunked_array([arrow.nulls(table.num_rows)])
    if not positions:
        return table
    fields = [
        field.with_type(column.type) for field, column in zip(table.schema, columns, strict=True)
    ]
    schema = arrow.schema(fields, table.schema.metadata)
    return arrow.Table.from_arrays(columns, schema=schema)


def _objects(table: Any, position: int) -> list[Any]:
    """The cells of a column."""
    try:
        return pylist(table.column(position))
    except Exception as error:
        raise _unheld(table.field(position), error) from error


def _unheld(field: Any, reason: Exception) -> Fault:
    return fault_of(
        field.name,
        f"of type {field.type!s:.60} holds what pandas has no value for: {reason!s:.200}; ask for a"
        " pyarrow.Table, or send another type",
        reason,
    )


def _converted(table: Any) -> Any:
    """Makes a DataFrame of a table.

    Raises:
        Fault: A column, which is named, holds what Python has no value for, such as nanoseconds of a time.
    """
    try:
        return table.to_pandas(use_threads=not is_small(table))
    except Exception as error:
        for field, column in zip(table.schema, table.columns, strict=True):
            try:
                column.to_pandas()
            except Exception as reason:  # noqa: BLE001, PERF203 - whatever it is, the column is what is wrong
                raise _unheld(field, reason) from error
        raise


def _restore_zone(frame: Any, field: Any, stored: Sequence[Any]) -> None:
    """Gives categories that are moments the zone that pyarrow leaves out."""
    zone, name = field.type.value_type.tz, field.name
    if zone is None:
        return
    if name in stored:
        number = stored.index(name)
        categories = levels_of(frame.index)[number].categories
        frame.index = with_renamed(frame.index, number, _in_zone(categories, zone))
    elif name in frame.columns:
        column = frame[name]
        frame[name] = column.cat.rename_categories(_in_zone(column.cat.categories, zone))


def _in_zone(categories: Any, zone: str) -> Any:
    return categories if categories.tz else categories.tz_localize("UTC").tz_convert(zone)
