"""Hosts agents as spans that stay in memory: ``traced_agents.py ADDRESS`` prints them when its standard input ends."""

import asyncio
import json
import sys

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from grpc_tool_bridge import Worker
from grpc_tool_bridge.agents import agent_tool


async def host(address: str, provider: TracerProvider) -> None:
    """Host agents until standard input ends."""
    async with Worker(address, [agent_tool()], tracer_provider=provider, connect_timeout=30):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main(address: str) -> None:
    """Host agents, then print their spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    asyncio.run(host(address, provider))
    for span in exporter.get_finished_spans():
        told = {
            "Name": span.name,
            "Trace": f"{span.context.trace_id:032x}",
            "Span": f"{span.context.span_id:016x}",
            "Parent": f"{span.parent.span_id:016x}" if span.parent else "",
        }
        print("span " + json.dumps(told), flush=True)


main(sys.argv[1])
