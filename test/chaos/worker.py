"""The worker in Python, with the tools of the one in Go: ``worker.py BRIDGE PREFIX``. Ends with its standard input."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable  # noqa: TC003 - tools' hints are read
from typing import Any

from grpc_tool_bridge import Worker, tool


def tools(prefix: str) -> list[Callable[..., Any]]:
    """The tools, named with the prefix."""
    runs: Counter[str] = Counter()

    @tool(name=f"{prefix}_echo")
    async def echo(value: Any) -> Any:
        """Returns the value."""
        return value

    @tool(name=f"{prefix}_once")
    async def once(key: str) -> int:
        """Counts how often it ran with this key."""
        runs[key] += 1
        return runs[key]

    @tool(name=f"{prefix}_runs")
    async def how_often(key: str) -> int:
        """How often the other ran with this key."""
        return runs[key]

    @tool(name=f"{prefix}_count")
    async def count(n: int, pause_ms: int) -> AsyncIterator[int]:
        """Counts, and pauses after each number."""
        for i in range(1, n + 1):
            yield i
            await asyncio.sleep(pause_ms / 1000)

    return [echo, once, how_often, count]


async def main(address: str, prefix: str) -> None:
    """Hosts the tools."""
    async with Worker(address, tools=tools(prefix)):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
