"""Which timeouts callers may give, and what of them the bridge is told."""

from __future__ import annotations

import asyncio
import math

import grpc
import grpc.aio
import pytest

from dspex_bridge_pb2 import ToolCallResponse
from grpc_tool_bridge import ToolTimeoutError, serialize_value, stub
from grpc_tool_bridge.retry import Retry
from grpc_tool_bridge.timeouts import finite, to_microseconds

NO_LENGTHS = [math.nan, 0, 0.0, -1, -math.inf]


@pytest.mark.parametrize("timeout", NO_LENGTHS)
async def test_what_is_no_length_of_time_is_refused_by_its_value(bridge, timeout):
    batch = [{"tool_id": "add", "args": [1]}]
    attempts = [
        lambda: bridge.tools["add"].with_options(timeout=timeout),
        lambda: Retry(deadline=timeout),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match="want seconds above zero") as caught:
            attempt()
        assert repr(timeout) in str(caught.value)
    for work in (
        bridge.execute_with_retry("add", 1, timeout=timeout),
        bridge.execute_with_retry("add", 1, deadline=timeout),
        bridge.execute_batch(batch, timeout=timeout),
        bridge.execute_batch([{**batch[0], "timeout": timeout}]),
        anext(bridge.execute_agent_streaming({"agent_id": "a", "timeout": timeout})),
    ):
        with pytest.raises(ValueError, match="want seconds above zero"):
            await work


async def test_an_infinite_timeout_names_no_limit_to_the_bridge(bridge, server):
    add = bridge.tools["add"].with_options(timeout=math.inf)
    assert add.request([1], {}).timeout_us == 0
    assert await add(1) == 2
    assert await bridge.execute_with_retry("add", 1, timeout=math.inf, deadline=math.inf) == 2
    assert await bridge.tools["count"].with_options(timeout=math.inf).stream(3).collect() == [
        0,
        1,
        2,
    ]
    items = [{"tool_id": "add", "args": [1], "timeout": math.inf}]
    assert await bridge.execute_batch(items, timeout=math.inf) == [2]


async def test_a_replaced_verb_is_awaited_without_a_limit(bridge):
    async def answer(*args):
        await asyncio.sleep(0)
        return ToolCallResponse(success=True, result=serialize_value(7))

    bridge.client.stub.ExecuteTool = answer
    assert await bridge.tools["add"].with_options(timeout=math.inf)(1) == 7


async def test_a_finite_timeout_still_ends_the_call(bridge):
    with pytest.raises(ToolTimeoutError):
        await bridge.tools["wait_forever"].with_options(timeout=0.05)()


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [(None, 0), (math.inf, 0), (1e300, 0), (1.5, 1_500_000), (1e-9, 1), (-1.0, 1)],
)
def test_timeouts_travel_in_microseconds_and_0_is_none(timeout, expected):
    assert to_microseconds(timeout) == expected
    assert finite(timeout) == (timeout if expected else None)


@pytest.mark.parametrize(
    ("code", "left", "ran_out"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, 1.0, True),
        (grpc.StatusCode.CANCELLED, 0.0, True),  # the bridge's clock was the first
        (grpc.StatusCode.CANCELLED, 60.0, False),
        (grpc.StatusCode.CANCELLED, math.inf, False),
        (grpc.StatusCode.DEADLINE_EXCEEDED, math.inf, False),
        (grpc.StatusCode.UNAVAILABLE, 0.0, False),
    ],
)
async def test_an_rpc_that_is_reset_when_its_time_is_over_has_run_out_of_it(code, left, ran_out):
    error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata())
    assert stub._ran_out(error, asyncio.get_running_loop().time() + left) is ran_out
