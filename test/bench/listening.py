"""What servers of the MCP peers share: they serve at a port that was free, until standard input ends."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PATIENCE = 500
"""How often a port is tried, every 20 ms."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def listens(port: int) -> bool:
    """Somebody accepts connections at the port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def serve(run: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Runs a server at a port, says where, and ends it with standard input."""
    port = free_port()
    serving = asyncio.create_task(run(port))
    for _ in range(PATIENCE):
        if serving.done() or await listens(port):
            break
        await asyncio.sleep(0.02)
    if serving.done():
        serving.result()
        raise RuntimeError("the server ended at once")
    print(f"listening on http://127.0.0.1:{port}/mcp", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
