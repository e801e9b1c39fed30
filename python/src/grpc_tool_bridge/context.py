"""What a tool is told about the call that it serves, and what it may do meanwhile: :class:`ToolContext`."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING, Any, TypeVar

from dspex_bridge_pb2 import GetSessionToolsRequest, LogRecord

from .callrequests import (
    DEFAULT_TIMEOUT,
    CallOptions,
    call_arguments,
    prepare,
)
from .client import ToolBridgeClient
from .execution import execute, prepared
from .nestedstub import NestedStub
from .tools import AsyncGRPCProxyTool
from .toolstream import ToolStream

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from dspex_bridge_pb2 import ToolSpec

    from .calls import HostedCall
    from .places import Places
    from .session import SessionContext
    from .stub import Stub

__all__ = ["ToolContext"]

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
        request, tables = await prepared(
            lambda args, kwargs: prepare(
                tool_id,
                args,
                kwargs,
                session_id=self.session_id,
                timeout=timeout,
                limit=self._limit,
                options=CallOptions(),
            ),
            args,
            kwargs,
            tool_name=tool_id,
            timeout=timeout,
        )
        return await execute(self.stub, request, tool_name=tool_id, timeout=timeout, tables=tables)

    def stream(self, tool_id: str, /, *args: Any, **kwargs: Any) -> ToolStream:
        """Calls another tool and yields its results as it makes them."""
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        make = functools.partial(
            prepare,
            tool_id,
            args,
            kwargs,
            session_id=self.session_id,
            timeout=DEFAULT_TIMEOUT,
            limit=self._limit,
        )
        return ToolStream(
            self.stub,
            make,
            (*args, *kwargs.values()),
            tool_name=tool_id,
            limit=self.time_left,
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
