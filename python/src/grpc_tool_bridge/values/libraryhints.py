"""Hints of scalars of numpy and pandas: each is made of what it travels as, where it can hold that exactly."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any, Final

from .fault import Fault
from .misfit import misfit, name_of
from .wrappers import DateTimeNs, TimeDeltaNs, plain_timedelta, total_nanoseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["fit_scalar", "is_scalar_of_library", "python_type_of", "travels_as"]

_OF_PANDAS: Final[Mapping[str, type[Any]]] = {"Timestamp": dt.datetime, "Timedelta": dt.timedelta}
_OF_NUMPY: Final[Mapping[str, type[Any]]] = {
    "bool": bool,
    "bool_": bool,
    "integer": int,
    "floating": float,
    "complexfloating": complex,
    "str_": str,
    "bytes_": bytes,
    "datetime64": dt.datetime,
    "timedelta64": dt.timedelta,
}
_OF_NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "integer": ("int64", "uint64"),
    "signedinteger": ("int64",),
    "unsignedinteger": ("uint64",),
    "inexact": ("float64", "complex128"),
    "floating": ("float64",),
    "complexfloating": ("complex128",),
    "number": ("int64", "uint64", "float64", "complex128"),
}
"""Classes of numpy's that have no objects but those of narrower ones, with the widest of these."""
"""What scalars travel as, by the name of their class or of one that it inherits."""
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001


def _chosen_of(cls: type[Any]) -> tuple[str, ...]:
    return _OF_NUMBERS.get(cls.__name__, ()) if cls.__module__ == "numpy" else ()


def python_type_of(cls: type[Any]) -> type[Any] | None:
    """Returns the type of Python's as which scalars of a class of numpy or pandas travel."""
    for base in cls.__mro__:
        library = base.__module__.partition(".")[0]
        known = {"numpy": _OF_NUMPY, "pandas": _OF_PANDAS}.get(library, {})
        if base.__name__ in known:
            return known[base.__name__]
    return None


def is_scalar_of_library(cls: type[Any]) -> bool:
    """Reports whether a class is one of scalars of numpy or pandas."""
    return python_type_of(cls) is not None or bool(_chosen_of(cls))


def travels_as(cls: type[Any], kind: type[Any]) -> bool:
    """Reports whether some scalars of a class of numpy or pandas travel as this type of Python's."""
    names = _chosen_of(cls)
    chosen = [getattr(sys.modules["numpy"], name) for name in names] if names else [cls]
    return any(python_type_of(each) is kind for each in chosen)


def fit_scalar(value: Any, cls: Any) -> Any:
    """Makes a scalar of what it travels as.

    Raises:
        Fault: It is none of these, or cannot be held exactly.
    """
    if chosen := _chosen_of(cls):
        return _of_chosen(value, cls, chosen)
    kind = python_type_of(cls)
    if kind is dt.datetime or kind is dt.timedelta:
        made = _moment(value, cls, kind)
    elif type(value) is kind or (kind in (float, complex) and type(value) in (int, float)):
        made = _number(value, cls)
    else:
        raise misfit(value, name_of(cls))
    if made is None:
        raise misfit(value, f"{name_of(cls)}, which cannot hold {value!r:.60}")
    return made


def _of_chosen(value: Any, cls: Any, names: tuple[str, ...]) -> Any:
    """Makes a number of the first class of its kind that holds it."""
    chosen = [getattr(sys.modules["numpy"], name) for name in names]
    alike = [each for each in chosen if python_type_of(each) is type(value)]
    for each in alike or chosen:
        try:
            return fit_scalar(value, each)
        except Fault:  # noqa: PERF203 - there are two at most
            continue
    raise misfit(value, f"{name_of(cls)}{f', which cannot hold {value!r:.60}' if alike else ''}")


def _number(value: Any, cls: Any) -> Any:
    """A number or a text; None where it would be another."""
    try:
        with sys.modules["numpy"].errstate(all="ignore"):
            made = cls(value)
        held = made.item()
    except (OverflowError, ValueError):
        return None
    return made if held == value or value != value else None


def _moment(value: Any, cls: Any, kind: type[Any]) -> Any:
    """A moment or a span with its nanoseconds; None where it is out of range or has a zone that is not kept."""
    if cls.__name__ == "datetime64" and type(value) in (dt.date,):
        return cls(value, "D")
    if not isinstance(value, kind):
        raise misfit(value, name_of(cls))
    try:
        if cls.__name__ == "Timestamp":
            return _timestamp(value, cls)
        if kind is dt.timedelta:
            return _span(value, cls)
        if value.tzinfo is not None:  # numpy has no zones
            return None
        if not isinstance(value, DateTimeNs):
            return cls(value, "us")
        span = TimeDeltaNs(nanoseconds=total_nanoseconds(value.plain() - _EPOCH) + value.nanosecond)
        return cls(total_nanoseconds(span), "ns")
    except (OverflowError, ValueError):
        return None


def _timestamp(value: Any, cls: Any) -> Any:
    if not isinstance(value, DateTimeNs):
        made = cls(value)
    else:
        made = (
            cls(value.plain()).as_unit("ns").replace(nanosecond=value.nanosecond, fold=value.fold)
        )
    return made if made.utcoffset() == value.utcoffset() else None


def _span(value: Any, cls: Any) -> Any:
    if isinstance(value, TimeDeltaNs) and value.nanoseconds:
        return cls(total_nanoseconds(value), "ns")
    return cls(plain_timedelta(value))
