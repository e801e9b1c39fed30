"""The caller in Python: ``caller.py BRIDGE RAW``.

Reads one question a line, ``{"way": "go_echo", "width": 64, "seconds": 1}``, and answers each with
``{"calls_per_second": …, "p50_ms": …, "calls": …}`` or ``{"error": …}``. The way is the name of a tool,
called through the bridge by its proxy, or "raw". Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue

from grpc_tool_bridge import GRPCToolBridge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Echo = Callable[[str], Awaitable[str]]

PAYLOAD = "x" * 100


def raw_echo(channel: grpc.aio.Channel) -> Echo:
    """A call of the raw peer."""
    unary = channel.unary_unary(
        "/bench.Echo/Unary",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )

    async def echo(text: str) -> str:
        return (await unary(StringValue(value=text))).value

    return echo


async def measure(echo: Echo, width: int, seconds: float) -> dict[str, Any]:
    """Calls for so long from so many tasks, each again as soon as its call has ended."""
    took: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def repeat() -> None:
        start = time.perf_counter()
        while True:
            answer = await echo(PAYLOAD)
            now = time.perf_counter()
            if answer != PAYLOAD:
                raise ValueError(f"an echo answered {answer!r}")
            took.append(now - start)
            if now > until:
                return
            start = now

    await asyncio.gather(*(repeat() for _ in range(width)))
    rate = len(took) / (time.perf_counter() - began)
    took.sort()
    return {"calls_per_second": rate, "p50_ms": took[len(took) // 2] * 1000, "calls": len(took)}


async def answer(ways: dict[str, Echo], question: dict[str, Any]) -> dict[str, Any]:
    """Answers one question."""
    try:
        return await measure(ways[question["way"]], question["width"], question["seconds"])
    except Exception as error:  # noqa: BLE001 - told to the program that asked
        return {"error": f"{type(error).__name__}: {error}"}


async def main(bridge_address: str, raw_address: str) -> None:
    """Answers questions until there are no more."""
    async with (
        GRPCToolBridge(bridge_address) as bridge,
        grpc.aio.insecure_channel(raw_address) as channel,
    ):
        ways: dict[str, Echo] = dict(await bridge.initialize("bench-python"))
        ways["raw"] = raw_echo(channel)
        print(f"listening on {bridge_address}", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await answer(ways, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
