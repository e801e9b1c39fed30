"""Generated values through the codec alone; tests/e2e sends them through bridges and Go."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from roundtrips import every_value

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.testing.samples import (
    SampleColor,
    SampleError,
    SamplePair,
    SamplePoint,
    StrangerPoint,
)
from grpc_tool_bridge.testing.strategies import plain_kinds, table_kinds
from grpc_tool_bridge.values import (
    DateTimeNs,
    EnumValue,
    Record,
    TimeNs,
    any_from_json,
    deserialize_value,
    serialize_value,
    to_json,
)


def test_every_value_comes_back_and_its_bytes_stay():
    def around(batch):
        encoded = [serialize_value(value, strict=True) for value in batch]
        decoded = [deserialize_value(item) for item in encoded]
        for first, value in zip(encoded, decoded, strict=True):
            again = serialize_value(value, strict=True)
            assert (again.type_url, again.value) == (first.type_url, first.value)
        return decoded

    # Arrow does not say which bytes stand where a cell is missing, so those of tables may change.
    every_value(around, plain_kinds())


def test_every_table_comes_back():
    def around(batch):
        return [
            deserialize_value(serialize_value(value, strict=True), strict=True) for value in batch
        ]

    every_value(around, table_kinds())


def test_every_value_comes_back_by_the_rule_without_limits_of_size():
    every_value(
        lambda batch: [deserialize_value(serialize_value(value, plain=True)) for value in batch]
    )


def test_every_value_comes_back_from_its_json_form_and_its_bytes_stay():
    def around(batch):
        encoded = [serialize_value(value) for value in batch]
        back = [any_from_json(to_json(item)) for item in encoded]
        for first, again in zip(encoded, back, strict=True):
            assert (again.type_url, again.value) == (first.type_url, first.value)
        return [deserialize_value(item) for item in back]

    every_value(around)


NOON = dt.datetime(2024, 5, 6, 12, tzinfo=dt.timezone.utc)
FRAME = pd.DataFrame({"a": [1.0, 2.0]})
NULLABLE = pd.arrays.FloatingArray(
    np.array([math.nan, 0.0, -math.nan]), np.array([False, True, False])
)
"""NaN, NA and -NaN."""
ARRAY = np.arange(6).reshape(2, 3)


def changed(frame, **attributes):
    frame = frame.copy()
    for name, value in attributes.items():
        setattr(frame, name, value)
    return frame


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (math.nan, -math.nan),
        (complex(0.0, 1), complex(-0.0, 1)),
        (None, 0),
        ([], ()),
        ([1], [1, 1]),
        ([1], [1.0]),
        ({1}, frozenset({1})),
        ({1}, {1.0}),
        ({1}, {1, 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: None}, {1.0: None}),
        ({"a": 1}, {"a": True}),
        (Decimal("1.1"), Decimal("1.10")),
        (b"a", bytearray(b"a")),
        (NOON, NOON.replace(tzinfo=None)),
        (NOON, NOON.astimezone(ZoneInfo("Europe/Berlin"))),
        (NOON.replace(tzinfo=ZoneInfo("UTC")), NOON),
        (DateTimeNs.of(NOON, 1), DateTimeNs.of(NOON, 2)),
        (TimeNs(1, nanosecond=1), TimeNs(1, nanosecond=2)),
        (
            dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
            dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        ),
        (dt.datetime(2024, 10, 27, 2, 30), dt.datetime(2024, 10, 27, 2, 30, fold=1)),  # noqa: DTZ001
        (dt.time(2, 30), dt.time(2, 30, fold=1)),
        (TimeNs(2, nanosecond=1), TimeNs(2, fold=1, nanosecond=1)),
        (SamplePoint(1, 2), SamplePoint(1, 2.0)),
        (SamplePair(1, 2), (1, 2)),
        (SampleColor.RED, SampleColor.GREEN),
        (SampleError("a"), SampleError("b")),
        (StrangerPoint(1), Record("StrangerPoint", {"x": 1})),
        (Record("A", {"x": 1}), Record("A", {"x": 1.0})),
        (Record("A", {"x": 1}), Record("B", {"x": 1})),
        (EnumValue("A", "B", 1), EnumValue("A", "B", 1.0)),
        (FRAME, FRAME.astype("float32")),
        (FRAME, FRAME.rename(columns={"a": "b"})),
        (FRAME, changed(FRAME, index=pd.Index([0, 1]))),
        (FRAME, changed(FRAME, attrs={"a": 1})),
        (FRAME["a"] * 0, FRAME["a"] * -0.0),
        (FRAME["a"], FRAME["a"].rename("b")),
        (pd.Series([math.nan]), pd.Series([-math.nan])),
        (pd.Series([math.nan], dtype=object), pd.Series([None], dtype=object)),
        (pd.Series([math.nan], dtype=object), pd.Series([-math.nan], dtype=object)),
        (pd.Series([pd.NaT], dtype=object), pd.Series([pd.NA], dtype=object)),
        (pd.Series([[1]]), pd.Series([np.array([1])])),
        (pd.Series([[math.nan]]), pd.Series([[None]])),
        (pd.Series(NULLABLE), pd.Series(NULLABLE[[0, 0]])),
        (pd.Series(NULLABLE[[0]]), pd.Series(NULLABLE[[2]])),
        (pd.Series(1, index=pd.Index(NULLABLE[[0]])), pd.Series(1, index=pd.Index(NULLABLE[[2]]))),
        (pd.Series(1, index=[math.nan]), pd.Series(1, index=[-math.nan])),
        (pd.DataFrame({"a": [b"x"]}), pd.DataFrame({"a": [bytearray(b"x")]})),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1.0]})),
        (pl.Series("a", [1]), pl.Series("b", [1])),
        (pa.table({"a": [1]}), pa.table({"a": [2]})),
        (pa.table({"a": [1]}), pa.table({"a": [1]}).replace_schema_metadata({"a": "b"})),
        (ARRAY, ARRAY.astype(">i8")),
        (ARRAY, ARRAY.reshape(3, 2)),
        (ARRAY, np.asfortranarray(ARRAY)),
        (ARRAY, ARRAY + 1),
    ],
)
def test_difference_tells_apart_what_looks_alike(one, other):
    assert difference([one], [other]).startswith("$[0]")
    assert difference(other, one)
    assert not difference(one, one)
    assert not difference(other, other)


@pytest.mark.parametrize("missing", [pd.NaT, pd.NA], ids=str)
def test_difference_takes_what_is_missing_in_pandas_for_itself(missing):
    assert not difference([missing], [missing])
    assert difference([missing], [None])
    assert difference([missing], [math.nan])
    assert difference([pd.NaT], [pd.NA])
    index = pd.Series([1, 2], index=pd.Index([1, None], dtype="Int64"))
    assert not difference(index, index.copy())
