"""What the real bridge does with calls that come too often."""

from __future__ import annotations

import asyncio
import time

import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolExecutionError, Worker, tool


def _tools(rate: float, burst: int = 1):
    runs = []

    @tool(name="rate_limited_tool", rate_per_second=rate, rate_burst=burst)
    async def limited(text: str = "") -> int:
        runs.append(text)
        return len(runs)

    @tool(name="rate_limited_stream", rate_per_second=rate, rate_burst=burst)
    async def stream(n: int):
        for i in range(n):
            yield i

    return [limited, stream], runs


def _refused(error: BaseException) -> ToolExecutionError:
    assert isinstance(error, ToolExecutionError)
    assert error.error_type == "RateLimitExceeded"
    assert error.retryable
    assert error.retry_after
    assert error.details["started"] == "false"
    assert float(error.details["retry_after"]) == error.retry_after
    return error


async def test_a_retry_waits_as_long_as_the_bridge_says_and_starts_nothing_twice(
    real: GRPCToolBridge, bridge_address: str
):
    tools, runs = _tools(rate=2)
    async with Worker(bridge_address, tools, real.client.session_id):
        await real.refresh()
        start = time.monotonic()
        assert await real.execute_tool("rate_limited_tool", "first") == 1
        assert (
            await real.execute_with_retry(
                "rate_limited_tool", "again", max_retries=1, base_delay=0.01
            )
            == 2
        )
        assert time.monotonic() - start >= 0.49
        assert runs == ["first", "again"]
        together = [real.execute_tool("rate_limited_tool") for _ in range(20)]
        answers = await asyncio.gather(*together, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, ToolExecutionError)]
        assert refused, "20 at once, of two a second"
        assert all(_refused(error).retry_after <= 0.5 for error in refused)


@pytest.mark.parametrize("use_link", [True, False])
async def test_each_session_has_a_limit_of_its_own_for_calls_streams_and_batches(
    real: GRPCToolBridge, bridge_address: str, use_link: bool
):
    tools, runs = _tools(rate=0.01, burst=2)
    async with (
        Worker(bridge_address, tools),
        GRPCToolBridge(bridge_address, use_link=use_link) as bridge,
    ):
        for session in (f"{real.client.session_id}-one", f"{real.client.session_id}-two"):
            await bridge.initialize(session)
            results = await bridge.execute_batch(
                [{"tool_id": "rate_limited_tool", "args": [str(i)]} for i in range(4)],
                return_exceptions=True,
            )
            refused = [r for r in results if isinstance(r, BaseException)]
            assert len(refused) == 2
            assert all(50 < _refused(r).retry_after <= 200 for r in refused)
            with pytest.raises(ToolExecutionError) as caught:
                await bridge.execute_tool("rate_limited_tool")
            error = _refused(caught.value)
            assert error.details["scope"] == "tool_in_session"
            assert session in str(error)
            for _ in range(2):
                assert [c async for c in bridge.tools["rate_limited_stream"].stream(2)] == [0, 1]
            with pytest.raises(ToolExecutionError) as caught:
                await bridge.tools["rate_limited_stream"].stream(2).collect()
            _refused(caught.value)
            await bridge.cleanup(force=True)
    assert len(runs) == 4
