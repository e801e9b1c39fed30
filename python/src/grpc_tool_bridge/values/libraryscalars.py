"""Scalars of numpy and pyarrow as Python's, where Python has the same."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

from .fault import Fault
from .wrappers import DateTimeNs, TimeDeltaNs, TimeNs, plain_timedelta

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["of_arrow", "of_numpy"]


def of_numpy(value: Any, natural: Callable[[Any], Any]) -> Any:
    """Returns a scalar of numpy as Python's; itself where Python has no such value.

    Raises:
        Fault: It is a row with fields.
    """
    numpy = sys.modules["numpy"]
    if not isinstance(value, numpy.generic):
        return value
    if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
        return value if numpy.isnat(value) else _natural_moment(value)
    if value.dtype.names:
        raise Fault(
            f"a row of dtype {value.dtype!s:.80} would lose the names of its fields:"
            " send dict(zip(row.dtype.names, row.item()))"
        )
    item = value.item()
    return value if isinstance(item, numpy.generic) else natural(item)


def of_arrow(value: Any, natural: Callable[[Any], Any]) -> Any:
    """Returns a scalar of pyarrow as Python's, a buffer as bytes; itself where Python has no such value."""
    arrow = sys.modules["pyarrow"]
    if isinstance(value, arrow.Buffer):
        return value.to_pybytes()
    if not isinstance(value, arrow.Scalar):
        return value
    types, dtype = arrow.types, value.type
    if not value.is_valid:
        return None
    if types.is_time64(dtype) and dtype.unit == "ns":  # whose as_py drops nanoseconds
        return TimeNs.of(value.as_py(), value.value % 1000) if value.value % 1000 else value.as_py()
    if types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype):
        return list(value)
    try:
        if types.is_struct(dtype) and len({field.name for field in dtype}) == dtype.num_fields:
            return dict(value)
        return natural(value.as_py())
    except Exception:  # noqa: BLE001 - out of range, or of a library that is not there
        return value


_PICOSECONDS: Mapping[str, int] = {
    "W": 604_800 * 10**12,
    "D": 86_400 * 10**12,
    "h": 3_600 * 10**12,
    "m": 60 * 10**12,
    "s": 10**12,
    "ms": 10**9,
    "us": 10**6,
    "ns": 1_000,
    "ps": 1,
}


_FINER: Mapping[str, int] = {"fs": 10**3, "as": 10**6}


def _natural_moment(value: Any) -> Any:
    """Returns a numpy datetime64 or timedelta64 as Python's, or itself where that cannot be the same.

    That is: finer than nanoseconds, out of range, or a span of months or without a unit.
    """
    item = value.item()
    if not isinstance(item, int):
        return item
    unit, count = sys.modules["numpy"].datetime_data(value.dtype)
    ticks = int(value.astype("int64")) * count
    ticks, finer = divmod(ticks, _FINER.get(unit, 1))
    nanoseconds, rest = divmod(ticks * _PICOSECONDS.get("ps" if unit in _FINER else unit, 0), 1_000)
    if finer or rest or unit not in (*_PICOSECONDS, *_FINER):
        return value
    try:
        span = TimeDeltaNs(nanoseconds=nanoseconds)
        if type(value).__name__ == "timedelta64":
            return span if span.nanoseconds else plain_timedelta(span)
        moment = dt.datetime(1970, 1, 1) + span.plain()  # noqa: DTZ001
    except OverflowError:
        return value
    return DateTimeNs.of(moment, span.nanoseconds) if span.nanoseconds else moment
