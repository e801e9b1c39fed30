"""The exceptions of the SDK, and how they cross the wire.

::

    ToolBridgeError
    ├── ToolExecutionError      a call was answered with an error, or refused before it was sent
    │   └── ToolTimeoutError    its time passed; also a TimeoutError and an asyncio.TimeoutError
    ├── SessionError            a verb on sessions, variables or agents was refused
    ├── ToolCommunicationError  the transport broke: no answer, or a gRPC status instead of one
    ├── ProtocolError           the other side broke the rules of the protocol
    └── SerializationError      a value cannot be encoded or decoded

Every one has ``error_type`` (a code of the protocol's error table, proto/errors.json), ``message``,
``details``, ``retryable`` and ``retry_after``, and can be pickled. ``asyncio.CancelledError`` is
never wrapped in one of them.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections.abc import Mapping
from typing import Literal, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage

import dspex_bridge_pb2 as pb

__all__ = [
    "ProtocolError",
    "SerializationError",
    "SessionError",
    "ToolBridgeError",
    "ToolCommunicationError",
    "ToolExecutionError",
    "ToolTimeoutError",
    "error_from_info",
    "error_from_rpc",
    "info_from_exception",
    "is_retryable",
]

ErrorClassName = Literal[
    "ToolExecutionError", "ToolTimeoutError", "SessionError", "ProtocolError", "SerializationError"
]

MAX_MESSAGE_CHARACTERS = 1_000
"""A foreign exception's text is cut to this many characters."""

MAX_EXCEPTION_BYTES = 64 * 1024
"""A foreign exception whose encoded form is larger is left out of the answer."""

# What Python needs of proto/errors.json: every code's class, and which may be retried.
_CLASS_NAMES: Mapping[str, ErrorClassName] = {
    "ToolNotFound": "ToolExecutionError",
    "ToolConflict": "ToolExecutionError",
    "ValidationError": "ToolExecutionError",
    "SessionNotFound": "SessionError",
    "SessionExpired": "SessionError",
    "SessionAlreadyExists": "SessionError",
    "VariableNotFound": "SessionError",
    "RevisionConflict": "SessionError",
    "AgentNotFound": "SessionError",
    "CallNotFound": "SessionError",
    "RateLimitExceeded": "ToolExecutionError",
    "QuotaExceeded": "ToolExecutionError",
    "Overloaded": "ToolExecutionError",
    "MessageTooLarge": "ToolExecutionError",
    "BatchTooLarge": "ToolExecutionError",
    "DeadlineExceeded": "ToolTimeoutError",
    "Cancelled": "ToolExecutionError",
    "WorkerUnavailable": "ToolExecutionError",
    "WorkerLost": "ToolExecutionError",
    "OutcomeUnknown": "ToolExecutionError",
    "RequestConflict": "ToolExecutionError",
    "StreamGone": "ToolExecutionError",
    "CallDepthExceeded": "ToolExecutionError",
    "SerializationError": "SerializationError",
    "ProtocolError": "ProtocolError",
    "Unimplemented": "ToolExecutionError",
    "Unauthenticated": "ToolExecutionError",
    "PermissionDenied": "ToolExecutionError",
    "StoreUnavailable": "SessionError",
    "ExecutionError": "ToolExecutionError",
    "Internal": "ToolExecutionError",
}
_RETRYABLE = frozenset({"RateLimitExceeded", "Overloaded", "WorkerUnavailable", "StoreUnavailable"})
_RETRYABLE_IF_IDEMPOTENT = frozenset({"DeadlineExceeded", "WorkerLost"})

# What a status means that a gRPC runtime answers by itself; the Go SDK says the same. UNAVAILABLE is told apart below.
_CODE_OF_STATUS: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.CANCELLED: "Cancelled",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DeadlineExceeded",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "MessageTooLarge",
    grpc.StatusCode.INVALID_ARGUMENT: "ProtocolError",
    grpc.StatusCode.UNIMPLEMENTED: "Unimplemented",
    grpc.StatusCode.UNAUTHENTICATED: "Unauthenticated",
    grpc.StatusCode.PERMISSION_DENIED: "PermissionDenied",
}
_NEVER_CONNECTED = "failed to connect to all addresses"
"""How a runtime says that a request was not sent."""

# The folders of an absolute path, on POSIX or on Windows, that is not part of a URL or of a word;
# a quoted one may hold spaces.
_PATH = re.compile(
    r"""(?<=['"])(?:~?/|[A-Za-z]:\\)[^'"\n]*[/\\](?=[^'"/\\\n]+['"])"""
    r"""|(?<![\w:/.\\-])(?:~?(?:/[\w.+@-]+)+/|[A-Za-z]:\\(?:[\w.+@-]+\\)*)(?=[\w.<+@-])"""
)


def is_retryable(error_type: str, *, idempotent: bool = False) -> bool:
    """Reports whether the error table lets a call be made again after an error of this code."""
    return error_type in _RETRYABLE or (idempotent and error_type in _RETRYABLE_IF_IDEMPOTENT)


class ToolBridgeError(Exception):
    """What every exception of the SDK is.

    Attributes:
        error_type: The code, such as "ValidationError".
        message: What was wrong, with what, and what to do.
        details: Fields for programs, such as "argument", "limit" or "path".
        retryable: Another attempt of the same may succeed and does no harm.
        retry_after: How long to wait before it, in seconds; None gives no advice.
    """

    def __init__(
        self,
        message: str,
        *,
        error_type: str = "Internal",
        details: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.details: dict[str, str] = dict(details or {})
        self.retryable = is_retryable(error_type) if retryable is None else retryable
        self.retry_after = (
            _seconds(self.details.get("retry_after")) if retry_after is None else retry_after
        )

    def __str__(self) -> str:
        return f"{self.error_type}: {self.message}"

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.args), self.__dict__


def _restore(cls: type[ToolBridgeError], args: tuple[object, ...]) -> ToolBridgeError:
    error = cls.__new__(cls, *args)
    error.args = args
    return error


class ToolExecutionError(ToolBridgeError):
    """A call was answered with an error, or was refused before it was sent.

    Attributes:
        tool_name: The tool that was called.
        class_name: With "ExecutionError": the class of what the tool raised, such as "ValueError";
            else "".
        stack_trace: The tool's stack, if it was asked for; else "".
        exception: With "ExecutionError": what the tool raised as a value (a Record), if it could
            be encoded. The detail "left_out" names the attributes that could not.
    """

    def __init__(
        self,
        tool_name: str,
        error_type: str,
        message: str,
        details: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        *,
        class_name: str = "",
        stack_trace: str = "",
        exception: object = None,
    ) -> None:
        super().__init__(
            message,
            error_type=error_type,
            details=details,
            retryable=retryable,
            retry_after=retry_after,
        )
        self.tool_name = tool_name
        self.class_name = class_name
        self.stack_trace = stack_trace
        self.exception = exception

    def __str__(self) -> str:
        if self.class_name and not self.message.startswith(self.class_name):
            return f"{self.error_type}: {self.class_name}: {self.message}"
        return super().__str__()


if sys.version_info >= (3, 11):

    class ToolTimeoutError(ToolExecutionError, TimeoutError):
        """A call's time passed while it was queued, running or streaming. Also a TimeoutError."""

else:

    class ToolTimeoutError(ToolExecutionError, TimeoutError, asyncio.TimeoutError):
        """A call's time passed while it was queued, running or streaming. Also a TimeoutError."""


class SessionError(ToolBridgeError):
    """A verb on sessions, variables or agents was refused; ``error_type`` says why."""

    def __init__(
        self,
        error_type: str,
        message: str,
        details: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message,
            error_type=error_type,
            details=details,
            retryable=retryable,
            retry_after=retry_after,
        )


class ToolCommunicationError(ToolBridgeError):
    """The transport broke: there is no answer, or a gRPC status instead of one.

    Attributes:
        tool_name: The tool that was called; "" for other verbs.
        code: The gRPC status. Where the bridge could not be reached, so that nothing was started, ``error_type``
            is "WorkerUnavailable"; where it was lost, "WorkerLost".
    """

    def __init__(
        self,
        tool_name: str,
        code: grpc.StatusCode,
        message: str = "",
        details: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        if retryable is None:
            retryable = code is grpc.StatusCode.UNAVAILABLE
        super().__init__(
            message or "the transport gave no reason",
            error_type=_code_of_status(code, details),
            details=details,
            retryable=retryable,
            retry_after=retry_after,
        )
        self.tool_name = tool_name
        self.code = code

    def __str__(self) -> str:
        subject = f"tool {self.tool_name!r}: " if self.tool_name else ""
        return f"{subject}{super().__str__()}"


def _code_of_status(code: grpc.StatusCode, details: Mapping[str, str] | None) -> str:
    if code is grpc.StatusCode.UNAVAILABLE:
        unsent = (details or {}).get("started") == "false"
        return "WorkerUnavailable" if unsent else "WorkerLost"
    return _CODE_OF_STATUS.get(code, "Internal")


class ProtocolError(ToolBridgeError):
    """The other side broke the rules of the protocol: this is a bug in it, or it is no bridge."""

    def __init__(self, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message, error_type="ProtocolError", details=details)


class SerializationError(ToolBridgeError):
    """A value cannot be encoded or decoded.

    Attributes:
        path: Which part of the value, such as ``$.rows[3].price``; ``$`` is the value itself.
    """

    def __init__(
        self, message: str, path: str = "$", details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(
            message, error_type="SerializationError", details={**(details or {}), "path": path}
        )
        self.path = path

    def __str__(self) -> str:
        return (
            super().__str__()
            if self.path in self.message
            else f"{super().__str__()} (at {self.path})"
        )


def error_from_info(info: object, *, tool_name: str | None = None) -> ToolBridgeError:
    """Makes the exception for an ErrorInfo.

    Args:
        info: An ErrorInfo, or anything with its fields; a field of another type counts as not set.
        tool_name: The tool that was called; None for a verb on sessions, variables or agents, where
            every code but those of broken messages, values and time is a SessionError.

    Returns:
        The exception whose class the error table names; an unknown code is kept and treated as
        "Internal".
    """
    error_type = _text(info, "type") or "Internal"
    message = _text(info, "message") or "no reason was given"
    details = _details(getattr(info, "details", None))
    retryable = getattr(info, "retryable", False) is True or is_retryable(error_type)
    retry_after = _seconds(getattr(info, "retry_after", None)) or _seconds(
        details.get("retry_after")
    )
    class_name = _CLASS_NAMES.get(error_type, "ToolExecutionError")
    if class_name == "SerializationError":
        return SerializationError(message, details.get("path", "$"), details)
    if class_name == "ProtocolError":
        return ProtocolError(message, details)
    if class_name == "SessionError" or (tool_name is None and class_name != "ToolTimeoutError"):
        return SessionError(error_type, message, details, retryable, retry_after)
    error_class = ToolTimeoutError if class_name == "ToolTimeoutError" else ToolExecutionError
    return error_class(
        tool_name or "",
        error_type,
        message,
        details,
        retryable,
        retry_after,
        class_name=_text(info, "class_name"),
        stack_trace=_text(info, "stack_trace"),
        exception=_exception_value(info),
    )


def error_from_rpc(
    error: grpc.RpcError, *, tool_name: str = "", address: str = ""
) -> ToolCommunicationError:
    """Makes the exception for a gRPC status; raise it ``from`` the one it is made of.

    Args:
        error: What grpc raised, in ``grpc.aio`` or in a synchronous call.
        tool_name: The tool that was called; "" for other verbs.
        address: Where the bridge was looked for; named in the message.
    """
    code = _called(error, "code")
    text = _called(error, "details")
    message = text if isinstance(text, str) and text else "the transport gave no reason"
    details = {"started": "false"} if message.startswith(_NEVER_CONNECTED) else None
    if address:
        message = f"bridge at {address}: {message}"
    status = code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN
    return ToolCommunicationError(tool_name, status, message, details)


def info_from_exception(error: BaseException, *, want_stack: bool = False) -> pb.ErrorInfo:
    """Makes the ErrorInfo that tells another process about an exception.

    The SDK's own exceptions keep their code and fields. Any other is an "ExecutionError" with its
    class, its text (short, and without the folders of paths) and its public fields as a Record;
    fields that cannot be encoded or are too large are named in the detail ``left_out``.

    Args:
        error: What was raised.
        want_stack: The caller asked for the stack.
    """
    if isinstance(error, asyncio.CancelledError):
        info = pb.ErrorInfo(type="Cancelled", message="the call was cancelled")
    elif isinstance(error, ToolCommunicationError):
        # What happened to a nested call says nothing of the one that is answered here: that one was started.
        info = _info_from_foreign(error)
    elif isinstance(error, ToolBridgeError) and error.error_type in _CLASS_NAMES:
        info = _info_from_ours(error)
    else:
        info = _info_from_foreign(error)
    if want_stack:
        info.stack_trace = _stack(error)
    return info


def _info_from_ours(error: ToolBridgeError) -> pb.ErrorInfo:
    info = pb.ErrorInfo(
        type=error.error_type,
        message=_clean(error.message),
        details={str(key): str(value) for key, value in error.details.items()},
        retryable=error.retryable,
        retry_after=error.retry_after or 0.0,
    )
    if error.retry_after:
        info.details["retry_after"] = f"{error.retry_after:g}"
    if isinstance(error, ToolExecutionError) and error.class_name:
        info.class_name = error.class_name
        if error.exception is not None:
            _set_exception(info, error.exception)
    return info


def _info_from_foreign(error: BaseException) -> pb.ErrorInfo:
    from .values import Record
    from .values.exceptions import laid_out

    message = _clean(_text_of(error))
    class_name = type(error).__name__
    info = pb.ErrorInfo(type="ExecutionError", message=message or class_name, class_name=class_name)
    info.details.update(_details(getattr(error, "details", None)))
    fields = {
        name: _clean(value) if isinstance(value, str) else value
        for name, value in vars(error).items()
        if not name.startswith("_")
    }
    record = Record(class_name, laid_out({"message": message}, fields))
    if not _set_exception(info, record):
        kept, left_out = _kept(class_name, message, fields)
        _set_exception(info, Record(class_name, laid_out({"message": message}, kept)))
        info.details["left_out"] = _clean(", ".join(left_out))
    return info


def _kept(
    class_name: str, message: str, fields: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """The fields that have an encoding and room in an answer, and the names of the others."""
    from .values import Record, serialize_value
    from .values.exceptions import laid_out

    kept: dict[str, object] = {}
    left_out: list[str] = []
    room = MAX_EXCEPTION_BYTES - len(
        serialize_value(Record(class_name, {"message": message})).value
    )
    for name, item in fields.items():
        # All that is in one record takes no more than each in one of its own.
        encoded = _encoded(Record(class_name, laid_out({}, {name: item})))
        if encoded is None or len(encoded.value) > room:
            left_out.append(name)
            continue
        kept[name] = item
        room -= len(encoded.value)
    return kept, left_out


def _set_exception(info: pb.ErrorInfo, value: object) -> bool:
    encoded = _encoded(value)
    if encoded is None or len(encoded.value) > MAX_EXCEPTION_BYTES:
        return False
    info.exception.CopyFrom(encoded)
    return True


def _encoded(value: object) -> AnyMessage | None:
    """The value's encoding, None where it has none."""
    from .values import serialize_value

    try:
        return serialize_value(value, strict=True)
    except SerializationError:
        return None


def _exception_value(info: object) -> object:
    from .values import deserialize_value

    encoded = getattr(info, "exception", None)
    if not isinstance(encoded, AnyMessage) or not encoded.type_url:
        return None
    try:
        return deserialize_value(encoded)
    except SerializationError:
        return None


def _stack(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _clean(text: str) -> str:
    text = _PATH.sub("", text.strip()).encode("utf-8", "replace").decode("utf-8")
    if len(text) <= MAX_MESSAGE_CHARACTERS:
        return text
    return text[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def _text_of(error: BaseException) -> str:
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"key {error.args[0]!r} not found"
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a class whose own __str__ fails must not hide that it was raised
        return ""


def _text(info: object, name: str) -> str:
    value = getattr(info, name, "")
    return value if isinstance(value, str) else ""


def _details(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(item) for key, item in cast("Mapping[object, object]", value).items()}


def _seconds(value: object) -> float | None:
    """Reads a time span in seconds; anything that is none, zero included, is None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _called(error: object, name: str) -> object:
    method = getattr(error, name, None)
    return method() if callable(method) else None
