"""Callers are told where the time of a call went, whichever way it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - the tool's hints are read when it is offered

import pytest

from grpc_tool_bridge import (
    ExecutionMetrics,
    GRPCToolBridge,
    ToolBridgeClient,
    ToolExecutionError,
    ToolTimeoutError,
    Worker,
    sync,
    tool,
)

WAIT = 0.02


@tool(name="py_measured")
def measured(fail: bool = False) -> str:
    time.sleep(WAIT)
    if fail:
        raise ValueError("no")
    return "done"


@tool(name="py_measured_stream")
def measured_stream(count: int) -> Iterator[int]:
    for number in range(count):
        time.sleep(WAIT)
        yield number


@pytest.fixture
def begun() -> asyncio.Event:
    """Is set when a tool that never answers has begun."""
    return asyncio.Event()


@pytest.fixture
def stalling(begun: asyncio.Event):
    @tool(name="py_stalled")
    async def stalled() -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    @tool(name="py_stalled_stream")
    async def stalled_stream() -> AsyncIterator[int]:
        yield 1
        begun.set()
        await asyncio.Event().wait()

    return [stalled, stalled_stream]


@pytest.fixture(params=[True, False], ids=["link", "plain"])
async def client(request, real: GRPCToolBridge, bridge_address: str, stalling):
    tools = [measured, measured_stream, *stalling]
    async with (
        Worker(bridge_address, tools, real.client.session_id, name="w-1"),
        ToolBridgeClient(bridge_address, use_link=request.param) as client,
    ):
        await client.initialize_session(real.client.session_id)
        await client.list_tools()
        yield client


def tool_of(client: ToolBridgeClient, name: str, told: list[ExecutionMetrics]):
    spec = next(spec for spec in client.tool_specs if spec.name == name)
    return client.proxy(spec).with_options(on_metrics=told.append)


def parts(metrics: ExecutionMetrics) -> float:
    return metrics.queue_ms + metrics.route_ms + metrics.execute_ms + metrics.transport_ms


def assert_split(metrics: ExecutionMetrics, at_least: float = WAIT) -> None:
    assert metrics.execute_ms >= at_least * 1000
    assert metrics.route_ms > 0
    assert metrics.transport_ms > 0
    assert parts(metrics) <= metrics.duration_ms * 1.001
    assert metrics.worker
    assert metrics.attempts == 1


async def test_a_call_is_split(client: ToolBridgeClient):
    told: list[ExecutionMetrics] = []
    assert await tool_of(client, "py_measured", told)() == "done"
    (metrics,) = told
    assert_split(metrics)


async def test_a_call_that_failed_at_its_tool_is_split_too(client: ToolBridgeClient):
    told: list[ExecutionMetrics] = []
    with pytest.raises(ToolExecutionError, match="no"):
        await tool_of(client, "py_measured", told)(fail=True)
    (metrics,) = told
    assert_split(metrics)


async def test_a_stream_is_split_when_it_is_whole(client: ToolBridgeClient):
    told: list[ExecutionMetrics] = []
    stream = tool_of(client, "py_measured_stream", told).stream(3)
    assert await anext(stream) == 0
    assert not told
    assert await stream.collect() == [1, 2]
    (metrics,) = told
    assert_split(metrics, 3 * WAIT)


async def test_each_item_of_a_batch_is_split(real: GRPCToolBridge, client: ToolBridgeClient):
    told: list[list[ExecutionMetrics]] = [[], []]
    items = [
        {"tool_id": "py_measured", "kwargs": {"fail": place == 1}, "on_metrics": told[place].append}
        for place in range(2)
    ]
    await real.refresh()
    results = await real.execute_batch(items, return_exceptions=True)
    assert results[0] == "done"
    assert isinstance(results[1], ToolExecutionError)
    assert [place async for place, _ in real.as_completed(items)]
    for metrics, again in told:
        assert_split(metrics)
        assert_split(again)


def assert_callers_own(told: list[ExecutionMetrics], began: float) -> None:
    (metrics,) = told
    assert 0 < metrics.duration_ms <= (time.perf_counter() - began) * 1000
    assert parts(metrics) == 0
    assert metrics.attempts == 0
    assert not metrics.worker


async def test_of_a_call_that_is_given_up_the_caller_knows_how_long_it_waited(
    client: ToolBridgeClient, begun: asyncio.Event
):
    told: list[ExecutionMetrics] = []
    began = time.perf_counter()
    call = asyncio.ensure_future(tool_of(client, "py_stalled", told)())
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert_callers_own(told, began)


async def test_a_call_that_runs_out_of_time_has_metrics_and_the_bridge_says_so(
    client: ToolBridgeClient, begun: asyncio.Event
):
    told: list[ExecutionMetrics] = []
    late = tool_of(client, "py_stalled", told).with_options(timeout=WAIT)
    for _ in range(1000):  # under load a call may not come so far
        with pytest.raises(ToolTimeoutError):
            await late()
        if begun.is_set():
            break
    assert begun.is_set()
    assert all(metrics.duration_ms > 0 for metrics in told)

    async def outcomes() -> set[str]:
        calls = await client.list_calls(client.session_id or "", tool_id="py_stalled")
        return {call.error.type for call in calls}

    ended = await outcomes()
    while "" in ended:  # the bridge hears of it a moment later
        await asyncio.sleep(0.01)
        ended = await outcomes()
    assert ended == {"DeadlineExceeded"}


async def test_of_a_stream_that_breaks_off_the_caller_knows_how_long_it_waited(
    client: ToolBridgeClient, begun: asyncio.Event
):
    told: list[ExecutionMetrics] = []
    began = time.perf_counter()
    stream = tool_of(client, "py_stalled_stream", told).stream()
    assert await anext(stream) == 1
    await begun.wait()
    assert not told
    await stream.aclose()
    assert_callers_own(told, began)


async def test_of_a_batch_that_is_given_up_every_item_has_waited(
    real: GRPCToolBridge, client: ToolBridgeClient, begun: asyncio.Event
):
    told: list[ExecutionMetrics] = []
    items = [{"tool_id": "py_stalled", "on_metrics": told.append}]
    await real.refresh()
    began = time.perf_counter()
    batch = asyncio.ensure_future(real.execute_batch(items))
    await begun.wait()
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    assert_callers_own(told, began)


async def test_what_is_refused_on_this_side_has_no_metrics(client: ToolBridgeClient):
    told: list[ExecutionMetrics] = []
    with pytest.raises(ToolExecutionError):
        await tool_of(client, "py_measured", told)("no bool")
    assert not told


def test_programs_without_a_loop_are_told_as_well(bridge_address: str):
    told: list[ExecutionMetrics] = []
    with sync.connect(bridge_address) as bridge:
        assert bridge.tools["echo_tool"].with_options(on_metrics=told.append)(1) == 1
    (metrics,) = told
    assert 0 < parts(metrics) <= metrics.duration_ms * 1.001
