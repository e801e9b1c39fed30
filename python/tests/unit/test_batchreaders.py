"""Tables that are read batch by batch: what holds of them without a bridge."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from typing import Annotated, Optional

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpc_tool_bridge import (
    SerializationError,
    ToolExecutionError,
    deserialize_value,
    serialize_value,
)
from grpc_tool_bridge.batchreaders import (
    OutgoingReader,
    PieceFlow,
    is_reader,
    open_reader,
    wants_reader,
)
from grpc_tool_bridge.callrequests import Limit, prepare
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.schema.arguments import fits
from grpc_tool_bridge.tables import StreamedTable, large_table, pieces_of

SCHEMA = pa.schema({"a": pa.int64(), "b": pa.float64()})
MIB = 1 << 20
ROWS = 40_000


def batch(start=0, rows=ROWS):
    return pa.record_batch({"a": np.arange(start, start + rows), "b": np.ones(rows)}, SCHEMA)


def reader_of(count, seen=None, failure=None):
    """A reader that makes so many batches when they are asked for."""

    def make():
        for i in range(count):
            if seen is not None:
                seen.append(threading.current_thread().name)
            yield batch(i * ROWS)
        if failure is not None:
            raise failure

    return pa.RecordBatchReader.from_batches(SCHEMA, make())


def written(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=ROWS)
    return sink.getvalue().to_pybytes()


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def feeder(pieces):
    left = iter(pieces)
    return lambda: next(left, None)


@pytest.mark.parametrize(
    ("hint", "wants"),
    [
        (pa.RecordBatchReader, True),
        (Optional[pa.RecordBatchReader], True),  # noqa: UP045 - as users write it
        (pa.RecordBatchReader | None, True),
        (Annotated[pa.RecordBatchReader, "rows"], True),
        (pa.Table, False),
        (list[pa.RecordBatchReader], False),
        (pa.Table | pa.RecordBatchReader, False),
        (None, False),
    ],
)
def test_a_hint_asks_for_a_reader(hint, wants):
    assert wants_reader(hint) is wants


def test_a_reader_is_known_and_fits_where_a_table_does():
    assert is_reader(reader_of(1))
    assert not is_reader(pa.table({"a": [1]}))
    assert fits(reader_of(1), "Table")
    assert not fits(reader_of(1), "DataFrame")


async def test_batches_are_made_in_a_thread_of_the_readers_own_as_they_are_sent():
    seen: list[str] = []
    table = large_table(reader_of(30, seen), 10 * MIB)
    assert seen == [], "nothing is read before it is sent"
    pieces = pieces_of(table)
    first = await anext(pieces)
    assert len(seen) <= 2, "no more than what is sent now"
    rest = [piece async for piece in pieces]
    assert rest[-1] == b""
    assert len(set(seen)) == 1
    assert seen[0] != threading.current_thread().name
    got = StreamedTable("pyarrow.Table", Pieces([first, *rest[:-1]])).decode()
    assert got.equals(reader_of(30).read_all())


async def test_a_long_batch_is_sent_in_parts():
    long = pa.RecordBatchReader.from_batches(SCHEMA, [batch(rows=1_000_000)])
    pieces = [p async for p in pieces_of(large_table(long, 10 * MIB))]
    got = StreamedTable("pyarrow.Table", Pieces(pieces[:-1])).decode()
    assert got.num_rows == 1_000_000
    assert len(got.to_batches()) >= 15


async def test_a_reader_that_fails_fails_the_sending():
    table = large_table(reader_of(2, failure=LookupError("no more")), 10 * MIB)
    with pytest.raises(LookupError, match="no more"):
        async for _ in pieces_of(table):
            pass


async def test_what_ends_within_a_message_is_a_table():
    assert (await OutgoingReader(reader_of(3)).begin(10 * MIB)).equals(reader_of(3).read_all())
    outgoing = OutgoingReader(reader_of(40))
    assert await outgoing.begin(10 * MIB) is None
    assert pa.Table.from_batches(list(outgoing)).equals(reader_of(40).read_all())
    assert (await OutgoingReader(reader_of(0)).begin(10 * MIB)).schema == SCHEMA


def test_inside_of_a_value_a_reader_is_the_table_that_it_gives():
    assert deserialize_value(serialize_value([reader_of(2)]))[0].equals(reader_of(2).read_all())
    with pytest.raises(
        SerializationError, match="more than 10485760 bytes; only one that is a whole"
    ):
        serialize_value([reader_of(40)])


def test_readers_have_the_last_numbers_among_the_tables():
    big = pa.table({"a": np.arange(2_000_000)})
    request, tables = prepare(
        "t",
        [reader_of(1), big],
        {},
        session_id="s",
        timeout=1,
        limit=Limit(max_table_bytes=1 << 30),
    )
    assert [table.reader is None for table in tables] == [True, False]
    assert [value.type_url for value in request.args] == ["stream.dspex.bridge/pyarrow.Table"] * 2


def test_one_reader_cannot_be_two_arguments():
    reader = reader_of(1)
    with pytest.raises(ToolExecutionError, match="twice") as caught:
        prepare(
            "t",
            [reader],
            {"x": reader},
            session_id="s",
            timeout=1,
            limit=Limit(max_table_bytes=1 << 30),
        )
    assert caught.value.error_type == "ValidationError"


@pytest.mark.parametrize("size", [1, 7, 8, 1000, 61_440, 1 << 30])
def test_a_table_in_pieces_of_any_length_is_read_batch_by_batch(size):
    table = reader_of(2).read_all() if size > 8 else pa.table({"a": [1, 2], "b": ["x", None]})
    reader = open_reader("pyarrow.Table", feeder(cut(written(table), size)))
    assert reader.schema == table.schema
    assert reader.read_all().equals(table)


def test_categories_and_compressed_batches_are_read_too():
    texts = pa.array(["x", "y", "x"] * 1000).dictionary_encode()
    table = pa.table({"c": texts, "n": list(range(3000))})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=700)
    pieces = cut(sink.getvalue().to_pybytes(), 999)
    assert open_reader("pyarrow.Table", feeder(pieces)).read_all().equals(table)


def test_a_batch_is_read_before_the_next_has_come():
    data = written(reader_of(3).read_all())
    came: list[int] = []

    def next_piece():
        came.append(len(came))
        at = (len(came) - 1) * 50_000
        return data[at : at + 50_000] or None

    reader = open_reader("pyarrow.Table", next_piece)
    assert len(came) <= 1
    reader.read_next_batch()
    assert len(came) * 50_000 < len(data) / 2


def test_bytes_that_end_too_early_or_lie_are_refused():
    data = written(reader_of(2).read_all())
    for end in (3, 9, 200, len(data) - 2000):
        with pytest.raises(SerializationError):
            open_reader("pyarrow.Table", feeder(cut(data[:end], 1000))).read_all()
    long = b"\xff\xff\xff\xff" + (1 << 30).to_bytes(4, "little")
    with pytest.raises(SerializationError, match="the limit of a batch"):
        open_reader("pyarrow.Table", feeder([long]))


@given(
    at=st.integers(0, 1500),
    change=st.binary(min_size=1, max_size=8),
    size=st.integers(1, 2000),
)
def test_a_changed_stream_is_read_or_refused(at, change, size):
    data = bytearray(written(pa.table({"a": [1, 2, 3], "b": ["x", None, "yz"]})))
    data[at : at + len(change)] = change
    try:
        open_reader("pyarrow.Table", feeder(cut(bytes(data), size))).read_all()
    except SerializationError as error:
        assert error.path  # noqa: PT017 - one that is read is no failure


def test_a_received_table_is_read_batch_by_batch_and_let_go():
    data = written(reader_of(4).read_all())
    pieces = Pieces(cut(data, 60_000))
    reader = StreamedTable("pyarrow.Table", pieces).as_hinted(pa.RecordBatchReader)
    assert [b.num_rows for b in reader] == [ROWS] * 4
    assert len(pieces) == 0


@pytest.mark.parametrize(
    "value", [pa.table({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]})], ids=["pyarrow", "pandas"]
)
def test_a_table_that_is_one_value_becomes_a_reader_where_that_is_hinted(value):
    reader = deserialize_value(serialize_value(value), pa.RecordBatchReader)
    assert reader.read_all().column("a").to_pylist() == [1, 2]


@pytest.mark.parametrize(
    "value",
    [
        pd.Series([1.0, 2.0]),
        pd.Series([1, 2], index=["a", "b"], name=3),
        pd.DataFrame([[1, 2]], columns=[5, 3]),
        pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
        np.zeros((2, 2)),
        pl.Series("s", ["a", "b"]),
        pl.DataFrame({"c": pl.Series(["a", "b"], dtype=pl.Categorical)}),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_a_reader_of_a_table_in_one_message_gives_what_one_of_a_table_in_pieces_gives(value):
    encoded = serialize_value(value)
    kind = encoded.type_url.rpartition("/")[2]
    pieces = StreamedTable(kind, Pieces([encoded.value])).as_hinted(pa.RecordBatchReader)
    small = deserialize_value(encoded, pa.RecordBatchReader)
    assert isinstance(small, pa.RecordBatchReader)
    assert small.schema.equals(pieces.schema, check_metadata=True)
    assert small.read_all().equals(pieces.read_all())


def test_what_is_no_table_does_not_fit_a_reader():
    with pytest.raises(SerializationError, match="want a table"):
        deserialize_value(serialize_value(3), pa.RecordBatchReader)


async def test_a_flow_gives_what_comes_and_tells_what_was_read():
    taken: list[int] = []
    flow = PieceFlow(asyncio.get_running_loop(), taken.append)
    first = asyncio.ensure_future(asyncio.to_thread(flow.next))
    await asyncio.sleep(0)
    flow.put(b"abc", 7)
    assert await first == b"abc"
    await asyncio.sleep(0)
    assert taken == [7]
    flow.put(b"", 1)
    assert flow.next() is None


async def test_a_flow_does_not_block_the_loop_that_feeds_it():
    flow = PieceFlow(asyncio.get_running_loop(), lambda _: None)
    with pytest.raises(RuntimeError, match=r"read in a thread, as with asyncio\.to_thread"):
        flow.next()
    flow.put(b"a", 1)
    assert flow.next() == b"a"


async def test_a_flow_that_fails_wakes_who_waits():
    flow = PieceFlow(asyncio.get_running_loop(), lambda _: None)
    waiting = asyncio.ensure_future(asyncio.to_thread(flow.next))
    await asyncio.sleep(0.01)
    flow.fail(LookupError("gone"))
    with pytest.raises(LookupError):
        await waiting
    with pytest.raises(LookupError):
        flow.next()


def test_nothing_is_a_reader_while_another_thread_still_imports_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", types.ModuleType("pyarrow"))  # as it is at first
    assert not is_reader(5)
    assert not wants_reader(int)
    assert not wants_reader(None)
