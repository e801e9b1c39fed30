"""A worker in Python with an asynchronous echo tool and one that can be cancelled: ``worker.py BRIDGE``.

Says when the tools are registered and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field

from grpc_tool_bridge import Worker, tool


@dataclass
class Wait:
    """One call of ``python_wait``."""

    running: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    at: int = 0
    """When it was stopped, in nanoseconds of the wall clock, which all processes of a machine share."""


waits: defaultdict[str, Wait] = defaultdict(Wait)


@tool
async def python_echo(text: str) -> str:
    """Returns the text."""
    return text


@tool
async def python_wait(name: str) -> None:
    """Waits until it is cancelled."""
    wait = waits[name]
    wait.running.set()
    try:
        await asyncio.Event().wait()
    finally:
        wait.at = time.time_ns()
        wait.stopped.set()


@tool
async def python_running(name: str) -> None:
    """Returns when the call of that name waits."""
    await waits[name].running.wait()


@tool
async def python_stopped(name: str) -> int:
    """Returns when the call of that name was stopped."""
    await waits[name].stopped.wait()
    return waits.pop(name).at


async def main(address: str) -> None:
    """Hosts the tools."""
    async with Worker(address, tools=[python_echo, python_wait, python_running, python_stopped]):
        print(f"listening on {address}", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
