from __future__ import annotations

import asyncio
import threading

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolTimeoutError, tool
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.tables import StreamedTable
from grpc_tool_bridge.tablethreads import LARGE_CELLS, any_large, held, is_large_encoded
from grpc_tool_bridge.testing import InMemoryBridge
from grpc_tool_bridge.values import serialize_value

ROWS = LARGE_CELLS


class Turn:
    """What a table waits for while it is encoded; the loop gives it, if it has a turn meanwhile."""

    def __init__(self):
        self.begun = threading.Event()
        self.given = threading.Event()
        self.came = []

    def wait(self):
        self.begun.set()
        self.came.append(self.given.wait(30))
        return {}


class Waiting(pd.DataFrame):
    """A table whose encoding waits for a turn of the loop."""

    _metadata = ("turn",)
    attrs = property(lambda self: self.turn.wait())


@pytest.fixture
def turn():
    turn = Turn()
    yield turn
    turn.given.set()


def waiting(turn):
    table = Waiting({"l": pd.Series([[i] for i in range(ROWS)], dtype=object)})
    object.__setattr__(table, "turn", turn)
    return table


@pytest.fixture
async def tools(turn):
    @tool
    async def add(a: int, b: int) -> int:
        return a + b

    @tool
    async def rows(table):
        return len(table)

    @tool
    async def counts(table):
        yield len(table)

    @tool
    async def rows_in(tables):
        return len(tables["a"][0])

    @tool
    async def made_in():
        return {"a": [waiting(turn)]}

    @tool
    async def made_pair():
        return 1, waiting(turn)

    @tool
    async def yielded_in():
        yield [waiting(turn)]

    @tool
    async def made():
        return waiting(turn)

    @tool
    async def yielded():
        yield waiting(turn)

    @tool
    async def same(table):
        return table

    tools = [add, rows, counts, made, yielded, same, rows_in, made_in, made_pair, yielded_in]
    async with (
        InMemoryBridge(tools) as server,
        GRPCToolBridge(server.address, connect_timeout=30) as bridge,
    ):
        yield await bridge.initialize("test")


async def only(stream):
    [item] = [item async for item in stream]
    return item


async def part(call, *steps):
    value = await call
    for step in steps:
        value = value[step]
    return value


CALLS = {
    "an argument": lambda tools, turn: tools["rows"](waiting(turn)),
    "an argument of a stream": lambda tools, turn: only(tools["counts"].stream(waiting(turn))),
    "a result": lambda tools, _: tools["made"](),
    "a chunk": lambda tools, _: only(tools["yielded"].stream()),
    "in an argument": lambda tools, turn: tools["rows_in"]({"a": [waiting(turn)]}),
    "in a result": lambda tools, _: part(tools["made_in"](), "a", 0),
    "in a tuple": lambda tools, _: part(tools["made_pair"](), 1),
    "in a chunk": lambda tools, _: part(only(tools["yielded_in"].stream()), 0),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_other_calls_are_answered_while_a_large_table_is_encoded(call, tools, turn, until):
    large = asyncio.ensure_future(call(tools, turn))
    await until(turn.begun.is_set)
    assert await tools["add"](1, 2) == 3
    assert not large.done()
    turn.given.set()
    result = await large
    assert (result if isinstance(result, int) else len(result)) == ROWS
    assert turn.came
    assert all(turn.came)


def test_an_object_whose_class_has_no_hash_is_left_to_who_encodes_it():
    class Odd(type):
        __hash__ = None

    assert not any_large([[Odd("Other", (), {})()]])


async def test_what_a_table_stands_in_is_sent_as_it_was_given(tools, turn, until):
    given = {"a": [waiting(turn)], "b": [1]}
    large = asyncio.ensure_future(tools["same"](given))
    await until(turn.begun.is_set)
    given["c"] = 2
    given["b"].append(3)
    del given["a"][:]
    turn.given.set()
    result = await large
    assert len(result.pop("a")[0]) == ROWS
    assert result == {"b": [1]}


def test_what_a_thread_reads_is_copied_with_its_classes():
    inner = [1]
    given = {"a": (inner, {"b": inner}), "c": [2.5, "x"]}
    copied = held(given)
    assert copied == given
    assert type(copied["a"]) is tuple
    inner.append(2)
    given["c"].clear()
    assert copied == {"a": ([1], {"b": [1]}), "c": [2.5, "x"]}
    circle = []
    circle.append(circle)
    assert held(circle) is not circle


async def test_a_call_ends_in_time_while_its_table_is_encoded(tools, turn):
    with pytest.raises(ToolTimeoutError, match=r"within 0\.05 s"):
        await tools["rows"].with_options(timeout=0.05)(waiting(turn))
    assert not turn.came


async def test_a_call_is_cancelled_while_its_table_is_encoded(tools, turn, until):
    large = asyncio.ensure_future(tools["rows"](waiting(turn)))
    await until(turn.begun.is_set)
    large.cancel()
    with pytest.raises(asyncio.CancelledError):
        await large
    assert not turn.came
    assert await tools["add"](1, 2) == 3


async def test_large_tables_are_decoded_in_threads(tools, monkeypatch):
    from grpc_tool_bridge import frames

    decode, threads = frames.decode_frame, []

    def decode_frame(*args):
        threads.append(threading.current_thread())
        return decode(*args)

    monkeypatch.setattr(frames, "decode_frame", decode_frame)
    table = pd.DataFrame({"a": range(ROWS * 4), "b": ["a text"] * ROWS * 4})
    assert (await tools["same"](table)).equals(table)
    assert len(threads) == 2  # by the worker, and by the caller
    assert threading.current_thread() not in threads


LARGE = [
    pd.DataFrame({"a": range(ROWS)}),
    pd.DataFrame(index=range(ROWS)),
    pd.Series(range(ROWS)),
    pl.DataFrame({"a": range(ROWS * 32)}),
    pa.table({"a": range(ROWS * 32)}),
    np.zeros((32, ROWS)),
]


@pytest.mark.parametrize("value", LARGE, ids=lambda value: type(value).__module__)
def test_only_large_tables_are_for_threads(value):
    assert any_large([1, value])
    for small in (value[:2], 1, "x" * ROWS, b"x" * ROWS, type(value)):
        assert not any_large([small])
        assert not any_large([[small, small], {"a": small}])
    for large in ([value], {"a": 1, "b": value}, ((1, [value]),), [value[: len(value) // 2]] * 2):
        assert any_large([large])
    assert not any_large([[1] * 100 + [value]])  # which stands behind too many to be looked at


def test_only_large_tables_are_decoded_in_threads():
    assert is_large_encoded(StreamedTable("pandas.DataFrame", Pieces([])))
    for large in (pd.Series(np.zeros(ROWS * 2)), np.zeros(ROWS * 64)):
        assert is_large_encoded(serialize_value(large))
        for small in (large[:100], bytes(1 << 24), "x" * (1 << 20), [large]):
            assert not is_large_encoded(serialize_value(small))


def test_what_holds_itself_many_times_is_copied_once():
    table, around = pd.DataFrame({"a": [1]}), {"b": [1, 2]}
    holder = [table, around]
    holder += [holder, (holder, around)] * 500

    copy = held(holder)

    assert copy is not holder
    assert copy[0] is table
    assert copy[1] == around
    assert copy[1] is not around
    assert copy[1]["b"] is not around["b"]
    assert all(part is copy for part in copy[2::2])
    assert all(part[0] is copy for part in copy[3::2])
    assert all(part[1] is copy[1] for part in copy[3::2])
