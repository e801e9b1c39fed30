"""Offers a Python function to every session, and calls tools by their names."""

import asyncio
import sys

from grpc_tool_bridge import GRPCToolBridge, Worker, tool


@tool
def slug(text: str, separator: str = "-") -> str:
    """Make a slug of a text."""
    return separator.join(text.lower().split())


async def main(address: str) -> None:  # such as localhost:50051
    async with Worker(address, tools=[slug]), GRPCToolBridge(address) as bridge:
        tools = await bridge.initialize("hello")
        print(await tools["slug"]("Hello big World", separator="_"))
        print(await tools["add_numbers"](2**60, 2))  # a Go tool; no digit is lost
        async for number in tools["count_to_n"].stream(3):
            print(number)


asyncio.run(main(sys.argv[1]))
