"""The caller in Python: ``caller.py BRIDGE RAW_IN_GO RAW_IN_PYTHON``, asked as measuring.py says.

A way is the name of an echo tool, called through the bridge by its proxy; "raw" or "raw in Python"; "batch" and
"one by one", 100 calls of the Go tool; "chunks …", streams of 64 KiB chunks; or a call of the testing strategy.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue
from measuring import PAYLOAD, same, serve

from grpc_tool_bridge import GRPCToolBridge

if TYPE_CHECKING:
    from measuring import Call

ECHOES = ("go_echo", "python_echo")
BATCH = 100
DOCUMENT_BATCH = 50
CHUNKS = 160
CHUNK_BYTES = 64 << 10


def raw_echo(channel: grpc.aio.Channel) -> Call:
    """A call of a raw echo."""
    unary = channel.unary_unary(
        "/bench.Echo/Unary",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )

    async def echo() -> None:
        same((await unary(StringValue(value=PAYLOAD))).value)

    return echo


def raw_chunks(channel: grpc.aio.Channel) -> Call:
    """A raw server stream of chunks."""
    stream = channel.unary_stream(
        "/bench.Echo/Chunks",
        request_serializer=Int64Value.SerializeToString,
        response_deserializer=BytesValue.FromString,
    )

    async def chunks() -> None:
        count_chunks([len(chunk.value) async for chunk in stream(Int64Value(value=CHUNKS))])

    return chunks


def count_chunks(sizes: list[int]) -> None:
    """Raises unless all chunks came."""
    if sizes != [CHUNK_BYTES] * CHUNKS:
        raise ValueError(f"{len(sizes)} chunks of {sum(sizes)} bytes came")


def tool_echo(bridge: GRPCToolBridge, name: str) -> Call:
    """A call of an echo tool."""
    tool = bridge.tools[name]

    async def echo() -> None:
        same(await tool(PAYLOAD))

    return echo


def tool_chunks(bridge: GRPCToolBridge, name: str) -> Call:
    """A stream of chunks from a tool."""
    tool = bridge.tools[name]

    async def chunks() -> None:
        count_chunks([len(chunk) async for chunk in tool.stream(CHUNKS)])

    return chunks


def batch(bridge: GRPCToolBridge) -> Call:
    """Many calls of the Go tool by one request."""
    items: list[dict[str, Any]] = [{"tool_id": "go_echo", "args": [PAYLOAD], "kwargs": {}}] * BATCH

    async def call() -> None:
        for answer in await bridge.execute_batch(items):
            same(answer)

    return call


def one_by_one(echo: Call, count: int = BATCH) -> Call:
    """As many calls, one after another."""

    async def call() -> None:
        for _ in range(count):
            await echo()

    return call


def document_ways(bridge: GRPCToolBridge) -> dict[str, Call]:
    """The calls of the testing strategy's benchmarks, of tools of the bridge."""
    fast, waiting, simple = (
        bridge.tools[name] for name in ("fast_tool", "cpu_bound_tool", "simple_tool")
    )
    requests: list[dict[str, Any]] = [
        {"tool_id": "compute_tool", "args": [i], "kwargs": {}} for i in range(DOCUMENT_BATCH)
    ]

    async def fast_tool() -> None:
        await fast("benchmark_input")

    async def cpu_bound_tool() -> None:
        await waiting("task")

    async def simple_tool() -> None:
        await simple("iteration")

    async def sequential() -> None:
        for request in requests:
            await bridge.execute_tool(**request)

    async def together() -> None:
        if len(await bridge.execute_batch(requests)) != DOCUMENT_BATCH:
            raise ValueError("a batch did not answer every call")

    return {
        "fast_tool": fast_tool,
        "cpu_bound_tool": cpu_bound_tool,
        "100 calls of simple_tool": one_by_one(simple_tool, 100),
        "document one by one": sequential,
        "document batch": together,
    }


async def main(bridge_address: str, go_address: str, python_address: str) -> None:
    """Connects to everything and answers questions."""
    async with (
        GRPCToolBridge(bridge_address) as bridge,
        grpc.aio.insecure_channel(go_address) as go,
        grpc.aio.insecure_channel(python_address) as python,
    ):
        await bridge.initialize("bench-python")
        ways: dict[str, Call] = {name: tool_echo(bridge, name) for name in ECHOES}
        ways |= document_ways(bridge)
        ways["raw"], ways["raw in Python"] = raw_echo(go), raw_echo(python)
        ways["batch"], ways["one by one"] = batch(bridge), one_by_one(ways["go_echo"])
        ways["chunks raw"] = raw_chunks(go)
        ways["chunks bridge"] = tool_chunks(bridge, "stream_processor")
        ways["chunks worker"] = tool_chunks(bridge, "go_chunks")
        await serve(bridge_address, ways)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
