from __future__ import annotations

import asyncio

import pytest

from dspex_bridge_pb2 import (
    Cancel,
    Credit,
    ErrorInfo,
    Fragment,
    Frame,
    LinkMessage,
    Ping,
    Progress,
    ToolCallRequest,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
    Welcome,
)
from grpc_tool_bridge import ToolCommunicationError, serialize_value
from grpc_tool_bridge.calls import HostedCall, complete
from grpc_tool_bridge.link import INITIAL_CREDIT, Link
from grpc_tool_bridge.packing import SEND_QUEUE, ProtocolViolationError


class Pipe:
    """One direction of a connection in memory."""

    def __init__(self):
        self.messages = asyncio.Queue()
        self.seen = []
        self.blocked = asyncio.Event()
        self.blocked.set()

    def end(self):
        self.messages.put_nowait(None)


class MemoryTransport:
    def __init__(self, incoming, outgoing):
        self.incoming, self.outgoing = incoming, outgoing

    async def read(self):
        return await self.incoming.messages.get()

    async def write(self, message):
        await self.outgoing.blocked.wait()
        self.outgoing.seen.append(message)
        self.outgoing.messages.put_nowait(message)


class Host:
    """Runs hosted calls with a function."""

    def __init__(self, function=None):
        self.function = function
        self.calls = []
        self.controls = []
        self.tasks = set()

    def on_call(self, call):
        self.calls.append(call)
        if self.function is not None:
            task = asyncio.ensure_future(self.function(call))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def on_control(self, name, frame):
        self.controls.append(name)


class Ends:
    """A process's link and a bridge's, connected in memory."""

    def __init__(self, function=None):
        self.host = Host(function)
        self.process = Link(Host(), first_call_id=1)
        self.bridge = Link(self.host, first_call_id=2)
        self.tasks = []

    def connect(self):
        self.up, self.down = Pipe(), Pipe()
        self.tasks = [
            asyncio.ensure_future(self.process.run(MemoryTransport(self.down, self.up))),
            asyncio.ensure_future(self.bridge.run(MemoryTransport(self.up, self.down))),
        ]

    async def disconnect(self):
        self.up.end()
        self.down.end()
        await asyncio.wait(self.tasks)

    def resume(self):
        received = self.process.window.received, self.bridge.window.received
        self.process.resume(received[1])
        self.bridge.resume(received[0])
        self.connect()

    async def close(self):
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)
        self.process.close()
        self.bridge.close()


@pytest.fixture
async def ends():
    ends = Ends()
    ends.connect()
    await asyncio.sleep(0)
    yield ends
    await ends.close()


def _answer(value="ok"):
    return ToolCallResponse(success=True, result=serialize_value(value))


def _chunk(value):
    return ToolStreamChunk(content=ToolStreamContent(data=serialize_value(value)))


def _request(*args, **fields):
    return ToolCallRequest(tool_id="t", args=[serialize_value(a) for a in args], **fields)


async def _echo(call):
    call.respond(ToolCallResponse(success=True, result=call.request.args[0]))


async def test_a_call_is_answered(ends):
    ends.host.function = _echo
    response = await ends.process.call(_request("hello"))
    assert response.result == serialize_value("hello")
    assert ends.host.calls[0].call_id == 1
    assert ends.process.open_calls == 0
    assert ends.bridge.hosted_calls == ()


async def test_both_sides_call_and_ids_differ_in_parity(ends):
    ends.process.host.function = ends.host.function = _echo
    responses = await asyncio.gather(
        *(ends.process.call(_request(i)) for i in range(20)),
        *(ends.bridge.call(_request(i)) for i in range(20)),
    )
    assert [r.result for r in responses] == [serialize_value(i % 20) for i in range(40)]
    assert all(call.call_id % 2 == 1 for call in ends.host.calls)
    assert all(call.call_id % 2 == 0 for call in ends.process.host.calls)


async def test_many_calls_travel_packed_and_within_the_window(ends):
    ends.host.function = _echo
    await asyncio.gather(*(ends.process.call(_request(i)) for i in range(3000)))
    frames = [len(LinkMessage.FromString(m).frames) for m in ends.up.seen]
    assert max(frames) > 100
    assert max(frames) <= 512


async def test_at_most_four_messages_wait_for_their_ack(until):
    ends = Ends()
    up, down = Pipe(), Pipe()
    task = asyncio.ensure_future(ends.process.run(MemoryTransport(down, up)))
    await asyncio.sleep(0)
    calls = []
    for i in range(10):
        calls.append(asyncio.ensure_future(ends.process.call(_request(i))))
        for _ in range(5):
            await asyncio.sleep(0)
    assert len(up.seen) == 4
    down.messages.put_nowait(LinkMessage(ack=3).SerializeToString())
    await until(lambda: len(up.seen) == 5)
    assert len(LinkMessage.FromString(up.seen[4]).frames) == 6
    for call in calls:
        call.cancel()
    task.cancel()
    await asyncio.wait({task, *calls})


async def test_two_messages_owed_are_acknowledged_alone(ends, until):
    for i in range(2):
        frame = Frame(call_id=2 + 2 * i, call=_request(i))
        ends.down.messages.put_nowait(LinkMessage(frames=[frame]).SerializeToString())
    await until(lambda: ends.up.seen)
    message = LinkMessage.FromString(ends.up.seen[0])
    assert (message.ack, len(message.frames)) == (2, 0)


async def test_a_long_frame_travels_in_pieces_and_delays_no_short_one(ends):
    ends.host.function = _echo
    long = asyncio.ensure_future(ends.process.call(_request("x" * 9_000_000)))
    await asyncio.sleep(0)
    short = await ends.process.call(_request("short"))
    assert short.result == serialize_value("short")
    assert not long.done()
    assert len((await long).result.value) > 9_000_000


async def test_a_cancelled_caller_cancels_the_call_and_the_late_answer_is_dropped(ends, until):
    told = []

    async def hang(call):
        call.on_cancel = told.append

    ends.host.function = hang
    call = asyncio.ensure_future(ends.process.call(_request(1)))
    await until(lambda: ends.host.calls)
    call.cancel()
    await until(lambda: told)
    assert told[0].type == "Cancelled"
    with pytest.raises(asyncio.CancelledError):
        await call
    late = Frame(call_id=1, result=_answer())
    ends.bridge.send(b"\x1a", late.result.SerializeToString(), 1)
    await until(lambda: ends.process.late_frames == 1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reason", ["Cancelled", "DeadlineExceeded"])
async def test_a_nested_call_ends_for_the_reason_that_ended_its_parent(ends, until, reason, stream):
    told = []

    async def hang(call):
        call.on_cancel = told.append

    async def nested():
        if stream:
            async for _ in ends.process.stream(_request(stream=True), parent=parent):
                pass
        else:
            await ends.process.call(_request(1), parent=parent)

    ends.host.function = hang
    parent = HostedCall(ends.process, 8, _request(2), float("inf"))
    parent.on_cancel = lambda _: call.cancel()
    call = asyncio.ensure_future(nested())
    await until(lambda: ends.host.calls)
    parent.cancel(ErrorInfo(type=reason))
    await until(lambda: told)
    assert told[0].type == reason
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_caller_cancelled_after_its_time_has_run_out_of_it(ends, until):
    told = []

    async def hang(call):
        call.on_cancel = told.append

    ends.host.function = hang
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.05
    call = asyncio.ensure_future(ends.process.call(_request(1), end))
    await until(lambda: ends.host.calls)
    while loop.time() < end:  # the loop does not turn, so that its timer comes late
        pass
    call.cancel()
    await until(lambda: told)
    assert told[0].type == "DeadlineExceeded"
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_deadline_answers_the_caller_and_cancels_the_host(ends, until):
    told = []

    async def hang(call):
        call.on_cancel = told.append

    ends.host.function = hang
    loop = asyncio.get_running_loop()
    response = await ends.process.call(_request(1), loop.time() + 0.02)
    assert response.error.type == "DeadlineExceeded"
    await until(lambda: told)
    assert told[0].type == "DeadlineExceeded"


async def test_a_host_answers_when_the_time_in_the_request_passes(ends):
    response = await ends.process.call(_request(1, timeout_us=20_000))
    assert response.error.type == "DeadlineExceeded"
    assert ends.host.calls[0].stopped.type == "DeadlineExceeded"


async def test_one_timer_keeps_many_deadlines(ends):
    loop = asyncio.get_running_loop()
    calls = [ends.process.call(_request(i), loop.time() + 0.01 + i / 10_000) for i in range(200)]
    responses = await asyncio.gather(*calls)
    assert {r.error.type for r in responses} == {"DeadlineExceeded"}


async def test_chunks_arrive_in_order_and_end(ends):
    async def stream(call):
        for i in range(5):
            await call.send(_chunk(i))
        await call.send(complete(5, 1.0))

    ends.host.function = stream
    chunks = [c async for c in ends.process.stream(_request(stream=True))]
    assert [c.sequence for c in chunks] == list(range(6))
    assert chunks[-1].content.complete.total_chunks == 5


async def test_a_slow_reader_holds_the_producer_back(ends, until):
    sent = 0

    async def stream(call):
        nonlocal sent
        for _ in range(100):
            await call.send(_chunk("x" * 50_000))
            sent += 1
        await call.send(complete(100, 1.0))

    ends.host.function = stream
    chunks = ends.process.stream(_request(stream=True))
    await chunks.__anext__()
    await until(lambda: sent > 10)
    for _ in range(50):
        await asyncio.sleep(0)
    assert sent * 50_000 <= INITIAL_CREDIT + 100_000
    assert len([c async for c in chunks]) == 100


async def test_a_chunk_may_be_larger_than_the_credit(ends):
    async def stream(call):
        for _ in range(3):
            await call.send(_chunk("x" * 5_000_000))
        await call.send(complete(3, 1.0))

    ends.host.function = stream
    chunks = [c async for c in ends.process.stream(_request(stream=True))]
    assert [len(c.content.data.value) > 5_000_000 for c in chunks] == [True, True, True, False]


async def test_leaving_a_stream_cancels_its_call(ends, until):
    told = []

    async def stream(call):
        call.on_cancel = told.append
        while not call.ended:
            await call.send(_chunk("x" * 10_000))

    ends.host.function = stream
    chunks = ends.process.stream(_request(stream=True))
    await chunks.__anext__()
    await chunks.aclose()
    await until(lambda: told)
    assert ends.process.open_calls == 0


async def test_a_streams_deadline_ends_it_with_an_error(ends):
    async def stream(call):
        await call.send(_chunk(1))

    ends.host.function = stream
    end = asyncio.get_running_loop().time() + 0.03
    chunks = [c async for c in ends.process.stream(_request(stream=True), end)]
    assert chunks[-1].content.error.type == "DeadlineExceeded"


async def test_more_calls_than_the_limit_wait_for_a_place(ends, until):
    ends.process.max_calls = 2
    calls = [asyncio.ensure_future(ends.process.call(_request(i))) for i in range(5)]
    await until(lambda: len(ends.host.calls) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(ends.host.calls) == 2
    for i in range(5):
        await until(lambda i=i: len(ends.host.calls) > i)
        ends.host.calls[i].respond(_answer(i))
    assert len(await asyncio.gather(*calls)) == 5


async def test_waiting_for_a_place_ends_at_the_deadline(ends):
    ends.process.max_calls = 0
    end = asyncio.get_running_loop().time() + 0.02
    response = await ends.process.call(_request(1), end)
    assert response.error.type == "DeadlineExceeded"
    chunks = [c async for c in ends.process.stream(_request(1), end)]
    assert chunks[0].content.error.type == "DeadlineExceeded"


async def test_a_full_send_queue_takes_no_call_until_it_drains(ends, until):
    ends.up.blocked.clear()
    ends.host.function = _echo
    calls = [asyncio.ensure_future(ends.process.call(_request("x" * 4_000_000))) for _ in range(6)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert ends.process.outbox.size < SEND_QUEUE + 4_100_000
    ends.up.blocked.set()
    assert len(await asyncio.gather(*calls)) == 6


async def test_a_lost_connection_loses_and_doubles_nothing(ends, until):
    count = 0

    async def slow(call):
        nonlocal count
        count += 1
        await until(release.is_set)
        call.respond(ToolCallResponse(success=True, result=call.request.args[0]))

    release = asyncio.Event()
    ends.host.function = slow
    calls = [asyncio.ensure_future(ends.process.call(_request(i))) for i in range(50)]
    await until(lambda: count > 0)
    ends.down.blocked.clear()
    release.set()
    await until(lambda: not ends.bridge.hosted_calls)
    await ends.disconnect()
    assert not any(call.done() for call in calls)
    ends.resume()
    responses = await asyncio.gather(*calls)
    assert [r.result for r in responses] == [serialize_value(i) for i in range(50)]
    assert count == 50


async def test_calls_wait_while_the_link_is_detached(ends):
    ends.host.function = _echo
    await ends.disconnect()
    call = asyncio.ensure_future(ends.process.call(_request(7)))
    await asyncio.sleep(0)
    ends.resume()
    assert (await call).result == serialize_value(7)


async def test_a_lost_incarnation_ends_calls_on_both_sides(ends, until):
    told = []

    async def hang(call):
        call.on_cancel = told.append

    ends.host.function = hang
    call = asyncio.ensure_future(ends.process.call(_request(1)))
    stream = ends.process.stream(_request(1))
    first = asyncio.ensure_future(stream.__anext__())
    await until(lambda: len(ends.host.calls) == 2)
    await ends.disconnect()
    ends.process.begin_anew("gone")
    ends.bridge.begin_anew("gone")
    for waiting in (call, first):
        with pytest.raises(ToolCommunicationError, match="gone"):
            await waiting
    assert len(told) == 2
    ends.host.function = _echo
    ends.connect()
    assert (await ends.process.call(_request(2))).success


async def test_progress_and_log_reach_the_other_side(ends, until):
    from dspex_bridge_pb2 import LogRecord

    async def work(call):
        call.progress(1, 2, "half")
        call.log(LogRecord(message="note"))
        call.respond(_answer())
        call.progress(2, 2)

    ends.host.function = work
    assert (await ends.process.call(_request(1))).success
    await until(lambda: ends.process.host.controls == ["log"])


async def test_a_ping_is_answered(ends, until):
    ends.bridge.send(b"\x72", Ping(id=5).SerializeToString())
    await until(lambda: ends.host.controls == ["pong"])


async def test_an_unknown_frame_is_ignored(ends):
    ends.bridge.send(b"\xfa\x01", b"of a field that does not exist")
    ends.host.function = _echo
    assert (await ends.process.call(_request(1))).success


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xff\xff",
        LinkMessage(ack=1).SerializeToString(),
        LinkMessage(frames=[Frame(call_id=1, result=_answer())]).SerializeToString(),
        LinkMessage(frames=[Frame(call_id=4, chunk=_chunk(1))]).SerializeToString(),
        LinkMessage(frames=[Frame(call_id=3, call=_request(1))]).SerializeToString(),
        LinkMessage(frames=[Frame(call=_request(1))]).SerializeToString(),
        LinkMessage(frames=[Frame(call_id=2, credit=Credit(bytes=1))]).SerializeToString(),
        LinkMessage(frames=[Frame(call_id=2, cancel=Cancel())]).SerializeToString(),
        LinkMessage(frames=[Frame(call_id=9, progress=Progress())]).SerializeToString(),
        LinkMessage(frames=[Frame(fragment=Fragment(id=1, data=b"x"))]).SerializeToString(),
        LinkMessage(
            frames=[Frame(fragment=Fragment(id=1, data=b"x", total=17 << 20))]
        ).SerializeToString(),
        LinkMessage(
            frames=[Frame(fragment=Fragment(id=1, data=b"xyz", total=2))]
        ).SerializeToString(),
        LinkMessage(
            frames=[Frame(fragment=Fragment(id=1, data=b"\xff\xff", total=2))]
        ).SerializeToString(),
        LinkMessage(frames=[Frame(welcome=Welcome())]).SerializeToString(),
    ],
)
async def test_a_violation_is_told_and_ends_the_link(ends, message):
    ends.down.messages.put_nowait(message)
    with pytest.raises(ProtocolViolationError):
        await ends.tasks[0]
    assert not ends.process.attached
    last = LinkMessage.FromString(ends.up.seen[-1])
    assert last.frames[0].protocol_error.error.type == "ProtocolError"


async def test_chunks_beyond_the_credit_are_a_violation(ends):
    async def flood(call):
        call._credit = 1 << 30
        for _ in range(40):
            await call.send(_chunk("x" * 60_000))

    ends.host.function = flood
    stream = ends.process.stream(_request(stream=True))
    first = asyncio.ensure_future(stream.__anext__())
    with pytest.raises(ProtocolViolationError, match="credit"):
        await ends.tasks[0]
    await first
    await stream.aclose()


async def test_the_same_id_twice_is_a_violation(ends):
    frame = Frame(call_id=2, call=_request(1))
    ends.down.messages.put_nowait(LinkMessage(frames=[frame, frame]).SerializeToString())
    with pytest.raises(ProtocolViolationError, match="twice"):
        await ends.tasks[0]


async def test_a_host_may_answer_once(ends):
    async def twice(call):
        call.respond(_answer(1))
        call.respond(_answer(2))
        await call.send(_chunk(3))
        call.cancel(ErrorInfo())

    ends.host.function = twice
    assert (await ends.process.call(_request(1))).result == serialize_value(1)
    assert (await ends.process.call(_request(1))).result == serialize_value(1)
    assert ends.process.late_frames == 0


async def test_an_error_chunk_waits_for_credit_without_a_task(ends, until):
    async def stream(call):
        call._credit = 0
        call.send_now(ToolStreamChunk(content=ToolStreamContent(error=ErrorInfo(type="Internal"))))
        assert not call.ended
        call.grant(1000)
        assert call.ended

    ends.host.function = stream
    chunks = [c async for c in ends.process.stream(_request(stream=True))]
    assert [c.content.error.type for c in chunks] == ["Internal"]
