"""DataFrames of pandas as Arrow IPC streams.

pandas' own metadata in the schema brings back index, categories, zones and nullable dtypes. What it cannot
say stands in our notes: column names that are no unique strings, ``attrs``, an index's ``freq``, dtypes
that would come back as others, and which kind of missing a cell of a column of objects held.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framearrow import ARROW_LEVEL, arrow_columns, is_arrow, with_arrow_level
from grpc_tool_bridge.framebounds import Budget
from grpc_tool_bridge.framecategories import (
    NAMED,
    as_codes,
    as_values,
    extension_columns,
    extension_levels,
    forgotten_names,
    read_categories,
    with_categories,
    with_level_categories,
)
from grpc_tool_bridge.framecells import check_categories, is_object, missing_of, needs_object
from grpc_tool_bridge.framecolumns import charge_objects, is_small, restored
from grpc_tool_bridge.framedtypes import (
    are_numbers,
    is_python_text,
    levels_of,
    same_dtype,
    uncommon_dtypes,
)
from grpc_tool_bridge.frameextensions import check_known
from grpc_tool_bridge.framefaults import (
    at_column,
    called,
    fault_of,
    label,
    unfit,
    unreadable,
    would_change,
)
from grpc_tool_bridge.frameindexes import (
    at_level,
    called_level,
    level_ranges,
    note_index,
    note_index_objects,
    with_index_objects,
    with_level_ranges,
)
from grpc_tool_bridge.framelabels import (
    are_unique_strings,
    described_labels,
    is_name,
    noted_name,
    read_labels,
    read_name,
)
from grpc_tool_bridge.framemaps import maps_of, without
from grpc_tool_bridge.framenesting import check_nesting
from grpc_tool_bridge.framenumbers import (
    exact_index,
    numbers_with_nulls,
    stored_levels,
    with_nan,
)
from grpc_tool_bridge.frameschemas import check_zones
from grpc_tool_bridge.framestreams import Unwritten, arrow_for, convertible, noted, read_stream
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grpc_tool_bridge.framebounds import Data

    _Places = Sequence[tuple[int, Any]]
__all__ = ["decode_dataframe", "encode_dataframe", "encode_named"]

_NAME = "pandas.DataFrame"
_PYTHON_TEXT = "string[python]"
_RESTORED = NAMED | {"object"}
"""The dtypes that an index is made to have again where pandas' metadata forgets them."""


def encode_dataframe(frame: Any) -> Unwritten:
    """Encodes a DataFrame.

    Raises:
        Fault: A column does not fit Arrow, or would come back as another; it is named.
    """
    return encode_named(frame, [label(name) for name in frame.columns])


def encode_named(frame: Any, names: Sequence[object]) -> Unwritten:
    """Encodes a DataFrame.

    Args:
        frame: The table.
        names: Those of its columns for messages and paths, ``UNNAMED`` of a series that has none.

    Raises:
        Fault: It does not fit Arrow, or would come back as another.
    """
    arrow = arrow_for(_NAME)
    notes: dict[str, Any] = {}
    plain = importlib.import_module("pandas").DataFrame(frame, copy=False)  # without attrs
    dtypes = list(plain.dtypes)  # which are made anew each time
    uncommon = uncommon_dtypes(dtypes)
    _check_nesting(plain, uncommon, names)
    if frame.attrs:
        notes["attrs"] = dict(frame.attrs)
    if type(frame.columns.name) is str:
        _noted_name(frame.columns.name, "the name of the columns")
    if not are_unique_strings(frame.columns) or not is_name(frame.columns.name):
        notes["columns"] = described_labels(frame.columns, encode_dataframe, decode_dataframe)
        plain.columns = [str(position) for position in range(len(frame.columns))]
    note_index(plain, frame.index, notes, _noted_name)
    _note_categories(plain, uncommon, names, notes)
    plain = as_codes(given := plain, uncommon)
    of_plain = dtypes if plain is given else list(plain.dtypes)
    odd = uncommon if plain is given else uncommon_dtypes(of_plain)
    of_arrow = arrow_columns(arrow, plain, odd)
    maps = {**maps_of(arrow, plain, odd), **of_arrow}
    if of_arrow:
        notes["arrow"] = [*of_arrow]
    try:
        # A range is described, but not as one of several levels, which could not be read again.
        several = plain.index.nlevels > 1 or None
        threads = 1 if is_small(plain) else None
        rest = without(plain, maps)
        table = arrow.Table.from_pandas(rest, preserve_index=several, nthreads=threads)
        table = convertible(arrow, table)
    except Exception as error:
        raise unfit(arrow, plain, names, error) from error
    for position, cells in maps.items():
        table = table.set_column(position, table.field(position).with_type(cells.type), cells)
    try:
        table = with_nan(arrow, plain, of_plain, table)
        _note_objects(plain, odd, table, names, notes)
    except ArithmeticError as error:  # a signalling NaN of Decimal, which nobody can look at
        raise unfit(arrow, plain, names, error) from error
    note_index_objects(plain.index, table, notes)
    table = as_values(arrow, given, uncommon, table, stored_levels(table))
    if not are_numbers(given.index, dtypes):  # these come back as they are
        _note_dtypes(given, dtypes, table, names, notes)
    return noted(table, notes)


def _note_categories(
    plain: Any, uncommon: _Places, names: Sequence[object], notes: dict[str, Any]
) -> None:
    """Notes the categories that are periods or intervals, each as the index of a table without columns."""
    pandas = importlib.import_module("pandas")

    def described(dtype: Any, what: str) -> dict[str, Any]:
        try:
            index = encode_dataframe(pandas.DataFrame(index=dtype.categories.rename(None)))
        except Fault as fault:
            raise Fault(f"{what} has categories that cannot be sent: {fault.message}") from fault
        return {"frame": bytes(index.write()), "ordered": bool(dtype.ordered)}

    columns: dict[int, Any] = {}
    for at, dtype in extension_columns(uncommon).items():
        with at_column(names[at]):
            columns[at] = described(dtype, called(names[at]))
    levels: dict[int, Any] = {}
    count = plain.index.nlevels
    for number, dtype in extension_levels(plain.index).items():
        with at_level(count, number):
            levels[number] = described(dtype, called_level(count, number))
    found = {"categories": columns, "index_categories": levels}
    notes.update({key: dtypes for key, dtypes in found.items() if dtypes})


def _noted_name(name: object, what: str) -> object:
    return noted_name(name, what, encode_dataframe, decode_dataframe)


def _check_nesting(frame: Any, uncommon: _Places, names: Sequence[object]) -> None:
    for position, dtype in uncommon:
        categories = getattr(dtype, "categories", None)
        if not is_object(dtype if categories is None else categories.dtype):
            continue
        cells = frame.iloc[:, position] if categories is None else categories
        name = names[position]
        with at_column(name):
            check_nesting(cells.to_numpy(), called(name))
    for number, level in enumerate(levels_of(frame.index)):
        values = getattr(level.dtype, "categories", level)
        if is_object(values.dtype):
            with at_level(frame.index.nlevels, number):
                check_nesting(values.to_numpy(), called_level(frame.index.nlevels, number))


def _note_objects(
    plain: Any, uncommon: _Places, table: Any, names: Sequence[object], notes: dict[str, Any]
) -> None:
    """Notes which columns hold objects, and what is missing in them."""
    objects: list[int] = []
    missing: dict[int, Any] = {}
    for position, dtype in uncommon:
        if not is_object(dtype) and not hasattr(dtype, "categories"):
            continue
        column = plain.iloc[:, position]
        name = names[position]
        what = called(name)
        with at_column(name):
            check_categories(column, table.column(position), what)
            if not is_object(dtype):
                continue
            needed = needs_object(column, table.column(position), what)
            kinds = missing_of(column, table.column(position), what)
        if kinds:
            missing[position] = kinds
        if needed or kinds:
            objects.append(position)
    if objects:
        notes["objects"] = objects
    if missing:
        notes["missing"] = missing


def _note_dtypes(
    plain: Any, dtypes: Sequence[Any], table: Any, names: Sequence[object], notes: dict[str, Any]
) -> None:
    """Notes the dtypes that would come back as others, and refuses those for which that is no help."""
    import pandas as pd

    texts = [at for at, dtype in uncommon_dtypes(dtypes) if is_python_text(dtype)]
    if texts:
        notes["texts"] = texts
    empty = table.slice(0, 0)
    try:
        again = restored(pd, empty, _read(pd, notes))
    except Exception as error:
        raise unreadable(pd, empty, plain, names, error) from error
    again = _with_forgotten_names(plain, dtypes, again, table, notes)
    for position, (dtype, now) in enumerate(zip(dtypes, again.dtypes, strict=True)):
        if dtype is not now and not same_dtype(dtype, now):
            raise fault_of(names[position], would_change(dtype, now))
    forgotten = _forgotten_levels(plain.index, again.index, table)
    if forgotten:
        notes["index_dtypes"] = forgotten
    ranges = level_ranges(plain.index)
    if ranges:
        notes["index_ranges"] = ranges


def _with_forgotten_names(
    plain: Any, dtypes: Sequence[Any], again: Any, table: Any, notes: dict[str, Any]
) -> Any:
    """Notes the dtypes of categories that would be forgotten by their names; returns what comes back with these."""
    levels = [[level.dtype for level in levels_of(index)] for index in (plain.index, again.index)]
    of_columns, of_levels = forgotten_names(dtypes, again.dtypes), forgotten_names(*levels)
    if of_columns:
        notes["categories"] = {**notes.get("categories", {}), **of_columns}
        again = with_categories(again, table.column_names, of_columns)
    if of_levels:
        notes["index_categories"] = {**notes.get("index_categories", {}), **of_levels}
        again.index = with_level_categories(again.index, of_levels)
    return again


def _forgotten_levels(index: Any, again: Any, table: Any) -> dict[int, str]:
    """Returns the dtypes of the index's levels that pandas' metadata does not bring back."""
    from pandas.api.types import pandas_dtype

    forgotten: dict[int, str] = {}
    numbers = numbers_with_nulls(table)
    for level, (before, after) in enumerate(zip(levels_of(index), levels_of(again), strict=True)):
        if same_dtype(before.dtype, after.dtype) and level not in numbers:
            continue
        if is_arrow(before.dtype):
            forgotten[level] = ARROW_LEVEL
            continue
        name = _PYTHON_TEXT if is_python_text(before.dtype) else str(before.dtype)
        if name not in _RESTORED or not same_dtype(before.dtype, pandas_dtype(name)):
            which = called_level(index.nlevels, level)
            with at_level(index.nlevels, level):
                raise Fault(f"{which} {would_change(before.dtype, after.dtype)}")
        forgotten[level] = name
    return forgotten


def decode_dataframe(pandas: Any, data: Data, budget: Budget) -> Any:
    """Decodes a DataFrame."""
    table, notes = read_stream(data, _NAME, budget)
    check_known(arrow_for(_NAME), table, stored_levels(table))
    check_zones(arrow_for(_NAME), table.schema)
    notes = _read(pandas, notes, budget)
    charge_objects(table, notes, budget)
    frame = restored(pandas, table, notes)
    if "columns" in notes:
        frame.columns = read_labels(pandas, notes["columns"], budget, decode_dataframe)
    if "index_range" in notes:
        frame.index = pandas.RangeIndex(*notes["index_range"], name=frame.index.name)
    dtypes = notes.get("index_dtypes", {})
    frame.index = exact_index(pandas, frame.index, table, dtypes)
    for level, dtype in dtypes.items():
        if dtype == ARROW_LEVEL:
            column = table.column(stored_levels(table)[level])
            frame.index = with_arrow_level(pandas, frame.index, level, column)
        else:
            frame.index = _with_level(frame.index, level, dtype)
    if "index_ranges" in notes:
        frame.index = with_level_ranges(pandas, frame.index, notes["index_ranges"])
    if "index_objects" in notes:
        frame.index = with_index_objects(pandas, frame.index, table, notes["index_objects"])
    if "index_names" in notes:
        given = [read_name(pandas, name, budget, decode_dataframe) for name in notes["index_names"]]
        frame.index = frame.index.set_names(given)
    if "freq" in notes:
        frame.index.freq = notes["freq"]
    if "attrs" in notes:
        frame.attrs = notes["attrs"]
    return frame


def _read(pandas: Any, notes: dict[str, Any], budget: Budget | None = None) -> dict[str, Any]:
    """The notes with the dtypes that are noted of categories."""

    def index_of(data: bytes) -> Any:
        return decode_dataframe(pandas, data, budget or Budget(_NAME, len(data))).index

    keys = [key for key in ("categories", "index_categories") if key in notes]
    return {**notes, **{key: read_categories(pandas, notes[key], index_of) for key in keys}}


def _with_level(index: Any, level: int, dtype: str) -> Any:
    if dtype not in _RESTORED:
        raise Fault(f"an index of dtype {dtype!r:.60} is refused")
    if index.nlevels == 1:
        return index.astype(dtype)
    return index.set_levels(index.levels[level].astype(dtype), level=level)
