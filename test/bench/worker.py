"""A worker in Python with an asynchronous echo tool: ``worker.py BRIDGE``.

Says when the tool is registered and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys

from grpc_tool_bridge import Worker, tool


@tool
async def python_echo(text: str) -> str:
    """Returns the text."""
    return text


async def main(address: str) -> None:
    """Hosts the tool."""
    async with Worker(address, tools=[python_echo]):
        print(f"listening on {address}", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
