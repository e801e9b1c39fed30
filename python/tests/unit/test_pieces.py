"""Bytes in pieces are read as if they were put together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpc_tool_bridge.framebounds import Budget
from grpc_tool_bridge.frames import decode_frame, encode_frame
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.values.fault import Fault

KINDS = ("pandas.DataFrame", "polars.DataFrame", "pyarrow.Table")


def _cut(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


def _table(rows=5000):
    return pa.table(
        {
            "number": pa.array(range(rows), pa.int64()),
            "text": pa.array([f"text {row}" for row in range(rows)]),
            "kind": pa.array([f"kind {row % 3}" for row in range(rows)]).dictionary_encode(),
        }
    )


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=9), st.data())
def test_any_part_is_what_it_is_of_the_whole(parts, data):
    whole, pieces = b"".join(parts), Pieces(parts)
    assert len(pieces) == len(whole)
    assert pieces.joined() == whole
    start, size = data.draw(st.integers(0, 90)), data.draw(st.integers(0, 90))
    assert bytes(pieces.part(start, size)) == whole[start : start + size]


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=9), st.lists(st.integers(-1, 12)))
def test_a_reader_gives_each_byte_once_and_may_let_go_of_what_it_gave(parts, sizes):
    whole, pieces = b"".join(parts), Pieces(parts)
    for last in (False, True):
        reader, read = pieces.reader(last=last), b""
        for size in [*sizes, -1]:
            read += bytes(reader.read(size))
        assert read == whole
    assert pieces.joined() == b""


@pytest.mark.parametrize("size", [7, 1000, 60 * 1024, 1 << 20])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_a_table_in_pieces_of_any_length_is_read(size, compression):
    table, sink = _table(), pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=1000)
    data = sink.getvalue().to_pybytes()
    for kind in KINDS:
        whole, cut = decode_frame(kind, data), decode_frame(kind, Pieces(_cut(data, size)))
        assert cut.equals(whole), kind


@pytest.mark.parametrize("size", [13, 100, 60 * 1024])
def test_numbers_of_a_table_in_pieces_lie_where_numbers_may(size):
    table, sink = pa.table({"number": np.arange(50, dtype="f8")}), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = b"x" * 3 + sink.getvalue().to_pybytes()
    pieces = Pieces(_cut(data, size))
    reader = pieces.reader()
    reader.read(3)
    again = pa.ipc.open_stream(pa.PythonFile(reader, mode="r")).read_all()
    assert again.equals(table)
    assert again.column(0).chunk(0).buffers()[1].address % 8 == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_in_pieces_that_is_cut_short_is_refused(kind):
    _, data = encode_frame(_table())
    for end in (5, 100, len(data) // 2, len(data) - 20):
        with pytest.raises(Fault):
            decode_frame(kind, Pieces(_cut(data[:end], 1000)))


def test_a_table_in_pieces_keeps_within_its_budget():
    table = pa.table({"zeros": pa.array(np.zeros(20_000_000, dtype="i1"))})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    budget = Budget("pyarrow.Table", len(data))
    budget.take(budget.limit - 1_000_000, "something else")
    with pytest.raises(Fault, match="send it in parts"):
        decode_frame("pyarrow.Table", Pieces(_cut(data, 100)), budget)
