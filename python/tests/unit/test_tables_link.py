"""Tables in pieces beside their calls, over a link: both ways, refused, too many, lost, and against the protocol."""

from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dspex_bridge_pb2 import (
    Credit,
    Frame,
    LinkMessage,
    ToolCallRequest,
    ToolCallResponse,
    ToolStreamChunk,
)
from grpc_tool_bridge import (
    SerializationError,
    deserialize_value,
    tool,
)
from grpc_tool_bridge.callrequests import Limit, prepare
from grpc_tool_bridge.hosting import HostedTool, run_call
from grpc_tool_bridge.link import INITIAL_CREDIT, Link
from grpc_tool_bridge.moving import TabledResponse, table_piece
from grpc_tool_bridge.packing import ProtocolViolationError
from grpc_tool_bridge.places import Places
from grpc_tool_bridge.tables import (
    PIECE_BYTES,
    LargeTable,
    large_table,
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


def dense_union(rows=600_000):
    """A table of one column with two of these rows, of 27 MB by default."""
    codes = pa.array([0, 1] * rows, pa.int8())
    places = pa.array([n // 2 for n in range(2 * rows)], pa.int32())
    children = [pa.array(range(rows)), pa.array([f"text {n}" for n in range(rows)])]
    return pa.table({"u": pa.UnionArray.from_dense(codes, places, children)})


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


async def test_a_long_table_that_fits_is_the_answer(ends, places):
    def make() -> pd.DataFrame:
        return frame(60_000)

    ends.host.function = _hosting(make, places)
    answer = await ends.process.call(_request(), tables=())
    assert answer.result.decode().equals(frame(60_000))
    assert answer.metrics.execute_ms > 0
