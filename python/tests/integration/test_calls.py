"""Calls of the real bridge, as operators see and cancel them."""

from __future__ import annotations

import asyncio

import pytest

from grpc_tool_bridge import GRPCToolBridge, SessionError, ToolExecutionError, Worker, sync, tool


@tool(name="py_hang_on")
async def hang_on() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def hanging(real: GRPCToolBridge, bridge_address: str, until):
    async with Worker(bridge_address, [hang_on], real.client.session_id):
        await real.refresh()
        call = asyncio.ensure_future(real.execute_tool("py_hang_on"))
        found = []

        async def seen():
            found[:] = await real.client.list_calls(real.client.session_id, state="running")
            return found

        for _ in range(1000):
            if await seen():
                break
            await asyncio.sleep(0.01)
        yield call, found[0]
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def test_a_call_is_listed_found_and_cancelled_by_an_operator(real: GRPCToolBridge, hanging):
    call, seen = hanging
    assert (seen.tool_id, seen.session_id, seen.phase) == (
        "py_hang_on",
        real.client.session_id,
        "running",
    )
    assert seen.call_id
    assert seen.worker
    assert (await real.client.get_call(seen.call_id)).started_at == seen.started_at

    await real.client.cancel_call(seen.call_id)
    with pytest.raises(ToolExecutionError) as caught:
        await call
    assert caught.value.error_type == "Cancelled"
    assert "an operator cancelled" in str(caught.value)
    assert caught.value.details["call_id"] == seen.call_id

    ended = await real.client.get_call(seen.call_id)
    assert ended.error.type == "Cancelled"
    with pytest.raises(SessionError) as gone:
        await real.client.cancel_call(seen.call_id)
    assert gone.value.error_type == "CallNotFound"


async def test_the_blocking_client_lists_and_cancels_too(
    real: GRPCToolBridge, bridge_address: str, hanging
):
    call, seen = hanging

    def operate() -> list[str]:
        with sync.connect(bridge_address, f"{real.client.session_id}-operator") as bridge:
            found = bridge.list_calls(real.client.session_id, tool_id="py_hang_on")
            assert bridge.get_call(found[0].call_id).call_id == seen.call_id
            bridge.cancel_call(found[0].call_id)
            return [c.call_id for c in found]

    assert await asyncio.to_thread(operate) == [seen.call_id]
    with pytest.raises(ToolExecutionError):
        await call


async def test_calls_are_filtered_and_bounded(real: GRPCToolBridge):
    session = real.client.session_id
    for i in range(12):
        await real.execute_tool("echo_tool", str(i))
    found = await real.client.list_calls(session, tool_id="echo_tool", state="done", limit=5)
    assert len(found) == 5
    assert len(await real.client.list_calls(session)) == 12
    assert await real.client.list_calls(session, tool_id="none") == []
    assert await real.client.list_calls(session, request_id="none") == []
    with pytest.raises(ValueError, match="no state 'odd'"):
        await real.client.list_calls(state="odd")
    with pytest.raises(ValueError, match="limit is 0"):
        await real.client.list_calls(limit=0)
    with pytest.raises(SessionError) as unknown:
        await real.client.get_call("00000000-1")
    assert unknown.value.error_type == "CallNotFound"
