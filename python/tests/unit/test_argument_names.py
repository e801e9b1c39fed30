"""A tool's keyword arguments may have any name, also those of our own functions that they pass through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - tools' hints are read
from typing import Any

import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolContext, sync, tool
from grpc_tool_bridge.testing import InMemoryBridge

NAMES = (
    *("self", "function", "name", "timeout", "session", "session_id", "args", "kwargs", "ctx"),
    *("cls", "context", "call", "request", "tool", "fn", "loop", "retry", "options", "limit"),
)
GIVEN = dict.fromkeys(NAMES, 1)


@tool
def blocking(**kw: int) -> dict[str, int]:
    return kw


@tool
async def waiting(**kw: int) -> dict[str, int]:
    return kw


@tool
def items(**kw: int) -> Iterator[str]:
    yield from sorted(kw)


@tool
async def later_items(**kw: int) -> AsyncIterator[str]:
    for name in sorted(kw):
        yield name


@tool
async def outer(name: str, here: ToolContext) -> list[Any]:
    return [await here.call(name, **GIVEN), [each async for each in here.stream("items", **GIVEN)]]


@tool
def blocking_outer(name: str, here: ToolContext) -> list[Any]:
    blocking = here.blocking
    return [blocking.call(name, **GIVEN), list(blocking.stream("items", **GIVEN))]


TOOLS = [blocking, waiting, items, later_items, outer, blocking_outer]


@pytest.fixture
async def bridge() -> AsyncIterator[GRPCToolBridge]:
    async with (
        InMemoryBridge(TOOLS, grace=10.0) as server,
        GRPCToolBridge(server.address, connect_timeout=30) as bridge,
    ):
        await bridge.initialize("test")
        yield bridge


@pytest.mark.parametrize("name", ["blocking", "waiting"])
async def test_any_name_is_taken_however_a_tool_is_called(bridge, name):
    assert await bridge.tools[name](**GIVEN) == GIVEN
    assert await bridge.execute_tool(name, **GIVEN) == GIVEN
    assert await bridge.client.execute_tool(name, **GIVEN) == GIVEN
    assert await bridge.execute_batch([{"tool_id": name, "kwargs": GIVEN}]) == [GIVEN]
    free = {given: 1 for given in NAMES if given != "timeout"}
    assert await bridge.execute_with_retry(name, **free) == free


async def test_each_name_is_taken_alone_by_a_proxy(bridge):
    for given in (*NAMES, "tool_id"):
        assert await bridge.tools["blocking"](**{given: 1}) == {given: 1}


@pytest.mark.parametrize("name", ["items", "later_items"])
async def test_any_name_is_taken_by_tools_that_stream(bridge, name):
    streams = [bridge.tools[name].stream, lambda **kw: bridge.stream(name, **kw)]
    for stream in (*streams, lambda **kw: bridge.client.stream_tool(name, **kw)):
        assert [item async for item in stream(**GIVEN)] == sorted(NAMES)


@pytest.mark.parametrize("name", ["outer", "blocking_outer"])
async def test_any_name_is_taken_by_calls_from_within_a_tool(bridge, name):
    assert await bridge.tools[name]("waiting") == [GIVEN, sorted(NAMES)]


async def test_a_name_of_the_verb_s_own_is_said_and_goes_in_kwargs(bridge):
    with pytest.raises(TypeError, match="multiple values for argument 'tool_id'"):
        await bridge.execute_tool("waiting", **{"tool_id": 1})  # noqa: PIE804 - pyright sees it
    assert await bridge.execute_tool("waiting", kwargs={"tool_id": 1}) == {"tool_id": 1}
    assert await bridge.execute_with_retry("waiting", kwargs={"timeout": 1}) == {"timeout": 1}


async def test_any_name_is_taken_by_the_blocking_twins(bridge):
    def run() -> list[Any]:
        with sync.connect(bridge.client.address) as twin:
            twin.initialize("twin")
            return [
                twin.tools["blocking"](**GIVEN),
                twin.execute_tool("blocking", **GIVEN),
                list(twin.tools["items"].stream(**GIVEN)),
                list(twin.stream("items", **GIVEN)),
            ]

    assert await asyncio.to_thread(run) == [GIVEN, GIVEN, sorted(NAMES), sorted(NAMES)]
