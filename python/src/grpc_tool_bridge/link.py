"""One end of a link: the multiplexed connection of ``rpc Link``, as proto/dspex_bridge.proto describes it.

A :class:`Link` is symmetric: it makes calls, hosts calls, and keeps everything that outlives a lost
connection. It is fed and drained by :meth:`Link.run` over any ``Transport``; who dials, greets and
registers is :mod:`grpc_tool_bridge.connection`.

All of it belongs to one event loop; nothing here may be touched from another thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, overload

import grpc
from google.protobuf.message import DecodeError

from dspex_bridge_pb2 import (
    BatchExecuteToolsResponse,
    Cancel,
    ErrorInfo,
    Frame,
    LinkMessage,
    Pong,
    ProtocolError,
    ToolCallResponse,
)

from .bounds import MAX_BODY, refused_call, refused_stream
from .calls import (
    NO_DEADLINE,
    ChunkStream,
    HostedCall,
    is_last,
    resolve,
    timed_out,
    timed_out_chunk,
)
from .errors import ProtocolError as BadAnswerError
from .errors import ToolCommunicationError
from .largeframes import (
    LARGE_MESSAGE,
    LargeChunk,
    LargeFragment,
    LargeFrame,
    LargeResponse,
    read_frame,
    read_message,
)
from .moving import TabledResponse, TableReader, TableSender
from .packing import SEND_QUEUE, Assembler, Outbox, ProtocolViolationError, Window, body_tag
from .tables import MAX_TABLE_BYTES
from .transports import Delivering

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from dspex_bridge_pb2 import Fragment, ToolCallRequest, ToolStreamChunk

    from .tables import LargeTable
    from .transports import Transport

MAX_CALLS = 4096
"""Calls that one side may have under way at the other, where it names no other limit."""
INITIAL_CREDIT = 1024 * 1024
"""Chunk bytes that may be sent for a call before the first ``credit``."""
_TIMER_STEP = 0.002
_CALL = body_tag("call")
_BATCH = body_tag("batch")
_CANCEL = body_tag("cancel")
_PONG = body_tag("pong")


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
        self.loop = self._loop = asyncio.get_running_loop()
        """The one to which all of it belongs."""
        self._first_call_id = first_call_id
        self._next_call_id = first_call_id
        self._highest_hosted = 0
        # What this side waits for; a reply stands beside its deadline on the loop's clock.
        # None is the reply to a call whose time passed.
        self._replies: dict[int, tuple[asyncio.Future[Any], float]] = {}
        self._streams: dict[int, ChunkStream] = {}
        self._hosted: dict[int, HostedCall] = {}
        # Tables in pieces: those of this side's calls, and those of their results.
        self._senders: dict[int, TableSender] = {}
        self._readers: dict[int, TableReader] = {}
        self.max_table_bytes = MAX_TABLE_BYTES
        """What the tables of a call may have together that come in pieces."""
        self._wake: asyncio.Future[None] | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._next_check = NO_DEADLINE
        self._idle: asyncio.Future[None] | None = None

    # --- calls of this side ---

    async def call(
        self,
        request: ToolCallRequest,
        deadline: float = NO_DEADLINE,
        tables: Sequence[LargeTable] | None = None,
        parent: HostedCall | None = None,
    ) -> ToolCallResponse | TabledResponse | LargeResponse:
        """Makes a call and waits for its one answer.

        Args:
            request: Sent as it is; its ``timeout_us`` belongs to the caller.
            deadline: On the loop's clock; when it passes, the answer is `DeadlineExceeded` and the call is cancelled.
            tables: Of the arguments, to be sent in pieces. Unless it is None, the result may come so too, and is
                then a :class:`TabledResponse`; or be large, and is then a :class:`LargeResponse`.
            parent: The call during which it is made.
        """
        if tables is not None:
            _announce(request, tables)
        body = request.SerializeToString()
        if len(body) > MAX_BODY:
            return refused_call(request, len(body))
        if self._is_closed_to_calls() and not await self._admit(deadline):
            return timed_out(request, "before the link could take it")
        call_id = self._next_call_id
        self._next_call_id = call_id + 2
        future: asyncio.Future[ToolCallResponse | LargeResponse | None]
        future = self._loop.create_future()
        self._replies[call_id] = (future, deadline)
        if deadline < self._next_check:
            self._check_at(deadline)
        self.outbox.put(call_id, _CALL, body)
        self.wake_writer()
        if tables:
            self._send_tables(call_id, tables)
        try:
            reply = await future
        except asyncio.CancelledError:
            if self._replies.pop(call_id, None) is not None:
                self._leave(call_id, deadline, parent, "the caller was cancelled")
            raise
        finally:
            if tables:
                self._end_tables(call_id)
            reader = self._readers.pop(call_id, None) if self._readers else None
        if reader is not None and reply is not None:
            return reader.answer(reply)
        if reply is None:
            return timed_out(request, "before it was answered")
        if tables is None and isinstance(reply, LargeResponse):
            return reply.message()
        return reply

    async def batch(self, body: bytes) -> BatchExecuteToolsResponse:
        """Makes many calls at once and waits for the one answer; cancelling it cancels what has not ended of them.

        Args:
            body: A ``BatchExecuteToolsRequest``. The bridge keeps its ``timeout_us``.
        """
        if self._is_closed_to_calls():
            await self._admit(NO_DEADLINE)
        call_id = self._next_call_id
        self._next_call_id = call_id + 2
        future: asyncio.Future[object] = self._loop.create_future()
        self._replies[call_id] = (future, NO_DEADLINE)
        self.outbox.put(call_id, _BATCH, body)
        self.wake_writer()
        try:
            reply = await future
        except asyncio.CancelledError:
            if self._replies.pop(call_id, None) is not None:
                self.send_cancel(call_id, "Cancelled", "the caller was cancelled")
                self._let_in()
            raise
        if not isinstance(reply, BatchExecuteToolsResponse):
            raise BadAnswerError(f"a batch was answered with a {type(reply).__name__}")
        return reply

    def _send_tables(self, call_id: int, tables: Sequence[LargeTable]) -> None:
        sender = TableSender(self, call_id)
        self._senders[call_id] = sender
        sender.start(tables, lambda error: self._fail_call(call_id, error))

    def _end_tables(self, call_id: int) -> None:
        sender = self._senders.pop(call_id, None)
        if sender is not None:
            sender.stop()

    def _fail_call(self, call_id: int, error: Exception) -> None:
        """A table of a call of this side cannot be sent."""
        stream = self._streams.pop(call_id, None)
        if stream is not None:
            stream.fail(error)
        reply = self._replies.pop(call_id, None)
        if reply is not None and not reply[0].done():
            reply[0].set_exception(error)
        self.send_cancel(call_id, "Cancelled", "the caller failed to send a table")
        self._let_in()

    @overload
    def stream(
        self, request: ToolCallRequest, deadline: float = NO_DEADLINE, tables: None = None
    ) -> AsyncGenerator[ToolStreamChunk, None]: ...

    @overload
    def stream(
        self,
        request: ToolCallRequest,
        deadline: float = NO_DEADLINE,
        tables: Sequence[LargeTable] | None = None,
        parent: HostedCall | None = None,
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]: ...

    async def stream(
        self,
        request: ToolCallRequest,
        deadline: float = NO_DEADLINE,
        tables: Sequence[LargeTable] | None = None,
        parent: HostedCall | None = None,
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]:
        """Makes a call and yields its chunks, the last one included; leaving early cancels it.

        Args:
            request: As for a call.
            deadline: As for a call.
            tables: Of the arguments, to be sent in pieces. Unless it is None, a chunk that is large comes as a
                :class:`LargeChunk`.
            parent: As for a call.
        """
        if tables:
            request.tables = len(tables)
        body = request.SerializeToString()
        if len(body) > MAX_BODY:
            yield refused_stream(request, len(body))
            return
        if self._is_closed_to_calls() and not await self._admit(deadline):
            yield timed_out_chunk(request, "before the link could take it")
            return
        call_id = self._next_call_id
        self._next_call_id = call_id + 2
        stream = ChunkStream(self, call_id, request, deadline)
        self._streams[call_id] = stream
        if deadline < self._next_check:
            self._check_at(deadline)
        self.outbox.put(call_id, _CALL, body)
        self.wake_writer()
        if tables:
            self._send_tables(call_id, tables)
        try:
            while True:
                chunk = await stream.next()
                if tables is None and isinstance(chunk, LargeChunk):
                    chunk = chunk.message()
                yield chunk
                if is_last(chunk):
                    return
        finally:
            if tables:
                self._end_tables(call_id)
            if self._streams.pop(call_id, None) is not None:
                self._leave(call_id, deadline, parent, "the reader left the stream")

    def cancel_all(self, reason: str) -> None:
        """Tells the other side that no answer is wanted any more, of any call of this side."""
        for call_id in (*self._replies, *self._streams):
            self.send_cancel(call_id, "Cancelled", reason)

    def reads(self, call_id: int) -> bool:
        """Chunks of this call are still wanted."""
        return call_id in self._streams

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
            timer = self._loop.call_at(deadline, resolve, waiter)
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
            resolve(self._waiters.popleft())

    def send(self, tag: bytes, body: bytes, call_id: int = 0) -> None:
        """Queues a frame; ``tag`` is :func:`~grpc_tool_bridge.packing.body_tag` of its body."""
        self.outbox.put(call_id, tag, body)
        self.wake_writer()

    def send_cancel(self, call_id: int, error_type: str, message: str) -> None:
        """Tells the other side that no answer of this call is wanted any more."""
        cancel = Cancel(error=ErrorInfo(type=error_type, message=message))
        self.send(_CANCEL, cancel.SerializeToString(), call_id)

    def _leave(
        self, call_id: int, deadline: float, parent: HostedCall | None, message: str
    ) -> None:
        """Tells the other side that the caller has left; because time is over, if its own or its parent's is."""
        late = self._loop.time() >= deadline or (
            parent is not None
            and parent.stopped is not None
            and parent.stopped.type == "DeadlineExceeded"
        )
        if late:
            self.send_cancel(call_id, "DeadlineExceeded", "the caller's time passed")
        else:
            self.send_cancel(call_id, "Cancelled", message)
        self._let_in()

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
                self.send_cancel(call_id, "DeadlineExceeded", "the caller's time passed")
                if not future.done():
                    future.set_result(None)
            elif deadline < soonest:
                soonest = deadline
        for stream in list(self._streams.values()):
            if stream.deadline <= now:
                del self._streams[stream.call_id]
                self.send_cancel(stream.call_id, "DeadlineExceeded", "the caller's time passed")
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
                resolve(self._idle)
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
        yielded = False
        while True:
            body = window.next_frames(outbox)
            if body:
                if self._waiters:
                    self._let_in()
                await transport.write(window.stamp(body))
            elif window.owed >= 2 and not yielded:
                # What was just read is often answered within this turn of the loop.
                yielded = True
                await asyncio.sleep(0)
                continue
            elif window.owed >= 2:
                await transport.write(window.stamp(b""))
            else:
                if self._idle is not None:
                    resolve(self._idle)
                self._wake = self._loop.create_future()
                await self._wake
            yielded = False

    def wake_writer(self) -> None:
        """There is something to send."""
        wake = self._wake
        if wake is not None and not wake.done():
            wake.set_result(None)

    async def _read(self, transport: Transport) -> None:
        if isinstance(transport, Delivering):
            await transport.deliver(self.receive)
            return
        while True:
            data = await transport.read()
            if data is None:
                return
            self.receive(data)

    def receive(self, data: bytes) -> None:
        """Takes a message."""
        if len(data) >= LARGE_MESSAGE:
            read = read_message(data)
            if read is not None:
                self._receive_large(*read)
                return
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
        if opened or window.owed >= 2:
            self.wake_writer()

    def _receive_large(self, ack: int, frames: Sequence[Frame | LargeFrame]) -> None:
        """Takes a message with large values; see ``receive``."""
        window = self.window
        opened = window.acknowledge(ack)
        window.received += 1
        for frame in frames:
            if isinstance(frame, Frame):
                name = frame.WhichOneof("body")
                if name is not None:
                    self._treat(name, frame)
            elif isinstance(frame.body, LargeFragment):
                self._take_fragment(frame.call_id, frame.body)
            else:
                self._take_large(frame)
        if self._waiters:
            self._let_in()
        if opened or window.owed >= 2:
            self.wake_writer()

    def _take_large(self, frame: LargeFrame, stream: ChunkStream | None = None) -> None:
        """Takes a frame with a large value; ``stream`` is told that a chunk's pieces are whole."""
        body = frame.body
        if isinstance(body, LargeResponse):
            self._answer(frame.call_id, body)
        elif not isinstance(body, LargeChunk):
            raise ProtocolViolationError("a fragment may not hold a fragment")
        elif stream is not None:
            stream.whole(body, frame.size)
        else:
            self._take_chunk(frame.call_id, body, frame.size)

    def _answer(
        self, call_id: int, response: ToolCallResponse | LargeResponse | BatchExecuteToolsResponse
    ) -> None:
        """A call of this side has its answer."""
        reply = self._replies.pop(call_id, None)
        if reply is None:
            self._drop(call_id, own=True)
        elif not reply[0].done():
            reply[0].set_result(response)

    def _treat(self, name: str, frame: Frame) -> None:
        if name == "call":
            self._host(frame)
        elif name == "chunk":
            self._take_chunk(frame.call_id, frame.chunk, frame.ByteSize())
        elif name in {"result", "batch_result"}:
            self._answer(frame.call_id, getattr(frame, name))
        elif name == "fragment":
            self._take_fragment(frame.call_id, frame.fragment)
        elif name == "credit":
            sender = self._senders.get(frame.call_id) if self._senders else None
            if sender is not None:
                sender.grant(frame.credit.bytes)
            elif frame.call_id % 2 == self._first_call_id % 2:
                self._drop(frame.call_id, own=True)
            else:
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

    def _take_chunk(self, call_id: int, chunk: ToolStreamChunk | LargeChunk, cost: int) -> None:
        stream = self._streams.get(call_id)
        if stream is None:
            self._take_piece(call_id, chunk, cost)
            return
        stream.put(chunk, cost)
        if is_last(chunk):
            del self._streams[call_id]

    def _take_piece(self, call_id: int, chunk: ToolStreamChunk | LargeChunk, cost: int) -> None:
        """A piece of a table: of an argument of a call that runs here, or of the result of one of this side's."""
        hosted = self._hosted.get(call_id)
        if hosted is not None:
            if hosted.tables is None:
                raise ProtocolViolationError(
                    f"call {call_id}: a piece of a table came that the call did not announce"
                )
            hosted.tables.put(chunk, cost)
            return
        if call_id not in self._replies:
            self._drop(call_id, own=call_id % 2 == self._first_call_id % 2)
            return
        reader = self._readers.get(call_id)
        if reader is None:
            reader = self._readers[call_id] = TableReader(self, call_id, 1)
        reader.put(chunk, cost)
        if reader.received.too_large:
            future, _ = self._replies.pop(call_id)
            self.send_cancel(call_id, "Cancelled", "the table is larger than it may be")
            if not future.done():
                future.set_result(reader.refusal())

    def _take_fragment(self, call_id: int, fragment: Fragment | LargeFragment) -> None:
        stream = self._streams.get(call_id)
        size = len(fragment.data)
        if stream is not None:
            stream.assemble(size)
        whole = self._assembler.add(fragment)
        if whole is None:
            return
        large = read_frame(whole)
        if large is not None:
            self._take_large(large, stream)
            return
        inner = Frame()
        try:
            inner.ParseFromString(bytes(whole))
        except DecodeError as error:
            raise ProtocolViolationError(
                f"a frame of {len(whole)} bytes cannot be decoded"
            ) from error
        name = inner.WhichOneof("body")
        if name == "chunk" and stream is not None:
            stream.whole(inner.chunk, len(whole))
            if is_last(inner.chunk):
                del self._streams[inner.call_id]
        elif name == "fragment":
            raise ProtocolViolationError("a fragment may not hold a fragment")
        elif name is not None:
            self._treat(name, inner)

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
            resolve(self._idle)

    async def until_idle(self, end: float) -> None:
        """Waits, at most until ``end`` on the loop's clock, until no hosted call runs and all is sent."""
        await self._until(lambda: not self._hosted and not self.outbox, end)

    async def until_sent(self, end: float) -> None:
        """Waits, at most until ``end`` on the loop's clock, until no frame waits to be sent."""
        await self._until(lambda: not self.outbox, end)

    async def _until(self, holds: Callable[[], bool], end: float) -> None:
        while not holds() and self.attached:
            self._idle = self._loop.create_future()
            timer = self._loop.call_at(end, resolve, self._idle)
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
        senders, self._senders = self._senders, {}
        self._readers = {}
        for sender in senders.values():
            sender.stop()
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


def _announce(request: ToolCallRequest, tables: Sequence[LargeTable]) -> None:
    request.takes_tables = True
    if tables:
        request.tables = len(tables)


async def _tell_violation(transport: Transport, error: ProtocolViolationError) -> None:
    body = ProtocolError(error=ErrorInfo(type="ProtocolError", message=str(error)))
    message = LinkMessage(frames=[Frame(protocol_error=body)]).SerializeToString()
    try:
        await asyncio.wait_for(transport.write(message), 1)
    except (OSError, grpc.RpcError, asyncio.TimeoutError, asyncio.InvalidStateError):
        return
