"""A connection that is cut at the worst moments: what may not run twice runs once, and its caller gets the answer."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import processes
import pytest

from grpc_tool_bridge import (
    GRPCToolBridge,
    ToolBridgeClient,
    ToolBridgeError,
    ToolExecutionError,
    Worker,
    tool,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

pytestmark = pytest.mark.e2e

WAYS = pytest.mark.parametrize("use_link", [True, False], ids=["link", "plain RPC"])
IDEMPOTENT = pytest.mark.parametrize("idempotent", [False, True], ids=["once", "idempotent"])


class Till:
    """A tool that counts how often it is started, and ends when it is let."""

    def __init__(self, *, idempotent: bool = False) -> None:
        self.runs: list[str] = []
        self.entered = asyncio.Event()
        self.may_end = asyncio.Event()

        @tool(name="charge", idempotent=idempotent)
        async def charge(order: str) -> str:
            self.runs.append(order)
            self.entered.set()
            await self.may_end.wait()
            return f"receipt {len(self.runs)} of {order}"

        self.tool = charge


class CuttingProxy:
    """Passes connections on to a bridge until it sees a text go by, and then cuts them all, once.

    Args:
        target: The bridge's address.
        after_request: Cuts the client off when a message with this text has been sent; the bridge does not notice yet.
        instead_of_answer: Cuts when a message with this text comes back, and keeps it.
    """

    def __init__(self, target: str, after_request: str = "", instead_of_answer: str = "") -> None:
        self.address = ""
        self.cuts = 0
        self._after, self._instead = after_request.encode(), instead_of_answer.encode()
        self._target = target
        self._near: list[asyncio.StreamWriter] = []
        self._far: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> CuttingProxy:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        _abort(self._near)
        _abort(self._far)

    def cut(self, *, noticed: bool = True) -> None:
        """Cuts all connections; where it is not noticed, those to the bridge stay open and silent."""
        self.cuts += 1
        self._after = self._instead = b""
        _abort(self._near)
        if noticed:
            _abort(self._far)

    async def _pass(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        host, _, port = self._target.rpartition(":")
        far, to_far = await asyncio.open_connection(host, int(port))
        self._near.append(to_near)
        self._far.append(to_far)
        with contextlib.suppress(asyncio.CancelledError):  # the test's loop ends
            await asyncio.gather(
                self._send(near, to_far), self._return(far, to_near), return_exceptions=True
            )

    async def _send(self, near: asyncio.StreamReader, to_far: asyncio.StreamWriter) -> None:
        seen = b""
        while data := await near.read(1 << 16):
            to_far.write(data)
            await to_far.drain()
            seen += data
            if self._after and self._after in seen:
                self.cut(noticed=False)

    async def _return(self, far: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        seen = b""
        try:
            while data := await far.read(1 << 16):
                seen += data
                if self._instead and self._instead in seen:
                    self.cut()
                    return
                to_near.write(data)
                await to_near.drain()
        finally:
            to_near.close()  # of an end that the bridge, or what is before it, made, the client hears


def _abort(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.transport.abort()
    writers.clear()


@contextlib.asynccontextmanager
async def till_at(address: str, session: str, till: Till) -> AsyncGenerator[None]:
    """A worker with the tool, in a session of its own, at the bridge itself."""
    async with ToolBridgeClient(address, session_id=session) as owner:
        await owner.initialize_session(session)
        async with Worker(address, tools=[till.tool], session_id=session):
            yield


@contextlib.asynccontextmanager
async def customer(address: str, session: str, *, use_link: bool) -> AsyncGenerator[GRPCToolBridge]:
    async with GRPCToolBridge(address, use_link=use_link) as bridge:
        await bridge.initialize(session)
        yield bridge


def pay(bridge: GRPCToolBridge, order: str) -> asyncio.Task[Any]:
    call = bridge.execute_with_retry("charge", order, max_retries=10, base_delay=0.01, timeout=20)
    return asyncio.ensure_future(asyncio.wait_for(call, 60))


async def cut_after_the_request_was_sent(
    proxy: CuttingProxy, till: Till, until: Callable[..., Any]
) -> None:
    await until(lambda: proxy.cuts == 1)
    await asyncio.wait_for(till.entered.wait(), 20)
    till.may_end.set()


async def cut_while_the_tool_runs(
    proxy: CuttingProxy, till: Till, until: Callable[..., Any]
) -> None:
    del until
    await asyncio.wait_for(till.entered.wait(), 20)
    proxy.cut()
    till.may_end.set()


async def cut_before_the_answer_came(
    proxy: CuttingProxy, till: Till, until: Callable[..., Any]
) -> None:
    till.may_end.set()
    await until(lambda: proxy.cuts == 1)


MOMENTS = [
    cut_after_the_request_was_sent,
    cut_while_the_tool_runs,
    cut_before_the_answer_came,
]


@WAYS
@IDEMPOTENT
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
async def test_a_call_whose_connection_is_cut_is_started_once_and_answered(
    bridge_address: str,
    until: Callable[..., Any],
    moment: Callable[..., Any],
    use_link: bool,
    idempotent: bool,
) -> None:
    session, order = f"till-{uuid.uuid4()}", f"order-{uuid.uuid4()}"
    till = Till(idempotent=idempotent)
    proxy = CuttingProxy(
        bridge_address,
        after_request=order if moment is cut_after_the_request_was_sent else "",
        instead_of_answer=order if moment is cut_before_the_answer_came else "",
    )
    async with (
        proxy,
        till_at(bridge_address, session, till),
        customer(proxy.address, session, use_link=use_link) as bridge,
    ):
        paid = pay(bridge, order)
        await moment(proxy, till, until)

        receipt = await paid
        assert proxy.cuts == 1
        assert receipt == f"receipt {len(till.runs)} of {order}"
        if not idempotent:
            assert till.runs == [order]

        assert await bridge.execute_tool("charge", "next") == f"receipt {len(till.runs)} of next"
        await bridge.cleanup(force=True)


@WAYS
async def test_a_plain_call_whose_connection_is_cut_is_made_once(
    bridge_address: str, use_link: bool
) -> None:
    session, order = f"till-{uuid.uuid4()}", f"order-{uuid.uuid4()}"
    till = Till()
    async with (
        CuttingProxy(bridge_address) as proxy,
        till_at(bridge_address, session, till),
        customer(proxy.address, session, use_link=use_link) as bridge,
    ):
        paid = asyncio.ensure_future(bridge.execute_tool("charge", order))
        await asyncio.wait_for(till.entered.wait(), 20)
        proxy.cut()
        till.may_end.set()

        if use_link:  # the link comes back, and the call with it
            assert await paid == f"receipt 1 of {order}"
        else:
            with pytest.raises(ToolBridgeError):
                await paid
        assert till.runs == [order]


@pytest.fixture
async def restarting(temp_workspace: str) -> AsyncIterator[Callable[..., processes.Running]]:
    """What starts and restarts a bridge on the same folder and address."""
    if processes.given_address():
        pytest.skip("the bridge at GRPC_ADDR is not ours to kill")
    running: list[processes.Running] = []

    def start(listen: str = "127.0.0.1:0") -> processes.Running:
        running.append(processes.start_bridge(listen, ["--data", temp_workspace]))
        return running[-1]

    yield start
    for process in running:
        process.stop()


@WAYS
@IDEMPOTENT
async def test_after_a_restart_of_the_bridge_only_what_is_idempotent_is_started_again(
    restarting: Callable[..., processes.Running], use_link: bool, idempotent: bool
) -> None:
    first = restarting()
    till = Till(idempotent=idempotent)
    async with (
        till_at(first.address, "kept", till),
        customer(first.address, "kept", use_link=use_link) as bridge,
    ):
        paid = pay(bridge, "order-7")
        await asyncio.wait_for(till.entered.wait(), 20)

        first.kill()
        await asyncio.to_thread(restarting, first.address)
        till.may_end.set()

        if idempotent:
            assert await paid == "receipt 2 of order-7"
            assert till.runs == ["order-7", "order-7"]
            return
        with pytest.raises(ToolExecutionError, match="not started again") as unknown:
            await paid
        assert unknown.value.error_type == "OutcomeUnknown"
        assert not unknown.value.retryable
        assert till.runs == ["order-7"]
