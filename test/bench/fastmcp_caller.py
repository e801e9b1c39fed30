"""The caller of FastMCP: ``fastmcp_caller.py URL``, asked as measuring.py says. All calls share one client."""

from __future__ import annotations

import asyncio
import sys

from fastmcp import Client
from measuring import PAYLOAD, same, serve


async def main(url: str) -> None:
    """Connects and answers questions."""
    async with Client(url) as client:

        async def echo() -> None:
            same((await client.call_tool("echo", {"text": PAYLOAD})).data)

        await serve(url, {"echo": echo})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
