"""9 MiB pass and 11 MiB are refused on every way between the Python SDK and a bridge, early where that is possible."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator  # noqa: TC003 - a tool's hint is read
from typing import TYPE_CHECKING, Any

import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolBridgeClient, ToolBridgeError, Worker, tool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

pytestmark = pytest.mark.e2e

MEBIBYTE = 1 << 20
FITS, TOO_MUCH = 9 * MEBIBYTE, 11 * MEBIBYTE
VARIABLE_FITS, VARIABLE_TOO_MUCH = MEBIBYTE * 9 // 10, MEBIBYTE * 11 // 10


@tool
async def size_echo(text: str) -> str:
    """Returns what it gets."""
    return text


@tool
async def size_make(size: int) -> str:
    """Returns a text of so many bytes."""
    return "x" * size


@tool
async def size_chunk(size: int) -> AsyncIterator[str]:
    """Yields a text of so many bytes."""
    yield "x" * size


@pytest.fixture(params=[True, False], ids=["link", "plain RPC"])
async def caller(
    request: pytest.FixtureRequest, bridge_address: str
) -> AsyncIterator[GRPCToolBridge]:
    """A client with a link or without, in a session of its own that sees a Python worker's tools."""
    session = f"sizes-{uuid.uuid4()}"
    tools = [size_echo, size_make, size_chunk]
    async with (
        GRPCToolBridge(bridge_address, use_link=request.param) as bridge,
        _worker(bridge_address, session, tools),
    ):
        await bridge.initialize(session)
        yield bridge
        await bridge.cleanup(force=True)


@contextlib.asynccontextmanager
async def _worker(address: str, session: str, tools: list[Any]) -> AsyncGenerator[None]:
    async with ToolBridgeClient(address, session_id=session) as owner:
        await owner.initialize_session(session)
        async with Worker(address, tools=tools, session_id=session):
            yield


async def echo(bridge: GRPCToolBridge, size: int) -> int:
    return len(await bridge.execute_tool("size_echo", "x" * size))


async def make(bridge: GRPCToolBridge, size: int) -> int:
    return len(await bridge.execute_tool("size_make", size))


async def chunk(bridge: GRPCToolBridge, size: int) -> int:
    return sum([len(text) async for text in bridge.tools["size_chunk"].stream(size)])


async def batch(bridge: GRPCToolBridge, size: int) -> int:
    half = {"tool_id": "size_echo", "args": ["x" * (size // 2)]}
    return sum(map(len, await bridge.execute_batch([half, half])))


async def demo(bridge: GRPCToolBridge, size: int) -> int:
    return len(await bridge.execute_tool("echo_tool", "x" * size))


async def variable(bridge: GRPCToolBridge, size: int) -> int:
    context = bridge.client.session_context
    await context.set_variable("big", "x" * size)
    return len(await context.get_variable("big"))


WAYS = [echo, make, chunk, batch, demo]


@pytest.mark.parametrize("send", [*WAYS, variable], ids=lambda way: way.__name__)
async def test_what_fits_arrives_and_more_is_refused(
    caller: GRPCToolBridge, send: Callable[[GRPCToolBridge, int], Awaitable[int]]
) -> None:
    fits, too_much = (VARIABLE_FITS, VARIABLE_TOO_MUCH) if send is variable else (FITS, TOO_MUCH)

    assert await send(caller, fits) == fits
    with pytest.raises(ToolBridgeError, match="message too large") as refused:
        await send(caller, too_much)

    assert refused.value.error_type == "MessageTooLarge"
    assert not refused.value.retryable
    assert await send(caller, 1024) == 1024, "the next call works"


class CountingProxy:
    """Passes connections on to a bridge and counts the bytes that go there."""

    def __init__(self, target: str) -> None:
        self.sent = 0
        self.address = ""
        self._host, _, self._port = target.rpartition(":")

    async def __aenter__(self) -> CountingProxy:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # the test's loop ends
            await self._both(reader, writer)

    async def _both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, int(self._port))
        await asyncio.gather(
            self._carry(reader, far_writer, count=True),
            self._carry(far_reader, writer, count=False),
            return_exceptions=True,
        )

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool
    ) -> None:
        try:
            while data := await reader.read(1 << 16):
                self.sent += len(data) if count else 0
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@pytest.mark.parametrize("use_link", [True, False], ids=["link", "plain RPC"])
async def test_what_is_too_large_is_refused_before_it_is_sent(
    bridge_address: str, use_link: bool
) -> None:
    async with CountingProxy(bridge_address) as proxy:
        async with GRPCToolBridge(proxy.address, use_link=use_link) as bridge:
            await bridge.initialize(f"early-{uuid.uuid4()}")
            for send in (echo, batch, demo, variable):
                with pytest.raises(ToolBridgeError, match="message too large"):
                    await send(bridge, TOO_MUCH)
            await bridge.cleanup(force=True)

        assert proxy.sent < MEBIBYTE
