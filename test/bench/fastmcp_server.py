"""A FastMCP server over HTTP with an echo tool, with its defaults: ``fastmcp_server.py``.

Prints where it listens and ends with its standard input.
"""

from __future__ import annotations

import asyncio

from fastmcp import FastMCP
from listening import serve

server = FastMCP("bench")


@server.tool
async def echo(text: str) -> str:
    """Returns the text."""
    return text


async def run(port: int) -> None:
    """Serves at a port, without its banner and its line for each request."""
    await server.run_http_async(port=port, host="127.0.0.1", show_banner=False, log_level="error")


if __name__ == "__main__":
    asyncio.run(serve(run))
