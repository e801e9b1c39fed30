# Values of every type go through here, so that most are of an unknown one.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""hypothesis strategies for datetimes, dates, times of day and spans of time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from grpc_tool_bridge.values import DateTimeNs, TimeDeltaNs, TimeNs

from .valuekinds import Kind, is_a, of, suits

if TYPE_CHECKING:
    from collections.abc import Callable

    Values = st.SearchStrategy[Any]

__all__ = ["clock_kinds", "datetime_kinds", "moments"]


def _offsets() -> Values:
    return st.integers(-86_399, 86_399).map(
        lambda seconds: dt.timezone(dt.timedelta(seconds=seconds))
    )


def _zones() -> Values:
    names = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Japan"]
    return st.sampled_from(names).map(ZoneInfo)


def _naive() -> Values:
    drawn = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))  # noqa: DTZ001
    return drawn.map(lambda moment: moment.replace(fold=0))


def _second_readings() -> Values:
    """Datetimes that are twice, in Berlin or New York: the second time."""
    twice = [
        ("Europe/Berlin", dt.datetime(2024, 10, 27, 2)),  # noqa: DTZ001
        ("America/New_York", dt.datetime(2024, 11, 3, 1)),  # noqa: DTZ001
    ]
    return st.builds(
        lambda place, micros: (place[1] + dt.timedelta(microseconds=micros)).replace(
            tzinfo=ZoneInfo(place[0]), fold=1
        ),
        st.sampled_from(twice),
        st.integers(0, 3_600_000_000 - 1),
    )


def datetime_kinds() -> list[Kind]:
    """The kinds of moments."""

    def zoned(zones: Values) -> Values:
        return st.builds(lambda moment, zone: moment.replace(tzinfo=zone), _naive(), zones)

    def has(zone: Callable[[Any], bool], fold: int = 0) -> Callable[[Any], bool]:
        return suits(dt.datetime, lambda value: value.fold == fold and zone(value.tzinfo))

    martian = dt.timezone(dt.timedelta(hours=1), "Mars/Olympus")
    stamps = zoned(st.none() | _offsets() | _zones()) | _second_readings()
    precise = st.builds(DateTimeNs.of, stamps, st.integers(1, 999))
    return [
        Kind("datetime", 1, _naive(), has(lambda zone: zone is None)),
        Kind(
            "datetime with fold",
            1,
            _naive().map(lambda moment: moment.replace(fold=1)),
            has(lambda zone: zone is None, fold=1),
        ),
        Kind(
            "datetime in UTC",
            1,
            zoned(st.just(dt.timezone.utc)),
            has(lambda zone: zone == dt.timezone.utc),
        ),
        Kind("datetime with an offset", 1, zoned(_offsets()), has(is_a(dt.timezone))),
        Kind("datetime in a zone", 2, zoned(_zones()), has(is_a(ZoneInfo))),
        Kind("second reading in a zone", 2, _second_readings(), has(is_a(ZoneInfo), fold=1)),
        Kind(
            "datetime with a named offset",
            1,
            zoned(st.just(martian)),
            has(lambda zone: zone == martian),
        ),
        Kind("DateTimeNs", 1, precise, is_a(DateTimeNs)),
    ]


def clock_kinds() -> list[Kind]:
    """The kinds of dates, times of day and spans of time."""
    times = st.times().map(lambda time: time.replace(fold=0))
    folded = times.map(lambda time: time.replace(fold=1))
    aware = st.builds(lambda time, zone: time.replace(tzinfo=zone), times, _offsets())
    precise = st.builds(TimeNs.of, times | folded | aware, st.integers(1, 999))
    spans = st.integers(-(2**66), 2**66)
    return [
        Kind("date", 1, st.dates(), is_a(dt.date)),
        Kind("time", 1, times, suits(dt.time, lambda value: not value.fold and not value.tzinfo)),
        Kind("time with fold", 1, folded, suits(dt.time, lambda value: value.fold == 1)),
        Kind(
            "time with an offset", 1, aware, suits(dt.time, lambda value: value.tzinfo is not None)
        ),
        Kind("TimeNs", 1, precise, is_a(TimeNs)),
        Kind("timedelta", 1, st.timedeltas(), is_a(dt.timedelta)),
        Kind(
            "TimeDeltaNs",
            1,
            spans.map(lambda count: TimeDeltaNs(nanoseconds=count * 1000 + 1)),
            is_a(TimeDeltaNs),
        ),
    ]


def moments() -> Values:
    """Datetimes with zones, offsets and nanoseconds, dates, times and spans of time."""
    return of(datetime_kinds() + clock_kinds())
