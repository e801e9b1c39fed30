"""A call made and awaited, over whatever the stub calls: the link, plain RPCs, or what a test put there."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

from .callrequests import MAX_VALUE_BYTES
from .errors import ToolCommunicationError, ToolTimeoutError
from .responses import closing, named, result_of, stopwatch
from .stub import keeps_deadline, within
from .tables import link_only
from .tablethreads import any_large, held, in_thread, is_large_answer
from .timeouts import finite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from dspex_bridge_pb2 import ExecutionMetrics, ToolCallRequest

    from .tables import LargeTable

__all__ = [
    "MARGIN",
    "NO_LIMIT",
    "Prepared",
    "begin_stream",
    "execute",
    "late",
    "prepared",
    "prepared_aside",
    "timed",
    "timeout_error",
]

Prepared: TypeAlias = "tuple[ToolCallRequest, Sequence[LargeTable]]"
"""The request of a call, and the tables of its arguments that travel in pieces."""
MARGIN = 1.0
"""Seconds for an answer to arrive: the bridge ends batches and runs by itself, ours only covers a dead connection."""
NO_LIMIT = float("inf")


async def execute(
    stub: Any,
    request: ToolCallRequest,
    *,
    tool_name: str,
    timeout: float,
    address: str = "",
    hint: Any = None,
    tables: Sequence[LargeTable] = (),
    on_metrics: Callable[[ExecutionMetrics], None] | None = None,
) -> Any:
    """Makes a call; the method is looked up on the stub now."""
    method = stub.ExecuteTool
    watch = stopwatch(on_metrics)
    response = None
    try:
        if keeps_deadline(method):
            response = await method(request, tables)
        elif tables:
            raise link_only(tool_name, tables, MAX_VALUE_BYTES)
        else:
            response = await within(method(request), finite(timeout))
    except (grpc.RpcError, ToolCommunicationError) as error:
        raise named(error, tool_name, address) from error
    except asyncio.TimeoutError as error:
        raise timeout_error(error, tool_name, timeout) from error
    finally:
        if watch is not None:
            watch.stop(response)
    if is_large_answer(response):
        return await in_thread(result_of, response, tool_name, hint)
    return result_of(response, tool_name, hint)


async def prepared(
    make: Callable[[Sequence[Any], Mapping[str, Any]], Prepared],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    tool_name: str,
    timeout: float,
) -> Prepared:
    """Makes the request of a call, in a thread where its arguments have large tables.

    Raises:
        ToolTimeoutError: The call's time passed before it was made; what is left of it stands in the request.
    """
    if not any_large((*args, *kwargs.values())):
        return make(args, kwargs)
    aside = functools.partial(make, held(tuple(args)), held(dict(kwargs)))
    return await prepared_aside(aside, tool_name=tool_name, timeout=timeout)


async def prepared_aside(
    make: Callable[[], Prepared], *, tool_name: str, timeout: float
) -> Prepared:
    """Makes it in a thread in any case; see :func:`prepared`."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        request, tables = await within(in_thread(make), finite(timeout))
    except asyncio.TimeoutError as error:
        raise timeout_error(error, tool_name, timeout) from error
    if request.timeout_us:
        passed = int((loop.time() - began) * 1e6)
        request.timeout_us = max(1, request.timeout_us - passed)
    return request, tables


def begin_stream(method: Any, request: Any, tables: Sequence[LargeTable], tool_name: str) -> Any:
    """Makes a streaming call; returns its chunks."""
    if keeps_deadline(method):
        return method(request, tables)
    if tables:
        raise link_only(tool_name, tables, MAX_VALUE_BYTES)
    return method(request)


async def timed(chunks: Any, timeout: float) -> AsyncGenerator[Any, None]:
    """What an asynchronous iterator yields within so many seconds; then it raises ``asyncio.TimeoutError``."""
    if timeout == NO_LIMIT:
        async for chunk in chunks:
            yield chunk
        return
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    async with closing(chunks):
        iterator = aiter(chunks)
        while True:
            try:
                chunk = await within(anext(iterator), max(0.0, end - loop.time()))
            except StopAsyncIteration:
                return
            yield chunk


def timeout_error(error: BaseException, tool_name: str, timeout: float) -> ToolTimeoutError:
    """The exception for a call that had no answer within so many seconds."""
    if isinstance(error, ToolTimeoutError):
        return error
    return ToolTimeoutError(
        tool_name,
        "DeadlineExceeded",
        f"tool {tool_name!r} did not answer within {timeout:g} s",
        {"limit": f"{timeout:g}"},
    )


def late(what: str, address: str, limit: float) -> ToolTimeoutError:
    """The exception for a batch or an agent's run that the bridge did not end in time."""
    return ToolTimeoutError(
        what,
        "DeadlineExceeded",
        f"the bridge at {address} did not end the {what} within {limit:g} s",
        {"limit": f"{limit:g}"},
    )
