"""One end of a link: the multiplexed connection of ``rpc Link``, as proto/dspex_bridge.proto describes it.

A :class:`Link` is symmetric: it makes calls, hosts calls, and keeps everything that outlives a lost
connection. It is fed and drained by :meth:`Link.run` over any :class:`Transport`; who dials, greets and
registers is :mod:`grpc_tool_bridge.connection`.

All of it belongs to one event loop; nothing here may be touched from another thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

import grpc
from google.protobuf.message import DecodeError

from dspex_bridge_pb2 import (
    Cancel,
    CompleteSignal,
    Credit,
    ErrorInfo,
    Frame,
    LinkMessage,
    LogRecord,
    Pong,
    Progress,
    ProtocolError,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)

from .errors import ToolCommunicationError
from .packing import MAX_PIECE, Assembler, Outbox, ProtocolViolationError, Window, body_tag

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from dspex_bridge_pb2 import Fragment, ToolCallRequest

MAX_CALLS = 4096
"""Calls that one side may have under way at the other, where it names no other limit."""
SEND_QUEUE = 8 * 1024 * 1024
"""While so many bytes wait to be sent, the link takes no further call, result or chunk."""
INITIAL_CREDIT = 1024 * 1024
"""Chunk bytes that may be sent for a call before the first ``credit``."""
NO_DEADLINE = float("inf")
_TIMER_STEP = 0.002
_CALL = body_tag("call")
_RESULT = body_tag("result")
_CHUNK = body_tag("chunk")
_CREDIT = body_tag("credit")
_CANCEL = body_tag("cancel")
_PROGRESS = body_tag("progress")
_LOG = body_tag("log")
_PONG = body_tag("pong")
_PROTOCOL_ERROR = body_tag("protocol_error")
# What a frame has around its body at most: the call's id, the body's tag and length.
_FRAME_OVERHEAD = 16


class Transport(Protocol):
    """What carries the messages of a link."""

    async def read(self) -> bytes | None:
        """The next message; None at the end."""
        ...

    async def write(self, message: bytes) -> None:
        """Sends a message; returns when the next may be given."""
        ...


class LinkHost(Protocol):
    """What a link tells its owner. Called on the link's loop; must return at once."""

    def on_call(self, call: HostedCall) -> None:
        """The other side makes a call."""
        ...

    def on_control(self, name: str, frame: Frame) -> None:
        """A frame of the link itself that the link does not treat: ``name`` is its body's."""
        ...


class Link:
    """One end of a link; see the module."""

    def __init__(
        self,
        host: LinkHost,
        *,
        first_call_id: int,
        initial_credit: int = INITIAL_CREDIT,
        describe: str = "the link",
    ) -> None:
        self.host = host
        self.max_calls = MAX_CALLS
        """Calls that this side may have under way at the other."""
        self.initial_credit = initial_credit
        self.describe = describe
        self.attached = False
        """A connection carries the link now."""
        self.late_frames = 0
        """Frames that were dropped because their call had ended."""
        self.window = Window()
        self.outbox = Outbox()
        self._assembler = Assembler()
        self._loop = asyncio.get_running_loop()
        self._first_call_id = first_call_id
        self._next_call_id = first_call_id
        self._highest_hosted = 0
        # What this side waits for; a reply stands beside its deadline on the loop's clock.
        self._replies: dict[int, tuple[asyncio.Future[ToolCallResponse], float]] = {}
        self._streams: dict[int, ChunkStream] = {}
        self._hosted: dict[int, HostedCall] = {}
        self._wake: asyncio.Future[None] | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._next_check = NO_DEADLINE
        self._idle: asyncio.Future[None] | None = None

    # --- calls of this side ---

    async def call(
        self, request: ToolCallRequest, deadline: float = NO_DEADLINE
    ) -> ToolCallResponse:
        """Makes a call and waits for its one answer.

        Args:
            request: Sent as it is; its ``timeout_us`` belongs to the caller.
            deadline: On the loop's clock; when it passes, the answer is `DeadlineExceeded` and the call is cancelled.
        """
        body = request.SerializeToString()
        if self._is_closed_to_calls() and not await self._admit(deadline):
            return _timed_out("before the link could take it")
        call_id = self._next_call_id
        self._next_call_id = call_id + 2
        future: asyncio.Future[ToolCallResponse] = self._loop.create_future()
        self._replies[call_id] = (future, deadline)
        if deadline < self._next_check:
            self._check_at(deadline)
        self.outbox.put(call_id, _CALL, body)
        self._wake_writer()
        try:
            return await future
        except asyncio.CancelledError:
            if self._replies.pop(call_id, None) is not None:
                self._send_cancel(call_id, "Cancelled", "the caller was cancelled")
                self._let_in()
            raise

    async def stream(
        self, request: ToolCallRequest, deadline: float = NO_DEADLINE
    ) -> AsyncGenerator[ToolStreamChunk, None]:
        """Makes a call and yields its chunks, the last one included; leaving early cancels it."""
        body = request.SerializeToString()
        if self._is_closed_to_calls() and not await self._admit(deadline):
            yield _timed_out_chunk("before the link could take it")
            return
        call_id = self._next_call_id
        self._next_call_id = call_id + 2
        stream = ChunkStream(self, call_id, deadline)
        self._streams[call_id] = stream
        if deadline < self._next_check:
            self._check_at(deadline)
        self.outbox.put(call_id, _CALL, body)
        self._wake_writer()
        try:
            while True:
                chunk = await stream.next()
                yield chunk
                if _is_last(chunk):
                    return
        finally:
            if self._streams.pop(call_id, None) is not None:
                self._send_cancel(call_id, "Cancelled", "the reader left the stream")
                self._let_in()

    def cancel_all(self, reason: str) -> None:
        """Tells the other side that no answer is wanted any more, of any call of this side."""
        for call_id in (*self._replies, *self._streams):
            self._send_cancel(call_id, "Cancelled", reason)

    @property
    def open_calls(self) -> int:
        """Calls of this side that wait for their answer."""
        return len(self._replies) + len(self._streams)

    @property
    def hosted_calls(self) -> tuple[HostedCall, ...]:
        """Calls of the other side that run here."""
        return tuple(self._hosted.values())

    def _is_closed_to_calls(self) -> bool:
        return (
            not self.attached
            or self.outbox.size >= SEND_QUEUE
            or len(self._replies) + len(self._streams) >= self.max_calls
        )

    async def _admit(self, deadline: float) -> bool:
        """Waits until a call may be made; says whether that was before the deadline."""
        while self._is_closed_to_calls():
            if not await self._wait_for_room(deadline):
                return False
        return True

    async def room(self) -> None:
        """Waits until the send queue takes a result or a chunk."""
        while self.outbox.size >= SEND_QUEUE:
            await self._wait_for_room(NO_DEADLINE)

    async def _wait_for_room(self, deadline: float) -> bool:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        timer = None
        if deadline < NO_DEADLINE:
            timer = self._loop.call_at(deadline, _resolve, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._let_in()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return self._loop.time() < deadline

    def _let_in(self) -> None:
        # All of them look again: what they wait for differs, and waiting is the rare case.
        while self._waiters:
            _resolve(self._waiters.popleft())

    def send(self, tag: bytes, body: bytes, call_id: int = 0) -> None:
        """Queues a frame; ``tag`` is :func:`~grpc_tool_bridge.packing.body_tag` of its body."""
        self.outbox.put(call_id, tag, body)
        self._wake_writer()

    def _send_cancel(self, call_id: int, error_type: str, message: str) -> None:
        cancel = Cancel(error=ErrorInfo(type=error_type, message=message))
        self.send(_CANCEL, cancel.SerializeToString(), call_id)

    # --- deadlines: one timer a link ---

    def _check_at(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_check = deadline
        self._timer = self._loop.call_at(deadline, self._check_deadlines)

    def _check_deadlines(self) -> None:
        now = self._loop.time()
        self._timer, self._next_check = None, NO_DEADLINE
        soonest = NO_DEADLINE
        for call_id, (future, deadline) in list(self._replies.items()):
            if deadline <= now:
                del self._replies[call_id]
                self._send_cancel(call_id, "DeadlineExceeded", "the caller's time passed")
                if not future.done():
                    future.set_result(_timed_out("before the call was answered"))
            elif deadline < soonest:
                soonest = deadline
        for stream in list(self._streams.values()):
            if stream.deadline <= now:
                stream.expire()
            else:
                soonest = min(soonest, stream.deadline)
        for hosted in list(self._hosted.values()):
            if hosted.deadline <= now:
                hosted.expire()
            else:
                soonest = min(soonest, hosted.deadline)
        self._let_in()
        if soonest < NO_DEADLINE:
            self._check_at(max(soonest, now + _TIMER_STEP))

    # --- the connection ---

    async def run(self, transport: Transport) -> None:
        """Carries the link over a connection until it ends.

        Raises:
            ProtocolViolationError: The other side broke the protocol, and was told so.
        """
        self.attached = True
        self._let_in()
        writer = asyncio.ensure_future(self._write(transport))
        reader = asyncio.ensure_future(self._read(transport))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.attached = False
            if self._idle is not None:
                _resolve(self._idle)
            writer.cancel()
            reader.cancel()
            await asyncio.wait({writer, reader})
        for task in (reader, writer):
            error = None if task.cancelled() else task.exception()
            if isinstance(error, ProtocolViolationError):
                await _tell_violation(transport, error)
            if error is not None:
                raise error

    async def _write(self, transport: Transport) -> None:
        window, outbox = self.window, self.outbox
        for body in window.unacknowledged:
            await transport.write(window.stamp(body))
        while True:
            body = window.next_frames(outbox)
            if body:
                if self._waiters:
                    self._let_in()
                await transport.write(window.stamp(body))
            elif window.owed >= 2:  # noqa: PLR2004 - the protocol's own number
                await transport.write(window.stamp(b""))
            else:
                if self._idle is not None:
                    _resolve(self._idle)
                self._wake = self._loop.create_future()
                await self._wake

    def _wake_writer(self) -> None:
        wake = self._wake
        if wake is not None and not wake.done():
            wake.set_result(None)

    async def _read(self, transport: Transport) -> None:
        while True:
            data = await transport.read()
            if data is None:
                return
            self.receive(data)

    def receive(self, data: bytes) -> None:
        """Takes a message."""
        try:
            message = LinkMessage.FromString(data)
        except DecodeError as error:
            raise ProtocolViolationError(
                f"a message of {len(data)} bytes cannot be decoded"
            ) from error
        window = self.window
        opened = window.acknowledge(message.ack)
        frames = message.frames
        if frames:
            window.received += 1
            replies = self._replies
            for frame in frames:
                name = frame.WhichOneof("body")
                if name == "result":
                    reply = replies.pop(frame.call_id, None)
                    if reply is None:
                        self._drop(frame.call_id, own=True)
                    elif not reply[0].done():
                        reply[0].set_result(frame.result)
                elif name is not None:
                    self._treat(name, frame)
            if self._waiters:
                self._let_in()
        if opened or window.owed >= 2:  # noqa: PLR2004 - the protocol's own number
            self._wake_writer()

    def _treat(self, name: str, frame: Frame) -> None:
        if name == "call":
            self._host(frame)
        elif name == "chunk":
            self._take_chunk(frame, frame.ByteSize())
        elif name == "fragment":
            self._take_fragment(frame)
        elif name == "credit":
            self._of_hosted(frame.call_id, lambda call: call.grant(frame.credit.bytes))
        elif name == "cancel":
            self._of_hosted(frame.call_id, lambda call: call.cancel(frame.cancel.error))
        elif name == "progress":
            self._take_progress(frame)
        elif name == "ping":
            self.send(_PONG, Pong(id=frame.ping.id).SerializeToString())
        elif name in {"hello", "welcome"}:
            raise ProtocolViolationError(f"{name!r} does not come twice")
        else:
            self.host.on_control(name, frame)

    def _host(self, frame: Frame) -> None:
        call_id = frame.call_id
        if not call_id or call_id % 2 == self._first_call_id % 2:
            raise ProtocolViolationError(f"a call has the id {call_id}, which is not the sender's")
        if call_id in self._hosted:
            raise ProtocolViolationError(f"the call id {call_id} is used twice")
        self._highest_hosted = max(self._highest_hosted, call_id)
        request = frame.call
        deadline = NO_DEADLINE
        if request.timeout_us:
            deadline = self._loop.time() + request.timeout_us / 1e6
        call = HostedCall(self, call_id, request, deadline)
        self._hosted[call_id] = call
        if deadline < self._next_check:
            self._check_at(deadline)
        self.host.on_call(call)

    def _of_hosted(self, call_id: int, act: Callable[[HostedCall], None]) -> None:
        call = self._hosted.get(call_id)
        if call is None:
            self._drop(call_id, own=False)
        else:
            act(call)

    def _take_chunk(self, frame: Frame, cost: int) -> None:
        stream = self._streams.get(frame.call_id)
        if stream is None:
            self._drop(frame.call_id, own=True)
            return
        stream.put(frame.chunk, cost)
        if _is_last(frame.chunk):
            del self._streams[frame.call_id]

    def _take_fragment(self, frame: Frame) -> None:
        stream = self._streams.get(frame.call_id)
        size = len(frame.fragment.data)
        if stream is not None:
            stream.assemble(size)
        whole = self._assembled(frame.fragment)
        if whole is None:
            return
        inner = Frame()
        try:
            inner.ParseFromString(whole)
        except DecodeError as error:
            raise ProtocolViolationError(
                f"a frame of {len(whole)} bytes cannot be decoded"
            ) from error
        name = inner.WhichOneof("body")
        if name == "result":
            reply = self._replies.pop(inner.call_id, None)
            if reply is None:
                self._drop(inner.call_id, own=True)
            elif not reply[0].done():
                reply[0].set_result(inner.result)
        elif name == "chunk" and stream is not None:
            stream.whole(inner.chunk, len(whole))
            if _is_last(inner.chunk):
                del self._streams[inner.call_id]
        elif name == "fragment":
            raise ProtocolViolationError("a fragment may not hold a fragment")
        elif name is not None:
            self._treat(name, inner)

    def _assembled(self, fragment: Fragment) -> bytes | None:
        return self._assembler.add(fragment)

    def _take_progress(self, frame: Frame) -> None:
        stream = self._streams.get(frame.call_id)
        if stream is not None:
            stream.progress(frame.progress)
        elif frame.call_id not in self._replies:
            self._drop(frame.call_id, own=True)

    def _drop(self, call_id: int, *, own: bool) -> None:
        """A frame for a call that is not open: late, or a violation."""
        parity = self._first_call_id % 2 if own else 1 - self._first_call_id % 2
        issued = self._next_call_id - 2 if own else self._highest_hosted
        if not call_id or call_id % 2 != parity or call_id > issued:
            raise ProtocolViolationError(f"a frame names the call {call_id}, which was never made")
        self.late_frames += 1

    def forget(self, call_id: int) -> None:
        """A hosted call has its answer."""
        self._hosted.pop(call_id, None)
        if self._idle is not None and not self._hosted:
            _resolve(self._idle)

    async def until_idle(self, end: float) -> None:
        """Waits, at most until ``end`` on the loop's clock, until no hosted call runs and all is sent."""
        await self._until(lambda: not self._hosted and not self.outbox, end)

    async def until_sent(self, end: float) -> None:
        """Waits, at most until ``end`` on the loop's clock, until no frame waits to be sent."""
        await self._until(lambda: not self.outbox, end)

    async def _until(self, holds: Callable[[], bool], end: float) -> None:
        while not holds() and self.attached:
            self._idle = self._loop.create_future()
            timer = self._loop.call_at(end, _resolve, self._idle)
            try:
                await self._idle
            finally:
                timer.cancel()
                self._idle = None
            if self._loop.time() >= end:
                return

    # --- the incarnation ---

    def resume(self, received: int) -> None:
        """The other side has read so many counted messages of this incarnation, and it goes on."""
        self.window.acknowledge(max(received, self.window.acknowledged))

    def begin_anew(self, reason: str) -> None:
        """Ends every call and starts a new incarnation from zero.

        Calls of this side end as ``ToolCommunicationError``, those of the other side are cancelled.
        """
        self.window = Window()
        self.outbox.clear()
        self._assembler.clear()
        self._next_call_id = self._first_call_id
        self._highest_hosted = 0
        replies, self._replies = self._replies, {}
        streams, self._streams = self._streams, {}
        hosted, self._hosted = self._hosted, {}
        for future, _ in replies.values():
            if not future.done():
                future.set_exception(self._lost(reason))
        for stream in streams.values():
            stream.fail(self._lost(reason))
        for call in hosted.values():
            call.orphan(reason)
        self._let_in()

    def _lost(self, reason: str) -> ToolCommunicationError:
        return ToolCommunicationError(
            "",
            grpc.StatusCode.UNAVAILABLE,
            f"{self.describe} was lost ({reason}); whether the call ran is not known",
            retryable=False,
        )

    def close(self) -> None:
        """Stops the timer; the link is not used again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class ChunkStream:
    """The chunks of a call of this side, on their way to its reader."""

    def __init__(self, link: Link, call_id: int, deadline: float) -> None:
        self.deadline = deadline
        self._link = link
        self._call_id = call_id
        self._chunks: deque[tuple[ToolStreamChunk, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        # Bytes that were received and not granted anew, and of those the ones in chunks not yet taken.
        self._held = 0
        self._unread = 0
        self._step = min(256 * 1024, max(1, link.initial_credit // 4))

    async def next(self) -> ToolStreamChunk:
        """The next chunk."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        chunk, cost = self._chunks.popleft()
        self._unread -= cost
        self._grant()
        return chunk

    def put(self, chunk: ToolStreamChunk, cost: int) -> None:
        """A chunk came whole."""
        self.assemble(cost, grant=False)
        self.whole(chunk, cost)

    def assemble(self, size: int, *, grant: bool = True) -> None:
        """So many bytes of a chunk came."""
        self._held += size
        if self._held > self._link.initial_credit:
            raise ProtocolViolationError(
                f"call {self._call_id} sent {self._held - self._link.initial_credit} bytes of "
                "chunks more than its credit"
            )
        if grant:
            self._grant()

    def whole(self, chunk: ToolStreamChunk, size: int) -> None:
        """A chunk of so many bytes, which came before, is whole."""
        self._unread += size
        self._chunks.append((chunk, size))
        self._notify()

    def progress(self, progress: Progress) -> None:
        """The host says how far it is."""

    def _grant(self) -> None:
        bytes_free = self._held - max(self._unread, 0)
        if bytes_free >= self._step and self._call_id in self._link._streams:  # noqa: SLF001 - one module
            self._held -= bytes_free
            self._link.send(_CREDIT, Credit(bytes=bytes_free).SerializeToString(), self._call_id)

    def expire(self) -> None:
        """The caller's time passed."""
        self._link._streams.pop(self._call_id, None)  # noqa: SLF001 - one module
        self._link._send_cancel(self._call_id, "DeadlineExceeded", "the caller's time passed")  # noqa: SLF001
        self._chunks.append((_timed_out_chunk("before the stream was whole"), 0))
        self._notify()

    def fail(self, error: Exception) -> None:
        """The link was lost; what came before is still read."""
        self._failure = error
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None:
            _resolve(self._waiter)


class HostedCall:
    """A call of the other side, from its arrival to its answer."""

    __slots__ = (
        "_credit",
        "_ended",
        "_last",
        "_link",
        "_sequence",
        "_waiter",
        "call_id",
        "deadline",
        "on_cancel",
        "request",
        "stopped",
    )

    def __init__(self, link: Link, call_id: int, request: ToolCallRequest, deadline: float) -> None:
        self.call_id = call_id
        self.request = request
        self.deadline = deadline
        """On the loop's clock."""
        self.on_cancel: Callable[[ErrorInfo], None] | None = None
        """Called once when no answer is wanted any more."""
        self.stopped: ErrorInfo | None = None
        """Why no answer is wanted any more; None while one is."""
        self._link = link
        self._credit = link.initial_credit
        self._sequence = 0
        self._last = b""
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def link(self) -> Link:
        """The link it came over."""
        return self._link

    @property
    def ended(self) -> bool:
        """It was answered, or its answer is not wanted."""
        return self._ended

    async def room(self) -> None:
        """Waits until the link takes an answer."""
        if self._link.outbox.size >= SEND_QUEUE:
            await self._link.room()

    def respond(self, response: ToolCallResponse) -> None:
        """Answers a call without chunks. What comes after the end is dropped."""
        if self._end():
            self._link.send(_RESULT, response.SerializeToString(), self.call_id)

    async def send(self, chunk: ToolStreamChunk) -> None:
        """Sends a chunk, numbered here; waits for credit and room."""
        if self._ended or self._last:
            return
        last = _is_last(chunk)
        chunk.sequence = self._sequence
        self._sequence += 1
        body = chunk.SerializeToString()
        if len(body) + _FRAME_OVERHEAD <= MAX_PIECE:
            if self._credit < len(body) + _FRAME_OVERHEAD or self._link.outbox.size >= SEND_QUEUE:
                await self._wait(len(body) + _FRAME_OVERHEAD)
            await self._put(body, last=last)
        else:
            await self._put_pieces(chunk, last=last)

    async def _put(self, body: bytes, *, last: bool) -> None:
        if self._ended or self._last:
            return
        # The reader counts the frame as serialized; this is never less.
        self._credit -= len(body) + _FRAME_OVERHEAD
        if last:
            self._end()
        self._link.send(_CHUNK, body, self.call_id)

    async def _put_pieces(self, chunk: ToolStreamChunk, *, last: bool) -> None:
        frame = Frame(call_id=self.call_id, chunk=chunk).SerializeToString()
        for piece in self._link.outbox.cut(self.call_id, frame):
            size = len(piece.fragment.data)
            if self._credit < size or self._link.outbox.size >= SEND_QUEUE:
                await self._wait(size)
            self._credit -= size
            self._link.outbox.put_piece(self.call_id, piece)
            self._link._wake_writer()  # noqa: SLF001 - one module
        if last:
            self._end()

    async def _wait(self, size: int) -> None:
        while not self._ended and self._credit < size:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if not self._ended:
            await self.room()

    def grant(self, size: int) -> None:
        """The reader lets so many more bytes of chunks come."""
        self._credit += size
        self._send_last()
        if self._waiter is not None:
            _resolve(self._waiter)

    def progress(self, done: float, total: float = 0.0, message: str = "") -> None:
        """Says how far the call is."""
        if not self._ended:
            body = Progress(done=done, total=total, message=message).SerializeToString()
            self._link.send(_PROGRESS, body, self.call_id)

    def log(self, record: LogRecord) -> None:
        """Sends a log record of the call."""
        if not self._ended:
            self._link.send(_LOG, record.SerializeToString(), self.call_id)

    def cancel(self, error: ErrorInfo) -> None:
        """The caller wants no answer any more."""
        self._stop(error if error.type else ErrorInfo(type="Cancelled", message="cancelled"))

    def send_now(self, chunk: ToolStreamChunk) -> None:
        """Sends a short last chunk as soon as credit lets it, without waiting here."""
        if self._ended or self._last:
            return
        chunk.sequence = self._sequence
        self._last = chunk.SerializeToString()
        self._send_last()

    def _send_last(self) -> None:
        if self._last and self._credit >= len(self._last) + _FRAME_OVERHEAD and self._end():
            self._link.send(_CHUNK, self._last, self.call_id)

    def expire(self) -> None:
        """The call's time passed; it is answered so."""
        if self.request.stream:
            self.send_now(_timed_out_chunk("while the tool ran"))
        else:
            self.respond(_timed_out("while the tool ran"))
        self.deadline = NO_DEADLINE
        self._tell_stopped(ErrorInfo(type="DeadlineExceeded", message="the call's time passed"))

    def orphan(self, reason: str) -> None:
        """The link was lost for good."""
        self._stop(ErrorInfo(type="Cancelled", message=f"the link was lost: {reason}"))

    def _stop(self, error: ErrorInfo) -> None:
        self._end()
        self._tell_stopped(error)

    def _tell_stopped(self, error: ErrorInfo) -> None:
        if self.stopped is None:
            self.stopped = error
            if self.on_cancel is not None:
                self.on_cancel(error)

    def _end(self) -> bool:
        """Says whether it was open until now."""
        if self._ended:
            return False
        self._ended = True
        self._link.forget(self.call_id)
        if self._waiter is not None:
            _resolve(self._waiter)
        return True


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_last(chunk: ToolStreamChunk) -> bool:
    return chunk.content.WhichOneof("kind") in {"complete", "error"}


def _timed_out(when: str) -> ToolCallResponse:
    error = ErrorInfo(type="DeadlineExceeded", message=f"the call's time passed {when}")
    return ToolCallResponse(success=False, error=error)


def _timed_out_chunk(when: str) -> ToolStreamChunk:
    error = ErrorInfo(type="DeadlineExceeded", message=f"the stream's time passed {when}")
    return ToolStreamChunk(content=ToolStreamContent(error=error))


def complete(total_chunks: int, duration_ms: float) -> ToolStreamChunk:
    """The chunk that ends a whole stream."""
    signal = CompleteSignal(total_chunks=total_chunks)
    signal.metrics.execute_ms = duration_ms
    return ToolStreamChunk(content=ToolStreamContent(complete=signal))


async def _tell_violation(transport: Transport, error: ProtocolViolationError) -> None:
    body = ProtocolError(error=ErrorInfo(type="ProtocolError", message=str(error)))
    message = LinkMessage(frames=[Frame(protocol_error=body)]).SerializeToString()
    try:
        await asyncio.wait_for(transport.write(message), 1)
    except (grpc.RpcError, asyncio.TimeoutError, asyncio.InvalidStateError):
        return
