"""More tools than a bridge takes at once."""

from __future__ import annotations

import asyncio

import pytest

from dspex_bridge_pb2 import Register, ToolSpec
from grpc_tool_bridge import ToolBridgeError, ToolExecutionError, Worker, hostcommand, tool
from grpc_tool_bridge.registrations import MOST_BYTES, MOST_TOOLS
from grpc_tool_bridge.testing.processes import Refusal


def _many(count, description=None):
    def numbered(number):
        async def run() -> int:
            return number

        return tool(run, name=f"many_{number:05}", description=description)

    return [numbered(number) for number in range(count)]


@pytest.fixture
def registered(server, monkeypatch):
    """The registrations of these tools that the bridge was sent."""
    sent = []
    offer = server.offer

    def record(process, tools):
        if tools[0].name.startswith(("many_", "huge")):
            sent.append([spec.name for spec in tools])
        return offer(process, tools)

    monkeypatch.setattr(server, "offer", record)
    return sent


@pytest.mark.parametrize("count", [1, 1000, 1001, 2300])
async def test_they_are_registered_in_parts_in_their_order(server, bridge, registered, count):
    async with Worker(server.address, _many(count)):
        names = list(await bridge.refresh())
        last = await bridge.execute_tool(f"many_{count - 1:05}")
    assert names[-count:] == [f"many_{number:05}" for number in range(count)]
    assert last == count - 1
    assert [len(part) for part in registered] == [
        min(MOST_TOOLS, count - first) for first in range(0, count, MOST_TOOLS)
    ]


async def test_parts_are_bounded_in_bytes_and_a_larger_tool_goes_alone(server, registered):
    tools = _many(7, description="x" * (MOST_BYTES // 3 - 500))
    huge = tool(name="huge", description="y" * (2 * MOST_BYTES))(lambda: 1)
    async with Worker(server.address, [*tools[:4], huge, *tools[4:]]):
        assert [len(part) for part in registered] == [3, 1, 1, 3]


async def test_all_are_registered_again_with_a_bridge_that_forgot_them(
    server, bridge, registered, until
):
    async with Worker(server.address, _many(2100)) as worker:
        server.processes.close()
        for number in range(2100):
            server._shared.forget(f"many_{number:05}")
        await until(lambda: worker.connection.attachments >= 2)
        await until(lambda: server._shared.find("many_02099") is not None)
        assert await bridge.execute_tool("many_00000") == 0
        assert await bridge.execute_tool("many_02099") == 2099
    assert [len(part) for part in registered] == 2 * [1000, 1000, 100]


async def test_a_part_that_is_refused_leaves_none_of_the_others(server, bridge):
    async with Worker(server.address, [tool(name="many_01500", tool_id="mine")(lambda: 1)]):
        with pytest.raises(ToolExecutionError) as caught:
            await Worker(server.address, _many(2300)).start()
        assert caught.value.error_type == "ToolConflict"
        assert "tools 1001 to 2000 of 2300 ('many_01000' to 'many_01999')" in str(caught.value)
        assert "many_00000" not in await bridge.refresh()


async def test_tools_that_are_added_and_refused_leave_the_worker_as_it_was(server, bridge):
    other = Worker(server.address, [tool(name="many_01100", tool_id="mine")(lambda: 1)])
    async with other, Worker(server.address, [tool(name="first")(lambda: 1)]) as worker:
        with pytest.raises(ToolExecutionError):
            await worker.register(*_many(1200))
        assert list(worker.tools) == ["first"]
        assert "many_00000" not in await bridge.refresh()
        assert await bridge.execute_tool("first") == 1


async def test_a_bridge_that_started_anew_and_refuses_a_part_ends_the_worker(
    server, bridge, monkeypatch, until, caplog
):
    worker = Worker(server.address, _many(2100))
    async with worker:
        serving = asyncio.ensure_future(worker.serve())
        offer = server.offer

        def refuse(process, tools):
            if tools[0].name == "many_01000":
                raise Refusal("QuotaExceeded", "there is no room for them")
            return offer(process, tools)

        monkeypatch.setattr(server, "offer", refuse)
        server.processes.close()
        for number in range(2100):
            server._shared.forget(f"many_{number:05}")
        with pytest.raises(ToolBridgeError, match="tools 1001 to 2000 of 2100") as caught:
            await asyncio.wait_for(serving, 15)
        assert "there is no room" in str(caught.value)
        await until(lambda: server._shared.find("many_00000") is None)
        assert server._shared.find("many_02099") is None
        with pytest.raises(ToolBridgeError, match="tools 1001 to 2000"):
            await worker.register(tool(name="later")(lambda: 1))
    assert "refused our tools for every session" in caplog.text


async def test_a_part_that_cannot_be_taken_now_is_offered_until_it_is(
    server, bridge, monkeypatch, until
):
    async with Worker(server.address, _many(1100)) as worker:
        offer = server.offer
        refusals = 2

        def sometimes(process, tools):
            nonlocal refusals
            if tools[0].name == "many_01000" and refusals:
                refusals -= 1
                raise Refusal("StoreUnavailable", "the disk is full")
            return offer(process, tools)

        monkeypatch.setattr(server, "offer", sometimes)
        server.processes.close()
        for number in range(1100):
            server._shared.forget(f"many_{number:05}")
        await until(lambda: server._shared.find("many_01099") is not None)
        assert await bridge.execute_tool("many_01099") == 1099
        assert worker.connection.registrations.refusal is None
    assert refusals == 0


async def test_a_registration_that_is_cancelled_is_taken_back(server, bridge, monkeypatch, until):
    async with Worker(server.address) as worker:
        begun = asyncio.Event()
        offer = server.offer

        def note(process, tools):
            begun.set()
            return offer(process, tools)

        monkeypatch.setattr(server, "offer", note)
        registering = asyncio.ensure_future(worker.register(*_many(3000)))
        await begun.wait()
        registering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await registering
        await until(lambda: server._shared.find("many_00000") is None)
        assert worker.tools == {}


async def test_the_test_bridge_takes_no_more_at_once_than_a_real_one(server, bridge):
    specs = [ToolSpec(name=f"t{number}") for number in range(MOST_TOOLS + 1)]
    with pytest.raises(Refusal, match="the limit is 1000"):
        server.offer(None, specs)
    assert len(Register(tools=specs).SerializeToString()) < MOST_BYTES


async def test_a_worker_of_many_tools_names_some_of_them():
    text = repr(Worker("127.0.0.1:1", _many(1005)))
    assert "many_00019 and 985 more at" in text
    assert hostcommand.some_of(["a", "b"]) == "a, b"
