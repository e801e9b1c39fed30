"""The Python client of the demo: ``client.py ADDRESS SESSION VERB``, where VERB is ``call``, ``stream`` or ``variable``."""

import asyncio
import sys

from grpc_tool_bridge import GRPCToolBridge


async def main(address: str, session: str, verb: str) -> None:
    """Do one thing over the bridge and print what came of it."""
    async with GRPCToolBridge(address) as bridge:
        tools = await bridge.initialize(session)
        if verb == "call":
            print(await tools["convert"](100.0, rate=1.25))
        elif verb == "stream":
            print(len([tick async for tick in tools["ticks"].stream(5)]))
        elif verb == "variable":
            print(repr(await bridge.client.session_context.get_variable("greeting")))


asyncio.run(main(*sys.argv[1:4]))
