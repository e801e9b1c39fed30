from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable  # noqa: TC003 - tools' hints are read

import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolContext, tool
from grpc_tool_bridge.testing import InMemoryBridge


async def until(holds: Callable[[], object], within: float = 10.0) -> None:
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
    async with InMemoryBridge(TOOLS, grace=2.0) as server:
        yield server


@pytest.fixture
async def bridge(server: InMemoryBridge) -> AsyncIterator[GRPCToolBridge]:
    async with GRPCToolBridge(server.address) as bridge:
        await bridge.initialize("test")
        yield bridge
