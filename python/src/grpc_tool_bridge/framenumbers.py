"""Numbers and bools of pandas tables, of which Arrow keeps NaN and null apart.

NaN in a column of numpy's floats is a number with a sign, so it travels as one and not as null. Null is what pandas'
nullable dtypes call NA: a column of numbers or bools with nulls becomes one of these, whoever wrote it.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "exact_index",
    "numbers_with_nulls",
    "stored_levels",
    "with_nan",
    "with_numbers",
]

_FLOATS = frozenset({"Float32", "Float64"})

_FEW = 32
"""So many columns of a DataFrame are put in one by one."""


def with_nan(arrow: Any, plain: Any, dtypes: Iterable[Any], table: Any) -> Any:
    """The table with the NaN of numpy's floats, and of objects that are floats, which Arrow takes for nulls."""
    numpy: Any = importlib.import_module("numpy")
    places = [
        at
        for at, dtype in enumerate(dtypes)
        if isinstance(dtype, numpy.dtype)
        and (dtype.kind == "O" or (dtype.kind == "f" and table.column(at).null_count))
    ]
    columns = {at: plain.iloc[:, at] for at in places}
    if plain.index.nlevels == 1:
        columns.update(
            (table.schema.get_field_index(name), plain.index) for name in stored_levels(table)
        )
    made = {at: _with_nan(arrow, column, table.column(at)) for at, column in columns.items()}
    changed = {at: cells for at, cells in made.items() if cells is not None}
    if changed:  # at once: each set_column would copy the list of all
        fields = [
            field.with_type(changed[at].type) if at in changed else field
            for at, field in enumerate(table.schema)
        ]
        cells = [changed.get(at, column) for at, column in enumerate(table.columns)]
        table = arrow.Table.from_arrays(cells, schema=arrow.schema(fields, table.schema.metadata))
    return table if plain.index.nlevels == 1 else _with_levels(arrow, plain.index, table)


def _replaced(table: Any, at: int, cells: Any) -> Any:
    if cells is None:
        return table
    return table.set_column(at, table.field(at).with_type(cells.type), cells)


def _with_nan(arrow: Any, column: Any, found: Any) -> Any:
    """The cells of a column with their NaN; None if they are what Arrow found already."""
    kind = found.type
    if _is_numpy(column.dtype, "f"):
        return arrow.array(column.to_numpy(), from_pandas=False) if found.null_count else None
    if str(column.dtype) != "object":
        return None
    if arrow.types.is_null(kind) or arrow.types.is_float64(kind):
        cells = _with_nulls(column)
        if not any(null and isinstance(cell, float) for cell, null in cells):
            return None
        floats = [cell if isinstance(cell, float) else None for cell, _ in cells]
        return arrow.array(floats, arrow.float64(), from_pandas=False)
    if arrow.types.is_nested(kind) and _has_inner_nulls(arrow.types, found.chunks):
        if not any(map(_holds_nan, column)):
            return None
        try:
            cells = [None if null else cell for cell, null in _with_nulls(column)]
            return arrow.array(cells, from_pandas=False)
        except arrow.ArrowException:
            return None  # what it would change is refused as for every column
    return None


def _with_nulls(column: Any) -> list[tuple[Any, bool]]:
    """The cells of a column, each with whether pandas takes it for missing."""
    return [*zip(column.to_numpy(), column.isna(), strict=True)]


def _has_inner_nulls(types: Any, arrays: Sequence[Any]) -> bool:
    """Reports whether a null that may have been NaN is inside of a cell."""
    return any(
        part.null_count or _has_inner_nulls(types, [part])
        for array in arrays
        for part in _parts(types, array)
    )


def _parts(types: Any, array: Any) -> Sequence[Any]:
    kind = array.type
    if types.is_struct(kind) or types.is_union(kind):
        return [array.field(at) for at in range(kind.num_fields)]
    if types.is_map(kind):
        return [array.keys, array.items]
    return [array.flatten()] if types.is_nested(kind) else []


def _holds_nan(cell: Any) -> bool:
    if isinstance(cell, float):
        return math.isnan(cell)
    if isinstance(cell, dict):
        return any(map(_holds_nan, cast("dict[Any, Any]", cell).values()))
    return isinstance(cell, list) and any(map(_holds_nan, cast("list[Any]", cell)))


def _with_levels(arrow: Any, index: Any, table: Any) -> Any:
    """The table with the levels of a MultiIndex as they are.

    For pandas itself an int beside a missing one is a float, which holds fewer digits.
    """
    for level, name in enumerate(stored_levels(table)):
        at = table.schema.get_field_index(name)
        if not table.column(at).null_count:
            continue
        values, codes = index.levels[level], index.codes[level]
        if _is_numpy(values.dtype, "f"):
            cells = arrow.array(index.get_level_values(level).to_numpy(), from_pandas=False)
        elif _is_numpy(values.dtype, "iu"):
            numbers = values.to_numpy().take(codes, mode="clip") if len(values) else codes
            cells = arrow.array(numbers.astype(values.dtype), mask=codes < 0)
        else:
            continue
        table = _replaced(table, at, cells)
    return table


def _is_numpy(dtype: Any, kinds: str) -> bool:
    numpy: Any = importlib.import_module("numpy")
    return isinstance(dtype, numpy.dtype) and dtype.kind in kinds


def with_numbers(pandas: Any, frame: Any, table: Any, but: Collection[int]) -> Any:
    """A DataFrame that was made of a table, its columns with their NaN and their nulls, but for some."""
    stored = {*stored_levels(table)}
    places = [at for at, name in enumerate(table.column_names) if name not in stored]
    if len(places) != frame.shape[1]:
        return frame
    columns, numpy = table.columns, cast("Any", importlib.import_module("numpy"))
    made = {
        place: pandas.Series(_nullable(pandas, columns[at]), index=frame.index, copy=False)
        for (place, at), dtype in zip(enumerate(places), frame.dtypes, strict=True)
        if (columns[at].null_count or not isinstance(dtype, numpy.dtype))
        and at not in but
        and _merges(columns[at], dtype)
    }
    if len(made) <= _FEW:
        for place, column in made.items():
            frame.isetitem(place, column)
        return frame
    # Of many, each would be taken out of all others.
    cells = {place: made.get(place) for place in range(len(places))}
    for place, column in cells.items():
        cells[place] = frame.iloc[:, place] if column is None else column
    restored = pandas.DataFrame(cells, index=frame.index, copy=False)
    restored.columns, restored.attrs = frame.columns, frame.attrs
    return restored


def exact_index(pandas: Any, index: Any, table: Any, dtypes: Any) -> Any:
    """The index of a DataFrame that was made of a table, with its NaN and its nulls; dtypes are noted by level."""
    levels: list[Any] = [index.get_level_values(level) for level in range(index.nlevels)]
    changed = False
    for level, name in enumerate(stored_levels(table)):
        column = table.column(name)
        if _merges(column, dtypes.get(level, levels[level].dtype)):
            levels[level] = pandas.Index(_nullable(pandas, column), name=levels[level].name)
            changed = True
    if not changed:
        return index
    return levels[0] if len(levels) == 1 else pandas.MultiIndex.from_arrays(levels)


def numbers_with_nulls(table: Any) -> set[int]:
    """The levels of a table's index that are numbers or bools with nulls."""
    levels = enumerate(stored_levels(table))
    return {level for level, name in levels if _is_number_with_nulls(table.column(name))}


def _is_number_with_nulls(column: Any) -> bool:
    types = importlib.import_module("pyarrow").types
    kinds = (types.is_integer, types.is_floating, types.is_boolean)
    return column.null_count > 0 and any(is_one(column.type) for is_one in kinds)


def _merges(column: Any, dtype: Any) -> bool:
    """Reports whether pandas takes NaN and null for the same in a column, or ints for floats."""
    numpy: Any = importlib.import_module("numpy")
    if isinstance(dtype, numpy.dtype) and not column.null_count:
        return False
    types = importlib.import_module("pyarrow").types
    if types.is_floating(column.type) and str(dtype) in _FLOATS:
        return True
    return _is_number_with_nulls(column) and not str(dtype).endswith("[pyarrow]")


def _nullable(pandas: Any, column: Any) -> Any:
    """An array in one of pandas' nullable dtypes of a column of numbers or bools."""
    arrow: Any = importlib.import_module("pyarrow")
    numpy: Any = importlib.import_module("numpy")
    if arrow.types.is_float16(column.type):
        # pandas has none of its own with half the bits.
        return pandas.arrays.ArrowExtensionArray(column)
    is_bool = arrow.types.is_boolean(column.type)
    values = numpy.array(column.fill_null(False if is_bool else 0).to_numpy())
    mask = numpy.array(column.is_null().to_numpy(), dtype=bool)
    if is_bool:
        return pandas.arrays.BooleanArray(values, mask)
    if arrow.types.is_integer(column.type):
        return pandas.arrays.IntegerArray(values, mask)
    return pandas.arrays.FloatingArray(values, mask)


def stored_levels(table: Any) -> list[Any]:
    """The names of the columns that hold the levels of the index; what describes a RangeIndex is none."""
    described = _described_levels(
        cast("dict[bytes, bytes]", table.schema.metadata or {}).get(b"pandas", b"{}")
    )
    return [] if any(isinstance(stored, dict) for stored in described) else [*described]


@functools.lru_cache(maxsize=2)
def _described_levels(metadata: bytes) -> list[Any]:
    """What pandas' metadata, which is long where there are many columns, says of the index's levels."""
    return cast("dict[str, list[Any]]", json.loads(metadata)).get("index_columns", [])
