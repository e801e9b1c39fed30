"""Batches on a link, frame by frame, and which of the two ways a batch takes."""

from __future__ import annotations

import asyncio
import contextlib

import grpc
import pytest

from dspex_bridge_pb2 import (
    BatchExecuteToolsRequest,
    BatchExecuteToolsResponse,
    ErrorInfo,
    Frame,
    LinkMessage,
    ToolCallRequest,
    ToolCallResponse,
    Welcome,
)
from dspex_bridge_pb2_grpc import (
    SnakepitBridgeServicer,
    add_SnakepitBridgeServicer_to_server,
)
from grpc_tool_bridge import (
    GRPCToolBridge,
    ProtocolError,
    ToolCommunicationError,
    ToolExecutionError,
    deserialize_value,
    serialize_value,
)
from grpc_tool_bridge.link import Link
from grpc_tool_bridge.packing import ProtocolViolationError


class Peer:
    """The other side of a process's link, frame by frame."""

    def __init__(self):
        self.link = Link(self, first_call_id=1)
        self.frames = []
        self._down = asyncio.Queue()
        self._run = None
        self._pieces = b""

    def on_call(self, call):
        raise AssertionError("the process hosts nothing")

    def on_control(self, name, frame):
        raise AssertionError(name)

    async def read(self):
        return await self._down.get()

    async def write(self, message):
        for frame in LinkMessage.FromString(message).frames:
            if frame.HasField("fragment"):
                self._pieces += frame.fragment.data
                with contextlib.suppress(Exception):  # until it is whole
                    self.frames.append(Frame.FromString(self._pieces))
            else:
                self.frames.append(frame)

    def connect(self):
        self._run = asyncio.ensure_future(self.link.run(self))

    def send(self, *frames, ack=0):
        self.link.receive(LinkMessage(ack=ack, frames=frames).SerializeToString())

    async def disconnect(self):
        self._down.put_nowait(None)
        await asyncio.wait({self._run})

    async def close(self):
        if self._run is not None:
            self._run.cancel()
            await asyncio.wait({self._run})
        self.link.close()


@pytest.fixture
async def peer():
    peer = Peer()
    peer.connect()
    await asyncio.sleep(0)
    yield peer
    await peer.close()


def _body(*values, **fields):
    calls = [ToolCallRequest(tool_id="t", args=[serialize_value(v)]) for v in values]
    return BatchExecuteToolsRequest(requests=calls, **fields).SerializeToString()


def _answers(batch):
    """Gives each item its first argument."""
    responses = [ToolCallResponse(success=True, result=call.args[0]) for call in batch.requests]
    return BatchExecuteToolsResponse(success=True, responses=responses)


def _results(response):
    return [deserialize_value(answer.result) for answer in response.responses]


async def test_a_batch_is_one_frame_and_so_is_its_answer(peer, until):
    batch = asyncio.ensure_future(peer.link.batch(_body(1, "two", batch_id="b")))
    await until(lambda: peer.frames)
    frame = peer.frames[0]
    assert (frame.call_id, frame.WhichOneof("body")) == (1, "batch")
    assert frame.batch.batch_id == "b"
    assert peer.link.open_calls == 1
    peer.send(Frame(call_id=1, batch_result=_answers(frame.batch)))
    assert _results(await batch) == [1, "two"]
    assert peer.link.open_calls == 0


async def test_a_long_batch_and_its_long_answer_travel_in_pieces(peer, until):
    values = ["x" * 50_000] * 4
    batch = asyncio.ensure_future(peer.link.batch(_body(*values)))
    await until(lambda: peer.frames)
    whole = Frame(call_id=1, batch_result=_answers(peer.frames[0].batch)).SerializeToString()
    for at in range(0, len(whole), 60_000):
        piece = Frame(call_id=1)
        piece.fragment.id, piece.fragment.data = 1, whole[at : at + 60_000]
        piece.fragment.total = 0 if at else len(whole)
        peer.send(piece)
    assert _results(await batch) == values


async def test_a_cancelled_batch_is_cancelled_at_the_bridge_and_its_late_answer_dropped(
    peer, until
):
    batch = asyncio.ensure_future(peer.link.batch(_body(1)))
    await until(lambda: peer.frames)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    await until(lambda: len(peer.frames) == 2)
    assert peer.frames[1].call_id == 1
    assert peer.frames[1].cancel.error.type == "Cancelled"
    peer.send(Frame(call_id=1, batch_result=BatchExecuteToolsResponse(success=True)))
    assert peer.link.late_frames == 1


async def test_a_batch_goes_on_over_a_lost_connection(peer, until):
    batch = asyncio.ensure_future(peer.link.batch(_body(1)))
    await until(lambda: peer.frames)
    await peer.disconnect()
    assert not batch.done()
    peer.link.resume(1)
    peer.connect()
    await asyncio.sleep(0)
    peer.send(Frame(call_id=1, batch_result=_answers(peer.frames[0].batch)), ack=1)
    assert _results(await batch) == [1]
    assert len(peer.frames) == 1


async def test_a_batch_that_the_bridge_has_not_read_is_sent_again(peer, until):
    batch = asyncio.ensure_future(peer.link.batch(_body(1)))
    await until(lambda: peer.frames)
    await peer.disconnect()
    peer.link.resume(0)
    peer.connect()
    await until(lambda: len(peer.frames) == 2)
    assert peer.frames[1] == peer.frames[0]
    peer.send(Frame(call_id=1, batch_result=_answers(peer.frames[0].batch)))
    assert _results(await batch) == [1]


async def test_a_batch_whose_incarnation_is_lost_ends_as_a_call_does(peer, until):
    batch = asyncio.ensure_future(peer.link.batch(_body(1)))
    await until(lambda: peer.frames)
    await peer.disconnect()
    peer.link.begin_anew("gone")
    with pytest.raises(ToolCommunicationError, match=r"gone.*is not known") as raised:
        await batch
    assert not raised.value.retryable


async def test_a_batch_waits_for_a_place(peer, until):
    peer.link.max_calls = 1
    first = asyncio.ensure_future(peer.link.batch(_body(1)))
    await until(lambda: peer.frames)
    second = asyncio.ensure_future(peer.link.batch(_body(2)))
    await asyncio.sleep(0.01)
    assert len(peer.frames) == 1
    peer.send(Frame(call_id=1, batch_result=_answers(peer.frames[0].batch)))
    await first
    await until(lambda: len(peer.frames) == 2)
    assert peer.frames[1].call_id == 3
    peer.send(Frame(call_id=3, batch_result=_answers(peer.frames[1].batch)))
    assert _results(await second) == [2]


async def test_a_batch_is_answered_by_nothing_but_a_batch_result(peer, until):
    batch = asyncio.ensure_future(peer.link.batch(_body(1)))
    await until(lambda: peer.frames)
    peer.send(Frame(call_id=1, result=ToolCallResponse(success=True)))
    with pytest.raises(ProtocolError, match="answered with a ToolCallResponse"):
        await batch


async def test_an_answer_to_a_batch_that_was_never_made_is_a_violation(peer):
    with pytest.raises(ProtocolViolationError, match="never made"):
        peer.send(Frame(call_id=7, batch_result=BatchExecuteToolsResponse()))


class Bridge(SnakepitBridgeServicer):
    """A bridge that serves a link, and counts on which way batches come."""

    def __init__(self, capabilities):
        self.capabilities = capabilities
        self.framed, self.asked = [], []
        self.answer = _answers

    async def Link(self, requests, context):  # noqa: N802
        read = 0
        async for message in requests:
            for frame in message.frames:
                body = frame.WhichOneof("body")
                if body == "hello":
                    welcome = Welcome(
                        revision=1,
                        incarnation="i",
                        bridge_run="r",
                        capabilities=self.capabilities,
                    )
                    yield LinkMessage(frames=[Frame(welcome=welcome)])
                elif body == "batch":
                    read += 1
                    self.framed.append(frame.batch)
                    answer = Frame(call_id=frame.call_id, batch_result=self.answer(frame.batch))
                    yield LinkMessage(ack=read, frames=[answer])

    async def BatchExecuteTools(self, request, context):  # noqa: N802
        self.asked.append(request)
        return self.answer(request)


@contextlib.asynccontextmanager
async def _serving(bridge, **options):
    server = grpc.aio.server()
    add_SnakepitBridgeServicer_to_server(bridge, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = GRPCToolBridge(f"127.0.0.1:{port}", **options)
    client.client.session_id = "s"
    try:
        yield client
    finally:
        await client.aclose()
        await server.stop(None)


def _items(*values):
    return [{"tool_id": "t", "args": [value]} for value in values]


@pytest.mark.parametrize(
    ("capabilities", "options", "value", "ways"),
    [
        pytest.param(["batches"], {}, "x", (1, 0), id="a bridge that takes batches on links"),
        pytest.param(["other"], {}, "x", (0, 1), id="an old bridge"),
        pytest.param(["batches"], {"use_link": False}, "x", (0, 1), id="no link"),
        pytest.param(["batches"], {}, "x" * 300_000, (0, 1), id="a very long batch"),
    ],
)
async def test_a_batch_takes_the_way_that_the_bridge_knows(capabilities, options, value, ways):
    bridge = Bridge(capabilities)
    async with _serving(bridge, **options) as client:
        assert await client.execute_batch(_items(value, value)) == [value, value]
    assert (len(bridge.framed), len(bridge.asked)) == ways


async def test_a_batch_is_the_same_on_both_ways():
    seen = []
    for capabilities in (["batches"], []):
        bridge = Bridge(capabilities)
        async with _serving(bridge) as client:
            items = [{"tool_id": "t", "kwargs": {"a": [1]}, "timeout": 2}, *_items("x", None)]
            bridge.answer = lambda b: BatchExecuteToolsResponse(
                success=True, responses=[ToolCallResponse(success=True) for _ in b.requests]
            )
            await client.execute_batch(
                items, max_concurrency=3, fail_fast=True, batch_id="b", timeout=9
            )
        seen += bridge.framed or bridge.asked
    assert seen[0] == seen[1]
    assert [call.request_id for call in seen[0].requests] == ["b/0", "b/1", "b/2"]


async def test_a_refusal_of_a_batch_on_a_link_is_raised():
    bridge = Bridge(["batches"])
    error = ErrorInfo(type="BatchTooLarge", message="too many", details={"limit": "1"})
    bridge.answer = lambda _: BatchExecuteToolsResponse(error=error)
    async with _serving(bridge) as client:
        with pytest.raises(ToolExecutionError, match="too many") as raised:
            await client.execute_batch(_items("a", "b"))
    assert raised.value.error_type == "BatchTooLarge"
    assert raised.value.details == {"limit": "1"}


async def test_a_batch_whose_link_is_lost_is_raised_and_not_made_again():
    bridge = Bridge(["batches"])

    def lose(_):
        raise RuntimeError("the link is lost")

    bridge.answer = lose
    async with _serving(bridge, connect_timeout=0.3) as client:
        batch = asyncio.ensure_future(client.execute_batch(_items("a")))
        with pytest.raises(ToolCommunicationError, match="was lost"):
            await batch
    assert len(bridge.framed) == 1
    assert not bridge.asked
