"""Functions as tools: the ``@tool`` mark, what is known of a tool that is hosted, and running a call of it."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import math
import time
import types
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, overload

from google.protobuf.any_pb2 import Any as AnyMessage

from dspex_bridge_pb2 import (
    ErrorInfo,
    TableStream,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)

from .batchreaders import READER_KIND, OutgoingReader, is_reader, open_reader, wants_reader
from .bounds import bounded
from .calls import complete
from .errors import ToolExecutionError, info_from_exception
from .schema import ToolFunction
from .tables import NEVER_LARGE, LargeTable, WrittenTable, large_table, split
from .tablethreads import LARGE_BYTES, any_large, held, in_thread, is_large, is_large_encoded
from .values import deserialize_value, encode_into, serialize_value
from .values.urls import FRAME_KINDS, PREFIX, STREAMED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from typing_extensions import Unpack

    from dspex_bridge_pb2 import ToolCallRequest, ToolSpec

    from .batchreaders import PieceFlow
    from .calls import HostedCall
    from .context import ToolContext
    from .moving import TableReader
    from .places import Places
    from .tables import ReceivedTables

__all__ = ["HostedTool", "ToolOptions", "is_tool", "run_call", "tool"]

MAX_RESULT_BYTES = 10 * 1024 * 1024
"""Value bytes of a result or a chunk."""
_MARK = "__grpc_tool_options__"
_F = TypeVar("_F", bound="Callable[..., Any]")


class _Options(TypedDict, total=False):
    name: str | None
    tool_id: str | None
    description: str | None
    idempotent: bool
    max_concurrency: int
    sticky: bool
    timeout: float | None
    rate_per_second: float
    rate_burst: int
    hidden: bool
    metadata: Mapping[str, str] | None


@dataclasses.dataclass(frozen=True)
class ToolOptions:
    """What ``@tool`` was told; see there."""

    name: str | None = None
    tool_id: str | None = None
    description: str | None = None
    idempotent: bool = False
    max_concurrency: int = 0
    sticky: bool = False
    timeout: float | None = None
    rate_per_second: float = 0.0
    rate_burst: int = 0
    hidden: bool = False
    metadata: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate_per_second) and self.rate_per_second >= 0):
            raise ValueError(
                f"rate_per_second is {self.rate_per_second}: want 0 (no limit) or a finite number above it"
            )
        if self.rate_burst < 0:
            raise ValueError(
                f"rate_burst is {self.rate_burst}: want 1 or more, or 0 for a second's worth"
            )
        if self.rate_burst and not self.rate_per_second:
            raise ValueError(
                f"rate_burst is {self.rate_burst} without a rate: give rate_per_second too"
            )

    def as_dict(self) -> dict[str, Any]:
        """Those that were given, by the names that ``spec_from_function`` has for them."""
        return {name: value for name, value in vars(self).items() if value}


@overload
def tool(function: _F, /, **options: Unpack[_Options]) -> _F: ...
@overload
def tool(**options: Unpack[_Options]) -> Callable[[_F], _F]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Marks a function as a tool; it stays callable as it was.

    Works on plain functions, coroutine functions, generators and asynchronous generators. Hints and docstring become
    the tool's schema and help. A parameter of type ``ToolContext`` is given by the worker and is no argument.

    Args:
        function: The function, where the mark has no options.
        **options: As follows.

    Keyword Args:
        name: What callers call it; by default the function's name.
        tool_id: Unique among the tools of its scope; by default the name.
        description: For people and models; by default the docstring.
        idempotent: Running it twice has the effect of running it once: it may be retried.
        max_concurrency: How many calls of it one worker runs at once; 0 has no limit of its own.
        sticky: Calls of one session prefer the worker that took the last.
        timeout: Seconds that a call may take where the caller names none.
        rate_per_second: How many calls each session may make a second on average; beyond it they are
            `RateLimitExceeded`, with ``retry_after``, and not started. 0 has no limit.
        rate_burst: How many of them may come at once; 0 stands for a second's worth, at least 1.
        hidden: Not listed, callable by id.
        metadata: Labels.

    Raises:
        ValueError: The rate is none.
        TypeError: The function is one that cannot be marked, such as a built-in one.
    """
    marked = ToolOptions(**options)

    def mark(function: Any) -> Any:
        try:
            setattr(function, _MARK, marked)
        except AttributeError:
            function = _own_copy(function)
            setattr(function.__func__, _MARK, marked)
        return function

    return mark if function is None else mark(function)


def _own_copy(method: Any) -> types.MethodType:
    """Returns a method of an object with a function of its own, for a mark that is not that of all objects."""
    function = getattr(method, "__func__", None)
    if not isinstance(function, types.FunctionType):
        raise TypeError(
            f"{method!r:.100} cannot be marked as a tool: mark a function of yours that calls it"
        )
    made = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return types.MethodType(functools.update_wrapper(made, function), method.__self__)


def is_tool(value: object) -> bool:
    """Reports whether a value is a function marked by ``@tool``."""
    return callable(value) and isinstance(getattr(value, _MARK, None), ToolOptions)


class HostedTool:
    """A tool with the function that does its work.

    Args:
        function: Plain, coroutine, generator or asynchronous generator function, marked by ``@tool`` or not.
        session_id: The session to whom it is offered; "": every session.

    Raises:
        TypeError: It is no function, or cannot be described: a hint cannot be read, UTF-8 cannot carry a text.
    """

    def __init__(self, function: Callable[..., Any], *, session_id: str = "") -> None:
        if not callable(function):
            raise TypeError(f"{function!r} is no tool: want a function")
        options: ToolOptions = getattr(function, _MARK, ToolOptions())
        self._bound = ToolFunction(function, session_id=session_id, **options.as_dict())
        self.function = function
        self.spec: ToolSpec = self._bound.spec
        """As it is offered."""
        self.context_parameter = self._bound.context_parameter
        """The name of its parameter of type ``ToolContext``; None where there is none."""
        self.streams = self._bound.is_stream
        """It is a generator, asynchronous or not."""
        self.is_async = self._bound.is_async
        """It is a coroutine function or an asynchronous generator."""

    def arguments(
        self,
        request: ToolCallRequest,
        tables: ReceivedTables | None = None,
        last: PieceFlow | None = None,
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call, decoded, checked, and made what the hints ask for.

        Args:
            request: The call.
            tables: Those that came in pieces.
            last: The pieces of the last of them, where it still comes.

        Raises:
            ToolExecutionError: `ValidationError` that names the argument.
        """
        if tables is not None:
            kwargs = dict(request.kwargs)
            values = [*request.args, *kwargs.values()]
            hints = self._bound.hints(request.args, kwargs)
            place = _last_table(request, values) if last is not None else None
            decoded = [
                open_reader(value.type_url.removeprefix(STREAMED), last.next)
                if last is not None and index == place
                else _decoded(value, tables, hint)
                for index, (value, hint) in enumerate(zip(values, hints, strict=True))
            ]
            count = len(request.args)
            return self._bound.bind(
                decoded[:count], dict(zip(kwargs, decoded[count:], strict=True))
            )
        args = [deserialize_value(value) for value in request.args]
        kwargs: dict[str, Any] = {}
        if request.kwargs:
            kwargs = {name: deserialize_value(value) for name, value in request.kwargs.items()}
        return self._bound.bind(args, kwargs)

    def reads_last(self, request: ToolCallRequest) -> bool:
        """Reports whether the last table in pieces is for a reader in a thread, which reads while it comes."""
        if self.is_async:
            return False
        kwargs = dict(request.kwargs)
        place = _last_table(request, [*request.args, *kwargs.values()])
        return place is not None and wants_reader(self._bound.hints(request.args, kwargs)[place])

    def with_context(
        self, args: list[Any], kwargs: dict[str, Any], context: ToolContext
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with the context at its place among them; callers count positions without it."""
        place = self._bound.context_position
        if place is not None and len(args) >= place:
            return [*args[:place], context, *args[place:]], kwargs
        assert self.context_parameter is not None
        return args, {**kwargs, self.context_parameter: context}


def _has_large(request: ToolCallRequest) -> bool:
    """Reports whether an argument is a large table, to be decoded in a thread."""
    if request.ByteSize() < LARGE_BYTES:
        return False
    return any(map(is_large_encoded, (*request.args, *request.kwargs.values())))


def _last_table(request: ToolCallRequest, values: Sequence[AnyMessage]) -> int | None:
    """Which value the last table in pieces stands for."""
    for place, value in enumerate(values):
        if value.type_url.startswith(STREAMED):
            index = TableStream.FromString(value.value).index
            if index == request.tables - 1 and value.type_url.removeprefix(STREAMED) in FRAME_KINDS:
                return place
    return None


def _decoded(value: AnyMessage, tables: ReceivedTables, hint: Any) -> Any:
    table = tables.take(value)
    return deserialize_value(value) if table is None else table.as_hinted(hint)


async def run_call(
    hosted: HostedTool, call: HostedCall, context: ToolContext | None, places: Places
) -> None:
    """Runs a call and answers it, whatever the tool raises: not even ``sys.exit()`` ends the worker."""
    start = time.perf_counter()
    task = asyncio.current_task()
    request = call.request
    try:
        if call.tables is None and not _has_large(request):
            args, kwargs = hosted.arguments(request)
        else:
            args, kwargs = await _with_tables(hosted, call.tables, request)
        if context is not None:
            args, kwargs = hosted.with_context(args, kwargs, context)
        if request.stream:
            await _stream(hosted, call, args, kwargs, places, start)
            return
        if hosted.is_async and not hosted.streams:
            result = await hosted.function(*args, **kwargs)
        else:
            result = await _result(hosted, args, kwargs, places)
        response = ToolCallResponse()
        response.success = True
        if type(result) not in NEVER_LARGE and (request.takes_tables or is_reader(result)):
            await _respond(call, await _in_pieces(hosted, call, result), start)
            return
        await _put_result(response.result, hosted, request, result)
        response.metrics.execute_ms = _since(start)
        if not call.has_room:
            await call.room()
        call.respond(response)
    except asyncio.CancelledError as error:
        if call.stopped is not None:
            return
        if _is_cancelled(task):
            _fail(call, ErrorInfo(type="Cancelled", message="the worker stopped"), start)
            raise
        _fail(call, _told(error, request), start)
    except BaseException as error:  # whatever a tool raises is the answer
        if not _runs(task):
            raise
        _fail(call, _told(error, request), start)


async def _with_tables(
    hosted: HostedTool, tables: TableReader | None, request: ToolCallRequest
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call with large tables, some of which may come in pieces."""
    if tables is None:
        return await in_thread(hosted.arguments, request)
    last = await tables.last() if hosted.reads_last(request) else None
    whole = tables.received if last is not None else await tables.whole()
    return await asyncio.to_thread(hosted.arguments, request, whole, last)


def _is_cancelled(task: asyncio.Task[Any] | None) -> bool:
    """Reports whether the task itself was cancelled, which Python 3.10 cannot tell: there it is assumed."""
    cancelling = getattr(task, "cancelling", None)
    return cancelling is None or cancelling() > 0


def _runs(task: asyncio.Task[Any] | None) -> bool:
    """Reports whether a loop runs the task now; otherwise its coroutine is closed, with nobody to answer to."""
    try:
        return asyncio.current_task() is task
    except RuntimeError:
        return False


def _told(error: BaseException, request: ToolCallRequest) -> ErrorInfo:
    """What a caller is told of an exception that a tool raised."""
    class_name = type(error).__name__
    if not isinstance(error, asyncio.CancelledError):
        try:
            return info_from_exception(error, want_stack=request.want_stack)
        except BaseException:  # noqa: BLE001 - an exception that cannot be read must not hide that it was raised
            return ErrorInfo(type="ExecutionError", class_name=class_name, message=class_name)
    message = "the tool raised CancelledError, and nobody had cancelled the call"
    return ErrorInfo(type="ExecutionError", class_name=class_name, message=message)


async def _result(
    hosted: HostedTool, args: list[Any], kwargs: dict[str, Any], places: Places
) -> Any:
    """What a function returns; of a generator the list of what it yields."""
    function = hosted.function
    if hosted.streams and hosted.is_async:
        return [item async for item in function(*args, **kwargs)]
    if hosted.streams:
        return await places.run(lambda: list(function(*args, **kwargs)))
    result = await places.run(function, *args, **kwargs)
    # A callable object may hide a coroutine function.
    return await result if inspect.isawaitable(result) else result


async def _stream(
    hosted: HostedTool,
    call: HostedCall,
    args: list[Any],
    kwargs: dict[str, Any],
    places: Places,
    start: float,
) -> None:
    function = hosted.function
    count = 0

    def encode(item: Any) -> AnyMessage:
        return _encoded(hosted, call.request, item)

    async def put_item(item: Any) -> None:
        data = AnyMessage()
        await _put_result(data, hosted, call.request, item)
        await put(data)

    async def put(data: AnyMessage) -> None:
        nonlocal count
        await call.send(ToolStreamChunk(content=ToolStreamContent(data=data)))
        count += 1

    if hosted.streams and hosted.is_async:
        items = function(*args, **kwargs)
        try:
            async for item in items:
                await put_item(item)
        finally:
            await items.aclose()
    elif hosted.streams:
        loop = asyncio.get_running_loop()
        await places.run(_pump, map(encode, function(*args, **kwargs)), call, put, loop)
    elif hosted.is_async:
        await put_item(await function(*args, **kwargs))
    else:
        await put_item(await _result(hosted, args, kwargs, places))
    await call.send(complete(count, _since(start)))


def _pump(
    items: Iterator[AnyMessage],
    call: HostedCall,
    put: Callable[[AnyMessage], Coroutine[Any, Any, None]],
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Sends what a generator yields, encoded in its thread; stops when nobody reads any more."""
    for item in items:
        asyncio.run_coroutine_threadsafe(put(item), loop).result()
        if call.ended:
            return


async def _begun(hosted: HostedTool, request: ToolCallRequest, result: Any) -> Any:
    """The table of a reader that ends within a message; otherwise how it is sent."""
    reader = OutgoingReader(result)
    table = None
    try:
        table = await reader.begin(MAX_RESULT_BYTES)
        if table is None and not request.takes_tables:
            raise _too_large(hosted, request, f"more than {MAX_RESULT_BYTES}", is_table=True)
    except BaseException:
        reader.close()
        raise
    if table is None:
        return LargeTable(READER_KIND, 0, reader=reader)
    reader.close()
    return table


async def _respond(call: HostedCall, result: AnyMessage | WrittenTable, start: float) -> None:
    response = ToolCallResponse()
    response.metrics.execute_ms = _since(start)
    await call.room()
    if isinstance(result, WrittenTable):
        call.respond_parts(result.response(response))
    else:
        response.success = True
        response.result.CopyFrom(result)
        call.respond(response)


async def _in_pieces(
    hosted: HostedTool, call: HostedCall, result: Any
) -> AnyMessage | WrittenTable:
    """Encodes a result; a table over the limit goes ahead in pieces, and what is returned stands for it."""
    if is_reader(result):
        result = await _begun(hosted, call.request, result)
    if isinstance(result, LargeTable):
        table = result
    elif is_large(result):
        table = await in_thread(large_table, result, MAX_RESULT_BYTES)
    else:
        table = large_table(result, MAX_RESULT_BYTES)
    if isinstance(table, WrittenTable):
        return table
    if table is None:
        if any_large((result,)):
            encoded = await in_thread(
                serialize_value, held(result), plain=call.request.plain_values
            )
        else:
            encoded = serialize_value(result, plain=call.request.plain_values)
        values = [encoded]
        tables = split(values, {}, MAX_RESULT_BYTES)
        if not tables:
            _check_size(hosted, encoded, call.request)
            return encoded
        table = tables[0]
    await call.send_table(table)
    return table.stands_for(0)


def _encoded(hosted: HostedTool, request: ToolCallRequest, result: Any) -> AnyMessage:
    encoded = AnyMessage()
    _encode(encoded, hosted, request, result)
    return encoded


async def _put_result(
    encoded: AnyMessage, hosted: HostedTool, request: ToolCallRequest, result: Any
) -> None:
    """Encodes a result, in a thread where it has large tables."""
    if any_large((result,)):
        await in_thread(_encode, encoded, hosted, request, held(result))
    else:
        _encode(encoded, hosted, request, result)


def _encode(encoded: AnyMessage, hosted: HostedTool, request: ToolCallRequest, result: Any) -> None:
    if encode_into(encoded, result, plain=request.plain_values) > MAX_RESULT_BYTES:
        _check_size(hosted, encoded, request)


def _check_size(hosted: HostedTool, encoded: AnyMessage, request: ToolCallRequest) -> None:
    size = len(encoded.type_url) + len(encoded.value)
    if size <= MAX_RESULT_BYTES:
        return
    is_table = encoded.type_url.removeprefix(PREFIX) in FRAME_KINDS
    error = _too_large(hosted, request, str(size), is_table=is_table)
    error.details["size"] = str(size)
    if is_table:
        error.details["type_url"] = encoded.type_url
    raise error


def _too_large(
    hosted: HostedTool, request: ToolCallRequest, size: str, *, is_table: bool
) -> ToolExecutionError:
    what, advice = "result", "return less, or stream it; a larger table has to be the whole result"
    if request.stream:
        what = "chunk"
        advice = "yield less at once; a larger table is the whole result of a call without chunks, over a link"
    elif is_table:
        advice = (
            "return less, or stream it; a table of this size travels in pieces over a link only, and the caller did "
            "not use one (in a batch none does), or does not take tables"
        )
    return ToolExecutionError(
        hosted.spec.name,
        "MessageTooLarge",
        f"message too large: a {what} of tool {hosted.spec.name!r} has {size} bytes, "
        f"the limit is {MAX_RESULT_BYTES}; {advice}",
        {"limit": str(MAX_RESULT_BYTES)},
    )


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _fail(call: HostedCall, info: ErrorInfo, start: float) -> None:
    call.failure = info.type
    bounded(info)
    if call.request.stream:
        call.send_now(ToolStreamChunk(content=ToolStreamContent(error=info)))
    else:
        response = ToolCallResponse(success=False, error=info)
        response.metrics.execute_ms = _since(start)
        call.respond(response)
