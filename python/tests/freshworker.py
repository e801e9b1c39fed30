"""A worker that gives back what it gets: `python freshworker.py HOST:PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from grpc_tool_bridge import Worker, tool


@tool
def fresh_echo(value: Any) -> Any:
    """Gives back what it gets, made again."""
    return value


@tool
def fresh_type(value: Any) -> str:
    """Says what it gets."""
    return (
        f"{type(value).__name__}: {getattr(value, 'dtypes', None)}, {getattr(value, 'index', None)}"
    )


async def _main() -> None:
    async with Worker(sys.argv[1], tools=[fresh_echo, fresh_type]):
        print("ready", flush=True)  # noqa: T201 - who started it waits for this
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
