# ruff: noqa: DTZ001 - datetimes without a zone are values, too
"""Moments, times and spans with nanoseconds."""

from __future__ import annotations

import datetime as dt
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from roundtrips import round_trip

from grpc_tool_bridge.values import DateTimeNs, TimeDeltaNs, TimeNs


@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("2024-05-06T01:02:03.000000004"),
        pd.Timestamp("2024-05-06T01:02:03.000000004"),
    ],
)
def test_nanoseconds_of_other_libraries_are_kept(value):
    assert round_trip(value) == DateTimeNs(2024, 5, 6, 1, 2, 3, nanosecond=4)


def test_nanoseconds_of_spans_are_kept():
    assert round_trip(np.timedelta64(-1, "ns")) == TimeDeltaNs(nanoseconds=-1)
    assert round_trip(pd.Timedelta(1, "ns")) == TimeDeltaNs(nanoseconds=1)
    assert round_trip(TimeNs(1, 2, 3, nanosecond=4)) == TimeNs(1, 2, 3, nanosecond=4)


class TestNanoseconds:
    moment = DateTimeNs(2024, 5, 6, 7, 8, 9, 1, nanosecond=5)

    def test_it_is_a_datetime_that_keeps_them(self):
        moment = self.moment
        assert isinstance(moment, dt.datetime)
        assert moment.plain() == dt.datetime(2024, 5, 6, 7, 8, 9, 1)
        assert moment.replace(year=2025).nanosecond == 5
        assert moment.replace(microsecond=3).nanosecond == 0
        assert moment.replace(nanosecond=7).nanosecond == 7
        aware = moment.replace(tzinfo=dt.timezone.utc).astimezone(ZoneInfo("Europe/Berlin"))
        assert (aware.hour, aware.nanosecond) == (9, 5)
        assert pickle.loads(pickle.dumps(moment)) == moment
        assert eval(repr(moment), {"DateTimeNs": DateTimeNs, "datetime": dt}) == moment

    def test_arithmetic_keeps_them(self):
        later = self.moment + TimeDeltaNs(nanoseconds=996)
        assert (later.microsecond, later.nanosecond) == (2, 1)
        assert dt.timedelta(0) + self.moment == self.moment
        assert later - self.moment == TimeDeltaNs(nanoseconds=996)
        assert self.moment - self.moment.plain() == TimeDeltaNs(nanoseconds=5)
        assert self.moment.plain() - self.moment == TimeDeltaNs(nanoseconds=-5)
        assert later - TimeDeltaNs(nanoseconds=996) == self.moment
        with pytest.raises(TypeError):
            _ = self.moment - 3

    def test_order_and_equality_count_them(self):
        plain = self.moment.plain()
        assert plain < self.moment <= self.moment.replace(nanosecond=6)
        assert self.moment > plain
        assert self.moment >= plain
        assert self.moment != plain
        assert self.moment != "x"
        assert DateTimeNs.of(plain, 0) == plain
        assert hash(DateTimeNs.of(plain, 0)) == hash(plain)
        assert len({self.moment, plain}) == 2

    def test_times_keep_them_and_are_in_their_order(self):
        time = TimeNs(7, 8, 9, 1, nanosecond=5)
        assert time.replace(hour=1) == TimeNs(1, 8, 9, 1, nanosecond=5)
        assert time.replace(microsecond=3).nanosecond == 0
        assert time.replace(nanosecond=7).nanosecond == 7
        assert time.plain() < time <= time.replace(nanosecond=6)
        assert time.replace(nanosecond=6) > time
        assert time >= time.plain()

    def test_out_of_range_is_refused(self):
        with pytest.raises(ValueError, match=r"0\.\.999"):
            DateTimeNs(2024, 1, 1, nanosecond=1000)
        with pytest.raises(ValueError, match=r"0\.\.999"):
            TimeNs(1, nanosecond=-1)

    def test_spans(self):
        span = TimeDeltaNs(seconds=1, nanoseconds=-1)
        assert span.total_nanoseconds() == 999_999_999
        assert -span == TimeDeltaNs(nanoseconds=-999_999_999)
        assert abs(-span) == span
        assert span + dt.timedelta(seconds=1) == dt.timedelta(seconds=1) + span
        assert span - dt.timedelta(seconds=1) == TimeDeltaNs(nanoseconds=-1)
        assert dt.timedelta(seconds=1) - span == TimeDeltaNs(nanoseconds=1)
        assert span < dt.timedelta(seconds=1)
        assert span <= span.plain() + TimeDeltaNs(nanoseconds=999)
        assert span > span.plain()
        assert span >= span.plain()
        assert span != 1
        assert TimeDeltaNs(nanoseconds=1)
        assert not TimeDeltaNs()
        assert hash(TimeDeltaNs(seconds=1)) == hash(dt.timedelta(seconds=1))
        assert pickle.loads(pickle.dumps(span)) == span
        assert "nanoseconds=999" in repr(span)

    def test_times(self):
        time = TimeNs(1, 2, 3, 4, nanosecond=5)
        assert time != time.plain()
        assert time != 1
        assert TimeNs(1) == dt.time(1)
        assert hash(TimeNs(1)) == hash(dt.time(1))
        assert pickle.loads(pickle.dumps(time)) == time
        assert repr(time) == "TimeNs.of(datetime.time(1, 2, 3, 4), 5)"
