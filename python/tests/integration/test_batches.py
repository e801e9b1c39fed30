"""Batches against the real bridge, sentence by sentence."""

from __future__ import annotations

import asyncio
import sys
import time
import types
import uuid
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from dspex_bridge_pb2 import (
    BatchExecuteToolsRequest,
    BatchExecuteToolsResponse,
    BatchItemResponse,
    ToolCallRequest,
    ToolCallResponse,
)
from dspex_bridge_pb2_grpc import SnakepitBridgeStub
from grpc_tool_bridge import GRPCToolBridge, ToolExecutionError, Worker, serialize_value, tool
from grpc_tool_bridge.testing import MockBridgeServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Crowd:
    """Tools that know who runs, who ran most at once, who was started and who was cancelled."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.started: list[int] = []
        self.cancelled: list[int] = []
        self.full = asyncio.Event()
        self.wanted = 1
        self.may_end = asyncio.Event()

        @tool(name="crowd_wait")
        async def wait(number: int) -> int:
            """Ends when it may."""
            return await self._within(number, self.may_end)

        @tool(name="crowd_fill")
        async def fill(number: int) -> int:
            """Ends when so many run as are wanted."""
            return await self._within(number, self.full)

        @tool(name="crowd_fail")
        async def fail(number: int) -> None:
            """Raises when so many run as are wanted."""
            await self._within(number, self.full)
            raise LookupError(f"no {number}")

        @tool(name="crowd_quick")
        async def quick(number: int) -> int:
            """Ends at once."""
            self.started.append(number)
            return number

        self.tools = [wait, fill, fail, quick]

    async def _within(self, number: int, end: asyncio.Event) -> int:
        self.started.append(number)
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running >= self.wanted:
            self.full.set()
        try:
            await end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        finally:
            self.running -= 1
        return number


@pytest.fixture
async def crowd(real: GRPCToolBridge, bridge_address: str) -> AsyncIterator[Crowd]:
    crowd = Crowd()
    async with Worker(bridge_address, crowd.tools, real.client.session_id):
        await real.refresh()
        yield crowd


def calls(name: str, numbers: range | list[int], **more: Any) -> list[dict[str, Any]]:
    return [{"tool_id": name, "args": [n], "kwargs": {}, **more} for n in numbers]


def codes(results: list[Any]) -> list[str]:
    return [r.error_type if isinstance(r, ToolExecutionError) else "" for r in results]


async def test_a_batch_is_one_request():
    async with MockBridgeServer() as server:
        answers = [ToolCallResponse(success=True, result=serialize_value(i)) for i in range(3)]
        whole = BatchExecuteToolsResponse(success=True, responses=answers)
        server.set_response("BatchExecuteTools", whole)
        items = [BatchItemResponse(index=i, response=answers[i]) for i in (2, 0, 1)]
        server.set_streaming_response("StreamBatchExecuteTools", items)
        bridge = GRPCToolBridge(server.channel())
        bridge.client.session_id = "s"
        asked = calls("t", range(3))

        assert await bridge.execute_batch(asked) == [0, 1, 2]
        assert await bridge.execute_batch(asked, progress=True) == [0, 1, 2]
        assert [pair async for pair in bridge.as_completed(asked)] == [(2, 2), (0, 0), (1, 1)]

        assert len(server.requests_for("BatchExecuteTools")) == 1
        assert len(server.requests_for("StreamBatchExecuteTools")) == 2
        assert not server.requests_for("ExecuteTool")


async def test_results_keep_the_order_of_the_requests(
    real: GRPCToolBridge, crowd: Crowd, until: Any
):
    asked = [*calls("crowd_wait", [0]), *calls("crowd_quick", range(1, 40))]
    batch = asyncio.ensure_future(real.execute_batch(asked))
    await until(lambda: len(crowd.started) == 40)
    crowd.may_end.set()
    assert await batch == list(range(40))


async def test_an_error_is_the_items_own(real: GRPCToolBridge, crowd: Crowd):
    asked = [
        *calls("crowd_fail", [0]),
        *calls("crowd_quick", [1]),
        {"tool_id": "crowd_quick", "args": ["text"]},
        {"tool_id": "nobody"},
        {"tool_id": "crowd_quick", "args": [object()] * 3},
        *calls("crowd_wait", [5], timeout=0.05),
    ]
    results = await real.execute_batch(asked, return_exceptions=True)
    assert results[1] == 1
    expected = ["ExecutionError", "", "ValidationError", "ToolNotFound", "ValidationError"]
    assert codes(results) == [*expected, "DeadlineExceeded"]
    with pytest.raises(ToolExecutionError, match="no 0"):
        await real.execute_batch(asked)


async def test_a_slow_first_item_delays_no_other(real: GRPCToolBridge, crowd: Crowd):
    asked = [*calls("crowd_wait", [0]), *calls("crowd_quick", [1, 2])]
    seen: list[int] = []
    async for place, result in real.as_completed(asked):
        assert place == result
        seen.append(place)
        if len(seen) == 2:
            crowd.may_end.set()
    assert sorted(seen[:2]) == [1, 2]
    assert seen[2] == 0


@pytest.mark.parametrize(("asked", "width"), [(7, 7), (0, 64)])
async def test_no_more_items_run_at_once_than_asked(
    real: GRPCToolBridge, crowd: Crowd, asked: int, width: int
):
    crowd.wanted = width
    results = await real.execute_batch(calls("crowd_fill", range(100)), max_concurrency=asked)
    assert results == list(range(100))
    assert crowd.most == width


@pytest.mark.parametrize("batch_id", ["", "orders"])
async def test_fail_fast_cancels_what_runs_and_starts_nothing_more(
    real: GRPCToolBridge, crowd: Crowd, batch_id: str, until: Any
):
    crowd.wanted = 4
    asked = calls("crowd_wait", range(20))
    asked[2]["tool_id"] = "crowd_fail"
    began = time.monotonic()
    results = await real.execute_batch(
        asked, fail_fast=True, max_concurrency=4, return_exceptions=True, batch_id=batch_id
    )
    assert time.monotonic() - began < 4
    assert codes(results) == ["Cancelled", "Cancelled", "ExecutionError", *["Cancelled"] * 17]
    await until(lambda: sorted(crowd.cancelled) == [0, 1, 3])
    assert sorted(crowd.started) == [0, 1, 2, 3]
    assert all(results[i].details["started"] == "false" for i in range(4, 20))


async def test_a_batch_has_a_time_limit_as_a_whole(real: GRPCToolBridge, crowd: Crowd, until: Any):
    asked = [*calls("crowd_quick", [0]), *calls("crowd_wait", [1]), *calls("crowd_quick", [2])]
    limit = 0.3
    while crowd.started[-2:] != [0, 1]:  # with more time until the first two were begun in it
        assert limit < 30
        results = await real.execute_batch(
            asked, timeout=limit, max_concurrency=1, return_exceptions=True
        )
        assert codes(results)[1:] == ["DeadlineExceeded", "DeadlineExceeded"]
        limit *= 2
    assert results[0] == 0
    await until(lambda: crowd.cancelled[-1:] == [1])
    assert 2 not in crowd.started


async def test_leaving_a_batch_cancels_the_rest(real: GRPCToolBridge, crowd: Crowd, until: Any):
    finished: Any = real.as_completed([*calls("crowd_quick", [0]), *calls("crowd_wait", [1])])
    assert await anext(finished) == (0, 0)
    await finished.aclose()
    await until(lambda: crowd.cancelled == [1])


async def test_a_batch_with_an_id_runs_its_items_once(real: GRPCToolBridge, crowd: Crowd):
    batch_id = str(uuid.uuid4())
    bad: dict[str, Any] = {"tool_id": "crowd_quick", "args": []}
    asked: list[dict[str, Any]] = [bad, *calls("crowd_quick", [1, 2])]
    first = await real.execute_batch(asked, batch_id=batch_id, return_exceptions=True)
    again = [pair async for pair in real.as_completed(asked, batch_id=batch_id)]
    assert first[1:] == [1, 2]
    assert sorted(again, key=lambda pair: pair[0])[1:] == [(1, 1), (2, 2)]
    assert sorted(crowd.started) == [1, 2]

    single = real.tools["crowd_quick"].with_options(request_id=f"{batch_id}/2")
    assert await single(2) == 2
    assert sorted(crowd.started) == [1, 2], "an item is named for its own place"


async def test_a_batch_may_be_empty_and_has_a_longest(real: GRPCToolBridge, crowd: Crowd):
    assert await real.execute_batch([]) == []
    assert [pair async for pair in real.as_completed([])] == []
    most = calls("crowd_quick", range(10_000))
    assert await real.execute_batch(most) == list(range(10_000))
    for refused in (
        real.execute_batch([*most, most[0]]),
        real.execute_batch([*most, most[0]], progress=True),
        anext(real.as_completed([*most, most[0]])),
    ):
        with pytest.raises(ToolExecutionError, match=r"10001 items.*10000") as caught:
            await refused
        assert caught.value.error_type == "BatchTooLarge"
    assert len(crowd.started) == 10_000


async def test_the_bridge_itself_refuses_a_batch_that_is_too_long_or_of_two_sessions(
    real: GRPCToolBridge, crowd: Crowd, bridge_address: str
):
    session = real.client.session_id
    item = ToolCallRequest(tool_id="crowd_quick", args=[serialize_value(1)])
    other = ToolCallRequest(session_id="another", tool_id="crowd_quick", args=item.args)
    async with grpc.aio.insecure_channel(bridge_address) as channel:
        stub: Any = SnakepitBridgeStub(channel)
        for requests, code, why in (
            ([item] * 10_001, "BatchTooLarge", "10001 items"),
            ([item, other], "ValidationError", "item 1 of the batch names session"),
        ):
            message = BatchExecuteToolsRequest(session_id=session, requests=requests)
            answer = await stub.BatchExecuteTools(message)
            assert not answer.success
            assert not answer.responses
            streamed = [item async for item in stub.StreamBatchExecuteTools(message)]
            assert len(streamed) == 1
            for error in (answer.error, streamed[0].refused):
                assert error.type == code
                assert why in error.message
    assert not crowd.started


async def test_a_batch_can_show_how_far_it_is(
    real: GRPCToolBridge, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
):
    bars: list[Any] = []

    class Bar:
        def __init__(self, **options: Any) -> None:
            self.options, self.updates, self.closed = options, 0, False
            bars.append(self)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            self.closed = True

        def update(self) -> None:
            self.updates += 1

    shown = types.ModuleType("tqdm.auto")
    shown.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm.auto", shown)
    assert await real.execute_batch(calls("crowd_quick", range(5)), progress=True) == [*range(5)]
    assert len(crowd.started) == 5
    assert bars[0].options["total"] == bars[0].updates == 5
    assert bars[0].closed

    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert await real.execute_batch(calls("crowd_quick", range(3)), progress=True) == [0, 1, 2]
