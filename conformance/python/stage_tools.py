"""The stage in Python: the tools that scenarios call, as the Go adapter has them, offered by the Python SDK."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
from collections.abc import AsyncIterator, Callable  # noqa: TC003 -- hints of tools are read
from typing import Any

from grpc_tool_bridge import ToolContext, ToolExecutionError, tool

_ticks: collections.Counter[str] = collections.Counter()


class ConformanceError(Exception):
    """What stage_raise and stage_break raise."""


@tool(idempotent=True)
async def stage_echo(value: Any) -> Any:
    """Returns its argument."""
    return value


@tool(idempotent=True)
async def stage_add(a: int, b: int = 1) -> int:
    """Adds two ints."""
    return a + b


@tool
async def stage_raise(message: str) -> None:
    """Raises a ConformanceError."""
    raise ConformanceError(message)


@tool
async def stage_refuse(
    code: str, retry_after: float = 0.0, details: dict[str, str] | None = None
) -> None:
    """Fails with a code of the error table."""
    raise ToolExecutionError(
        "stage_refuse",
        code,
        f"stage_refuse was told to answer {code}",
        details,
        retry_after=retry_after or None,
    )


@tool
async def stage_wait(seconds: float) -> str:
    """Waits."""
    await asyncio.sleep(seconds)
    return "waited"


@tool(idempotent=True)
async def stage_rest(seconds: float) -> str:
    """Waits, and may be run again."""
    await asyncio.sleep(seconds)
    return "waited"


@tool
async def stage_count(n: int) -> AsyncIterator[int]:
    """Yields the numbers from 1 to n."""
    for i in range(1, n + 1):
        yield i


@tool
async def stage_break(n: int, message: str) -> AsyncIterator[int]:
    """Yields the numbers from 1 to n, then raises."""
    for i in range(1, n + 1):
        yield i
    raise ConformanceError(message)


@tool
async def stage_fill(size: int) -> bytes:
    """Returns so many bytes."""
    return bytes(size)


@tool
async def stage_pour(n: int, size: int) -> AsyncIterator[bytes]:
    """Yields n chunks of so many bytes."""
    for _ in range(n):
        yield bytes(size)


@tool(idempotent=True)
async def stage_nest(levels: int, context: ToolContext) -> int:
    """Calls itself until levels is 0, and says how many calls that made."""
    if levels == 0:
        return 0
    return 1 + await context.call(context.tool_name, levels - 1)


@tool
async def stage_tick(key: str) -> int:
    """Says how often it ran with this key."""
    _ticks[key] += 1
    return _ticks[key]


@tool
async def stage_types(
    i: int,
    f: float,
    s: str,
    b: bool,
    d: bytes,
    l: list[Any],  # noqa: E741 -- the name of all languages
    n: int | None,
) -> dict[str, Any]:
    """Returns what it was given, by type."""
    return {"b": b, "d": d, "f": f, "i": i, "l": l, "n": n, "s": s}


@tool
async def stage_session(context: ToolContext) -> str:
    """Says in which session it was called."""
    return context.session_id


@tool
async def stage_keywords(*, first: str, second: str = "two") -> list[str]:
    """Takes keywords only."""
    return [first, second]


@tool
async def stage_all(*items: Any, **named: Any) -> list[int]:
    """Counts what it is given."""
    return [len(items), len(named)]


_STAGE: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        stage_echo,
        stage_add,
        stage_raise,
        stage_refuse,
        stage_wait,
        stage_rest,
        stage_count,
        stage_break,
        stage_fill,
        stage_pour,
        stage_nest,
        stage_tick,
        stage_types,
        stage_session,
        stage_keywords,
        stage_all,
    )
}


def stage_tool(wanted: dict[str, str]) -> Callable[..., Any]:
    """A tool of the stage, under another name if one is asked for."""
    function = _STAGE[wanted["stage"]]
    if not wanted.get("name") and not wanted.get("tool_id"):
        return function
    return _renamed(function, wanted)


def _renamed(function: Callable[..., Any], wanted: dict[str, str]) -> Callable[..., Any]:
    options = dataclasses.asdict(function.__grpc_tool_options__)
    options |= {name: wanted[name] for name in ("name", "tool_id") if wanted.get(name)}

    copy = type(function)(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__doc__ = function.__doc__
    return tool(**options)(copy)
