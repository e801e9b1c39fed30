"""A server of the MCP Python SDK over streamable HTTP with an echo tool, with its defaults: ``mcp_server.py``.

Prints where it listens and ends with its standard input.
"""

from __future__ import annotations

import asyncio

from listening import serve
from mcp.server import MCPServer

server = MCPServer("bench", log_level="ERROR")  # not a line for each request


@server.tool()
async def echo(text: str) -> str:
    """Returns the text."""
    return text


async def run(port: int) -> None:
    """Serves at a port."""
    await server.run_streamable_http_async(host="127.0.0.1", port=port)


if __name__ == "__main__":
    asyncio.run(serve(run))
