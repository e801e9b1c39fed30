"""All checking of what a bridge answers, in one place.

An answer may come from the link, from a plain RPC, or from a test's mock; it is believed only as far as it
has the fields and types of the protocol.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage

from dspex_bridge_pb2 import ExecutionMetrics

from .errors import (
    ProtocolError,
    SessionError,
    ToolBridgeError,
    ToolCommunicationError,
    ToolExecutionError,
    error_from_info,
    error_from_rpc,
)
from .tables import StreamedTable
from .tablethreads import in_thread, is_large_encoded
from .values import convert, deserialize_value
from .values.large import LargeValue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

__all__ = [
    "Stopwatch",
    "call_error",
    "checked_chunks",
    "closing",
    "named",
    "result_of",
    "stopwatch",
    "verb_error",
]


def result_of(response: Any, tool_name: str, hint: Any = None) -> Any:
    """The value that a ``ToolCallResponse`` carries.

    Raises:
        ToolExecutionError: It carries an error instead.
        ProtocolError: It is no answer.
    """
    success = getattr(response, "success", None)
    if success is True:
        result = getattr(response, "result", None)
        if type(result) is AnyMessage:
            return deserialize_value(result, hint)
        if isinstance(result, StreamedTable):
            value = result.as_hinted(hint)
            return value if hint is None else convert(value, hint)
        if isinstance(result, LargeValue):
            return result.decode(hint)
        raise ProtocolError(
            f"the answer of tool {tool_name!r} has a result of type {type(result).__name__}, "
            "want google.protobuf.Any"
        )
    if success is False:
        raise call_error(response.error, tool_name)
    raise ProtocolError(
        f"the answer of tool {tool_name!r} is a {type(response).__name__} without a field "
        "'success': it is no ToolCallResponse"
    )


class Stopwatch:
    """Tells how long a call took, once; see ``CallOptions.on_metrics``."""

    def __init__(self, told: Callable[[ExecutionMetrics], None]) -> None:
        self._told = told
        self._began = time.perf_counter()
        self._stopped = False

    def stop(self, answer: Any = None) -> None:
        """Tells what the bridge says in what ended the call; how long the caller has waited, where it says nothing."""
        if self._stopped:
            return
        self._stopped = True
        metrics: Any = getattr(answer, "metrics", None)
        if getattr(metrics, "duration_ms", 0) > 0:
            self._told(metrics)
        else:
            waited = time.perf_counter() - self._began
            self._told(ExecutionMetrics(duration_ms=waited * 1000))


def stopwatch(told: Callable[[ExecutionMetrics], None] | None) -> Stopwatch | None:
    """The stopwatch of a call that begins now; None where nobody is told."""
    return None if told is None else Stopwatch(told)


def call_error(info: object, tool_name: str) -> ToolBridgeError:
    """The exception for the error of a call: a ``ToolExecutionError`` for every refusal."""
    error = error_from_info(info, tool_name=tool_name)
    if not isinstance(error, SessionError):
        return error
    return ToolExecutionError(
        tool_name,
        error.error_type,
        error.message,
        error.details,
        error.retryable,
        error.retry_after,
    )


def verb_error(response: Any, verb: str) -> ToolBridgeError | None:
    """The exception for the answer to a verb on sessions, variables or agents; None if it worked."""
    success = getattr(response, "success", None)
    if success is True:
        return None
    if success is False:
        return error_from_info(response.error)
    return ProtocolError(f"the answer to {verb} is a {type(response).__name__} without 'success'")


def named(error: BaseException, tool_name: str, address: str = "") -> ToolCommunicationError:
    """The exception for a broken transport, with the tool's name."""
    if isinstance(error, grpc.RpcError):
        return error_from_rpc(error, tool_name=tool_name, address=address)
    assert isinstance(error, ToolCommunicationError)
    return ToolCommunicationError(
        tool_name, error.code, error.message, error.details, error.retryable, error.retry_after
    )


@asynccontextmanager
async def closing(iterator: Any) -> AsyncGenerator[None, None]:
    """Closes an asynchronous iterator at the end, if it can be closed."""
    try:
        yield
    finally:
        aclose = getattr(iterator, "aclose", None)
        if aclose is not None:
            await aclose()


async def checked_chunks(
    chunks: Any,
    tool_name: str,
    decode: Callable[[AnyMessage | LargeValue], Any],
    watch: Stopwatch | None = None,
) -> AsyncGenerator[Any, None]:
    """The values of a stream's chunks.

    Raises:
        ToolExecutionError: The stream broke off with an error.
        ToolCommunicationError: It ended without a last chunk.
        ProtocolError: A chunk is none, or one is missing.
    """
    expected = 0
    async with closing(chunks):
        async for chunk in chunks:
            sequence, content = getattr(chunk, "sequence", None), getattr(chunk, "content", None)
            if not isinstance(sequence, int) or content is None:
                raise ProtocolError(
                    f"the stream of tool {tool_name!r} brought a {type(chunk).__name__}, want chunks"
                )
            kind = content.WhichOneof("kind")
            if kind == "error":  # of whatever number: one made here, when the time passed, has none
                raise call_error(content.error, tool_name)
            if sequence != expected:
                raise ProtocolError(
                    f"the stream of tool {tool_name!r} brought chunk {sequence}, want {expected}"
                )
            expected += 1
            if kind == "data":
                if is_large_encoded(content.data):
                    yield await in_thread(decode, content.data)
                else:
                    yield decode(content.data)
            elif kind == "complete":
                if watch is not None:
                    watch.stop(content.complete)
                return
    raise ToolCommunicationError(
        tool_name,
        grpc.StatusCode.UNAVAILABLE,
        f"the stream ended after {expected} chunks without its last one",
        retryable=False,
    )
