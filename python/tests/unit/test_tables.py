from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dspex_bridge_pb2 import (
    Credit,
    Frame,
    LinkMessage,
    ToolCallRequest,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)
from grpc_tool_bridge import (
    SerializationError,
    ToolBridgeClient,
    ToolExecutionError,
    deserialize_value,
    serialize_value,
    tool,
)
from grpc_tool_bridge.callrequests import Limit, make_request, prepare
from grpc_tool_bridge.frames import decode_frame
from grpc_tool_bridge.hosting import HostedTool, run_call
from grpc_tool_bridge.link import INITIAL_CREDIT, Link
from grpc_tool_bridge.moving import TabledResponse, table_piece
from grpc_tool_bridge.packing import ProtocolViolationError
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.places import Places
from grpc_tool_bridge.tables import (
    PIECE_BYTES,
    PIECE_URL,
    LargeTable,
    ReceivedTables,
    StreamedTable,
    WrittenTable,
    large_table,
    split,
)

MIB = 1 << 20


class Host:
    """Runs hosted calls with a function."""

    def __init__(self):
        self.function = None
        self.tasks = set()

    def on_call(self, call):
        if self.function is not None:
            task = asyncio.ensure_future(self.function(call))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def on_control(self, name, frame): ...


class Transport:
    """A connection's end in memory; it keeps what was sent."""

    def __init__(self, incoming, outgoing):
        self.incoming, self.outgoing = incoming, outgoing
        self.seen = []

    async def read(self):
        return await self.incoming.get()

    async def write(self, message):
        self.seen.append(message)
        self.outgoing.put_nowait(message)


class Ends:
    """A process's link and a bridge's, connected in memory."""

    def __init__(self):
        self.host = Host()
        self.process = Link(Host(), first_call_id=1)
        self.bridge = Link(self.host, first_call_id=2)
        self.queues = asyncio.Queue(), asyncio.Queue()
        self.up, down = Transport(*self.queues), Transport(*self.queues[::-1])
        runs = self.process.run(self.up), self.bridge.run(down)
        self.tasks = [asyncio.ensure_future(run) for run in runs]

    async def disconnect(self):
        for queue in self.queues:
            queue.put_nowait(None)
        await asyncio.wait(self.tasks)

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        self.process.close()
        self.bridge.close()


def _request():
    return ToolCallRequest(tool_id="t")


def frame(rows=200_000):
    """10 columns; 16 MB by default."""
    return pd.DataFrame({f"c{i}": np.arange(rows, dtype=float) * i for i in range(10)})


def received(table):
    """What arrives of a table."""
    tables = ReceivedTables(1, 1 << 30)
    for piece in table.pieces():
        tables.add(piece)
    return tables.take(table.stands_for(0))


@pytest.fixture
async def ends():
    ends = Ends()
    await asyncio.sleep(0)
    yield ends
    await ends.close()


@pytest.fixture
def places():
    places = Places(2)
    yield places
    places.close()


@pytest.mark.parametrize(
    "value",
    [
        frame(),
        frame().assign(kind=pd.Categorical(["a", "b"] * 100_000), name=["x"] * 200_000),
        pd.Series(np.arange(2_000_000.0), name="long"),
        np.arange(2_000_000).reshape(1000, 2000),
    ],
    ids=["numbers", "categories and texts", "series", "array"],
)
def test_a_table_in_pieces_comes_back_with_its_types(value):
    table = large_table(value, 10 * MIB)
    assert table is not None
    back = received(table).decode()
    assert type(back) is type(value)
    if isinstance(value, np.ndarray):
        assert np.array_equal(back, value)
    else:
        assert back.equals(value)


def test_polars_and_pyarrow_travel_in_pieces_too():
    pl = pytest.importorskip("polars")
    frame_of_polars = pl.DataFrame({"n": range(2_000_000), "s": ["text"] * 2_000_000})
    back = received(large_table(frame_of_polars, 10 * MIB)).decode()
    assert back.equals(frame_of_polars)
    series = pl.Series("long", range(2_000_000))
    assert received(large_table(series, 10 * MIB)).decode().equals(series)
    arrow = frame_of_polars.to_arrow()
    assert received(large_table(arrow, 10 * MIB)).decode().equals(arrow)


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


def test_pieces_are_short_and_made_as_they_are_asked_for():
    table = large_table(frame(), 10 * MIB)
    pieces = table.pieces()
    first = next(pieces)
    assert len(first) == PIECE_BYTES
    lengths = [len(piece) for piece in pieces]
    assert max(lengths) == PIECE_BYTES
    assert lengths[-1] == 0
    assert 0 not in lengths[:-1]
    whole = len(first) + sum(lengths)
    assert abs(table.size - whole) < whole / 20


def test_a_row_larger_than_a_batch_is_refused():
    pa = pytest.importorskip("pyarrow")
    wide = pa.table({"blob": pa.array([b"y", b"z", b"x" * (3 * MIB), b"y"])})
    table = LargeTable("pyarrow.Table", wide.nbytes, table=wide, batch_limit=2 * MIB)
    with pytest.raises(ToolExecutionError, match=r"row 2 of a pyarrow\.Table has") as caught:
        list(table.pieces())
    assert caught.value.error_type == "MessageTooLarge"
    assert caught.value.details["limit"] == str(2 * MIB)
    assert caught.value.details["column"] == "blob"


@pytest.mark.parametrize("value", [1, "x" * 100, [1.0] * 1000, None, pd.NaT, object()])
def test_what_is_no_table_is_not_looked_at(value):
    assert large_table(value, 10 * MIB) is None


def test_a_table_that_fits_is_written():
    assert isinstance(large_table(pd.DataFrame({"a": [1]}), 10 * MIB), WrittenTable)


def test_a_table_that_does_not_fit_arrow_is_named():
    mixed = pd.DataFrame({"fine": np.zeros(2_000_000), "mixed": [1, "x"] * 1_000_000})
    with pytest.raises(SerializationError, match="mixed"):
        large_table(mixed, 10 * MIB)


def test_the_largest_tables_are_put_aside_until_the_rest_fits():
    values = [serialize_value(np.zeros(n)) for n in (10, 50_000, 30_000)]
    values.append(serialize_value("text"))
    tables = split(values, {}, 300_000)
    assert [table.kind for table in tables] == ["numpy.ndarray"]
    assert values[1].type_url == "stream.dspex.bridge/numpy.ndarray"
    assert deserialize_value(values[0]).shape == (10,)
    assert received(tables[0]).decode().shape == (50_000,)
    assert split([serialize_value("x" * 1000)], {}, 100) == []


def test_a_value_that_stands_for_no_table_is_refused():
    table = LargeTable("numpy.ndarray", 3, data=b"abc")
    tables = ReceivedTables(1, 10)
    for piece in table.pieces():
        tables.add(piece)
    assert tables.take(serialize_value(1)) is None
    assert tables.take(table.stands_for(0)).data.joined() == b"abc"
    for index in (0, 7):
        with pytest.raises(SerializationError, match="did not come"):
            tables.take(table.stands_for(index))
    with pytest.raises(SerializationError, match="in pieces, which did not come"):
        deserialize_value(table.stands_for(0))


@pytest.mark.parametrize("size", [0, 1, 100, 200, 20_000, PIECE_BYTES])
@pytest.mark.parametrize("sequence", [0, 1, 127, 300, 1 << 30])
@pytest.mark.parametrize("kind", ["", "pandas.DataFrame"])
def test_a_piece_travels_as_the_message_that_protobuf_would_write(size, sequence, kind):
    content = ToolStreamContent()
    content.data.type_url = PIECE_URL
    content.data.value = b"x" * size
    chunk = ToolStreamChunk(sequence=sequence, content=content, table_kind=kind)
    assert table_piece(b"x" * size, sequence, kind) == chunk.SerializeToString()


def test_garbage_in_the_place_of_a_table_is_a_serialization_error():
    for kind in ("pandas.DataFrame", "pyarrow.Table", "numpy.ndarray"):
        with pytest.raises(SerializationError, match="malformed"):
            StreamedTable(kind, Pieces([b"\xff" * 1000])).decode()


def test_arguments_are_put_aside_only_where_the_bridge_takes_tables():
    big, small = frame(), pd.DataFrame({"a": [1]})
    call = {"session_id": "s", "timeout": 1}
    request, tables = prepare(
        "t", [1, big], {"small": small, "big": big}, limit=Limit(max_table_bytes=1 << 30), **call
    )
    assert [table.kind for table in tables] == ["pandas.DataFrame"] * 2
    assert deserialize_value(request.args[0]) == 1
    assert request.args[1].type_url == "stream.dspex.bridge/pandas.DataFrame"
    assert deserialize_value(request.kwargs["small"]).equals(small)
    with pytest.raises(ToolExecutionError, match="over a link only"):
        make_request("t", [big], {}, limit=Limit(), **call)
    with pytest.raises(ToolExecutionError, match=r"the limit is 10485760.*in a batch a table has"):
        make_request("t", [big], {}, limit=Limit(max_table_bytes=1 << 30), **call)
    with pytest.raises(ToolExecutionError, match="tables in pieces") as caught:
        prepare("t", [big], {}, limit=Limit(max_table_bytes=1 * MIB), **call)
    assert caught.value.details["limit"] == str(MIB)
    with pytest.raises(ToolExecutionError, match=r"send less, or split them: only a table"):
        prepare("t", ["x" * 11 * MIB], {}, limit=Limit(max_table_bytes=1 << 30), **call)
    with pytest.raises(
        ToolExecutionError, match=r"the limit is 10485760; .*: only a table that is"
    ):
        prepare("t", [[big]], {}, limit=Limit(max_table_bytes=1 << 30), **call)


async def test_plain_rpcs_refuse_tables_and_name_the_link():
    async with ToolBridgeClient("127.0.0.1:1", use_link=False) as client:
        request, tables = prepare(
            "t", [frame()], {}, session_id="s", timeout=1, limit=Limit(max_table_bytes=1 << 30)
        )
        client.stub._ready = True
        client.stub._connected = lambda: True
        with pytest.raises(ToolExecutionError, match="over a link only"):
            await client.stub.ExecuteTool(request, tables)


# over a link


def _hosting(function, places):
    hosted = HostedTool(tool(function))

    async def host(call):
        await run_call(hosted, call, None, places)

    return host


async def test_a_table_travels_both_ways_over_a_link(ends, places):
    def double(table: pd.DataFrame) -> pd.DataFrame:
        return table * 2

    ends.host.function = _hosting(double, places)
    sent = frame()
    request, tables = prepare(
        "t", [sent], {}, session_id="s", timeout=30, limit=Limit(max_table_bytes=1 << 30)
    )
    answer = await ends.process.call(request, tables=tables)
    assert isinstance(answer, TabledResponse)
    assert answer.result.decode().equals(sent * 2)
    assert answer.metrics.execute_ms > 0
    assert ends.process._senders == {}
    assert ends.process._readers == {}


@pytest.mark.parametrize("rows", [10, 1_200_000])
async def test_a_dense_union_and_its_first_rows_travel_over_a_link(ends, places, rows):
    def same(table: pa.Table) -> pa.Table:
        return table

    ends.host.function = _hosting(same, places)
    sent = dense_union().slice(0, rows)
    limit = Limit(max_table_bytes=1 << 30)
    request, tables = prepare("t", [sent], {}, session_id="s", timeout=30, limit=limit)
    answer = await ends.process.call(request, tables=tables)
    result = answer.result
    got = result.decode() if isinstance(answer, TabledResponse) else deserialize_value(result)
    assert got.equals(sent)


async def test_a_streaming_tool_takes_a_table_in_pieces(ends, places):
    def lengths(table):
        yield len(table)

    ends.host.function = _hosting(lengths, places)
    table = large_table(frame(), 10 * MIB)
    request = ToolCallRequest(tool_id="t", args=[table.stands_for(0)], stream=True)
    chunks = [chunk async for chunk in ends.process.stream(request, tables=[table])]
    assert deserialize_value(chunks[0].content.data) == 200_000
    assert ends.process._senders == {}


async def test_a_result_is_refused_where_the_caller_takes_no_tables(ends, places):
    def make() -> pd.DataFrame:
        return frame()

    ends.host.function = _hosting(make, places)
    answer = await ends.process.call(_request())
    assert answer.error.type == "MessageTooLarge"
    assert "over a link only" in answer.error.message


async def test_a_table_inside_of_a_result_or_in_a_chunk_has_to_fit(ends, places):
    def inside() -> list:
        return [frame()]

    def chunks():
        yield frame()

    ends.host.function = _hosting(inside, places)
    answer = await ends.process.call(_request(), tables=())
    assert answer.error.type == "MessageTooLarge"
    assert "the limit is 10485760" in answer.error.message
    assert "a larger table has to be the whole result" in answer.error.message
    ends.host.function = _hosting(chunks, places)
    request = ToolCallRequest(tool_id="t", stream=True)
    chunks = [chunk async for chunk in ends.process.stream(request, tables=())]
    error = chunks[0].content.error
    assert error.type == "MessageTooLarge"
    assert "a chunk of tool 'chunks'" in error.message
    assert "the limit is 10485760" in error.message
    assert "the whole result of a call without chunks, over a link" in error.message


async def test_a_host_that_answers_early_ends_the_sending(ends):
    async def refuse(call):
        call.respond(ToolCallResponse(success=False))

    ends.host.function = refuse
    table = large_table(frame(), 10 * MIB)
    request = ToolCallRequest(tool_id="t", args=[table.stands_for(0)])
    answer = await ends.process.call(request, tables=[table])
    assert not answer.success
    await asyncio.sleep(0.01)
    assert ends.process._senders == {}


async def test_a_table_that_fails_ends_the_call(ends):
    class Broken(LargeTable):
        def pieces(self):
            yield b"x"
            raise SerializationError("row 7 cannot be written")

    table = Broken("pyarrow.Table", 1)
    request = ToolCallRequest(tool_id="t", args=[table.stands_for(0)])
    with pytest.raises(SerializationError, match="row 7"):
        await ends.process.call(request, tables=[table])
    stream = ends.process.stream(
        ToolCallRequest(tool_id="t", args=[table.stands_for(0)], stream=True), tables=[table]
    )
    with pytest.raises(SerializationError, match="row 7"):
        await anext(stream)
    assert ends.process.open_calls == 0


async def test_the_sender_waits_for_credit(ends, until):
    table = LargeTable("pyarrow.Table", 1, data=b"x" * (3 * MIB))
    request = ToolCallRequest(tool_id="t", args=[table.stands_for(0)])
    # Here the host takes nothing: what comes is not read into a call.
    ends.bridge._take_piece = lambda *piece: None
    call = asyncio.ensure_future(ends.process.call(request, tables=[table]))

    def sent():
        frames = [f for m in ends.up.seen for f in LinkMessage.FromString(m).frames]
        return sum(len(f.chunk.content.data.value) for f in frames)

    await until(lambda: sent() > INITIAL_CREDIT * 0.9)
    for _ in range(50):
        await asyncio.sleep(0)
    assert sent() < INITIAL_CREDIT
    ends.bridge.send(b"\x2a", Credit(bytes=MIB).SerializeToString(), 1)
    await until(lambda: sent() > INITIAL_CREDIT)
    call.cancel()
    await asyncio.wait({call})


async def test_too_much_of_a_result_is_refused(ends):
    ends.process.max_table_bytes = MIB
    table = LargeTable("pyarrow.Table", 1, data=b"x" * (2 * MIB))

    async def send(call):
        await call.send_table(table)

    ends.host.function = send
    answer = await ends.process.call(_request(), tables=())
    assert answer.error.type == "MessageTooLarge"
    assert answer.error.details["limit"] == str(MIB)


async def test_too_much_of_an_argument_is_refused(ends, places):
    ends.bridge.max_table_bytes = MIB
    ends.host.function = _hosting(lambda table: None, places)
    table = LargeTable("pyarrow.Table", 1, data=b"x" * (2 * MIB))
    request = ToolCallRequest(tool_id="t", args=[table.stands_for(0)])
    answer = await ends.process.call(request, tables=[table])
    assert answer.error.type == "MessageTooLarge"


async def test_a_lost_incarnation_ends_calls_with_their_tables(ends, until):
    table = LargeTable("pyarrow.Table", 1, data=b"x" * (3 * MIB))
    request = ToolCallRequest(tool_id="t", args=[table.stands_for(0)])
    ends.bridge._take_piece = lambda *piece: None
    call = asyncio.ensure_future(ends.process.call(request, tables=[table]))
    await until(lambda: ends.process._senders)
    await ends.disconnect()
    ends.process.begin_anew("it was restarted")
    with pytest.raises(Exception, match="it was restarted"):
        await call
    assert not ends.process.outbox
    assert ends.process._senders == {}


def _frame(call_id, piece, url=None):
    chunk = ToolStreamChunk.FromString(table_piece(piece, 0))
    if url:
        chunk.content.data.type_url = url
    return Frame(call_id=call_id, chunk=chunk)


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([_frame(1, b"x")], "never made"),
        ([Frame(call_id=1, call=ToolCallRequest()), _frame(1, b"x")], "did not announce"),
        (
            [Frame(call_id=1, call=ToolCallRequest(tables=1)), _frame(1, b""), _frame(1, b"x")],
            "behind the end",
        ),
        (
            [Frame(call_id=1, call=ToolCallRequest(tables=1)), _frame(1, b"x", "t/other")],
            "piece of a table is due",
        ),
        (
            [
                Frame(call_id=1, call=ToolCallRequest(tables=1)),
                _frame(1, b"x" * (PIECE_BYTES + 1)),
            ],
            "of at most 61440",
        ),
    ],
    ids=["unknown call", "not announced", "behind the last", "another type", "too long"],
)
async def test_violations_are_named(ends, frames, says):
    with pytest.raises(ProtocolViolationError, match=says):
        ends.bridge.receive(LinkMessage(frames=frames).SerializeToString())


async def test_more_than_the_credit_is_a_violation(ends):
    ends.bridge.send = lambda *_: None
    ends.bridge.initial_credit = 2 * PIECE_BYTES
    ends.bridge.receive(
        LinkMessage(frames=[Frame(call_id=1, call=ToolCallRequest(tables=1))]).SerializeToString()
    )
    reader = ends.bridge.hosted_calls[0].tables
    reader._step = 1 << 30
    message = LinkMessage(frames=[_frame(1, b"x" * PIECE_BYTES)]).SerializeToString()
    ends.bridge.receive(message)
    with pytest.raises(ProtocolViolationError, match="more than its credit"):
        ends.bridge.receive(message)


async def test_pieces_of_a_call_that_has_ended_are_dropped(ends):
    call = Frame(call_id=1, call=ToolCallRequest(tables=1))
    ends.bridge.receive(LinkMessage(frames=[call]).SerializeToString())
    ends.bridge.hosted_calls[0].respond(ToolCallResponse(success=True))
    ends.bridge.receive(LinkMessage(frames=[_frame(1, b"late")]).SerializeToString())
    assert ends.bridge.late_frames == 1


# what fits, and is long


@pytest.mark.parametrize(
    "value",
    [frame(60_000), pa.table({"a": np.arange(1 << 20)}), pl.DataFrame({"a": range(1 << 20)})],
)
def test_a_long_table_that_fits_is_written_once_as_protobuf_would_write_it(value):
    table = large_table(value, 10 * MIB)
    assert isinstance(table, WrittenTable)
    rest = ToolCallResponse()
    rest.metrics.execute_ms = 1.5
    whole = ToolCallResponse(success=True, result=serialize_value(value))
    whole.MergeFrom(rest)
    assert b"".join(table.response(rest)) == whole.SerializeToString()
    request, tables = prepare(
        "t", [value], {"x": value}, session_id="s", timeout=1, limit=Limit(1 << 30, 1 << 30)
    )
    assert not tables
    assert request.args[0] == request.kwargs["x"] == serialize_value(value)


async def test_a_long_table_that_fits_is_the_answer(ends, places):
    def make() -> pd.DataFrame:
        return frame(60_000)

    ends.host.function = _hosting(make, places)
    answer = await ends.process.call(_request(), tables=())
    assert answer.result.decode().equals(frame(60_000))
    assert answer.metrics.execute_ms > 0
