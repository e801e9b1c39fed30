"""Arrow's maps in pandas, and ints beside nulls inside of cells."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

BIG = 2**60 + 1


def objects(cells):
    return pd.Series(cells, dtype=object, name="c")


@pytest.mark.parametrize(
    "cells",
    [
        [[("a", 1)], [("b", 2), ("c", None)], None, []],
        [[("a", BIG), ("b", None)]],
        [[(1, "x"), (2, "y")]],
        [[("a", [1, 2])], [("b", None)]],
        [[("a", {"x": 1})]],
        [[("a", [("b", 1)])], []],
        [[(b"x", Decimal("1.10"))]],
        [[("a", 1), ("a", 2)]],
        [[("a", None)]],
    ],
    ids=repr,
)
def test_lists_of_pairs_come_back(cells):
    frame = pd.DataFrame({"n": range(len(cells)), "c": objects(cells)})

    got = deserialize_value(serialize_value(frame))

    assert repr(got["c"].tolist()) == repr(cells)
    assert got.dtypes.equals(frame.dtypes)
    assert repr(deserialize_value(serialize_value(objects(cells))).tolist()) == repr(cells)
    again = deserialize_value(serialize_value(got))
    assert repr(again["c"].tolist()) == repr(cells)


def test_a_map_of_another_program_is_read_exactly_and_can_be_sent_back():
    column = pa.array([[("a", BIG)], [("b", None)], None], pa.map_(pa.string(), pa.int64()))
    stream = serialize_value(pa.table({"m": column})).value

    frame = deserialize_value(Any(type_url="x/pandas.DataFrame", value=stream))

    assert repr(frame["m"].tolist()) == repr([[("a", BIG)], [("b", None)], None])
    assert (
        pa.array(column).type
        == pa.ipc.open_stream(serialize_value(frame).value).schema.field("m").type
    )


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[BIG, None], None]),
        pa.array([[BIG, None], None], pa.large_list(pa.int64())),
        pa.array([[BIG, None]], pa.list_(pa.int64(), 2)),
        pa.array([[[BIG], [None]]]),
        pa.array([{"x": [BIG, None]}]),
        pa.array([{"x": BIG}, {"x": None}, None]),
        pa.array([{"x": {"y": BIG}}, {"x": {"y": None}}]),
    ],
)
def test_ints_beside_nulls_inside_of_cells_stay_ints(column):
    stream = serialize_value(pa.table({"n": [1] * len(column), "c": column})).value

    frame = deserialize_value(Any(type_url="x/pandas.DataFrame", value=stream))

    assert repr(frame["c"].tolist()) == repr(column.to_pylist())
    series = serialize_value(pa.table({"c": column})).value
    cells = deserialize_value(Any(type_url="x/pandas.Series", value=series))
    assert repr(cells.tolist()) == repr(column.to_pylist())


@pytest.mark.parametrize(
    "cells",
    [
        [[("a", 1), ("b", "x")]],
        [[("a", 1)], [("b", 2.5)]],
        [[("a", True)], [("b", 1)]],
        [[("a", 1)], {"a": 1}],
        [[("a", 1), ["b", 2]]],
        [[(None, 1)]],
        [[("a", 1, 2)]],
        [("a", 1)],
        [[("a", ("b", 1))]],
    ],
    ids=repr,
)
def test_pairs_that_are_no_map_are_refused_with_their_column(cells):
    with pytest.raises(SerializationError) as caught:
        serialize_value(pd.DataFrame({"c": objects(cells)}))

    assert caught.value.path.startswith("$.c")


@pytest.mark.parametrize(
    "cells",
    [
        [Decimal("1E+3")],
        [None, Decimal("1E+3")],
        [Decimal("1E+3"), Decimal(2)],
        [Decimal("0E+3")],
        [Decimal("-0")],
        [Decimal("NaN")],
        [Decimal("sNaN")],
        [Decimal("Infinity")],
        [Decimal("1E+100")],
        [[Decimal("1E+3")]],
        [{"x": Decimal("1E+3")}],
        [[("a", Decimal("1E+3"))]],
    ],
    ids=repr,
)
def test_decimals_that_arrow_would_write_with_another_exponent_are_refused_with_their_column(cells):
    with pytest.raises(SerializationError) as caught:
        serialize_value(pd.DataFrame({"c": objects(cells)}))

    assert caught.value.path.startswith("$.c")
