"""A FastMCP server over HTTP with an echo tool, with its defaults: ``fastmcp_server.py``.

Prints where it listens and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from fastmcp import FastMCP

server = FastMCP("bench")


@server.tool
async def echo(text: str) -> str:
    """Returns the text."""
    return text


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


async def main() -> None:
    """Serves until standard input ends."""
    port = free_port()
    serving = asyncio.create_task(
        server.run_http_async(port=port, host="127.0.0.1", show_banner=False, log_level="error")
    )
    for _ in range(500):
        if await listens(port):
            break
        await asyncio.sleep(0.02)
    print(f"listening on http://127.0.0.1:{port}/mcp", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()


if __name__ == "__main__":
    asyncio.run(main())
