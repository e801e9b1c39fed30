"""What a tool is told about the call that it serves, and what it may do meanwhile: :class:`ToolContext`."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from dspex_bridge_pb2 import GetSessionToolsRequest, LogRecord, ToolCallRequest

from .callrequests import (
    DEFAULT_TIMEOUT,
    CallOptions,
    call_arguments,
    prepare,
    stream_request,
)
from .client import ToolBridgeClient
from .errors import ToolExecutionError
from .execution import execute
from .stub import call_of
from .tools import AsyncGRPCProxyTool
from .toolstream import ToolStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Iterator, Sequence

    from dspex_bridge_pb2 import ToolSpec, ToolStreamChunk, ToolStreamRequest

    from .calls import HostedCall
    from .largeframes import LargeChunk
    from .places import Places
    from .session import SessionContext
    from .stub import Stub
    from .tables import LargeTable

__all__ = ["ToolContext"]

MAX_DEPTH = 32
"""How deep calls may be nested."""
_LEVELS = {"debug": -4, "info": 0, "warning": 4, "error": 8}
_T = TypeVar("_T")


class ToolContext:
    """The call that a tool serves. Give a parameter this type and the worker fills it.

    ``progress``, ``log``, ``cancelled`` and ``time_left`` may be used from any thread; the asynchronous
    methods from the worker's loop; plain functions use :attr:`blocking`.
    """

    def __init__(
        self, call: HostedCall, stub: Stub, places: Places, *, limit: Any, tool_name: str
    ) -> None:
        self.tool_name = tool_name
        self._call = call
        self._request = call.request
        self._places = places
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._deadline = call.deadline
        self._client: ToolBridgeClient | None = None
        self._stub = stub
        self.stub = NestedStub(call, stub)
        """The bridge's verbs; calls of tools made with it are nested in this one."""

    @property
    def session_id(self) -> str:
        """The session in which the call is made."""
        return self._request.session_id

    @property
    def request_id(self) -> str:
        """The caller's name for the call; may be ""."""
        return self._request.request_id

    @property
    def call_depth(self) -> int:
        """How many calls this one is nested in."""
        return self._request.call_depth

    @property
    def principal(self) -> str:
        """Who makes the call, as the bridge knows them."""
        return self._request.principal

    @property
    def traceparent(self) -> str:
        """The W3C trace context; may be ""."""
        return self._request.traceparent

    @property
    def cancelled(self) -> bool:
        """Nobody waits for the answer any more; a plain function should look now and then, and stop."""
        return self._call.stopped is not None

    @property
    def time_left(self) -> float | None:
        """Seconds until the call's time passes; None where there is no limit."""
        if self._deadline == float("inf"):
            return None
        return max(0.0, self._deadline - self._loop.time())

    @property
    def variables(self) -> SessionContext:
        """The session's variables."""
        if self._client is None:
            self._client = ToolBridgeClient(
                self._stub.address, session_id=self.session_id, stub=self._stub
            )
        return self._client.session_context

    @property
    def blocking(self) -> BlockingContext:
        """The asynchronous methods for plain functions, which run in threads."""
        return BlockingContext(self)

    def progress(self, done: float, total: float = 0.0, message: str = "") -> None:
        """Says how far the call is; also tells that it is alive.

        Args:
            done: So much is done, in the units of ``total``.
            total: Of so much; 0 where it is not known.
            message: What is being done.
        """
        self._loop.call_soon_threadsafe(self._call.progress, done, total, message)

    def log(self, /, message: str, level: str = "info", **fields: Any) -> None:
        """Writes to the bridge's log.

        Args:
            message: What.
            level: "debug", "info", "warning" or "error".
            **fields: Its fields.
        """
        record = LogRecord(level=_LEVELS[level], message=message)
        record.time.FromNanoseconds(time.time_ns())
        record.fields.update({key: str(value) for key, value in fields.items()})
        self._loop.call_soon_threadsafe(self._call.log, record)

    async def call(self, tool_id: str, /, *args: Any, **kwargs: Any) -> Any:
        """Calls another tool of the session, within the time that is left.

        Raises:
            ToolExecutionError: The tool raised, or the bridge refused.
        """
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        timeout = self._timeout()
        request, tables = prepare(
            tool_id,
            args,
            kwargs,
            session_id=self.session_id,
            timeout=timeout,
            limit=self._limit,
            options=CallOptions(),
        )
        return await execute(self.stub, request, tool_name=tool_id, timeout=timeout, tables=tables)

    def stream(self, tool_id: str, /, *args: Any, **kwargs: Any) -> ToolStream:
        """Calls another tool and yields its results as it makes them."""
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        request, tables = prepare(
            tool_id,
            args,
            kwargs,
            session_id=self.session_id,
            timeout=DEFAULT_TIMEOUT,
            limit=self._limit,
        )
        return ToolStream(
            self.stub,
            stream_request(request, self.time_left),
            tool_name=tool_id,
            tables=tables,
        )

    async def tools(self) -> list[ToolSpec]:
        """The tools that the session sees."""
        client = self.variables.client
        request = GetSessionToolsRequest(session_id=self.session_id, epoch=client.limit.epoch)
        response = await client.verb("GetSessionTools", request)
        return list(response.tools)

    def proxy(self, spec: ToolSpec) -> AsyncGRPCProxyTool:
        """A tool of the session as a callable; its calls are nested in this one."""
        return AsyncGRPCProxyTool(spec, self, limit=self._limit)

    def _timeout(self) -> float:
        left = self.time_left
        return DEFAULT_TIMEOUT if left is None else min(DEFAULT_TIMEOUT, left)

    def run_from_thread(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine on the worker's loop while the calling thread lends its place to others."""

        async def lent() -> _T:
            self._places.lend()
            try:
                return await work
            finally:
                self._places.retake()

        return asyncio.run_coroutine_threadsafe(lent(), self._loop).result()


class NestedStub:
    """The bridge's verbs for calls that are made during another one."""

    def __init__(self, call: HostedCall, stub: Stub) -> None:
        self._call = call
        self._stub = stub

    async def ExecuteTool(  # noqa: N802 - the protocol's name
        self, request: ToolCallRequest, tables: Sequence[LargeTable] | None = None
    ) -> Any:
        """Calls a tool, nested."""
        self._nest(request)
        if self._stub.tracing is not None:
            return await self._stub.tracing.call(self._execute, request, tables)
        return await self._execute(request, tables)

    async def _execute(self, request: ToolCallRequest, tables: Sequence[LargeTable] | None) -> Any:
        return await self._call.link.call(
            request, self._deadline(request.timeout_us), tables, self._call
        )

    async def StreamTool(  # noqa: N802 - the protocol's name
        self, request: ToolStreamRequest, tables: Sequence[LargeTable] | None = None
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]:
        """Streams a tool, nested."""
        chunks = self._stream(request, tables)
        if self._stub.tracing is not None:
            chunks = self._stub.tracing.stream(self._stream, request, tables)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def _stream(
        self, request: ToolStreamRequest, tables: Sequence[LargeTable] | None
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]:
        call = call_of(request)
        self._nest(call)
        deadline = self._deadline(call.timeout_us)
        chunks = self._call.link.stream(call, deadline, tables, self._call)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    def __getattr__(self, name: str) -> Any:
        """Every other verb is the worker's own."""
        return getattr(self._stub, name)

    def _nest(self, request: ToolCallRequest) -> None:
        depth = self._call.request.call_depth + 1
        if depth > MAX_DEPTH:
            raise ToolExecutionError(
                request.tool_id,
                "CallDepthExceeded",
                f"calls are nested {depth} deep, the limit is {MAX_DEPTH}",
                {"limit": str(MAX_DEPTH)},
            )
        request.call_depth = depth
        request.parent_call = self._call.call_id
        if not request.traceparent:
            request.traceparent = self._call.request.traceparent
            request.tracestate = self._call.request.tracestate
        left = self._call.deadline - asyncio.get_running_loop().time()
        if left < float("inf"):
            left_us = max(1, int(left * 1e6))
            request.timeout_us = min(request.timeout_us or left_us, left_us)

    def _deadline(self, timeout_us: int) -> float:
        if not timeout_us:
            return float("inf")
        return asyncio.get_running_loop().time() + timeout_us / 1e6


for _method in (NestedStub.ExecuteTool, NestedStub.StreamTool):
    _method.keeps_deadline = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]


class BlockingContext:
    """What plain functions use of a :class:`ToolContext`: each method waits in the function's own thread."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    def call(self, tool_id: str, /, *args: Any, **kwargs: Any) -> Any:
        """See ``ToolContext.call``. The function's place is free for others meanwhile."""
        return self._context.run_from_thread(self._context.call(tool_id, *args, **kwargs))

    def stream(self, tool_id: str, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """See ``ToolContext.stream``."""
        context = self._context
        values = context.stream(tool_id, *args, **kwargs)
        try:
            while True:
                try:
                    value = context.run_from_thread(_next(values))
                except StopAsyncIteration:
                    return
                yield value
        finally:
            context.run_from_thread(values.aclose())

    def get_variable(self, name: str) -> Any:
        """See ``SessionContext.get_variable``."""
        context = self._context
        return context.run_from_thread(context.variables.get_variable(name))

    def set_variable(self, name: str, value: Any, metadata: Any = None) -> str:
        """See ``SessionContext.set_variable``."""
        context = self._context
        return context.run_from_thread(context.variables.set_variable(name, value, metadata))


async def _next(values: ToolStream) -> Any:
    return await values.__anext__()
