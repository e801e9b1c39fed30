from __future__ import annotations

import asyncio
import time
from collections.abc import (  # noqa: TC003 - tools' hints are read
    AsyncIterator,
    Callable,
    Iterator,
)
from pathlib import Path

import processes
import pytest
from hypothesis import HealthCheck, settings

from grpc_tool_bridge import GRPCToolBridge, ToolContext, tool
from grpc_tool_bridge.testing import InMemoryBridge

# How long it takes to make values up says something of the machine, not of what is tested.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


async def until(holds: Callable[[], object], within: float = 30.0) -> None:
    """Polls until a condition holds; fails when it does not in time."""
    end = asyncio.get_running_loop().time() + within
    while not holds():
        assert asyncio.get_running_loop().time() < end, "the condition did not come to hold"
        await asyncio.sleep(0.005)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., object]:
    return until


@tool(idempotent=True)
async def add(a: int, b: int = 1) -> int:
    """Adds two numbers."""
    return a + b


@tool
async def echo(value):
    """Gives back what it gets."""
    return value


@tool
def square(number: int) -> int:
    return number * number


@tool
async def count(n: int) -> AsyncIterator[int]:
    for i in range(n):
        yield i


@tool
async def fail(message: str) -> None:
    raise LookupError(message)


@tool
async def wait_forever() -> None:
    await asyncio.Event().wait()


@tool
async def nested(n: int, context: ToolContext) -> int:
    """Calls itself until n is 0; returns how deep it was."""
    return context.call_depth if n == 0 else await context.call("nested", n - 1)


TOOLS = [add, echo, square, count, fail, wait_forever, nested]


@pytest.fixture(scope="session")
def tools() -> list[Callable[..., object]]:
    return TOOLS


@pytest.fixture
async def server() -> AsyncIterator[InMemoryBridge]:
    async with InMemoryBridge(TOOLS, grace=10.0) as server:
        yield server


@pytest.fixture
async def bridge(server: InMemoryBridge) -> AsyncIterator[GRPCToolBridge]:
    async with GRPCToolBridge(server.address, connect_timeout=30) as bridge:
        await bridge.initialize("test")
        yield bridge


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for tests that are no coroutines; asynchronous ones have one of their own each."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def bridge_address() -> Iterator[str]:
    """A real bridge: the one at GRPC_ADDR, or one of its own with the demo tools."""
    given = processes.given_address()
    if given:
        yield given
        return
    if not Path(processes.binary()).exists():
        pytest.skip(
            f"there is no bridge at {processes.binary()}: run `make build`, or set GRPC_ADDR"
        )
    with processes.running_bridge() as address:
        yield address


@pytest.fixture(scope="session")
def agents(bridge_address: str) -> Iterator[None]:
    """A Python worker that hosts agents; the bridge at GRPC_ADDR gets it too, it may have none."""
    with processes.running_agents(bridge_address):
        yield


@pytest.fixture
async def real(
    bridge_address: str, request: pytest.FixtureRequest
) -> AsyncIterator[GRPCToolBridge]:
    """A client of the real bridge, in a session named for the test."""
    async with GRPCToolBridge(bridge_address, connect_timeout=30) as bridge:
        await bridge.initialize(f"{request.node.name[:100]}-{time.time_ns()}")
        yield bridge
        await bridge.cleanup(force=True)
