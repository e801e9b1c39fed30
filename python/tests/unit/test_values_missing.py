# ruff: noqa: DTZ001 - datetimes without a zone are values, too
"""What is missing in pandas and numpy, and readings of a clock set back, come back or are refused."""

from __future__ import annotations

import datetime as dt
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    DateTimeNs,
    Opaque,
    TimeNs,
    deserialize_value,
    from_json,
    serialize_value,
    to_json,
)


def round_trip(value):
    return deserialize_value(serialize_value(value, strict=True), strict=True)


@pytest.mark.parametrize("missing", [pd.NaT, pd.NA])
def test_what_pandas_has_for_missing_cells_comes_back_at_every_level(missing):
    assert round_trip(missing) is missing
    assert round_trip([1, missing])[1] is missing
    assert round_trip({"a": missing})["a"] is missing
    assert list(round_trip({missing: 1})) == [missing]
    assert from_json(to_json(missing)) is missing


def test_where_pandas_is_not_installed_missing_cells_go_back_unchanged(monkeypatch):
    encoded = serialize_value(pd.NA)
    monkeypatch.setitem(sys.modules, "pandas", None)

    decoded = deserialize_value(encoded)

    assert decoded == Opaque("type.googleapis.com/pandas.NA", b"")
    assert serialize_value(decoded) == encoded


@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("NaT", "s"),
        np.timedelta64("NaT", "s"),
        np.longdouble(1) / 3,
        pd.Index([1, 2]),
        pd.array([1, None]),
        pd.Categorical(["a"]),
        pa.array([1]),
        pa.record_batch({"a": [1]}),
        pl.LazyFrame({"a": [1]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_data_that_has_no_encoding_is_refused_rather_than_cut_to_its_text(value):
    with pytest.raises(SerializationError, match="its text would lose data: send one of") as caught:
        serialize_value({"rows": [value]})
    assert caught.value.path == "$.rows[0]"


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2024, 10, 27, 2, 30, fold=1),
        dt.time(2, 30, fold=1),
        DateTimeNs(2024, 10, 27, 2, 30, fold=1, nanosecond=7),
        TimeNs(2, 30, fold=1, nanosecond=7),
        pd.Timestamp(year=2024, month=10, day=27, hour=2, fold=1),
    ],
)
def test_the_second_reading_of_a_clock_set_back_stays_the_second(value):
    assert round_trip(value).fold == 1
    assert round_trip(value.replace(fold=0)).fold == 0
    assert from_json(to_json(value)).fold == 1


@pytest.mark.parametrize(
    "text", ["02:30:00+01:00[_fold=1]", "02:30:00[_fold=0]", "02:30:00[_fold=1]x"]
)
def test_a_second_reading_is_said_in_one_way_only(text):
    with pytest.raises(SerializationError, match="not a time"):
        from_json(f'{{"$time":"{text}"}}')
    with pytest.raises(SerializationError, match="not a datetime"):
        from_json(f'{{"$datetime":"2024-10-27T{text}[x]"}}')
