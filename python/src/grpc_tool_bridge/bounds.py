"""What may travel with a call and is no value: the protocol's own limits, and what comes of what exceeds them.

A frame that is too long would end the link, and with it every call on it. So each is checked before it is queued: a
call is refused to its caller alone, and the answer of a tool is cut down to one that its caller gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dspex_bridge_pb2 import ErrorInfo, ToolCallResponse, ToolStreamChunk, ToolStreamContent

from .errors import ToolExecutionError
from .packing import MAX_FRAME

if TYPE_CHECKING:
    from dspex_bridge_pb2 import ToolCallRequest

MAX_BODY = MAX_FRAME - 48
"""The longest body of a frame: what stands around it has less than the rest."""
MAX_ID_BYTES = 272
"""Of a request id or a stream id."""
MAX_NAME_BYTES = 256
"""Of a name, such as that of a class."""
MAX_MESSAGE_BYTES = 64 * 1024
"""Of the message of an error."""
MAX_DETAILS_BYTES = 64 * 1024
"""Of the details of an error, keys and values."""
MAX_STACK_BYTES = 256 * 1024
"""Of the stack of an error."""
_DETAIL_COST = 8
_NOTE_ROOM = 256
_CUT_DETAIL = "details_cut"
_PARTS = {
    "tracestate": "trace state",
    "traceparent": "trace parent",
    "request_id": "request id",
    "stream_id": "stream id",
    "session_id": "session id",
    "tool_id": "name of the tool",
}


def shortened(text: str, most: int) -> str:
    """A text of at most so many bytes of UTF-8: itself, or its beginning with a mark that says how long it was."""
    if len(text) * 4 <= most:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return text
    mark = f"… (cut, {len(encoded)} bytes)"
    return encoded[: most - len(mark.encode())].decode("utf-8", "ignore") + mark


def bounded(info: ErrorInfo) -> ErrorInfo:
    """An error as it may travel: itself, its message, details and stack cut down, each with a mark that says so."""
    if info.ByteSize() <= MAX_NAME_BYTES:
        return info
    info.type = shortened(info.type, MAX_NAME_BYTES)
    info.class_name = shortened(info.class_name, MAX_NAME_BYTES)
    info.message = shortened(info.message, MAX_MESSAGE_BYTES)
    info.stack_trace = _middle_cut(info.stack_trace, MAX_STACK_BYTES)
    details = dict(info.details)
    if sum(map(_cost, details.items())) > MAX_DETAILS_BYTES:
        info.details.clear()
        info.details.update(_fewer(details))
    return info


def _cost(detail: tuple[str, str]) -> int:
    return sum(len(text.encode()) for text in detail) + _DETAIL_COST


def _fewer(details: dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    left = MAX_DETAILS_BYTES - _NOTE_ROOM
    for key, value in sorted(details.items(), key=lambda detail: (_cost(detail), detail[0])):
        left -= _cost((key, value))
        if left < 0:
            break
        kept[key] = value
    kept[_CUT_DETAIL] = (
        f"{len(details) - len(kept)} of {len(details)} were left out: the details of an error have at most "
        f"{MAX_DETAILS_BYTES} bytes"
    )
    return kept


def _middle_cut(text: str, most: int) -> str:
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    mark = f"\n… (cut, {len(encoded)} bytes) …\n"
    half = (most - len(mark.encode())) // 2
    start, end = encoded[:half], encoded[-half:]
    return start.decode("utf-8", "ignore") + mark + end.decode("utf-8", "ignore")


def oversized_call(request: ToolCallRequest, size: int) -> ErrorInfo:
    """Why a call is not sent whose frame would be too long: the part that is most of it."""
    sizes = {name: len(getattr(request, field).encode()) for field, name in _PARTS.items()}
    sizes["names of keyword arguments"] = sum(len(name.encode()) for name in request.kwargs)
    part = max(sizes, key=sizes.__getitem__)
    most = sizes[part]
    arguments = sum(len(value.value) for value in (*request.args, *request.kwargs.values()))
    if arguments > most:
        part, most = "arguments", arguments
    return ErrorInfo(
        type="MessageTooLarge",
        message=(
            f"message too large: the call of tool {shortened(request.tool_id, MAX_NAME_BYTES)!r} has {size} bytes "
            f"with all that travels with it, the limit is {MAX_BODY}; most of it is its {part} with {most} bytes: "
            "send less"
        ),
        details={"part": part, "size": str(size), "limit": str(MAX_BODY)},
    )


def refused_call(request: ToolCallRequest, size: int) -> ToolCallResponse:
    """The answer to a call that is not sent; see :func:`oversized_call`."""
    return ToolCallResponse(success=False, error=oversized_call(request, size))


def refused_stream(request: ToolCallRequest, size: int) -> ToolStreamChunk:
    """The last chunk of a stream whose call is not sent; see :func:`oversized_call`."""
    return ToolStreamChunk(content=ToolStreamContent(error=oversized_call(request, size)))


def oversized_answer(request: ToolCallRequest, size: int) -> ErrorInfo:
    """What a caller is told of an answer that would be too long."""
    return ErrorInfo(
        type="MessageTooLarge",
        message=(
            f"message too large: the answer of tool {shortened(request.tool_id, MAX_NAME_BYTES)!r} has {size} bytes "
            f"with all that travels with it, the limit is {MAX_BODY}: return less"
        ),
        details={"size": str(size), "limit": str(MAX_BODY), "started": "true"},
    )


def check_request_id(request_id: str, tool_id: str) -> None:
    """Refuses a request id that no bridge takes.

    Raises:
        ToolExecutionError: `ValidationError` that names the limit.
    """
    if len(request_id) * 4 <= MAX_ID_BYTES:
        return
    size = len(request_id.encode("utf-8", "replace"))
    if size > MAX_ID_BYTES:
        raise ToolExecutionError(
            tool_id,
            "ValidationError",
            f"the request id has {size} bytes, the limit is {MAX_ID_BYTES}: name the call with less",
            {"field": "request_id", "limit": str(MAX_ID_BYTES)},
        )


def check_keyword_name(name: str, tool_id: str) -> None:
    """Refuses a keyword argument whose name no tool can have.

    Raises:
        ToolExecutionError: `ValidationError` that names the limit.
    """
    if len(name) * 4 <= MAX_NAME_BYTES:
        return
    size = len(name.encode("utf-8", "replace"))
    if size > MAX_NAME_BYTES:
        raise ToolExecutionError(
            tool_id,
            "ValidationError",
            f"a keyword argument of tool {tool_id!r} has a name of {size} bytes, the limit is {MAX_NAME_BYTES}",
            {"field": "kwargs", "limit": str(MAX_NAME_BYTES)},
        )
