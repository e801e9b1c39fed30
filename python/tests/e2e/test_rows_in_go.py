"""DataFrames of Python as rows of a Go tool, and back."""

from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import pytest

from grpc_tool_bridge import GRPCToolBridge
from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.testing.equality import difference

NAN = float("nan")


def sample():
    """A row of each sort: whole, with NaN, with nulls."""
    paid = pd.arrays.FloatingArray(np.array([1.5, -NAN, 0.0]), np.array([False, False, True]))
    return pd.DataFrame(
        {
            "id": [1, 2**62 + 1, -3],
            "price": [1.5, NAN, -NAN],
            "paid": paid,
            "seats": pd.array([2**60 + 1, None, 3], dtype="Int64"),
            "open": pd.array([True, None, False], dtype="boolean"),
            "name": ["a", "ü", "\U0001f600"],
            "at": pd.date_range("2024-03-30", periods=3, freq="h", tz="UTC", unit="ns"),
        }
    )


@pytest.fixture
def rows(house):
    """Calls a Go tool, over a link and over plain RPCs."""

    async def call(frame, use_link, tool):
        bridge = GRPCToolBridge(house.address, use_link=use_link)
        try:
            await bridge.initialize("rows")
            return await bridge.execute_tool(tool, frame)
        finally:
            await bridge.aclose()

    return lambda frame, use_link=True, tool="go_rows": asyncio.run(call(frame, use_link, tool))


@pytest.mark.parametrize("use_link", [True, False], ids=["link", "plain rpc"])
@pytest.mark.parametrize("count", [3, 0], ids=["rows", "no rows"])
def test_a_table_comes_back_from_the_rows_of_a_go_tool(rows, use_link, count):
    frame = sample().iloc[:count]
    again = rows(frame, use_link)
    if not count:  # without nulls there is nothing to be nullable for
        assert list(again.columns) == list(frame.columns)
        assert not len(again)
        return
    assert not difference(frame, again)


def test_a_table_that_travels_in_pieces_comes_back_from_rows(rows):
    frame = pd.concat([sample()] * 4_000, ignore_index=True)
    frame["name"] = frame["name"] * 1000
    assert frame.memory_usage(index=False, deep=True).sum() > 11 << 20
    assert not difference(frame, rows(frame))


@pytest.mark.parametrize(
    ("column", "cells", "path", "match"),
    [
        ("price", pd.array([1.5, 2.5, None], dtype="Float64"), "[2].price", "want float"),
        ("id", ["1", "2", "3"], "[0].id", "want int"),
        ("id", [1, 2, 3.5], "[0].id", "want int"),
        ("name", [b"a", b"b", b"c"], "[0].name", "want str"),
        ("name", ["a", None, "c"], "[1].name", "want str"),
        ("seats", [1.0, NAN, 3.0], "[0].seats", "want int"),
        ("at", [1, 2, 3], "[0].at", "want datetime"),
    ],
)
def test_a_column_that_does_not_fit_the_rows_is_refused_with_its_path(
    rows, column, cells, path, match
):
    frame = sample()
    frame[column] = cells
    with pytest.raises(ToolExecutionError, match=match) as caught:
        rows(frame)
    assert path in str(caught.value)
    assert caught.value.error_type in {"ValidationError", "SerializationError"}


def labelled(*labels):
    return pd.DataFrame([list(range(len(labels)))], columns=pd.Index(labels))


@pytest.mark.parametrize(
    "frame",
    [
        labelled(1, 0),
        labelled(10, 20),
        labelled(True, False),
        labelled(1.0, 2.5, 1e20, 1e-7),
        labelled("a", 1, None, 2.5, True),
        labelled(pd.Timestamp("2024-03-30"), pd.Timestamp("2024-03-31 01:02:03.000004")),
        labelled(pd.Timedelta(days=-1), pd.Timedelta(hours=2, microseconds=1)),
    ],
    ids=lambda frame: ",".join(map(str, frame.columns)),
)
def test_rows_have_the_text_of_labels_that_are_none(rows, frame):
    got = rows(frame, tool="go_records")
    assert got == [
        {str(label): cell for label, cell in zip(frame.columns, frame.iloc[0], strict=True)}
    ]
    assert got == [{str(label): position for position, label in enumerate(frame.columns)}]


@pytest.mark.parametrize(
    ("frame", "name", "path"),
    [
        (labelled("a", "a"), "a", "$.a"),
        (labelled("1", 1), "1", '["1"]'),
        (labelled(True, "True", "x"), "True", "True"),
    ],
    ids=["twice", "a text and an int", "a text and a bool"],
)
@pytest.mark.parametrize("tool", ["go_records", "go_rows"])
def test_labels_of_one_text_have_no_rows_and_still_a_table(rows, frame, name, path, tool):
    with pytest.raises(ToolExecutionError, match=f'two columns are called "{name}"') as caught:
        rows(frame, tool=tool)
    assert caught.value.error_type == "ValidationError"
    assert path in str(caught.value)
    assert not difference(frame, rows(frame, tool="go_echo"))


@pytest.mark.parametrize("ids", [[1, 2, 3], [5, 7, 3]], ids=["a range", "ints"])
@pytest.mark.parametrize("use_link", [True, False], ids=["link", "plain rpc"])
def test_rows_have_a_named_index_whichever_kind_pandas_makes_of_it(rows, ids, use_link):
    frame = pd.DataFrame({"id": ids, "x": [1.0, 2.0, 3.0]}).set_index("id")
    wanted = [{"x": x, "id": key} for key, x in zip(ids, [1.0, 2.0, 3.0], strict=True)]
    assert rows(frame, use_link, "go_records") == wanted
    structs = sample().assign(id=ids).set_index("id")
    assert list(rows(structs, use_link)["id"]) == ids


def test_a_range_goes_on_across_the_batches_of_a_table_that_travels_in_pieces(rows):
    frame = pd.concat([sample()] * 4_000, ignore_index=True)
    frame["name"] = frame["name"] * 1000
    frame.index = pd.RangeIndex(10, 10 + 3 * len(frame), 3, name="id")
    assert list(rows(frame.drop(columns="id"))["id"]) == list(frame.index)


@pytest.mark.parametrize(
    ("frame", "path"),
    [
        (pd.DataFrame({"p": pd.period_range("2020-01", periods=2, freq="M")}), ".p"),
        (pd.DataFrame({"i": pd.interval_range(0, 2, closed="left")}), ".i"),
    ],
    ids=["periods", "intervals"],
)
def test_periods_and_intervals_are_refused_in_rows_rather_than_cut(rows, frame, path):
    with pytest.raises(ToolExecutionError, match=r"astype\(str\)") as refused:
        rows(frame, tool="go_records")
    assert refused.value.details["path"].endswith(path)


@pytest.mark.parametrize(
    ("given", "named"),
    [(pd.Series([1]), "pandas.Series"), (np.array([1]), "numpy.ndarray")],
    ids=["series", "array"],
)
def test_what_does_not_become_rows_of_structs_is_named(rows, given, named):
    with pytest.raises(ToolExecutionError) as refused:
        rows(given)
    assert named in str(refused.value)
