"""Indexes of Python objects in pandas tables: checked and kept as the cells of columns are."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framecells import (
    are_texts,
    check_categories,
    is_object,
    missing_of,
    needs_object,
    with_missing,
)
from grpc_tool_bridge.framenumbers import numbers_with_nulls, stored_levels
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

__all__ = [
    "at_level",
    "called_level",
    "level_ranges",
    "note_index",
    "note_index_objects",
    "with_index_objects",
    "with_level_ranges",
]


def called_level(levels: int, level: int) -> str:
    """What a message calls a level of an index, which has so many."""
    return "the index" if levels == 1 else f"level {level} of the index"


@contextmanager
def at_level(levels: int, level: int) -> Generator[None]:
    """Adds the steps into a level of an index, which has so many, to what is wrong with it."""
    try:
        yield
    except Fault as fault:
        if levels > 1:
            fault.at(level)
        fault.inside("index")
        raise


def note_index_objects(index: Any, table: Any, notes: dict[str, Any]) -> None:
    """Notes which levels of an index hold objects that pandas does not bring back, and what is missing in them.

    Raises:
        Fault: Arrow would change an object of it.
    """
    import pandas as pd

    objects: dict[int, Any] = {}
    numbers = numbers_with_nulls(table)
    # What is missing in one of several levels is NaN for pandas, whatever it was.
    alone = index.nlevels == 1
    for level, stored in enumerate(stored_levels(table)):
        values = index.get_level_values(level)
        what = called_level(index.nlevels, level)
        with at_level(index.nlevels, level):
            check_categories(values, table.column(stored), what)
            dtype = values.dtype if alone else index.levels[level].dtype
            if not is_object(dtype) or (are_texts(values) and not (alone and values.isna().any())):
                continue
            column = pd.Series(values.to_numpy(), dtype=object)
            if level not in numbers and _come_back(column, table.column(stored).to_pandas()):
                continue
            needs_object(column, table.column(stored), what)
            objects[level] = missing_of(column, table.column(stored), what) if alone else None
    if objects:
        notes["index_objects"] = objects


def _come_back(before: Any, after: Any) -> bool:
    """Reports whether pandas makes the same objects of what Arrow made of them, such as Timestamps."""
    return all(
        type(cell) is type(again)
        and repr(cell) == repr(again)
        and (not isinstance(cell, float) or math.copysign(1, cell) == math.copysign(1, again))
        for cell, again in zip(before, after.astype(object), strict=True)
    )


def with_index_objects(pandas: Any, index: Any, table: Any, objects: Mapping[int, Any]) -> Any:
    """Puts the objects of an index back into it."""
    stored = stored_levels(table)
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


def level_ranges(index: Any) -> dict[int, tuple[int, int, int]]:
    """The levels of a MultiIndex that are ranges: start, stop and step of each."""
    import pandas as pd

    levels: Any = index.levels if index.nlevels > 1 else ()
    return {
        number: (level.start, level.stop, level.step)
        for number, level in enumerate(levels)
        if isinstance(level, pd.RangeIndex)
    }


def with_level_ranges(pandas: Any, index: Any, ranges: Mapping[int, tuple[int, int, int]]) -> Any:
    """Makes levels ranges again, if the same numbers are in them as before."""
    for number, bounds in ranges.items():
        level, wanted = index.levels[number], pandas.RangeIndex(*bounds)
        if len(level) == len(wanted) and level.equals(wanted):
            index = index.set_levels(wanted, level=number)
    return index


def note_index(
    plain: Any, index: Any, notes: dict[str, Any], noted: Callable[[Any, str], object]
) -> None:
    """Notes what pandas' own metadata does not keep of an index.

    Args:
        plain: The table, whose index loses names that cannot be in that metadata.
        index: Of the table, as it was given.
        notes: Get what there is to say.
        noted: A name as it stands in notes; the text is what messages call it.

    Raises:
        Fault: A name or a frequency of it cannot be sent.
    """
    import pandas as pd

    if isinstance(index, pd.MultiIndex) and index.nlevels == 1:
        with at_level(1, 0):
            raise Fault(
                "the index is a MultiIndex of one level, which would come back as a plain index: make it one, with"
                " index.get_level_values(0)"
            )
    names = list(index.names)
    described = _noted_names(names, noted)
    given = [name for name in names if name is not None]
    taken = set(plain.columns) | {f"__index_level_{level}__" for level in range(len(names))}
    # pandas takes "" for no name.
    if any(type(name) is not str or not name or name in taken for name in given) or len(
        set(given)
    ) < len(given):
        notes["index_names"] = described
        plain.index = plain.index.set_names([None] * len(names))
    if not len(plain.columns) and isinstance(index, pd.RangeIndex):
        notes["index_range"] = (index.start, index.stop, index.step)
        notes["index_names"] = described
    if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) and index.freq is not None:
        with at_level(1, 0):
            notes["freq"] = _freq(index.freq)


def _noted_names(names: list[Any], noted: Callable[[Any, str], object]) -> list[object]:
    made: list[object] = []
    for number, name in enumerate(names):
        what = f"the name of {called_level(len(names), number)}"
        with at_level(len(names), number):
            made.append(noted(name, what))
    return made


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
