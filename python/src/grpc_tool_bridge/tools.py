"""Tools of other processes as local callables: :class:`AsyncGRPCProxyTool` and its stream."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc

from dspex_bridge_pb2 import (
    ExecutionMetrics,
    ToolCallRequest,
    ToolSpec,
    ToolStreamRequest,
    ToolType,
)

from .bounds import check_keyword_name, check_request_id
from .errors import ToolCommunicationError, ToolExecutionError, ToolTimeoutError
from .responses import checked_chunks, closing, named, result_of, stopwatch
from .retry import Retry, call_with_retry
from .schema import ArgumentList, signature_from_spec
from .stub import keeps_deadline, within
from .tables import (
    NEVER_LARGE,
    WrittenTable,
    large_table,
    link_only,
    not_in_batch,
    split,
    tables_too_large,
    too_large,
    without_readers,
)
from .timeouts import check_timeout, finite, to_microseconds
from .values import deserialize_value, encode_into
from .values.large import LargeValue
from .values.scalars import SCALARS, encode_scalar

if TYPE_CHECKING:
    import inspect
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from types import TracebackType

    from google.protobuf.any_pb2 import Any as AnyMessage
    from typing_extensions import Self

    from .tables import LargeTable

__all__ = ["DEFAULT_TIMEOUT", "AsyncGRPCProxyTool", "CallOptions", "Limit", "ToolStream"]

DEFAULT_TIMEOUT = 30.0
"""Seconds that a call may take where nobody says otherwise."""
MAX_VALUE_BYTES = 10 * 1024 * 1024
"""Value bytes of a call's arguments, until the bridge announces its own limit."""


@dataclasses.dataclass
class Limit:
    """What the bridge accepts, shared by all proxies of a client."""

    max_value_bytes: int = MAX_VALUE_BYTES
    max_table_bytes: int = 0
    max_batch_items: int = 0
    epoch: int = 0
    address: str = ""
    bridge_run: str = ""


@dataclasses.dataclass(frozen=True)
class CallOptions:
    """How a call is made.

    Attributes:
        timeout: Seconds; None means 30 for a call and no total limit for a stream. ``float("inf")`` names no
            limit: the tool's own or the bridge's holds.
        retry: How often and when to try again; None never does.
        request_id: Names the call: the bridge runs it once, and answers a repetition from its record.
        attempt: How many earlier attempts of it may have been started.
        want_stack: The tool's stack trace is wanted with an exception.
        strict: Refuse arguments that would travel as their text only.
        result_type: The type that the result, or each chunk, is made into.
        on_metrics: Is told how long a call took, and where, when it has ended, also when it failed: of a call that is
            retried, each attempt. Where the bridge's answer did not come, in time or at all, as for a stream that
            broke off or was left, ``duration_ms`` is how long the caller has waited, and all else is zero. It must
            not block or raise.
    """

    timeout: float | None = None
    retry: Retry | None = None
    request_id: str = ""
    attempt: int = 0
    want_stack: bool = False
    strict: bool = False
    result_type: Any = None
    on_metrics: Callable[[ExecutionMetrics], None] | None = None

    def __post_init__(self) -> None:
        check_timeout(self.timeout)


class AsyncGRPCProxyTool:
    """A tool of another process. Calling it makes the call; :meth:`stream` reads results as they are made.

    Args:
        spec: The tool.
        session_context: Where calls are made: its ``session_id`` and ``stub`` are used, nothing else.
        limit: What the bridge accepts.
        options: How calls are made.
    """

    def __init__(
        self,
        spec: ToolSpec,
        session_context: Any,
        *,
        limit: Limit | None = None,
        options: CallOptions | None = None,
    ) -> None:
        self.spec = spec
        self.tool_id: str = spec.tool_id or spec.name
        self.name: str = spec.name
        self._context = session_context
        self._limit = limit or Limit()
        self._is_plain = options is None
        self._options = options or CallOptions()
        self._timeout = DEFAULT_TIMEOUT
        if self._options.timeout is not None:
            self._timeout = self._options.timeout
        elif spec.timeout_us:
            self._timeout = spec.timeout_us / 1e6
        self._timeout_us = to_microseconds(self._timeout)
        self._arguments: ArgumentList | None = None
        if spec.arguments or spec.input_schema:
            self._arguments = ArgumentList(spec.name, spec.arguments)
        self._signature: inspect.Signature | None = None
        self.__name__ = spec.name
        self.__qualname__ = spec.name
        self.__doc__ = _documentation(spec)

    @property
    def __signature__(self) -> inspect.Signature:
        if self._signature is None:
            self._signature = signature_from_spec(self.spec)
        return self._signature

    def with_options(self, **options: Any) -> Self:
        """A copy whose calls are made otherwise; see :class:`CallOptions` for the names.

        ``retry`` may also be a number: how often to try again.

        Raises:
            ValueError: The timeout is nan, zero or negative.
        """
        if isinstance(options.get("retry"), int):
            options["retry"] = Retry(options["retry"])
        return type(self)(
            self.spec,
            self._context,
            limit=self._limit,
            options=dataclasses.replace(self._options, **options),
        )

    async def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Calls the tool and waits for its result.

        Raises:
            ToolExecutionError: The arguments do not fit, the tool raised, or the bridge refused.
            ToolTimeoutError: The time passed.
            ToolCommunicationError: The bridge cannot be reached, or was lost.
        """
        if self._options.retry is not None:
            return await call_with_retry(
                self._attempt,
                args,
                kwargs,
                retry=self._options.retry,
                idempotent=self.spec.idempotent,
                tool_name=self.name,
                request_id=self._options.request_id,
            )
        request, tables = self._prepared(args, kwargs)
        try:
            return await execute(
                self._context.stub,
                request,
                tool_name=self.name,
                timeout=self._timeout,
                address=self._limit.address,
                hint=self._options.result_type,
                tables=tables,
                on_metrics=self._options.on_metrics,
            )
        except ToolTimeoutError as error:
            error.retryable = error.retryable or self.spec.idempotent
            raise

    async def _attempt(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], request_id: str, attempt: int
    ) -> Any:
        one = self.with_options(retry=None, request_id=request_id, attempt=attempt)
        return await one(*args, **kwargs)

    def add_to(self, requests: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        """Adds the request of a call to those of a batch, checked; returns its value bytes.

        Raises:
            ToolExecutionError: As ``request`` does; then nothing was added.
        """
        if kwargs or not self._is_plain or not SCALARS.issuperset(map(type, args)):
            made = self.request(args, kwargs)
            requests.append(made)
            return value_bytes(made)
        if self._arguments is not None:
            self._arguments.check(args, kwargs)
        values: list[tuple[str, bytes]] = []
        size = 0
        for value in args:
            scalar = encode_scalar(value)
            assert scalar is not None
            values.append(scalar)
            size += len(scalar[0]) + len(scalar[1])
        limit = self._limit
        if size > limit.max_value_bytes:
            raise too_large(self.name, "arguments", size, limit.max_value_bytes)
        request = requests.add()
        request.session_id = self._context.session_id or ""
        request.tool_id = self.tool_id
        request.timeout_us = self._timeout_us
        if limit.epoch:
            request.epoch = limit.epoch
        add = request.args.add
        for url, data in values:
            message = add()
            message.type_url = url
            message.value = data
        return size

    def request(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ToolCallRequest:
        """The request of a call in a batch, checked.

        Raises:
            ToolExecutionError: An argument is missing, surplus, misnamed, mistyped or too large.
        """
        if kwargs:
            kwargs = dict(zip(kwargs, without_readers(kwargs.values()), strict=True))
        request, tables = self._prepared(without_readers(args), kwargs)
        if tables:
            raise not_in_batch(self.name, tables, self._limit.max_value_bytes)
        return request

    def _prepared(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[ToolCallRequest, Sequence[LargeTable]]:
        if self._arguments is not None:
            self._arguments.check(args, kwargs)
        options = self._options
        return prepare(
            self.tool_id,
            args,
            kwargs,
            session_id=self._context.session_id,
            timeout=self._timeout,
            limit=self._limit,
            tool_name=self.name,
            options=options,
        )

    def stream(self, /, *args: Any, **kwargs: Any) -> ToolStream:
        """Calls the tool and yields its results as it makes them; leaving the loop cancels the call.

        Raises:
            ToolExecutionError: As for a call; while streaming, what was yielded before stays valid.
        """
        request, tables = self._prepared(args, kwargs)
        total = finite(self._options.timeout)
        return ToolStream(
            self._context.stub,
            stream_request(request, total),
            tool_name=self.name,
            timeout=total,
            hint=self._options.result_type,
            tables=tables,
            on_metrics=self._options.on_metrics,
        )

    def __repr__(self) -> str:
        kind = ToolType.Name(self.spec.type).lower() if self.spec.type else "standard"
        text = f"<tool {self.name}{self.__signature__} ({kind})>"
        return f"{text}\n{self.__doc__}" if self.__doc__ else text


class ToolStream:
    """The results of a streaming call. An asynchronous iterator that is also ``async with``."""

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
        chunks = _made(method, request, tables, tool_name)
        if not keeps_deadline(method) and timeout is not None:
            chunks = timed(chunks, timeout)
        async with aclosing(checked_chunks(chunks, tool_name, decode, watch)) as values:
            async for value in values:
                yield value
    except (grpc.RpcError, ToolCommunicationError) as error:
        raise named(error, tool_name) from error
    except asyncio.TimeoutError as error:
        raise _timeout_error(error, tool_name, timeout or 0) from error
    finally:
        if watch is not None:
            watch.stop()


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
        raise _timeout_error(error, tool_name, timeout) from error
    finally:
        if watch is not None:
            watch.stop(response)
    return result_of(response, tool_name, hint)


def _made(method: Any, request: Any, tables: Sequence[LargeTable], tool_name: str) -> Any:
    if keeps_deadline(method):
        return method(request, tables)
    if tables:
        raise link_only(tool_name, tables, MAX_VALUE_BYTES)
    return method(request)


def value_bytes(request: ToolCallRequest) -> int:
    """The bytes of a request that count against the limit."""
    size = 0
    for value in (*request.args, *request.kwargs.values()):
        size += len(value.type_url) + len(value.value)
    return size


def make_request(
    tool_id: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    session_id: Any,
    timeout: float,
    limit: Limit,
    tool_name: str = "",
    options: CallOptions | None = None,
) -> ToolCallRequest:
    """The request of a call in a batch, which has no tables in pieces; see :func:`prepare`."""
    request, tables = prepare(
        tool_id,
        without_readers(args),
        dict(zip(kwargs, without_readers(kwargs.values()), strict=True)),
        session_id=session_id,
        timeout=timeout,
        limit=limit,
        tool_name=tool_name,
        options=options,
    )
    if tables:
        raise not_in_batch(tool_name or tool_id, tables, limit.max_value_bytes)
    return request


def prepare(
    tool_id: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    session_id: Any,
    timeout: float,
    limit: Limit,
    tool_name: str = "",
    options: CallOptions | None = None,
) -> tuple[ToolCallRequest, Sequence[LargeTable]]:
    """The request of a call whose arguments were checked against its spec, or have none, and its tables in pieces."""
    large: dict[int, LargeTable] = {}
    if limit.max_table_bytes:
        args, kwargs, large = _without_large(
            tool_name or tool_id, args, kwargs, limit.max_value_bytes
        )
    if not isinstance(tool_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"tool_id is {tool_id!r}: want a tool's id or name, a str")
    strict = options is not None and options.strict
    request = ToolCallRequest()
    request.session_id = session_id or ""
    request.tool_id = tool_id
    request.timeout_us = to_microseconds(timeout)
    size = 0
    for value in args:
        size += _put(request.args.add(), value, strict=strict)
    for name, value in kwargs.items():
        check_keyword_name(name, tool_id)
        size += _put(request.kwargs[name], value, strict=strict)
    tables: Sequence[LargeTable] = ()
    if large or size > limit.max_value_bytes:
        tables = _set_apart(request, kwargs, large, limit, tool_name or tool_id)
    if limit.epoch:
        request.epoch = limit.epoch
    if options is not None:
        if options.request_id:
            check_request_id(options.request_id, tool_id)
            request.request_id = options.request_id
        if options.attempt:
            request.attempt = options.attempt
            request.bridge_run = limit.bridge_run
        if options.want_stack:
            request.want_stack = True
    return request, tables


def _put(message: AnyMessage, value: Any, *, strict: bool) -> int:
    if type(value) is WrittenTable:
        return value.put_into(message)
    return encode_into(message, value, strict=strict)


def _without_large(
    tool_name: str, args: Sequence[Any], kwargs: Mapping[str, Any], limit: int
) -> tuple[Sequence[Any], Mapping[str, Any], dict[int, LargeTable]]:
    """The arguments with None in the place of tables that are too large for a message, and those.

    Long tables that fit are written already.
    """
    large: dict[int, LargeTable] = {}
    put: dict[int, WrittenTable | None] = {}
    readers: list[object] = []
    if NEVER_LARGE.issuperset(map(type, args)) and not kwargs:
        return args, kwargs, large
    for index, value in enumerate((*args, *kwargs.values())):
        if type(value) in NEVER_LARGE:
            continue
        table = large_table(value, limit)
        if isinstance(table, WrittenTable):
            put[index] = table
        elif table is not None:
            large[index], put[index] = table, None
            if table.reader is not None:
                readers.append(value)
    if len(set(map(id, readers))) < len(readers):
        raise ToolExecutionError(
            tool_name,
            "ValidationError",
            f"a RecordBatchReader is given to tool {tool_name!r} twice, and can be read once: read it into a table",
        )
    if not put:
        return args, kwargs, large
    args = [put.get(index, value) for index, value in enumerate(args)]
    kwargs = {
        name: put.get(index, value) for index, (name, value) in enumerate(kwargs.items(), len(args))
    }
    return args, kwargs, large


def _set_apart(
    request: ToolCallRequest,
    kwargs: Mapping[str, Any],
    large: dict[int, LargeTable],
    limit: Limit,
    tool_name: str,
) -> Sequence[LargeTable]:
    """Puts what stands for them in the place of the tables that do not fit."""
    values = [*request.args, *(request.kwargs[name] for name in kwargs)]
    tables = split(values, large, limit.max_value_bytes)
    size = sum(len(value.type_url) + len(value.value) for value in values)
    if size > limit.max_value_bytes:
        raise too_large(tool_name, "arguments", size, limit.max_value_bytes)
    if not limit.max_table_bytes:
        raise link_only(tool_name, tables, limit.max_value_bytes)
    size = sum(table.size for table in tables)
    if size > limit.max_table_bytes + (limit.max_table_bytes >> 5):  # sizes are rough
        raise tables_too_large(tool_name, size, limit.max_table_bytes)
    return tables


def stream_request(request: ToolCallRequest, timeout: float | None) -> ToolStreamRequest:
    """The same call as a stream; without a timeout it has no total limit."""
    return ToolStreamRequest(
        session_id=request.session_id,
        tool_id=request.tool_id,
        args=request.args,
        kwargs=request.kwargs,
        stream_id=request.request_id,
        timeout_us=to_microseconds(timeout),
        epoch=request.epoch,
        want_stack=request.want_stack,
    )


def _timeout_error(error: BaseException, tool_name: str, timeout: float) -> ToolTimeoutError:
    if isinstance(error, ToolTimeoutError):
        return error
    return ToolTimeoutError(
        tool_name,
        "DeadlineExceeded",
        f"tool {tool_name!r} did not answer within {timeout:g} s",
        {"limit": f"{timeout:g}"},
    )


async def timed(chunks: Any, timeout: float) -> AsyncGenerator[Any, None]:
    """What an asynchronous iterator yields within so many seconds; then it raises ``asyncio.TimeoutError``."""
    if timeout == float("inf"):
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


def _documentation(spec: ToolSpec) -> str:
    lines = [spec.description] if spec.description else []
    told = [a for a in spec.arguments if a.description]
    if told:
        lines += ["", "Args:"] if lines else ["Args:"]
        lines += [f"    {a.name}: {a.description}" for a in told]
    return "\n".join(lines)
