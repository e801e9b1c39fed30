"""DataFrames and Series of pandas as Arrow IPC streams.

pandas' own metadata in the schema brings back index, categories, zones and nullable dtypes. What it cannot
say stands in our notes: column names that are no unique strings, ``attrs``, an index's ``freq``, dtypes
that would come back as others, and which kind of missing a cell of a column of objects held.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framecategories import forgotten_categories, with_categories
from grpc_tool_bridge.framecells import (
    check_categories,
    is_object,
    missing_of,
    needs_object,
    with_missing,
)
from grpc_tool_bridge.framedtypes import (
    called_dtype,
    is_python_text,
    levels_of,
    same_dtype,
    uncommon_dtypes,
)
from grpc_tool_bridge.frameextensions import check_known
from grpc_tool_bridge.frameindexes import (
    at_level,
    called_level,
    level_ranges,
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
from grpc_tool_bridge.framemaps import exact_cells, maps_of, without
from grpc_tool_bridge.framenesting import check_nesting
from grpc_tool_bridge.framenumbers import (
    exact_index,
    numbers_with_nulls,
    stored_levels,
    with_nan,
    with_numbers,
)
from grpc_tool_bridge.framestreams import Unwritten, arrow_for, convertible, noted, read_stream
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grpc_tool_bridge.framebounds import Budget, Data

__all__ = ["decode_dataframe", "decode_series", "encode_dataframe", "encode_series"]

_NAME = "pandas.DataFrame"
_PYTHON_TEXT = "string[python]"
_UNNAMED = object()
_OBJECT_CELL = 16
"""The bytes of an object's place, in a list and then in an array."""
_RESTORED = frozenset(
    {
        "object",
        "str",
        "string",
        "string[python]",
        "bool",
        "boolean",
        *(f"{kind}{bits}" for kind in ("Int", "UInt", "int", "uint") for bits in (8, 16, 32, 64)),
        *("Float32", "Float64", "float32", "float64"),
    }
)
"""The dtypes that an index is made to have again where pandas' metadata forgets them."""
_CATEGORIES = _RESTORED - {"object"}
"""Those that categories of a column are."""


def encode_dataframe(frame: Any) -> Unwritten:
    """Encodes a DataFrame.

    Raises:
        Fault: A column does not fit Arrow, or would come back as another; it is named.
    """
    return _encode(frame, [_label(name) for name in frame.columns])


def _label(name: object) -> object:
    """The name of a column for messages and paths."""
    try:
        str(name)
    except ValueError:  # a moment behind the year 9999 has no text
        return f"<{type(name).__name__}>"
    return name


def _encode(frame: Any, names: Sequence[object]) -> Unwritten:
    """Encodes a DataFrame; names are those of its columns for messages, ``_UNNAMED`` that of a series without one."""
    arrow = arrow_for(_NAME)
    notes: dict[str, Any] = {}
    plain = importlib.import_module("pandas").DataFrame(frame, copy=False)  # without attrs
    _check_nesting(plain, names)
    if frame.attrs:
        notes["attrs"] = dict(frame.attrs)
    if not are_unique_strings(frame.columns) or not is_name(frame.columns.name):
        notes["columns"] = described_labels(frame.columns, encode_dataframe, decode_dataframe)
        plain.columns = [str(position) for position in range(len(frame.columns))]
    _note_index(plain, frame, notes)
    maps = maps_of(arrow, plain)
    try:
        # A range is described, but not as one of several levels, which could not be read again.
        several = plain.index.nlevels > 1 or None
        table = arrow.Table.from_pandas(without(plain, maps), preserve_index=several)
        table = convertible(arrow, table)
    except Exception as error:
        raise _unfit(arrow, plain, names, error) from error
    for position, cells in maps.items():
        table = table.set_column(position, table.field(position).with_type(cells.type), cells)
    try:
        table = with_nan(arrow, plain, table)
        _note_objects(plain, table, names, notes)
    except ArithmeticError as error:  # a signalling NaN of Decimal, which nobody can look at
        raise _unfit(arrow, plain, names, error) from error
    note_index_objects(plain.index, table, notes)
    _note_dtypes(plain, table, names, notes)
    return noted(table, notes)


def _check_nesting(frame: Any, names: Sequence[object]) -> None:
    for position, dtype in uncommon_dtypes(frame):
        categories = getattr(dtype, "categories", None)
        if not is_object(dtype if categories is None else categories.dtype):
            continue
        cells = frame.iloc[:, position] if categories is None else categories
        name = names[position]
        try:
            check_nesting(cells.to_numpy(), _called(name))
        except Fault as fault:
            if name is not _UNNAMED:
                fault.at(name)
            raise
    for number, level in enumerate(levels_of(frame.index)):
        values = getattr(level.dtype, "categories", level)
        if is_object(values.dtype):
            with at_level(frame.index.nlevels, number):
                check_nesting(values.to_numpy(), called_level(frame.index.nlevels, number))


def _note_index(plain: Any, frame: Any, notes: dict[str, Any]) -> None:
    """Notes what pandas' own metadata does not keep of the index."""
    import pandas as pd

    if isinstance(frame.index, pd.MultiIndex) and frame.index.nlevels == 1:
        with at_level(1, 0):
            raise Fault(
                "the index is a MultiIndex of one level, which would come back as a plain index: make it one, with"
                " index.get_level_values(0)"
            )
    names = list(frame.index.names)
    given = [name for name in names if name is not None]
    taken = set(plain.columns) | {f"__index_level_{level}__" for level in range(len(names))}
    # pandas takes "" for no name.
    if any(type(name) is not str or not name or name in taken for name in given) or len(
        set(given)
    ) < len(given):
        notes["index_names"] = _noted_names(names)
        plain.index = plain.index.set_names([None] * len(names))
    if not len(frame.columns) and isinstance(frame.index, pd.RangeIndex):
        index = frame.index
        notes["index_range"] = (index.start, index.stop, index.step)
        notes["index_names"] = _noted_names(names)
    if (
        isinstance(frame.index, (pd.DatetimeIndex, pd.TimedeltaIndex))
        and frame.index.freq is not None
    ):
        with at_level(1, 0):
            notes["freq"] = _freq(frame.index.freq)


def _noted_names(names: list[Any]) -> list[object]:
    noted: list[object] = []
    for number, name in enumerate(names):
        what = f"the name of {called_level(len(names), number)}"
        with at_level(len(names), number):
            noted.append(noted_name(name, what, encode_dataframe, decode_dataframe))
    return noted


def _freq(freq: Any) -> str:
    """The text of a frequency, of which pandas makes the same again.

    Raises:
        Fault: It has more to it, such as holidays, than the text says.
    """
    import pandas as pd

    text = str(freq.freqstr)
    try:
        again = pd.tseries.frequencies.to_offset(text)
    except ValueError:
        again = None
    if type(again) is type(freq) and again == freq:
        return text
    raise Fault(
        f"the index has the frequency {freq!r:.80}, of which the text {text!r:.60} that pandas writes says only a part:"
        " set index.freq to None before it is sent"
    )


def _unfit(arrow: Any, frame: Any, names: Sequence[object], error: Exception) -> Fault:
    """Says which column Arrow refuses."""
    index, frame = frame.index, frame.reset_index(drop=True)  # which may be what is wrong
    for position, name in enumerate(names):
        try:
            frame.iloc[:, position].isna()
            arrow.array(frame.iloc[:, position], from_pandas=True)
        except Exception as reason:  # noqa: BLE001, PERF203 - whatever it is, the column is what is wrong
            return _fault_of(
                name, f"does not fit Arrow: {reason!s:.200}; convert it to one type", reason
            )
    for number in range(index.nlevels):
        level = index.get_level_values(number)
        try:
            arrow.array(level, from_pandas=True)
        except Exception as reason:  # noqa: BLE001 - whatever it is, the level is what is wrong
            called = "" if level.name is None else f", {level.name!r:.60},"
            fault = Fault(
                f"{called_level(index.nlevels, number)}{called} does not fit Arrow: {reason!s:.200}; convert it to"
                " one type"
            )
            fault.__cause__ = reason
            if index.nlevels > 1:
                fault.at(number)
            fault.inside("index")
            return fault
    return Fault(f"the table does not fit Arrow: {error!s:.300}; convert it to one type")


def _fault_of(name: object, what: str, cause: Exception | None = None) -> Fault:
    fault = Fault(f"{_called(name)} {what}")
    fault.__cause__ = cause
    if name is not _UNNAMED:
        fault.at(name)
    return fault


def _called(name: object) -> str:
    return "the series" if name is _UNNAMED else f"column {name!r}"


def _note_objects(plain: Any, table: Any, names: Sequence[object], notes: dict[str, Any]) -> None:
    """Notes which columns hold objects, and what is missing in them."""
    objects: list[int] = []
    missing: dict[int, Any] = {}
    for position, dtype in uncommon_dtypes(plain):
        if not is_object(dtype) and not hasattr(dtype, "categories"):
            continue
        column = plain.iloc[:, position]
        name = names[position]
        what = _called(name)
        try:
            check_categories(column, table.column(position), what)
            if not is_object(dtype):
                continue
            needed = needs_object(column, table.column(position), what)
            kinds = missing_of(column, table.column(position), what)
        except Fault as fault:
            if name is not _UNNAMED:
                fault.at(name)
            raise
        if kinds:
            missing[position] = kinds
        if needed or kinds:
            objects.append(position)
    if objects:
        notes["objects"] = objects
    if missing:
        notes["missing"] = missing


def _note_dtypes(plain: Any, table: Any, names: Sequence[object], notes: dict[str, Any]) -> None:
    """Notes the dtypes that would come back as others, and refuses those for which that is no help."""
    import pandas as pd

    wanted = list(plain.dtypes)
    texts = [at for at, dtype in uncommon_dtypes(plain) if is_python_text(dtype)]
    if texts:
        notes["texts"] = texts
    empty = table.slice(0, 0)
    try:
        again = _restored(pd, empty, notes)
    except Exception as error:
        raise _unreadable(pd, empty, plain, names, error) from error
    categories = forgotten_categories(wanted, list(again.dtypes), _CATEGORIES)
    if categories:
        notes["categories"] = categories
        again = with_categories(again, table.column_names, categories, _CATEGORIES)
    for position, (dtype, now) in enumerate(zip(wanted, again.dtypes, strict=True)):
        if dtype is not now and not same_dtype(dtype, now):
            raise _fault_of(names[position], _would_change(dtype, now))
    forgotten = _forgotten_levels(plain.index, again.index, table)
    if forgotten:
        notes["index_dtypes"] = forgotten
    ranges = level_ranges(plain.index)
    if ranges:
        notes["index_ranges"] = ranges


def _would_change(before: Any, after: Any) -> str:
    return f"of dtype {called_dtype(before)} would come back as {called_dtype(after)}: convert it to another"


def _unreadable(
    pandas: Any, empty: Any, plain: Any, names: Sequence[object], error: Exception
) -> Fault:
    for position, dtype in enumerate(plain.dtypes):
        try:
            pandas.api.types.pandas_dtype(str(dtype))
            empty.column(position).to_pandas()
        except Exception as reason:  # noqa: BLE001, PERF203 - pandas cannot read what it wrote
            return _fault_of(
                names[position],
                f"of dtype {dtype!s:.60} could not be read again: convert it",
                reason,
            )
    return _unreadable_index(pandas, empty, levels_of(plain.index)) or Fault(
        f"the table could not be read again: {error!s:.300}"
    )


def _unreadable_index(pandas: Any, empty: Any, levels: list[Any]) -> Fault | None:
    for number, (name, level) in enumerate(zip(stored_levels(empty), levels, strict=False)):
        try:
            empty.column(name).to_pandas()
            pandas.api.types.pandas_dtype(str(level.dtype))
        except Exception as reason:  # noqa: BLE001, PERF203 - pandas cannot read what it wrote
            which = called_level(len(levels), number)
            dtype = getattr(level.dtype, "categories", level).dtype
            kind = "" if dtype == level.dtype else "categories of "
            fault = Fault(
                f"{which}, of {kind}dtype {dtype!s:.60}, could not be read again: convert it, such as to texts"
                " with astype(str)"
            )
            fault.__cause__ = reason
            if len(levels) > 1:
                fault.at(number)
            fault.inside("index")
            return fault
    return None


def _forgotten_levels(index: Any, again: Any, table: Any) -> dict[int, str]:
    """Returns the dtypes of the index's levels that pandas' metadata does not bring back."""
    from pandas.api.types import pandas_dtype

    forgotten: dict[int, str] = {}
    numbers = numbers_with_nulls(table)
    for level, (before, after) in enumerate(zip(levels_of(index), levels_of(again), strict=True)):
        if same_dtype(before.dtype, after.dtype) and level not in numbers:
            continue
        name = _PYTHON_TEXT if is_python_text(before.dtype) else str(before.dtype)
        if name not in _RESTORED or not same_dtype(before.dtype, pandas_dtype(name)):
            which = called_level(index.nlevels, level)
            with at_level(index.nlevels, level):
                raise Fault(f"{which} {_would_change(before.dtype, after.dtype)}")
        forgotten[level] = name
    return forgotten


def decode_dataframe(pandas: Any, data: Data, budget: Budget) -> Any:
    """Decodes a DataFrame."""
    table, notes = read_stream(data, _NAME, budget)
    check_known(arrow_for(_NAME), table, stored_levels(table))
    _charge_objects(table, notes, budget)
    frame = _restored(pandas, table, notes)
    if "columns" in notes:
        frame.columns = read_labels(pandas, notes["columns"], budget, decode_dataframe)
    if "index_range" in notes:
        frame.index = pandas.RangeIndex(*notes["index_range"], name=frame.index.name)
    dtypes = notes.get("index_dtypes", {})
    frame.index = exact_index(pandas, frame.index, table, dtypes)
    for level, dtype in dtypes.items():
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


def _charge_objects(table: Any, notes: Mapping[str, Any], budget: Budget) -> None:
    """Charges cells that are made objects, of which bools and small numbers take less before; however often."""
    names = table.column_names
    for position in (*notes.get("objects", ()), *notes.get("texts", ())):
        what = f"the objects of column {names[position]!r:.60}"
        budget.take(table.num_rows * _OBJECT_CELL, what)
    for position in notes.get("categories", ()):
        what = f"the categories of column {names[position]!r:.60}"
        for chunk in table.column(position).chunks:
            budget.take(len(chunk.dictionary) * _OBJECT_CELL, what)


def _restored(pandas: Any, table: Any, notes: Mapping[str, Any]) -> Any:
    """Makes a DataFrame of a table, its columns with the dtypes that they had."""
    frame = _converted(table)
    arrow = arrow_for(_NAME)
    types = arrow.types
    places: dict[str, int] | None = None
    missing, names = notes.get("missing", {}), table.column_names
    for at, field in enumerate(table.schema):
        if not types.is_nested(field.type):
            continue
        if places is None:
            places = {name: at for at, name in enumerate(frame.columns) if type(name) is str}
        name = field.name
        cells = exact_cells(arrow, table.column(at)) if name in places else None
        if cells is not None and names.count(name) == 1:
            frame.isetitem(places[name], pandas.Series(cells, dtype=object, index=frame.index))
    frame = with_numbers(pandas, frame, table, {*notes.get("objects", ())})
    for position in notes.get("objects", ()):
        name = names[position]
        if types.is_dictionary(table.column(position).type):
            raise Fault(f"column {name!r} is noted as one of objects, but holds categories")
        cells = table.column(position).to_pylist()
        if cells:
            cells = with_missing(pandas, cells, missing.get(position))
        frame[name] = pandas.Series(cells, dtype=object, index=frame.index)
    for position in notes.get("texts", ()):
        name = names[position]
        frame[name] = frame[name].astype(pandas.StringDtype("python"))
    for field in table.schema:
        if types.is_dictionary(field.type) and types.is_timestamp(field.type.value_type):
            _restore_zone(frame, field)
    return with_categories(frame, names, notes.get("categories", {}), _CATEGORIES)


def _converted(table: Any) -> Any:
    """Makes a DataFrame of a table.

    Raises:
        Fault: A column, which is named, holds what Python has no value for, such as nanoseconds of a time.
    """
    try:
        return table.to_pandas()
    except Exception as error:
        for field, column in zip(table.schema, table.columns, strict=True):
            try:
                column.to_pandas()
            except Exception as reason:  # noqa: BLE001, PERF203 - whatever it is, the column is what is wrong
                raise _fault_of(
                    field.name,
                    f"of type {field.type!s:.60} holds what pandas has no value for: {reason!s:.200}; ask for a"
                    " pyarrow.Table, or send another type",
                    reason,
                ) from error
        raise


def _restore_zone(frame: Any, field: Any) -> None:
    """Gives categories that are moments the zone that pyarrow leaves out."""
    zone = field.type.value_type.tz
    if zone is None or field.name not in frame.columns:
        return
    column = frame[field.name]
    categories = column.cat.categories
    if categories.tz is None:
        zoned = categories.tz_localize("UTC").tz_convert(zone)
        frame[field.name] = column.cat.rename_categories(zoned)


def _with_level(index: Any, level: int, dtype: str) -> Any:
    if dtype not in _RESTORED:
        raise Fault(f"an index of dtype {dtype!r:.60} is refused")
    if index.nlevels == 1:
        return index.astype(dtype)
    return index.set_levels(index.levels[level].astype(dtype), level=level)


def encode_series(series: Any) -> Unwritten:
    """Encodes a Series as a DataFrame of one column."""
    plain = importlib.import_module("pandas").Series(series, copy=False)  # without attrs
    frame = plain.to_frame(name="values" if not is_name(series.name) else series.name)
    name = noted_name(series.name, "the name of the series", encode_dataframe, decode_dataframe)
    frame.attrs = {"attrs": dict(series.attrs), "name": name}
    try:
        return _encode(frame, [series.name if type(series.name) is str else _UNNAMED])
    except Fault as fault:
        if fault.steps[-2:] == [".attrs", ".attrs"]:
            fault.leave()
        raise


def decode_series(pandas: Any, data: Data, budget: Budget) -> Any:
    """Decodes a Series."""
    frame = decode_dataframe(pandas, data, budget)
    notes = dict(frame.attrs)
    frame.attrs = {}
    if frame.shape[1] != 1:
        raise Fault(f"a series is a table of 1 column, not {frame.shape[1]}")
    series = frame.iloc[:, 0]
    name = notes.get("name", frame.columns[0])
    series.name = read_name(pandas, name, budget, decode_dataframe)
    series.attrs = notes.get("attrs", {})
    return series
