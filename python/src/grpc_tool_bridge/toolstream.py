"""The results of a streaming call: :class:`ToolStream`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc

from .errors import ToolCommunicationError
from .execution import begin_stream, timed, timeout_error
from .responses import checked_chunks, named, stopwatch
from .stub import keeps_deadline
from .values import deserialize_value
from .values.large import LargeValue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from dspex_bridge_pb2 import ExecutionMetrics, ToolStreamRequest

    from .tables import LargeTable

__all__ = ["ToolStream"]


class ToolStream:
    """The results of a streaming call. An asynchronous iterator that is also ``async with``.

    Who leaves a loop over it cancels the call, and ``on_metrics`` is told: at the end of an ``async with``, with
    :meth:`aclose`, or as soon as nothing holds the stream any more.
    """

    def __init__(
        self,
        stub: Any,
        request: ToolStreamRequest,
        *,
        tool_name: str,
        timeout: float | None = None,
        hint: Any = None,
        tables: Sequence[LargeTable] = (),
        on_metrics: Callable[[ExecutionMetrics], None] | None = None,
    ) -> None:
        self.tool_name = tool_name
        self.count = 0
        """How many results were yielded."""
        # It knows nothing of this object: a reader who leaves the loop drops both, which closes it.
        self._values = _results(stub, request, tool_name, timeout, hint, tables, on_metrics)

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


async def _results(
    stub: Any,
    request: ToolStreamRequest,
    tool_name: str,
    timeout: float | None,
    hint: Any,
    tables: Sequence[LargeTable],
    on_metrics: Callable[[ExecutionMetrics], None] | None,
) -> AsyncGenerator[Any, None]:
    def decode(data: Any) -> Any:
        if isinstance(data, LargeValue):
            return data.decode(hint)
        return deserialize_value(data, hint)

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
