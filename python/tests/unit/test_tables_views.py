"""Views, dense unions and runs travel in pieces with what their rows show, not with what they share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from grpc_tool_bridge.frames import decode_frame
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.tables import (
    LargeTable,
    ReceivedTables,
    StreamedTable,
    WrittenTable,
    large_table,
)

MIB = 1 << 20


def frame(rows=200_000):
    """10 columns; 16 MB by default."""
    return pd.DataFrame({f"c{i}": np.arange(rows, dtype=float) * i for i in range(10)})


def received(table):
    """What arrives of a table."""
    tables = ReceivedTables(1, 1 << 30)
    for piece in table.pieces():
        tables.add(piece)
    return tables.take(table.stands_for(0))


TEXTS = ["a text that is no short one", "and another " * 7, None, "ü", ""]


def of_views(dtype):
    return pa.array(TEXTS * 80_000, dtype)


VIEWS = {
    "texts": lambda: of_views(pa.string_view()),
    "bytes": lambda: of_views(pa.string()).cast(pa.binary()).cast(pa.binary_view()),
    "lists": lambda: pa.ListArray.from_arrays(
        pa.array(range(0, 400_001, 4), pa.int32()), of_views(pa.string_view())
    ),
    "large lists": lambda: pa.LargeListArray.from_arrays(
        pa.array(range(0, 400_001, 4), pa.int64()), of_views(pa.string_view())
    ),
    "pairs": lambda: pa.FixedSizeListArray.from_arrays(of_views(pa.string_view()), 2),
    "records": lambda: pa.StructArray.from_arrays(
        [of_views(pa.string_view()), pa.array(range(400_000))], ["text", "n"]
    ),
}


def in_pieces(table):
    found = large_table(table, 10 * MIB)
    assert isinstance(found, LargeTable)
    came = b"".join(found.pieces())
    return len(came), StreamedTable(found.kind, Pieces([came])).decode()


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("as_reader", [False, True], ids=["table", "reader"])
def test_views_travel_in_pieces_without_the_texts_of_other_batches(make, as_reader):
    table = pa.table({"v": make(), "w": make()})
    value = table.to_reader() if as_reader else table
    size, again = in_pieces(value)
    assert again.equals(table)
    assert size < 2 * table.nbytes


def test_a_slice_of_views_travels_without_the_texts_of_the_rest():
    table = pa.table({"v": pa.array(["view" * 10] * 400_000, pa.string_view())})
    found = large_table(table.slice(1000, 20), 10 * MIB)
    assert isinstance(found, WrittenTable)  # small enough for one message
    assert len(found.data) < 10_000
    assert decode_frame(found.kind, found.data).equals(table.slice(1000, 20))
    assert in_pieces(table)[1].equals(table)


def dense_union(rows=600_000):
    """A table of one column with two of these rows, of 27 MB by default."""
    codes = pa.array([0, 1] * rows, pa.int8())
    places = pa.array([n // 2 for n in range(2 * rows)], pa.int32())
    children = [pa.array(range(rows)), pa.array([f"text {n}" for n in range(rows)])]
    return pa.table({"u": pa.UnionArray.from_dense(codes, places, children)})


def test_a_slice_of_a_dense_union_travels_without_the_rest():
    table = dense_union()
    for start in (0, 2, 600_001):
        found = large_table(table.slice(start, 10), 10 * MIB)
        assert isinstance(found, WrittenTable)
        assert len(found.data) < 10_000
        assert decode_frame(found.kind, found.data).equals(table.slice(start, 10))


def test_a_dense_union_travels_in_pieces_of_its_own_items():
    table = dense_union()
    for value in (table, table.to_reader()):
        size, again = in_pieces(value)
        assert again.equals(table)
        assert size < 1.1 * table.nbytes


def test_views_that_show_one_text_are_not_written_out():
    one = pa.array(["x" * 3_000_000], pa.string_view())
    buffers = [None, pa.py_buffer(one.buffers()[1].to_pybytes() * 800_000), one.buffers()[2]]
    table = pa.table({"v": pa.Array.from_buffers(pa.string_view(), 800_000, buffers)})
    found = large_table(table, 10 * MIB)
    assert isinstance(found, LargeTable)
    came = b"".join(found.pieces())
    assert len(came) < 60 * MIB


def test_runs_travel_in_pieces():
    values = pa.array([f"run {n}" for n in range(100_000)])
    ends = pa.array(range(20, 2_000_001, 20), pa.int32())
    column = pa.RunEndEncodedArray.from_arrays(ends, values)
    table = pa.table({"r": column, "n": pa.array(range(2_000_000))})
    assert in_pieces(table)[1].column("r").to_pylist() == column.to_pylist()
