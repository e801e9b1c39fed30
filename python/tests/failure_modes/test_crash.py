"""What test_elixir_crash_recovery only simulates: the bridge's process is killed."""

from __future__ import annotations

import asyncio

import processes
import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolBridgeError

pytestmark = pytest.mark.e2e


@pytest.fixture
def kept(temp_workspace):
    """What starts and restarts a bridge on the same folder and address."""
    if processes.given_address():
        pytest.skip("the bridge at GRPC_ADDR is not ours to kill")
    running = []

    def start(listen="127.0.0.1:0"):
        running.append(processes.start_bridge(listen, ["--data", temp_workspace]))
        return running[-1]

    yield start
    for process in running:
        process.stop()


async def test_a_session_goes_on_after_its_bridge_was_killed_and_started_again(kept):
    first = kept()
    async with GRPCToolBridge(first.address) as bridge:
        tools = await bridge.initialize("kept")
        await bridge.client.session_context.set_variable("threshold", 0.95)
        assert await tools["add_numbers"](1, 2) == 3

        first.kill()
        kept(first.address)

        assert await _after_reconnecting(bridge, "add_numbers", 40, 2) == 42
        assert await bridge.client.session_context.get_variable("threshold") == 0.95


async def test_calls_of_a_bridge_that_is_killed_end_with_an_error_of_ours(kept):
    bridge_process = kept()
    async with GRPCToolBridge(bridge_process.address) as bridge:
        tools = await bridge.initialize("killed")
        stream = tools["count_to_n"].stream(1_000_000)
        assert await stream.__anext__() == 1
        bridge_process.kill()
        with pytest.raises(ToolBridgeError):
            async for _ in stream:
                pass
        with pytest.raises(ToolBridgeError):
            await tools["add_numbers"].with_options(timeout=5)(1, 2)


async def _after_reconnecting(bridge, name, *args):
    """The result of a call, once the bridge answers again."""
    end = asyncio.get_running_loop().time() + 20
    while True:
        try:
            return await bridge.execute_tool(name, *args)
        except ToolBridgeError:
            assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.05)
