"""The bridge's verbs as methods, with the link behind the calls of tools.

A :class:`Stub` looks like the stub that grpc generates, and each of its methods may be replaced by a test. Calls
go over the link when the bridge serves one, else over plain RPCs.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from dspex_bridge_pb2 import (
    BatchExecuteToolsRequest,
    BatchExecuteToolsResponse,
    ToolCallRequest,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamRequest,
)
from dspex_bridge_pb2_grpc import SnakepitBridgeStub

from .addresses import check_address
from .calls import timed_out, timed_out_chunk
from .connection import CONNECT_TIMEOUT, Connection, open_channel
from .errors import ToolCommunicationError
from .tables import link_only

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Coroutine, Mapping, Sequence

    from .largeframes import LargeChunk, LargeResponse
    from .moving import TabledResponse
    from .tables import LargeTable
    from .tracing import Tracing

__all__ = ["Stub", "call_of", "keeps_deadline", "within"]

_HEALTH = "/grpc.health.v1.Health/Check"
_HEALTH_STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
_BEFORE_CONNECTED = "before the bridge could be reached"
_NO_DEADLINE = float("inf")
_CLOCKS_APART = 0.01
"""Seconds by which the clocks of a call's two ends may differ in saying that its time is over."""
_MAX_VALUE_BYTES = 10 * 1024 * 1024
_LONGEST_BATCH = 512 * 1024
"""Bytes of a batch that travels on a link. A longer one gains nothing there; it may also have more arguments than a
frame, and a plain RPC is refused alone, where a frame ends the link."""


class Stub:
    """The verbs of a bridge; see the module.

    Args:
        target: The bridge's address, or a channel to it. A channel stays its owner's, and gets plain RPCs.
        connect_timeout: Seconds to wait for a bridge.
        labels: Of the process, for people.
        use_link: False makes it use plain RPCs in any case.
        connection: To the same address, to be used instead of one of its own; stays its owner's.

    Raises:
        ValueError: The address is none.
    """

    def __init__(
        self,
        target: str | grpc.aio.Channel,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        labels: Mapping[str, str] | None = None,
        use_link: bool = True,
        connection: Connection | None = None,
    ) -> None:
        self.address = check_address(target) if isinstance(target, str) else "the channel's address"
        self.connect_timeout = connect_timeout
        self._labels = labels
        self._owned = isinstance(target, str)
        self._channel = None if isinstance(target, str) else target
        self._use_link = use_link and self._owned
        self._raw: Any = None
        self._connection = connection
        self._shared = connection is not None
        self._ready = not self._owned
        self.tracing: Tracing | None = None
        """Makes calls spans; None for none."""

    def ExecuteTool(  # noqa: N802 - the protocol's name
        self, request: ToolCallRequest, tables: Sequence[LargeTable] | None = None
    ) -> Coroutine[Any, Any, ToolCallResponse | TabledResponse | LargeResponse]:
        """Calls a tool. Keeps the request's ``timeout_us`` and answers `DeadlineExceeded` itself.

        Args:
            request: The call.
            tables: Of the arguments, that travel in pieces; unless it is None the result may come so too, or be
                a :class:`~grpc_tool_bridge.largeframes.LargeResponse`.
        """
        if self.tracing is not None:
            return self.tracing.call(self._execute, request, tables)
        connection = self._connection
        if connection is not None and connection.attached:
            link = connection.link
            timeout = request.timeout_us
            if timeout:
                deadline = asyncio.get_running_loop().time() + timeout / 1e6
                return link.call(request, deadline, tables)
            return link.call(request, tables=tables)
        return self._execute(request, tables)

    def StreamTool(  # noqa: N802 - the protocol's name
        self, request: ToolStreamRequest, tables: Sequence[LargeTable] | None = None
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]:
        """Calls a tool and yields its chunks; keeps ``timeout_us`` as ``ExecuteTool`` does.

        Args:
            request: The call.
            tables: Of the arguments, that travel in pieces; unless it is None a large chunk comes as a
                :class:`~grpc_tool_bridge.largeframes.LargeChunk`.
        """
        if self.tracing is not None:
            return self.tracing.stream(self._stream, request, tables)
        return self._stream(request, tables)

    async def _stream(
        self, request: ToolStreamRequest, tables: Sequence[LargeTable] | None
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]:
        deadline = _deadline(request.timeout_us)
        try:
            connection = await self._linked(deadline)
        except ToolCommunicationError:
            if not _passed(deadline):
                raise
            yield timed_out_chunk(request, _BEFORE_CONNECTED)
            return
        if connection is not None:
            made = connection.link.stream(call_of(request), deadline, tables)
            async with aclosing(made) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        if tables:
            raise link_only(request.tool_id, tables, _MAX_VALUE_BYTES)
        timeout = _left(deadline)
        rpc = self.raw.StreamTool(request, timeout=timeout)
        sequence = 0
        try:
            async for chunk in rpc:
                sequence = chunk.sequence + 1
                yield chunk
        except grpc.aio.AioRpcError as error:
            if not _ran_out(error, deadline):
                raise
            yield timed_out_chunk(request, "before its stream was whole", sequence)
        finally:
            rpc.cancel()

    async def BatchExecuteTools(  # noqa: N802 - the protocol's name
        self, request: BatchExecuteToolsRequest
    ) -> BatchExecuteToolsResponse:
        """Makes many calls at once: over the link, where the bridge takes batches so and it is not very long."""
        connection = self._connection
        if connection is None or not connection.attached:
            connection = await self._linked(_NO_DEADLINE)
        if connection is not None and connection.takes_batches:
            body = request.SerializeToString()
            if len(body) <= _LONGEST_BATCH:
                return await connection.link.batch(body)
        await self.ready()
        return await self.raw.BatchExecuteTools(request)

    def __getattr__(self, name: str) -> Any:
        """Every other verb is the plain RPC of that name."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.raw, name)

    @property
    def raw(self) -> Any:
        """The stub that grpc generates, on the same channel."""
        if self._raw is None:
            self._raw = SnakepitBridgeStub(self.channel)
        return self._raw

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel; made on first use, on the running loop."""
        if self._channel is None:
            self._channel = open_channel(self.address)
        return self._channel

    @property
    def uses_link(self) -> bool:
        """Calls go over a link, as far as is known."""
        return self._use_link or self._connection is not None

    @property
    def connection(self) -> Connection | None:
        """The link, if one is used."""
        return self._connection

    async def ready(self, deadline: float = _NO_DEADLINE) -> None:
        """Waits until a bridge answers at the address, also when the connection to it was lost.

        Args:
            deadline: On the loop's clock, where that is sooner than the connect timeout.

        Raises:
            ToolCommunicationError: None does, within the connect timeout.
        """
        if not self._owned or (self._ready and self._connected()):
            return
        try:
            await asyncio.wait_for(self.channel.channel_ready(), self._patience(deadline))
        except asyncio.TimeoutError as error:
            raise ToolCommunicationError(
                "",
                grpc.StatusCode.UNAVAILABLE,
                f"no bridge answers at {self.address} within {self.connect_timeout:g} s: "
                "is it running, and is the address right?",
                {"started": "false"},
            ) from error
        self._ready = True

    def _connected(self) -> bool:
        return self.channel.get_state() is grpc.ChannelConnectivity.READY

    def _patience(self, deadline: float) -> float:
        """How long to wait for a bridge, in seconds."""
        left = deadline - asyncio.get_running_loop().time()
        return max(0.0, min(self.connect_timeout, left))

    async def _execute(
        self, request: ToolCallRequest, tables: Sequence[LargeTable] | None
    ) -> ToolCallResponse | TabledResponse | LargeResponse:
        deadline = _deadline(request.timeout_us)
        try:
            connection = await self._linked(deadline)
        except ToolCommunicationError:
            if not _passed(deadline):
                raise
            return timed_out(request, _BEFORE_CONNECTED)
        if connection is not None:
            return await connection.link.call(request, deadline, tables)
        if tables:
            raise link_only(request.tool_id, tables, _MAX_VALUE_BYTES)
        timeout = _left(deadline)
        try:
            return await self.raw.ExecuteTool(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            if not _ran_out(error, deadline):
                raise
            return timed_out(request, "before it was answered")

    async def _linked(self, deadline: float) -> Connection | None:
        """The connection with its link attached; None where plain RPCs are used, which can be made then."""
        if not self._use_link:
            await self.ready(deadline)
            return None
        if self._connection is None:
            self._connection = Connection(
                self.channel,
                address=self.address,
                labels=self._labels,
                connect_timeout=self.connect_timeout,
            )
        connection = self._connection
        try:
            await connection.attach(self._patience(deadline))
        except ToolCommunicationError as error:
            if error.code is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            self._use_link, self._connection = False, None
            await connection.aclose()
            return None
        self._ready = True
        return connection

    async def health(self, service: str = "") -> str:
        """What the bridge says of itself: "SERVING" or "NOT_SERVING"."""
        await self.ready()
        request = b"\x0a" + bytes((len(service.encode()),)) + service.encode() if service else b""
        channel: Any = self.channel
        check = channel.unary_unary(_HEALTH, None, None)
        answer: bytes = await check(request, timeout=self.connect_timeout)
        return _HEALTH_STATES[answer[1] if len(answer) == 2 else 0]

    async def aclose(self) -> None:
        """Closes the link, and the channel if it is ours."""
        connection, self._connection = self._connection, None
        if connection is not None and not self._shared:
            await connection.aclose()
        if self._owned and self._channel is not None:
            await self._channel.close()
            self._channel, self._raw, self._ready = None, None, False


# A test's replacement has no such mark; its calls are timed by their caller.
Stub.ExecuteTool.keeps_deadline = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
Stub.StreamTool.keeps_deadline = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]


def keeps_deadline(method: object) -> bool:
    """Reports whether a method of a stub keeps the deadline in its request."""
    return getattr(method, "keeps_deadline", False) is True


if sys.version_info >= (3, 11):

    async def within(awaitable: Awaitable[Any], timeout: float | None) -> Any:
        """Awaits, at most so many seconds; raises ``TimeoutError``."""
        async with asyncio.timeout(timeout):
            return await awaitable

else:

    async def within(awaitable: Awaitable[Any], timeout: float | None) -> Any:
        """Awaits, at most so many seconds; raises ``asyncio.TimeoutError``."""
        return await asyncio.wait_for(awaitable, timeout)


def _deadline(timeout_us: int) -> float:
    if not timeout_us:
        return _NO_DEADLINE
    return asyncio.get_running_loop().time() + timeout_us / 1e6


def _passed(deadline: float) -> bool:
    return asyncio.get_running_loop().time() >= deadline


def _ran_out(error: grpc.aio.AioRpcError, deadline: float) -> bool:
    """Reports whether an RPC failed because its time is over.

    A server whose clock was the first to say so resets the stream, which looks like a cancellation of its own.
    """
    if deadline == _NO_DEADLINE:
        return False
    code = error.code()
    if code is grpc.StatusCode.CANCELLED:
        return _passed(deadline - _CLOCKS_APART)
    return code is grpc.StatusCode.DEADLINE_EXCEEDED


def _left(deadline: float) -> float | None:
    """Seconds until a deadline, for grpc; None where there is none."""
    left = deadline - asyncio.get_running_loop().time()
    return None if deadline == _NO_DEADLINE else max(0.0, left)


def call_of(request: ToolStreamRequest) -> ToolCallRequest:
    """A streaming call as it travels on a link."""
    return ToolCallRequest(
        session_id=request.session_id,
        tool_id=request.tool_id,
        args=request.args,
        kwargs=request.kwargs,
        stream_id=request.stream_id,
        timeout_us=request.timeout_us,
        call_depth=request.call_depth,
        resume_from=request.resume_from,
        epoch=request.epoch,
        traceparent=request.traceparent,
        min_revision=request.min_revision,
        tracestate=request.tracestate,
        plain_values=request.plain_values,
        want_stack=request.want_stack,
        stream=True,
    )
