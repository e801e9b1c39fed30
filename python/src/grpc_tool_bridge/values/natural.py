"""Objects as the values that they travel as: of subclasses, and of classes that are like a known one."""

from __future__ import annotations

import array
import collections
import datetime as dt
import itertools
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable, Mapping, MappingView, MutableSet, Sequence, Set
from decimal import Decimal
from fractions import Fraction
from typing import Any

from google.protobuf.message import Message

from . import urls
from .classes import record_of
from .fault import PASSING, Fault, unreadable
from .kinds import KNOWN
from .libraryscalars import of_arrow, of_numpy
from .stdlib import ADDRESSES
from .wrappers import DateTimeNs, TimeDeltaNs, plain_timedelta, total_nanoseconds

__all__ = ["natural"]


def natural(value: Any) -> Any:
    """Returns an object of a known class that stands for the value, or the value if there is none.

    Raises:
        Fault: It cannot be read, or gives more items than travel, or others than it says.
    """
    try:
        return value if type(value) in KNOWN else _natural(value)
    except PASSING:
        raise
    except Exception as error:  # whatever code of the value's own class raises
        raise unreadable(value, error) from error


def _natural(value: Any) -> Any:
    if isinstance(value, Message):  # Struct is a Mapping, too
        return value
    record = record_of(value)
    if record is not None:
        return record
    library = type(value).__module__.partition(".")[0]
    if library == "pyarrow":
        return of_arrow(value, natural)
    for base, reduce in _BASES:
        if isinstance(value, base):
            return reduce(value)
    if library == "numpy":
        return of_numpy(value, natural)
    return str(value) if _is_url(type(value)) else value


def _is_url(cls: Any) -> bool:
    """Reports whether objects of a class are URLs of pydantic's, which need not be there."""
    return any(
        base.__module__.partition(".")[0] in ("pydantic", "pydantic_core")
        and base.__name__ in ("Url", "MultiHostUrl", "_BaseUrl", "_BaseMultiHostUrl")
        for base in cls.__mro__
    )


def _natural_datetime(value: Any) -> Any:
    if value != value:  # pandas' NaT is a datetime
        return value
    nanosecond: int = getattr(value, "nanosecond", 0)
    moment = DateTimeNs.of(value, nanosecond)
    return moment if nanosecond else moment.plain()


def _natural_timedelta(value: dt.timedelta) -> dt.timedelta:
    if getattr(value, "nanoseconds", 0):
        return TimeDeltaNs(nanoseconds=total_nanoseconds(value))
    return plain_timedelta(value)


def _natural_range(value: range) -> object:
    return value if value[urls.MAX_ELEMENTS :] else list(value)


def _natural_view(value: memoryview) -> bytes:
    if value.ndim != 1 or value.format.lstrip("@=<>!") not in ("B", "b", "c"):
        raise Fault(
            f"a memoryview of format {value.format!r:.40} in {value.ndim} dimensions is more than its bytes:"
            " send bytes(view), view.tolist() or an array of numpy's"
        )
    return bytes(value)


def _natural_time(value: dt.time) -> dt.time:
    return dt.time(
        value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold
    )


def _iter_of(cls: Any) -> Any:
    return cls.__iter__


def _kept(base: Any) -> Callable[[Any], Any]:
    """What makes a container of one of a subclass: of what it holds, unless it says itself what that is."""

    def reduce(value: Any) -> Any:
        if _iter_of(type(value)) is base.__iter__:
            return base(value)
        items = _items(value)
        made = base(items)
        if len(made) != len(items):
            raise Fault("an item is there twice in a set")
        return made

    return reduce


def _items(value: Any) -> list[Any]:
    """What an object gives when it is iterated: not all of them end, or give what they say that they have."""
    items: list[Any] = list(itertools.islice(value, urls.MAX_ELEMENTS + 1))
    if len(items) > urls.MAX_ELEMENTS:
        raise Fault(f"message too large: more than {urls.MAX_ELEMENTS} elements")
    if len(items) != len(value):
        raise Fault(f"{type(value).__name__} has {len(value)} items and gives {len(items)}")
    return items


def _entries(value: Any) -> dict[Any, Any]:
    if _iter_of(type(value)) is _iter_of(dict):
        return dict(value)
    entries: dict[Any, Any] = {key: value[key] for key in _items(value)}
    if len(entries) != len(value):
        raise Fault(f"{type(value).__name__} gives a key twice, and a dict has each once")
    return entries


def _listed(value: Sequence[Any]) -> list[Any]:
    """The items of a sequence, as many as it says that it has: not all of them end otherwise."""
    count = len(value)
    if count > urls.MAX_ELEMENTS:
        raise Fault(f"message too large: more than {urls.MAX_ELEMENTS} elements")
    return [value[index] for index in range(count)]


_BASES: Sequence[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Any]]] = (
    (str, str.__str__),
    (int, int.__pos__),
    (float, float.__pos__),
    (complex, complex.__pos__),
    (bytes, lambda value: bytes(memoryview(value))),
    (bytearray, lambda value: bytes(memoryview(value))),
    (memoryview, _natural_view),
    (dict, _entries),
    (list, _kept(list)),
    (tuple, _kept(tuple)),
    (set, _kept(set)),
    (frozenset, _kept(frozenset)),
    (range, _natural_range),
    (collections.deque, _items),
    (array.array, list),
    (dt.datetime, _natural_datetime),
    (dt.date, lambda value: dt.date(value.year, value.month, value.day)),
    (dt.time, _natural_time),
    (dt.timedelta, _natural_timedelta),
    (Decimal, Decimal),
    (Fraction, Fraction),
    (uuid.UUID, lambda value: uuid.UUID(int=value.int)),
    (pathlib.PurePath, str),
    (ADDRESSES, str),
    (zoneinfo.ZoneInfo, lambda value: value.key or value),
    (collections.UserString, str),
    (Mapping, _entries),
    (MappingView, _items),
    (Sequence, _listed),
    (MutableSet, _kept(set)),
    (Set, _kept(frozenset)),
)
