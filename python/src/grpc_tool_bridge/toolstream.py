"""The results of a streaming call: :class:`ToolStream`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc

from .callrequests import stream_request
from .errors import ToolCommunicationError
from .execution import begin_stream, prepared_aside, timed, timeout_error
from .responses import checked_chunks, named, stopwatch
from .stub import keeps_deadline
from .tablethreads import is_large
from .values import deserialize_value
from .values.large import LargeValue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from dspex_bridge_pb2 import ExecutionMetrics, ToolStreamRequest

    from .execution import Prepared
    from .tables import LargeTable

__all__ = ["ToolStream"]

_LEAST = 1e-6


class ToolStream:
    """The results of a streaming call. An asynchronous iterator that is also ``async with``.

    Who leaves a loop over it cancels the call, and ``on_metrics`` is told: at the end of an ``async with``, with
    :meth:`aclose`, or as soon as nothing holds the stream any more.
    """

    def __init__(
        self,
        stub: Any,
        make: Callable[[], Prepared],
        values: Sequence[Any],
        *,
        tool_name: str,
        limit: float | None = None,
        timeout: float | None = None,
        hint: Any = None,
        on_metrics: Callable[[ExecutionMetrics], None] | None = None,
    ) -> None:
        self.tool_name = tool_name
        self.count = 0
        """How many results were yielded."""
        # It knows nothing of this object: a reader who leaves the loop drops both, which closes it.
        request = _Request(make, limit, tool_name, begun=not any(map(is_large, values)))
        self._values = _results(stub, request, tool_name, timeout, hint, on_metrics)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        value = await self._values.__anext__()
        self.count += 1
        return value

    async def collect(self) -> list[Any]:
        """All results that are left, in order."""
        return [value async for value in self]

    async def aclose(self) -> None:
        """Cancels the call if it runs."""
        await self._values.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Request:
    """The request of a stream, made at once, or in a thread as soon as somebody reads.

    Args:
        make: Makes it as that of a call.
        limit: Seconds that the stream may take in all; None for no limit.
        tool_name: Whose.
        begun: It is made at once.
    """

    def __init__(
        self, make: Callable[[], Prepared], limit: float | None, tool_name: str, *, begun: bool
    ) -> None:
        self._make = make
        self._limit = limit
        self._tool_name = tool_name
        self._made = make() if begun else None

    async def made(self) -> tuple[ToolStreamRequest, Sequence[LargeTable]]:
        """The request with the tables that travel in pieces."""
        limit = self._limit
        if self._made is None:
            loop = asyncio.get_running_loop()
            began = loop.time()
            most = float("inf") if limit is None else limit
            self._made = await prepared_aside(self._make, tool_name=self._tool_name, timeout=most)
            if limit is not None:
                limit = max(_LEAST, limit - (loop.time() - began))
        request, tables = self._made
        return stream_request(request, limit), tables


async def _results(
    stub: Any,
    made: _Request,
    tool_name: str,
    timeout: float | None,
    hint: Any,
    on_metrics: Callable[[ExecutionMetrics], None] | None,
) -> AsyncGenerator[Any, None]:
    def decode(data: Any) -> Any:
        if isinstance(data, LargeValue):
            return data.decode(hint)
        return deserialize_value(data, hint)

    request, tables = await made.made()
    method = stub.StreamTool
    watch = stopwatch(on_metrics)
    try:
        chunks = begin_stream(method, request, tables, tool_name)
        if not keeps_deadline(method) and timeout is not None:
            chunks = timed(chunks, timeout)
        async with aclosing(checked_chunks(chunks, tool_name, decode, watch)) as values:
            async for value in values:
                yield value
    except (grpc.RpcError, ToolCommunicationError) as error:
        raise named(error, tool_name) from error
    except asyncio.TimeoutError as error:
        raise timeout_error(error, tool_name, timeout or 0) from error
    finally:
        if watch is not None:
            watch.stop()
