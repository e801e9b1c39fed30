from __future__ import annotations

import asyncio
import sys
from itertools import pairwise

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import grpc_tool_bridge.sync
from grpc_tool_bridge import GRPCToolBridge, ToolContext, ToolExecutionError, Worker, hostcommand
from grpc_tool_bridge.testing import InMemoryBridge
from grpc_tool_bridge.tracing import tracing_of

TRACE = 0x0AF7651916CD43DD8448EB211C80319C


class Recorded:
    """A provider whose spans stay in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def all(self, name: str) -> list:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def one(self, name: str):
        (span,) = self.all(name)
        return span

    def chain(self, *names: str) -> None:
        """Asserts that each span is a child of the one before it."""
        for parent, child in pairwise(names):
            assert self.one(child).parent.span_id == self.one(parent).context.span_id, child
            assert self.one(child).context.trace_id == self.one(parent).context.trace_id


@pytest.fixture
def recorded():
    return Recorded()


@pytest.fixture
async def server():
    async with InMemoryBridge() as bridge:
        yield bridge


async def outer(context: ToolContext) -> bool:
    await context.call("inner")
    return trace.get_current_span().get_span_context().is_valid


async def inner() -> int:
    return 1


def blocking(context: ToolContext) -> int:
    return context.blocking.call("inner")


def letters(n: int):
    yield from "abcdef"[:n]


async def fail(why: str) -> None:
    raise ValueError(why)


TOOLS = [outer, inner, blocking, letters, fail]


@pytest.mark.parametrize("use_link", [True, False])
@pytest.mark.parametrize("name", ["outer", "blocking"])
async def test_a_call_and_what_it_leads_to_are_one_trace(server, recorded, use_link, name):
    async with (
        Worker(server.address, TOOLS, tracer_provider=recorded.provider),
        GRPCToolBridge(
            server.address, use_link=use_link, tracer_provider=recorded.provider
        ) as bridge,
    ):
        with recorded.provider.get_tracer("test").start_as_current_span("root"):
            await bridge.initialize()
            assert await bridge.execute_tool(name) == 1

    recorded.chain("root", f"call {name}", f"run {name}", "call inner", "run inner")
    assert recorded.one("call inner").kind is trace.SpanKind.CLIENT
    assert recorded.one("run inner").kind is trace.SpanKind.SERVER


async def test_a_stream_is_a_span_also_when_its_reader_leaves(server, recorded):
    async with (
        Worker(server.address, TOOLS, tracer_provider=recorded.provider),
        GRPCToolBridge(server.address, tracer_provider=recorded.provider) as bridge,
    ):
        tools = await bridge.initialize()
        assert await tools["letters"].stream(3).collect() == ["a", "b", "c"]
        async with tools["letters"].stream(6) as stream:
            async for _ in stream:
                break
    spans = recorded.all("call letters")
    assert [span.status.status_code for span in spans] == [trace.StatusCode.UNSET] * 2


async def test_a_failure_is_named_by_its_type_and_nothing_that_was_passed_is_told(server, recorded):
    async with (
        Worker(server.address, TOOLS, tracer_provider=recorded.provider),
        GRPCToolBridge(server.address, tracer_provider=recorded.provider) as bridge,
    ):
        tools = await bridge.initialize()
        with pytest.raises(ToolExecutionError):
            await tools["fail"]("canary-7d1f")
        with pytest.raises(ToolExecutionError):
            await tools["fail"].stream("canary-7d1f").collect()
        with pytest.raises(ToolExecutionError):
            await bridge.execute_tool("nosuch")
    for span in (*recorded.all("call fail"), *recorded.all("run fail")):
        assert span.status.status_code is trace.StatusCode.ERROR
        assert span.status.description == "ExecutionError"
    assert recorded.one("call nosuch").status.description == "ToolNotFound"
    assert "canary" not in "".join(s.to_json() for s in recorded.exporter.get_finished_spans())


async def test_a_cancelled_run_is_named_so(server, recorded):
    began = asyncio.Event()

    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    async with (
        Worker(server.address, [wait], tracer_provider=recorded.provider),
        GRPCToolBridge(server.address) as bridge,
    ):
        await bridge.initialize()
        call = asyncio.ensure_future(bridge.execute_tool("wait"))
        await began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert recorded.one("run wait").status.description == "Cancelled"


async def test_items_of_a_batch_are_parts_of_the_current_span(server, recorded):
    async with (
        Worker(server.address, TOOLS, tracer_provider=recorded.provider),
        GRPCToolBridge(server.address, tracer_provider=recorded.provider) as bridge,
    ):
        await bridge.initialize()
        with recorded.provider.get_tracer("test").start_as_current_span("root") as root:
            await bridge.execute_batch([{"tool_id": "inner"}, {"tool_id": "inner"}])
    assert [s.parent.span_id for s in recorded.all("run inner")] == [root.context.span_id] * 2


async def test_a_run_continues_the_trace_of_a_caller_that_has_no_spans_itself(server, recorded):
    seen = []

    async def tell(context: ToolContext) -> None:
        seen.append(context.traceparent)

    async with (
        Worker(server.address, [tell], tracer_provider=recorded.provider),
        GRPCToolBridge(server.address) as bridge,
    ):
        tools = await bridge.initialize()
        request = tools["tell"].request((), {})
        request.traceparent = f"00-{TRACE:032x}-b7ad6b7169203331-01"
        request.tracestate = "a=b"
        assert (await bridge.client.stub.ExecuteTool(request)).success
    run = recorded.one("run tell")
    assert (run.context.trace_id, run.parent.span_id) == (TRACE, 0xB7AD6B7169203331)
    assert run.context.trace_state.to_header() == "a=b"
    assert f"{run.context.span_id:016x}" in seen[0]


@pytest.mark.parametrize(("length", "held"), [(512, True), (513, False), (8000, False)])
async def test_a_long_trace_state_is_no_part_of_a_span_and_travels_on(
    server, recorded, length, held
):
    seen = []
    entries = [f"k{i:03d}=" + "v" * 200 for i in range(length // 206)]
    state = ",".join([*entries, ""])
    state += "z=" + "v" * (length - len(state) - 2)
    assert len(state) == length

    async def tell(context: ToolContext) -> None:
        seen.append(context._request.tracestate)

    async def pass_on(context: ToolContext) -> None:
        await context.call("tell")

    async with (
        Worker(server.address, [tell, pass_on], tracer_provider=recorded.provider),
        GRPCToolBridge(server.address) as bridge,
    ):
        tools = await bridge.initialize()
        request = tools["pass_on"].request((), {})
        request.traceparent = f"00-{TRACE:032x}-b7ad6b7169203331-01"
        request.tracestate = state
        assert (await bridge.client.stub.ExecuteTool(request)).success
    assert seen == [state]
    for name in ("run pass_on", "run tell"):
        context = recorded.one(name).context
        assert context.trace_id == TRACE
        assert context.trace_state.to_header() == (state if held else "")


async def test_without_a_provider_a_trace_is_passed_on_whole_and_no_span_is_made(server):
    seen = []

    async def tell(context: ToolContext) -> None:
        seen.append((context.traceparent, context._request.tracestate))

    async def pass_on(context: ToolContext) -> None:
        await context.call("tell")

    async with Worker(server.address, [tell, pass_on]), GRPCToolBridge(server.address) as bridge:
        tools = await bridge.initialize()
        request = tools["pass_on"].request((), {})
        request.traceparent = f"00-{TRACE:032x}-b7ad6b7169203331-01"
        request.tracestate = "a=b"
        assert (await bridge.client.stub.ExecuteTool(request)).success
    assert seen == [(f"00-{TRACE:032x}-b7ad6b7169203331-01", "a=b")]


async def test_blocking_twins_pass_the_current_span_on(server, recorded):
    def use() -> None:
        with (
            grpc_tool_bridge.sync.connect(
                server.address, tracer_provider=recorded.provider
            ) as bridge,
            recorded.provider.get_tracer("test").start_as_current_span("root"),
        ):
            bridge.execute_tool("inner")

    async with Worker(server.address, TOOLS, tracer_provider=recorded.provider):
        await asyncio.to_thread(use)
    recorded.chain("root", "call inner", "run inner")


def test_a_provider_without_the_extra_says_which_one_is_missing(monkeypatch, recorded):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace.propagation.tracecontext", None)
    with pytest.raises(ImportError, match="otel"):
        tracing_of(recorded.provider)
    assert tracing_of(None) is None


def test_the_host_command_takes_the_process_own_provider_or_names_the_extra(monkeypatch, capsys):
    assert hostcommand._tracer_provider() is trace.get_tracer_provider()
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(hostcommand.UsageError, match="otel"):
        hostcommand._tracer_provider()
