"""What is wrong with a DataFrame that does not fit Arrow or would come back as another, with the column's name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framedtypes import called_dtype, levels_of
from grpc_tool_bridge.frameindexes import called_level
from grpc_tool_bridge.framenumbers import stored_levels
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = [
    "UNNAMED",
    "at_column",
    "called",
    "fault_of",
    "label",
    "unfit",
    "unreadable",
    "would_change",
]

UNNAMED = object()
"""The name, for messages and paths, of a series that has none."""


def label(name: object) -> object:
    """The name of a column for messages and paths."""
    try:
        str(name)
    except ValueError:  # a moment behind the year 9999 has no text
        return f"<{type(name).__name__}>"
    return name


def unfit(arrow: Any, frame: Any, names: Sequence[object], error: Exception) -> Fault:
    """Says which column Arrow refuses."""
    index, frame = frame.index, frame.reset_index(drop=True)  # which may be what is wrong
    for position, name in enumerate(names):
        try:
            frame.iloc[:, position].isna()
            arrow.array(frame.iloc[:, position], from_pandas=True)
        except Exception as reason:  # noqa: BLE001, PERF203 - whatever it is, the column is what is wrong
            remedy = _remedy(frame.dtypes.iloc[position], reason)
            return fault_of(name, f"does not fit Arrow: {reason!s:.200}; {remedy}", reason)
    for number in range(index.nlevels):
        level = index.get_level_values(number)
        try:
            arrow.array(level, from_pandas=True)
        except Exception as reason:  # noqa: BLE001 - whatever it is, the level is what is wrong
            name = "" if level.name is None else f", {level.name!r:.60},"
            fault = Fault(
                f"{called_level(index.nlevels, number)}{name} does not fit Arrow: {reason!s:.200};"
                f" {_remedy(level.dtype, reason)}"
            )
            fault.__cause__ = reason
            if index.nlevels > 1:
                fault.at(number)
            fault.inside("index")
            return fault
    return Fault(f"the table does not fit Arrow: {error!s:.300}; convert it to one type")


def _remedy(dtype: Any, reason: Exception) -> str:
    """What to do about a column, or a level of an index, of a dtype that Arrow refuses for a reason."""
    if isinstance(reason, UnicodeEncodeError):
        return "write both surrogates of a pair, or send bytes"
    if str(dtype).startswith("Sparse["):
        return "make it dense, with sparse.to_dense()"
    if (
        hasattr(dtype, "newbyteorder") and not dtype.isnative
    ):  # numpy's; categories are none of either order
        return f"give it this machine's byte order, with astype({dtype.name!r})"
    if dtype.kind == "c":
        return "make it two columns of floats, or send an array of numpy"
    return "convert it to one type"


def fault_of(name: object, what: str, cause: Exception | None = None) -> Fault:
    """A fault of a column."""
    fault = Fault(f"{called(name)} {what}")
    fault.__cause__ = cause
    if name is not UNNAMED:
        fault.at(name)
    return fault


@contextmanager
def at_column(name: object) -> Generator[None]:
    """Adds the step into a column to what is wrong with it."""
    try:
        yield
    except Fault as fault:
        if name is not UNNAMED:
            fault.at(name)
        raise


def called(name: object) -> str:
    """What a message calls a column."""
    return "the series" if name is UNNAMED else f"column {name!r}"


def would_change(before: Any, after: Any) -> str:
    """Says that a dtype is not what would come back."""
    return f"of dtype {called_dtype(before)} would come back as {called_dtype(after)}: convert it to another"


def unreadable(
    pandas: Any, empty: Any, plain: Any, names: Sequence[object], error: Exception
) -> Fault:
    """Says which column pandas cannot read again."""
    for position, dtype in enumerate(plain.dtypes):
        try:
            pandas.api.types.pandas_dtype(str(dtype))
            empty.column(position).to_pandas()
        except Exception as reason:  # noqa: BLE001, PERF203 - pandas cannot read what it wrote
            return fault_of(
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
