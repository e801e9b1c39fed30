from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator  # noqa: TC003 - a tool's hint is read at run time

import pytest

from dspex_bridge_pb2 import ErrorInfo, ToolCallRequest
from grpc_tool_bridge import ToolExecutionError, Worker, tool
from grpc_tool_bridge.bounds import (
    MAX_BODY,
    MAX_DETAILS_BYTES,
    MAX_ID_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_STACK_BYTES,
    bounded,
    check_request_id,
    oversized_call,
    shortened,
)

HUGE = "x" * (20 << 20)


def test_an_error_that_fits_is_not_changed():
    info = ErrorInfo(type="ExecutionError", message="m" * MAX_MESSAGE_BYTES, details={"k": "v"})
    info.stack_trace = "s" * MAX_STACK_BYTES
    before = info.SerializeToString(deterministic=True)
    assert bounded(info).SerializeToString(deterministic=True) == before


def test_an_error_that_is_too_large_is_cut_down_and_says_so():
    text = "é" * (1 << 20)
    info = bounded(
        ErrorInfo(
            type=text,
            class_name=text,
            message=text,
            stack_trace=f"first{text}last",
            details={"limit": "5", "huge": text, text: "v"},
        )
    )
    assert len(info.message.encode()) <= MAX_MESSAGE_BYTES
    assert info.message.endswith("… (cut, 2097152 bytes)")
    assert len(info.stack_trace.encode()) <= MAX_STACK_BYTES
    assert info.stack_trace.startswith("first")
    assert info.stack_trace.endswith("last")
    assert len(info.class_name.encode()) <= 256
    assert len(info.type.encode()) <= 256
    assert dict(info.details) == {
        "limit": "5",
        "details_cut": "2 of 3 were left out: the details of an error have at most 65536 bytes",
    }


def test_of_many_details_those_that_fit_are_kept():
    info = bounded(ErrorInfo(details={f"k{n:05}": "v" for n in range(20_000)}))
    assert 1000 < len(info.details) < 20_000
    assert info.ByteSize() < 4 * MAX_DETAILS_BYTES
    assert "of 20000 were left out" in info.details["details_cut"]


@pytest.mark.parametrize("most", [40, 41, 42, 43, 256])
def test_a_text_is_shortened_at_a_character(most):
    cut = shortened("ä€😀" * 200, most)
    assert len(cut.encode()) <= most
    assert "\ufffd" not in cut
    assert shortened("short", most) == "short"


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("tracestate", "trace state"),
        ("traceparent", "trace parent"),
        ("request_id", "request id"),
        ("session_id", "session id"),
        ("tool_id", "name of the tool"),
    ],
)
def test_a_call_that_is_too_large_names_the_part(field, name):
    info = oversized_call(ToolCallRequest(**{field: HUGE}), len(HUGE) + 9)
    assert info.type == "MessageTooLarge"
    assert f"its {name} with {len(HUGE)} bytes" in info.message
    assert f"has {len(HUGE) + 9} bytes" in info.message
    assert info.details["limit"] == str(MAX_BODY)
    assert info.details["part"] == name
    assert len(info.message) < 1000


def test_a_request_id_has_272_bytes():
    check_request_id("é" * (MAX_ID_BYTES // 2), "t")
    with pytest.raises(ToolExecutionError, match="has 274 bytes, the limit is 272") as caught:
        check_request_id("é" * (MAX_ID_BYTES // 2 + 1), "t")
    assert caught.value.error_type == "ValidationError"


def _raise(how: str) -> None:
    if how == "details":
        raise ToolExecutionError("boom", "ExecutionError", "m", {"k": HUGE})
    if how == "detail key":
        raise ToolExecutionError("boom", "ExecutionError", "m", {HUGE: "v"})
    if how == "message":
        raise ToolExecutionError("boom", "ExecutionError", HUGE)
    if how == "class":
        raise type(HUGE, (Exception,), {})("m")
    error = ValueError("m")
    error.field = HUGE  # pyright: ignore[reportAttributeAccessIssue]
    raise error


@tool
async def boom(how: str) -> str:
    _raise(how)
    return how


@tool
async def boom_later(how: str) -> AsyncIterator[str]:
    yield "a"
    _raise(how)


@tool
async def patient(until: str = "") -> str:
    if until:
        await _RELEASED[until].wait()
    return "patient"


_RELEASED: dict[str, asyncio.Event] = {}


@tool
async def alive() -> str:
    return "alive"


@pytest.mark.parametrize("how", ["details", "detail key", "message", "class", "field"])
@pytest.mark.parametrize("streamed", [False, True], ids=["called", "streamed"])
async def test_an_error_of_any_size_is_answered(server, bridge, how, streamed):
    async with Worker(server.address, tools=[boom, boom_later, alive]):
        tools = await bridge.refresh()
        name = "boom_later" if streamed else "boom"
        proxy = tools[name].with_options(timeout=25, want_stack=True)

        async def ask() -> object:
            return [item async for item in proxy.stream(how)] if streamed else await proxy(how)

        with pytest.raises(ToolExecutionError) as caught:
            await ask()
        assert caught.value.error_type == "ExecutionError"
        assert await tools["alive"]() == "alive"


@pytest.mark.parametrize("streamed", [False, True], ids=["called", "streamed"])
async def test_a_call_that_is_too_large_is_refused_to_its_caller_alone(server, bridge, streamed):
    async with Worker(server.address, tools=[boom, patient]):
        tools = await bridge.refresh()
        _RELEASED["end"] = asyncio.Event()
        beside = asyncio.ensure_future(tools["patient"]("end"))
        assert await tools["patient"]() == "patient"  # by now the client has a link
        link = bridge.client.stub.connection.link
        request = ToolCallRequest(tool_id="boom", tracestate=HUGE)
        if streamed:
            error = [chunk async for chunk in link.stream(request)][-1].content.error
        else:
            error = (await link.call(request)).error
        assert error.type == "MessageTooLarge"
        assert error.details["part"] == "trace state"
        _RELEASED["end"].set()
        assert await beside == "patient"


async def test_a_huge_request_id_is_an_error_of_the_sdk(server, bridge):
    async with Worker(server.address, tools=[alive]):
        proxy = (await bridge.refresh())["alive"]
        with pytest.raises(ToolExecutionError, match="the request id has 20971520 bytes"):
            await proxy.with_options(request_id=HUGE)()
        assert await proxy() == "alive"


async def test_a_huge_name_of_a_keyword_is_an_error_of_the_sdk(server, bridge):
    async with Worker(server.address, tools=[alive]):
        await bridge.refresh()
        with pytest.raises(ToolExecutionError, match=r"name|argument") as caught:
            await bridge.tools["alive"](**{HUGE: 1})
        assert caught.value.error_type == "ValidationError"


async def test_a_tool_with_a_huge_description_is_refused_as_such(server):
    @tool(description=HUGE)
    async def wordy() -> str:
        return ""

    with pytest.raises(ToolExecutionError, match="the descriptions of tools have"):
        async with Worker(server.address, tools=[wordy]):
            pass
