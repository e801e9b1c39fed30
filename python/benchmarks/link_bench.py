# ruff: noqa: INP001 - a script
"""Compares calls over a link with raw ``grpc.aio`` unary calls, in alternating rounds.

Run ``python benchmarks/link_bench.py [--bridge HOST:PORT] [--rounds 11]``. Without ``--bridge`` both ends are
Python: the other end is an echo of this file, in a process of its own. With it, both go to that bridge's
``echo_tool``, the raw calls as plain ``ExecuteTool``. Prints medians and their ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import grpc.aio

import dspex_bridge_pb2_grpc as bridge_grpc
from dspex_bridge_pb2 import Limits, ToolCallRequest, ToolCallResponse, ToolStreamChunk
from grpc_tool_bridge import (
    ArgumentSpec,
    ToolBridgeClient,
    ToolSpec,
    deserialize_value,
    serialize_value,
)
from grpc_tool_bridge.testing.processes import Processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PAYLOAD = "x" * 100


class Echo(bridge_grpc.SnakepitBridgeServicer):
    """Answers every call with its first argument."""

    bridge_run = "echo"
    limits = Limits(max_value_bytes=10 << 20)
    grace = 5.0

    async def ExecuteTool(self, request: ToolCallRequest, context: Any) -> ToolCallResponse:  # noqa: N802
        """Answers the plain RPC."""
        return await self.execute(request)

    async def execute(self, request: ToolCallRequest) -> ToolCallResponse:
        """Answers a call of a link."""
        return ToolCallResponse(success=True, result=request.args[0])

    async def stream(self, request: ToolCallRequest) -> AsyncIterator[ToolStreamChunk]:
        """Streams nothing of use."""
        yield ToolStreamChunk()

    def offer(self, *_: Any) -> list[str]:
        """Takes no tools."""
        return []

    def withdraw(self, *_: Any) -> None:
        """Has no tools."""

    def leave(self, *_: Any) -> None:
        """Has no tools."""


async def serve() -> None:
    """Serves raw calls and links until it is killed; prints the port."""
    server = grpc.aio.server()
    echo = Echo()
    processes = Processes(echo)

    async def link(_: Any, context: Any) -> None:
        await processes.serve(context)

    bridge_grpc.add_SnakepitBridgeServicer_to_server(echo, server)
    # Frames are not parsed by grpc: the later handler of a method is the one that counts.
    server.add_registered_method_handlers(
        "dspex.bridge.SnakepitBridge", {"Link": grpc.stream_stream_rpc_method_handler(link)}
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)  # noqa: T201 - the parent reads it
    await server.wait_for_termination()


def request_of(text: str) -> ToolCallRequest:
    """A call of the echo, encoded as a user's would be."""
    return ToolCallRequest(
        session_id="bench", tool_id="echo_tool", args=[serialize_value(text)], timeout_us=30_000_000
    )


async def throughput(call: Callable[[], Awaitable[None]], width: int, total: int) -> float:
    """Calls a second with so many at a time."""
    left = total

    async def run() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    start = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(width)))
    return total / (time.perf_counter() - start)


async def latency(call: Callable[[], Awaitable[None]], total: int) -> float:
    """The median of calls made one at a time, in milliseconds."""
    times: list[float] = []
    for _ in range(total):
        start = time.perf_counter()
        await call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


async def measure(address: str, rounds: int, *, is_bridge: bool) -> None:
    """Runs the rounds and prints the table."""
    raw = bridge_grpc.SnakepitBridgeStub(grpc.aio.insecure_channel(address))
    client = ToolBridgeClient(address)
    client.session_id = "bench"
    if is_bridge:
        await client.initialize_session("bench")
    argument = ArgumentSpec(name="value", python_type="any", required=True)
    echo = client.proxy(ToolSpec(tool_id="echo_tool", name="echo_tool", arguments=[argument]))

    async def raw_call() -> None:
        response = await raw.ExecuteTool(request_of(PAYLOAD), timeout=30)
        assert deserialize_value(response.result) == PAYLOAD

    async def link_call() -> None:
        assert await echo(PAYLOAD) == PAYLOAD

    rows: dict[str, tuple[list[float], list[float]]] = {}
    for _ in range(rounds):
        for width, total in ((64, 4000), (512, 8000)):
            row = rows.setdefault(f"{width} at a time, calls/s", ([], []))
            row[0].append(await throughput(raw_call, width, total // 2))
            row[1].append(await throughput(link_call, width, total))
        row = rows.setdefault("one at a time, p50 ms", ([], []))
        row[0].append(await latency(raw_call, 300))
        row[1].append(await latency(link_call, 300))
    print(f"{'':28}{'raw grpc.aio':>14}{'link':>12}{'ratio':>8}")  # noqa: T201
    for name, (raws, links) in rows.items():
        a, b = statistics.median(raws), statistics.median(links)
        print(f"{name:28}{a:14,.2f}{b:12,.2f}{b / a:8.2f}")  # noqa: T201
    await client.aclose()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--bridge", default="")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    if options.bridge:
        asyncio.run(measure(options.bridge, options.rounds, is_bridge=True))
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)  # noqa: S603
    assert server.stdout is not None
    try:
        address = f"127.0.0.1:{int(server.stdout.readline())}"
        asyncio.run(measure(address, options.rounds, is_bridge=False))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
