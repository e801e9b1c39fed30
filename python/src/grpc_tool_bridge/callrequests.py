"""Requests of calls: how they are made, what the bridge takes, and their arguments, encoded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import ExecutionMetrics, ToolCallRequest, ToolStreamRequest

from .bounds import check_keyword_name, check_request_id
from .errors import ToolExecutionError
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
from .timeouts import check_timeout, to_microseconds
from .values import encode_into

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.any_pb2 import Any as AnyMessage

    from .retry import Retry
    from .tables import LargeTable

__all__ = [
    "DEFAULT_TIMEOUT",
    "MAX_VALUE_BYTES",
    "CallOptions",
    "Limit",
    "call_arguments",
    "make_request",
    "prepare",
    "stream_request",
    "value_bytes",
]

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


def call_arguments(
    args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Positional and keyword arguments of a call, also where they were given as ``args=[…], kwargs={…}``."""
    if args or not kwargs or not kwargs.keys() <= {"args", "kwargs"}:
        return args, kwargs
    positional, keyword = kwargs.get("args", ()), kwargs.get("kwargs", {})
    if isinstance(positional, (list, tuple)) and isinstance(keyword, dict):
        return positional, keyword  # pyright: ignore[reportUnknownVariableType]
    return args, kwargs


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
