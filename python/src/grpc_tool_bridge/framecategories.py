"""Categories of pandas tables that Arrow's dictionaries, or pandas' metadata of them, do not bring back.

Those whose dtype has a plain name, such as ``string``, are noted by it. Of periods and intervals no Arrow stream has
dictionaries: a column of such categories travels as one of periods or intervals, its categories are noted as the index
of a table of their own, and where each cell stands among them is found again.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.framedtypes import is_python_text, levels_of, same_dtype
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = [
    "NAMED",
    "as_codes",
    "as_dictionaries",
    "as_values",
    "extension_columns",
    "extension_levels",
    "forgotten_names",
    "read_categories",
    "with_categories",
    "with_level_categories",
    "with_renamed",
]

NAMED = frozenset(
    {
        *("str", "string", "string[python]", "bool", "boolean"),
        *(f"{kind}{bits}" for kind in ("Int", "UInt", "int", "uint") for bits in (8, 16, 32, 64)),
        *("Float32", "Float64", "float32", "float64"),
    }
)
"""The dtypes that categories are made to have again by their name."""
_STORED_OTHERWISE = frozenset({"PeriodDtype", "IntervalDtype"})


def forgotten_names(before: Iterable[Any], after: Iterable[Any]) -> dict[int, str]:
    """The names of the dtypes of categories that would come back with others, where they have one, by position."""
    forgotten: dict[int, str] = {}
    for position, (dtype, now) in enumerate(zip(before, after, strict=True)):
        categories = getattr(dtype, "categories", None)
        if categories is None or same_dtype(dtype, now):
            continue
        name = "string[python]" if is_python_text(categories.dtype) else str(categories.dtype)
        if name in NAMED:
            forgotten[position] = name
    return forgotten


def read_categories(
    pandas: Any, noted: Mapping[int, Any], index_of: Callable[[bytes], Any]
) -> dict[int, Any]:
    """Makes of what was noted the dtype of each column or level, or the name of that of its categories.

    Raises:
        Fault: It is neither.
    """
    made: dict[int, Any] = {}
    for at, each in noted.items():
        if isinstance(each, dict):
            described = cast("dict[str, Any]", each)
            categories = index_of(described["frame"])
            made[at] = pandas.CategoricalDtype(categories, ordered=described["ordered"])
        elif each in NAMED:
            made[at] = each
        else:
            raise Fault(f"categories of dtype {each!r:.60} are refused")
    return made


def extension_columns(uncommon: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """Those of a DataFrame's dtypes whose categories are periods or intervals, by their positions."""
    return {at: dtype for at, dtype in uncommon if _is_stored_otherwise(dtype)}


def extension_levels(index: Any) -> dict[int, Any]:
    """The dtypes of an index's levels whose categories are periods or intervals, by their numbers."""
    dtypes = enumerate(level.dtype for level in levels_of(index))
    return {number: dtype for number, dtype in dtypes if _is_stored_otherwise(dtype)}


def _is_stored_otherwise(dtype: Any) -> bool:
    inner: Any = getattr(getattr(dtype, "categories", None), "dtype", None)
    return type(inner).__name__ in _STORED_OTHERWISE


def as_codes(frame: Any, uncommon: Iterable[tuple[int, Any]]) -> Any:
    """The DataFrame with places among the categories for periods and intervals; the same one if it has none."""
    places, levels = extension_columns(uncommon), extension_levels(frame.index)
    if not places and not levels:
        return frame
    coded = frame.copy(deep=False)
    for at, dtype in places.items():
        column = frame.iloc[:, at]
        coded.isetitem(at, column.cat.rename_categories(range(len(dtype.categories))))
    for number, dtype in levels.items():
        coded.index = with_renamed(coded.index, number, range(len(dtype.categories)))
    return coded


def with_renamed(index: Any, number: int, categories: Any) -> Any:
    """Gives a level of an index other categories."""
    if index.nlevels == 1:
        return index.rename_categories(categories)
    level = index.levels[number].rename_categories(categories)
    return index.set_levels(level, level=number)


def as_values(
    arrow: Any,
    frame: Any,
    uncommon: Iterable[tuple[int, Any]],
    table: Any,
    stored: Sequence[str],
) -> Any:
    """The table that Arrow made of codes, with the periods and intervals of the DataFrame; levels are stored so."""
    for at, cells in _categoricals(frame, uncommon, table, stored):
        items = arrow.array(cells.categories.array)
        places = arrow.array(cells.codes, mask=cells.codes < 0)
        made = items.type.wrap_array(items.storage.take(places))
        table = table.set_column(at, table.field(at).with_type(made.type), made)
    return table


def _categoricals(
    frame: Any, uncommon: Iterable[tuple[int, Any]], table: Any, stored: Sequence[str]
) -> Iterator[tuple[int, Any]]:
    for at in extension_columns(uncommon):
        yield at, frame.iloc[:, at].array
    for number in extension_levels(frame.index):
        at = table.schema.get_field_index(stored[number])
        yield at, frame.index.get_level_values(number).array


def as_dictionaries(
    arrow: Any,
    table: Any,
    columns: Mapping[int, Any],
    levels: Mapping[int, Any],
    stored: Sequence[str],
) -> Any:
    """The table that came, with places among the categories for periods and intervals.

    Raises:
        Fault: A cell is none of its categories.
    """
    of_levels = {table.schema.get_field_index(stored[at]): dtype for at, dtype in levels.items()}
    for at, dtype in {**columns, **of_levels}.items():
        if isinstance(dtype, str):
            continue
        name = table.column_names[at]
        try:
            places = _places(arrow, table.column(at), dtype.categories.array)
        except Fault as fault:
            fault.at(name)
            raise
        numbers = arrow.array(range(len(dtype.categories)), arrow.int64())
        made = arrow.DictionaryArray.from_arrays(places, numbers, ordered=dtype.ordered)
        table = table.set_column(at, name, made)
    return table


def _places(arrow: Any, column: Any, categories: Any) -> Any:
    """Where each cell of a column stands among its categories, null for one that is null."""
    compute = importlib.import_module("pyarrow.compute")
    pandas = importlib.import_module("pandas")
    items = arrow.array(categories)
    if column.type != items.type:
        raise Fault(
            f"want a column of {items.type!s:.60} for its categories, got {column.type!s:.60}"
        )
    cells = arrow.concat_arrays([items.storage[:0], *(chunk.storage for chunk in column.chunks)])
    is_cell = compute.is_valid(cells)
    keys: Any = 0
    for names, found in zip(_parts(items.storage), _parts(cells.filter(is_cell)), strict=True):
        coded = arrow.concat_arrays([names, found]).dictionary_encode()
        keys = keys * len(coded.dictionary) + coded.indices.to_numpy().astype("int64")
    found = pandas.Index(keys[: len(items)]).get_indexer(keys[len(items) :])
    if (found < 0).any():
        raise Fault("a cell of the column is none of its categories")
    order = compute.subtract(compute.cumulative_sum(is_cell.cast("int64")), 1)
    rows = compute.if_else(is_cell, order, None)
    return arrow.array(found, arrow.int32()).take(rows)


def _parts(storage: Any) -> list[Any]:
    """What is stored for periods, which are ints, or for the two ends of intervals."""
    return (
        storage.flatten() if hasattr(storage, "flatten") and storage.type.num_fields else [storage]
    )


def with_categories(frame: Any, names: Sequence[str], noted: Mapping[int, Any]) -> Any:
    """Gives the categories of columns the dtypes that they had, by what :func:`read_categories` made of the notes."""
    for position, wanted in noted.items():
        column = frame[names[position]]
        frame[names[position]] = column.cat.rename_categories(_as(column.cat.categories, wanted))
    return frame


def with_level_categories(index: Any, noted: Mapping[int, Any]) -> Any:
    """Gives the categories of levels of an index the dtypes that they had."""
    for number, wanted in noted.items():
        level = levels_of(index)[number]
        index = with_renamed(index, number, _as(level.categories, wanted))
    return index


def _as(categories: Any, wanted: Any) -> Any:
    return categories.astype(wanted) if isinstance(wanted, str) else wanted.categories
