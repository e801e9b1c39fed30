"""When and how often a call is made again."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import uuid
from typing import TYPE_CHECKING, Any

import grpc

from .batchreaders import is_reader
from .errors import ToolBridgeError, ToolCommunicationError, ToolTimeoutError
from .stub import within
from .timeouts import check_timeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

__all__ = ["Retry", "call_with_retry", "may_retry"]


@dataclasses.dataclass(frozen=True)
class Retry:
    """How often and when to try again.

    Attributes:
        max_retries: Attempts after the first.
        base_delay: Seconds before the first of them; doubled each time, with jitter of half of it.
        max_delay: The longest such wait. A bridge's ``retry_after`` is obeyed beyond it.
        deadline: Seconds for all attempts and waits together; None has no limit.
    """

    max_retries: int = 3
    base_delay: float = 0.1
    max_delay: float = 5.0
    deadline: float | None = None

    def __post_init__(self) -> None:
        check_timeout(self.deadline, "deadline")

    def wait(self, attempt: int, error: ToolBridgeError) -> float:
        """Seconds to wait after the attempt of this number, from 0, failed so."""
        delay = min(self.base_delay * 2**attempt, self.max_delay) * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads load
        return max(delay, error.retry_after or 0.0)


def may_retry(error: ToolBridgeError, *, idempotent: bool) -> bool:
    """Reports whether another attempt may be made: nothing is started twice unless it is idempotent.

    When the connection was lost, the next attempt asks the bridge what became of the call.
    """
    if isinstance(error, ToolTimeoutError):
        return idempotent
    if isinstance(error, ToolCommunicationError):
        return idempotent or error.code is grpc.StatusCode.UNAVAILABLE or unstarted(error)
    if error.error_type == "WorkerLost":
        return idempotent
    return error.retryable


def unstarted(error: ToolBridgeError) -> bool:
    """Reports whether it is known that an attempt left nothing behind."""
    answered = not isinstance(error, ToolCommunicationError)
    return (answered and error.retryable) or error.details.get("started") == "false"


async def call_with_retry(
    call: Callable[[Sequence[Any], Mapping[str, Any], str, int], Awaitable[Any]],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    retry: Retry,
    idempotent: bool,
    tool_name: str,
    request_id: str = "",
) -> Any:
    """Calls, and calls again while the error lets it; raises the last error.

    Every attempt gets the same request id, and how many earlier ones may have been started.
    """
    if any(map(is_reader, (*args, *kwargs.values()))):  # what was read while it was sent is gone
        retry = dataclasses.replace(retry, max_retries=0)
    loop = asyncio.get_running_loop()
    request_id = request_id or str(uuid.uuid4())
    earlier = 0
    end = float("inf") if retry.deadline is None else loop.time() + retry.deadline
    for attempt in range(retry.max_retries + 1):
        try:
            if retry.deadline is None:
                return await call(args, kwargs, request_id, earlier)
            work = call(args, kwargs, request_id, earlier)
            return await _until(end, work, tool_name, retry.deadline)
        except ToolBridgeError as error:
            if attempt == retry.max_retries or not may_retry(error, idempotent=idempotent):
                raise
            if not unstarted(error):
                earlier += 1
            delay = retry.wait(attempt, error)
            if loop.time() + delay >= end:
                raise
        await asyncio.sleep(delay)
    raise AssertionError("unreachable")


async def _until(end: float, work: Awaitable[Any], tool_name: str, deadline: float) -> Any:
    try:
        return await within(work, end - asyncio.get_running_loop().time())
    except asyncio.TimeoutError as error:
        if isinstance(error, ToolBridgeError):
            raise
        raise ToolTimeoutError(
            tool_name,
            "DeadlineExceeded",
            f"tool {tool_name!r} gave no result within {deadline:g} s, repetitions included",
            {"limit": f"{deadline:g}"},
        ) from error
