"""The SDK against the real bridge, over real sockets, with a worker of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator  # noqa: TC003 - tools' hints are read

import pytest

from grpc_tool_bridge import (
    GRPCToolBridge,
    SessionError,
    ToolBridgeClient,
    ToolContext,
    ToolExecutionError,
    ToolTimeoutError,
    Worker,
    sync,
    tool,
)


@tool(name="py_add", idempotent=True)
async def add(a: int, b: int = 1) -> int:
    return a + b


@tool(name="py_square")
def square(a: int) -> int:
    return a * a


@tool(name="py_count")
async def count(n: int, size: int = 0) -> AsyncIterator[object]:
    for i in range(n):
        yield "x" * size or i


@tool(name="py_down")
def down(n: int, context: ToolContext) -> int:
    return context.call_depth if n == 0 else context.blocking.call("py_down", n - 1)


@tool(name="py_adown")
async def adown(n: int, context: ToolContext) -> int:
    return context.call_depth if n == 0 else await context.call("py_adown", n - 1)


@tool(name="py_fail")
async def fail() -> None:
    raise LookupError("not found here")


@tool(name="py_hang")
async def hang() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def worker(real: GRPCToolBridge, bridge_address: str):
    session_id = real.client.session_id
    tools = [add, square, count, down, adown, fail, hang]
    async with Worker(bridge_address, tools, session_id, max_concurrency=2) as worker:
        await real.refresh()
        yield worker


async def test_the_demo_tools_are_listed_in_order_and_take_one_string(real):
    names = [name for name in real.tools if not name.startswith("py_")]
    assert names[:4] == ["echo_tool", "search_web", "calculate", "simple_tool"]
    assert await next(iter(real.tools.values()))("test_input") == "test_input"
    assert await real.tools["calculate"]("2 + 2") == 4


@pytest.mark.parametrize("use_link", [True, False])
async def test_calls_go_over_the_link_and_over_plain_rpcs(real, bridge_address, use_link):
    async with ToolBridgeClient(bridge_address, use_link=use_link) as client:
        client.session_id = real.client.session_id
        assert await client.execute_tool("add_numbers", 40, 2) == 42
        assert await client.stream_tool("count_to_n", 3).collect() == [1, 2, 3]
        assert await client.health() == "SERVING"


async def test_a_worker_serves_every_kind_of_function(worker, real):
    tools = real.tools
    assert await tools["py_add"](40, b=2) == 42
    assert await tools["py_square"](5) == 25
    assert await tools["py_count"].stream(3).collect() == [0, 1, 2]
    assert await tools["py_down"](8) == 8
    assert await tools["py_adown"](8) == 8
    with pytest.raises(ToolExecutionError, match="not found here") as caught:
        await tools["py_fail"]()
    assert caught.value.class_name == "LookupError"


async def test_large_values_and_chunks_pass_whole(worker, real):
    large = "x" * (9 * 1024 * 1024)
    assert await real.tools["echo_tool"](large) == large
    with pytest.raises(ToolExecutionError, match="message too large"):
        await real.tools["echo_tool"]("x" * (11 * 1024 * 1024))
    sizes = [len(x) async for x in real.tools["py_count"].stream(40, 200_000)]
    assert sizes == [200_000] * 40


async def test_five_hundred_calls_at_once_are_all_answered(worker, real):
    results = await asyncio.gather(*(real.tools["py_add"](i) for i in range(500)))
    assert results == [i + 1 for i in range(500)]


async def test_a_deadline_and_a_cancel_reach_the_tool(worker, real, until):
    with pytest.raises(ToolTimeoutError):
        await real.tools["py_hang"].with_options(timeout=0.1)()
    call = asyncio.ensure_future(real.tools["py_hang"]())
    await until(lambda: worker.calls_running >= 1)
    call.cancel()
    await until(lambda: worker.calls_running == 0)


async def test_leaving_a_stream_stops_the_tool(worker, real, until):
    async for item in real.tools["py_count"].stream(1_000_000, 1000):
        assert item
        break
    await until(lambda: worker.calls_running == 0)


async def test_a_worker_attaches_again_after_its_connection_broke(worker, real, until):
    attachments = worker.connection.attachments
    worker.connection._rpc.cancel()
    await until(lambda: worker.connection.attachments > attachments)
    assert await real.tools["py_add"](1) == 2


async def test_calls_survive_the_loss_of_the_callers_connection(worker, real, until):
    call = asyncio.ensure_future(real.tools["cpu_bound_tool"]("x"))
    await asyncio.sleep(0)
    assert await real.tools["py_add"](1) == 2
    real.client.stub.connection._rpc.cancel()
    await call
    assert await real.tools["py_add"](2) == 3


async def test_a_batch_has_one_outcome_an_item(worker, real):
    requests = [
        {"tool_id": "py_square", "args": [3]},
        {"tool_id": "py_fail"},
        {"tool_id": "nobody"},
        {"tool_id": "py_add", "args": ["x"]},
    ]
    results = await real.execute_batch(requests, return_exceptions=True)
    assert results[0] == 9
    assert [r.error_type for r in results[1:]] == [
        "ExecutionError",
        "ToolNotFound",
        "ValidationError",
    ]


async def test_variables_keep_types_and_conditions(real):
    context = real.client.session_context
    value = {"n": 2**80, "t": (1, 2.0), "s": {"a"}, "b": b"\x00"}
    revision = await context.set_variable("v", value, {"by": "python"})
    assert await context.get_variable_with_metadata("v") == (value, {"by": "python"})
    await context.set_variable("v", 1, if_revision=revision)
    with pytest.raises(SessionError) as caught:
        await context.set_variable("v", 2, if_revision=revision)
    assert caught.value.error_type == "RevisionConflict"
    watch = context.watch_variable("v")
    assert (await watch.__anext__()).value == 1
    await context.delete_variable("v")
    assert (await watch.__anext__()).deleted
    await watch.aclose()
    with pytest.raises(SessionError) as caught:
        await context.get_variable("v")
    assert caught.value.error_type == "VariableNotFound"


async def test_an_ended_session_is_said_to_be_ended(real):
    proxy = real.tools["any_tool"]
    await real.client.cleanup_session(force=True)
    with pytest.raises(ToolExecutionError) as caught:
        await proxy("input")
    assert caught.value.error_type == "SessionExpired"
    await real.initialize(real.client.session_id)
    assert await real.tools["any_tool"]("input") is not None


async def test_flaky_tool_recovers_after_a_timeout(real):
    calls = 0
    original = real.client.stub.ExecuteTool

    async def slow_then_fast(request):
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        return await original(request)

    real.client.stub.ExecuteTool = slow_then_fast
    await real.execute_with_retry("flaky_tool", max_retries=10, timeout=0.5)
    # The tool itself fails now and then.
    assert calls >= 2


def test_blocking_twins_work_on_it(bridge_address):
    with sync.connect(bridge_address) as bridge:
        assert bridge.tools["add_numbers"](1, 2) == 3
        assert list(bridge.stream("count_to_n", 2)) == [1, 2]
        bridge.set_variable("v", 1)
        assert bridge.get_variable("v") == 1
        bridge.cleanup(force=True)
