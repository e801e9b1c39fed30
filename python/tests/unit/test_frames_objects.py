"""Objects in tables that Arrow would change without a word, and bytes at which polars panics."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import suppress
from decimal import Decimal
from enum import Enum, IntEnum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

DAY = dt.date(2020, 1, 1)
MOMENT = dt.datetime(2020, 1, 1, 5)  # noqa: DTZ001 - one without a zone


class Color(str, Enum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


def objects(*cells):
    return pd.Series([*cells], dtype=object)


def categories(*cells):
    return pd.Categorical(objects(*cells))


def indexed(index):
    return pd.DataFrame({"a": range(len(index))}, index=index)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (pd.DataFrame({"v": objects(DAY, MOMENT)}), r"\$\.v\[1\]: column 'v'"),
        (pd.DataFrame({"v": objects(DAY, pd.Timestamp(2020, 1, 1, 5))}), r"\$\.v\[1\]: column 'v'"),
        (indexed(pd.Index(objects(DAY, MOMENT))), r"\$\.index\[1\]: the index"),
        (
            indexed(pd.MultiIndex.from_arrays([[1, 2], objects(DAY, MOMENT)])),
            r"\$\.index\[1\]\[1\]: level 1 of the index",
        ),
        (pd.DataFrame({"v": categories(Decimal("1E+3"))}), r"\$\.v\[0\]: column 'v', in its cat"),
        (pd.DataFrame({"v": categories(Decimal("1.1"), Decimal("2.00"))}), r"\$\.v\[0\]: column"),
        (pd.DataFrame({"v": categories(Decimal("-0"))}), r"\$\.v\[0\]: column 'v', in its categ"),
        (pd.DataFrame({"v": categories(dt.time(1, fold=1))}), r"\$\.v\[0\]: column 'v', in its"),
        (
            indexed(pd.CategoricalIndex(categories(Decimal("1E+3")))),
            r"\$\.index\[0\]: the index, in its",
        ),
        (
            indexed(pd.MultiIndex.from_arrays([[1], categories(Decimal("1E+3"))])),
            r"\$\.index\[1\]\[0\]: level 1 of the index, in its categories,",
        ),
        (pd.DataFrame({"v": objects(Color.RED)}), r"\$\.v\[0\]: column 'v'"),
        (pd.DataFrame({"v": objects(None, "a", Color.RED)}), r"\$\.v\[2\]: column 'v'"),
        (pd.DataFrame({"v": objects(Size.LARGE)}), r"\$\.v"),
        (indexed(pd.Index(objects(Color.RED))), r"\$\.index\[0\]: the index"),
        (pa.Tensor.from_numpy(np.ones((2, 2))), "pyarrow.lib.Tensor has no encoding"),
        (pd.Period("2020-01"), "Period has no encoding"),
        (pd.Interval(1, 2), "Interval has no encoding"),
    ],
    ids=str,
)
def test_what_arrow_would_change_is_refused(value, where):
    with pytest.raises(SerializationError, match=where):
        serialize_value(value)


@pytest.mark.parametrize(
    "column",
    [
        objects(DAY, None, dt.date(9999, 12, 31)),
        categories(Decimal("1.10"), Decimal("2.00")),
        categories(DAY, dt.date(2020, 1, 2), None),
        categories(b"a", b"b"),
        objects(b"a", None),
        objects("a", None, "b"),
        objects(Decimal("1.10"), Decimal("2.00")),
    ],
    ids=str,
)
def test_objects_of_one_kind_come_back(column):
    frame = pd.DataFrame({"v": column, "n": range(len(column))})
    back = deserialize_value(serialize_value(frame, strict=True))
    pd.testing.assert_frame_equal(back, frame)
    assert [*map(repr, back["v"])] == [*map(repr, frame["v"])]


@pytest.mark.parametrize(
    "labels",
    [
        [("a", 2**60 + 1), ("b", None)],
        [("c", 2**60 + 1), ("b", None), ("a", 2**60)],
        [(2**60 + 1, None), (None, 2**60 + 1)],
        [("a", 1.5), ("b", None)],
        [("a", 1), ("b", 2.5), ("c", None)],
        [("a", 1), ("b", 2)],
        [("a", True), ("b", None)],
        [("a", "x"), ("b", None)],
    ],
    ids=str,
)
def test_columns_of_several_levels_keep_ints_beside_what_is_missing(labels):
    frame = pd.DataFrame([[*range(len(labels))]], columns=pd.MultiIndex.from_tuples(labels))
    columns = deserialize_value(serialize_value(frame, strict=True)).columns
    pd.testing.assert_index_equal(columns, frame.columns, exact=True)
    assert [level.dtype for level in columns.levels] == [
        level.dtype for level in frame.columns.levels
    ]
    for level, items in enumerate(frame.columns.levels):
        assert [*columns.levels[level]] == [*items]


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"a": ["x", "y"], "c": pl.Series(["p", "q"], dtype=pl.Categorical)}),
        pl.DataFrame({"e": pl.Series(["p"], dtype=pl.Enum(["p", "q"])), "n": [[1, 2]]}),
    ],
    ids=["categories", "enum"],
)
def test_polars_bytes_that_are_changed_anywhere_are_refused_or_read(frame):
    good = serialize_value(frame)
    for place in range(0, len(good.value), 3):
        data = bytearray(good.value)
        data[place] ^= 0x55
        with suppress(SerializationError):
            deserialize_value(Any(type_url=good.type_url, value=bytes(data)))


class Blob(bytes):
    """Bytes of a class of their own."""


@pytest.mark.parametrize(
    "cells",
    [
        [np.True_, False],
        [True, None, np.False_],
        [np.bytes_(b"a"), b"b"],
        [None, Blob(b"a")],
        [[np.True_]],
    ],
    ids=str,
)
def test_cells_of_classes_that_arrow_makes_others_of_are_refused(cells):
    at = next(row for row, cell in enumerate(cells) if type(cell) not in (bool, bytes, type(None)))
    for value, path in (
        (pd.DataFrame({"a": pd.Series(cells, dtype=object)}), f"$.a[{at}]"),
        (pd.Series(cells, dtype=object), f"$[{at}]"),
    ):
        with pytest.raises(
            SerializationError, match="holds objects that Arrow would change"
        ) as caught:
            serialize_value(value)
        assert caught.value.path == path


@pytest.mark.parametrize(
    "cells",
    [
        [True, None],
        ["a", None, np.nan, "b"],
        [None, np.nan, pd.NaT, pd.NA],
        [b"a", None],
        [1, None],
    ],
    ids=str,
)
def test_what_is_missing_is_looked_at_without_a_call_of_pandas_for_each_row(cells):
    column = pd.Series(cells * 5000, dtype=object)
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        encoded = serialize_value(column)
    finally:
        sys.setprofile(None)
    assert calls < 4 * len(column)
    back = deserialize_value(encoded)
    assert [*map(repr, back)] == [*map(repr, column)]
