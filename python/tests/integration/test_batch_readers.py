"""Tables that are read batch by batch, through the real bridge, with a worker of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator  # noqa: TC003 - tools' hints are read

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolContext, ToolExecutionError, Worker, tool

SCHEMA = pa.schema({"a": pa.int64(), "b": pa.float64()})
ROWS = 65_536
MANY = 60
"""Batches of 1 MiB, far more than fits a message."""

PROGRESS: list[str] = []


def batch(number):
    start = number * ROWS
    return pa.record_batch({"a": np.arange(start, start + ROWS), "b": np.ones(ROWS)}, SCHEMA)


def reader_of(count, made=None):
    def make():
        for i in range(count):
            if made is not None:
                made.append(i)
            yield batch(i)

    return pa.RecordBatchReader.from_batches(SCHEMA, make())


@tool(name="rows_of")
def rows_of(table: pa.RecordBatchReader, factor: int = 1) -> int:
    return factor * sum(one.num_rows for one in table)


@tool(name="arows_of")
async def arows_of(table: pa.RecordBatchReader) -> int:
    return sum(one.num_rows for one in table)


@tool(name="first_only")
def first_only(table: pa.RecordBatchReader) -> int:
    return table.read_next_batch().num_rows


@tool(name="make_batches")
def make_batches(count: int) -> pa.RecordBatchReader:
    return reader_of(count)


@tool(name="double_batches")
def double_batches(table: pa.RecordBatchReader) -> pa.RecordBatchReader:
    def doubled() -> Iterator[pa.RecordBatch]:
        for one in table:
            yield pa.record_batch(
                {"a": one.column("a").to_numpy() * 2, "b": one.column("b")}, SCHEMA
            )

    return pa.RecordBatchReader.from_batches(table.schema, doubled())


@tool(name="pass_batches")
def pass_batches(table: pa.RecordBatchReader, context: ToolContext) -> int:
    return context.blocking.call("rows_of", table)


@tool(name="fail_late")
def fail_late() -> pa.RecordBatchReader:
    def make():
        yield from (batch(i) for i in range(20))
        raise LookupError("no more rows")

    return pa.RecordBatchReader.from_batches(SCHEMA, make())


@tool(name="slow_rows")
def slow_rows(table: pa.RecordBatchReader, context: ToolContext) -> int:
    GATES["began"].set()
    if not GATES["go"].wait(30):
        raise TimeoutError
    return sum(one.num_rows for one in table)


GATES: dict[str, threading.Event] = {}


@pytest.fixture
async def calls(real: GRPCToolBridge, bridge_address: str):
    tools = [rows_of, arows_of, first_only, make_batches, double_batches, pass_batches]
    tools += [fail_late, slow_rows]
    session = real.client.session_id
    async with Worker(bridge_address, tools=tools, session_id=session):
        await real.refresh()
        yield {name: call.with_options(timeout=300) for name, call in real.tools.items()}


@pytest.mark.parametrize("name", ["rows_of", "arows_of", "pass_batches"])
async def test_a_reader_as_an_argument_arrives_batch_by_batch(calls, name):
    assert await calls[name](reader_of(MANY)) == MANY * ROWS
    assert await calls[name](table=reader_of(1)) == ROWS
    assert await calls[name](reader_of(0)) == 0


@pytest.mark.parametrize("name", ["rows_of", "arows_of"])
async def test_every_kind_of_table_is_read_by_a_reader(calls, name):
    small, large = batch(0).to_pandas(), reader_of(20).read_all()
    for table in (small, pa.table(small), large, large.to_pandas()):
        assert await calls[name](table) == len(table)
    with pytest.raises(ToolExecutionError, match="want a table"):
        await calls[name]([1])


async def test_a_reader_as_the_result_is_a_table(calls):
    for count in (0, 3, MANY):
        got = await calls["make_batches"](count)
        assert got.equals(reader_of(count).read_all())


@pytest.mark.parametrize("count", [2, MANY])
async def test_a_caller_reads_a_result_batch_by_batch(calls, count):
    typed = calls["make_batches"].with_options(result_type=pa.RecordBatchReader)
    got = await typed(count)
    assert isinstance(got, pa.RecordBatchReader)
    assert sum(one.num_rows for one in got) == count * ROWS


async def test_a_tool_reads_and_writes_at_once(calls):
    got = await calls["double_batches"](reader_of(MANY))
    assert got.column("a").to_numpy().sum() == 2 * np.arange(MANY * ROWS).sum()


async def test_whoever_reads_slowly_holds_back_whoever_makes_it(calls, until):
    GATES.update(began=threading.Event(), go=threading.Event())
    made: list[int] = []
    running = asyncio.ensure_future(calls["slow_rows"](reader_of(200, made)))
    await until(GATES["began"].is_set)
    seen = -1
    while seen < len(made):  # until nothing moves any more
        seen = len(made)
        await asyncio.sleep(0.3)
    assert len(made) < 60, "of 200 MiB at most what the links and windows between hold"
    GATES["go"].set()
    assert await running == 200 * ROWS


async def test_a_tool_need_not_read_to_the_end(calls):
    assert await calls["first_only"](reader_of(MANY)) == ROWS
    assert await calls["rows_of"](reader_of(1)) == ROWS, "the link goes on"


async def test_a_reader_that_fails_is_an_error_of_its_side(calls):
    def make():
        yield from (batch(i) for i in range(20))
        raise ZeroDivisionError("the caller's")

    with pytest.raises(ToolExecutionError, match="no more rows"):
        await calls["fail_late"]()
    with pytest.raises(ZeroDivisionError, match="the caller's"):
        await calls["rows_of"](pa.RecordBatchReader.from_batches(SCHEMA, make()))
    assert await calls["rows_of"](reader_of(1)) == ROWS, "the link goes on"


async def test_a_cancelled_call_ends_the_tool_that_reads(calls, until):
    GATES.update(began=threading.Event(), go=threading.Event())
    running = asyncio.ensure_future(calls["slow_rows"](reader_of(200)))
    await until(GATES["began"].is_set)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    GATES["go"].set()
    assert await calls["rows_of"](reader_of(1)) == ROWS


async def test_without_a_link_a_reader_has_to_fit_a_message(calls, real, bridge_address):
    async with GRPCToolBridge(bridge_address, use_link=False) as plain:
        await plain.initialize(real.client.session_id)
        assert await plain.tools["rows_of"](reader_of(2)) == 2 * ROWS
        with pytest.raises(Exception, match="of a call over a link may have more"):
            await plain.tools["rows_of"](reader_of(MANY))
        with pytest.raises(ToolExecutionError, match="travels in pieces over a link only"):
            await plain.tools["make_batches"](MANY)
        assert (await plain.tools["make_batches"](2)).num_rows == 2 * ROWS


async def test_in_a_batch_a_reader_has_to_fit_a_message(calls, real):
    def item(count):
        return {"tool_id": "rows_of", "args": [reader_of(count)]}

    results = await real.execute_batch([item(2), item(MANY), item(1)], return_exceptions=True)
    assert results[::2] == [2 * ROWS, ROWS]
    assert "of a call over a link may have more" in str(results[1])


async def test_a_call_with_a_reader_is_not_repeated(calls):
    retrying = calls["rows_of"].with_options(retry=3)
    assert await retrying(reader_of(MANY)) == MANY * ROWS
    frame = pd.DataFrame({"a": [1]})
    assert await retrying(frame) == 1
