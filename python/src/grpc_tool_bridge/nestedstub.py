"""The bridge's verbs for calls that are made during another one: :class:`NestedStub`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from .errors import ToolExecutionError
from .stub import call_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from dspex_bridge_pb2 import ToolCallRequest, ToolStreamChunk, ToolStreamRequest

    from .calls import HostedCall
    from .largeframes import LargeChunk
    from .stub import Stub
    from .tables import LargeTable

__all__ = ["NestedStub"]

MAX_DEPTH = 32
"""How deep calls may be nested."""


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
