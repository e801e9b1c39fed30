"""One call on a link, from either side: the chunks that a caller reads, and the call that a host answers."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from dspex_bridge_pb2 import (
    CompleteSignal,
    Credit,
    ErrorInfo,
    LogRecord,
    Progress,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)

from .bounds import MAX_BODY, oversized_answer
from .moving import TableReader, table_piece
from .packing import MAX_PIECE, SEND_QUEUE, ProtocolViolationError, body_tag, varint
from .tables import pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from dspex_bridge_pb2 import ToolCallRequest, ToolStreamRequest

    from .largeframes import LargeChunk
    from .link import Link
    from .tables import LargeTable

NO_DEADLINE = float("inf")
_RESULT = body_tag("result")
_CHUNK = body_tag("chunk")
_CREDIT = body_tag("credit")
_PROGRESS = body_tag("progress")
_LOG = body_tag("log")
# What a frame has around its body at most: the call's id, the body's tag and length.
_FRAME_OVERHEAD = 16


class ChunkStream:
    """The chunks of a call of this side, on their way to its reader."""

    def __init__(self, link: Link, call_id: int, request: ToolCallRequest, deadline: float) -> None:
        self.deadline = deadline
        self._link = link
        self.call_id = call_id
        self._request = request
        self._sequence = 0
        self._chunks: deque[tuple[ToolStreamChunk | LargeChunk, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        # Bytes that were received and not granted anew, and of those the ones in chunks not yet taken.
        self._held = 0
        self._unread = 0
        self._step = min(256 * 1024, max(1, link.initial_credit // 4))

    async def next(self) -> ToolStreamChunk | LargeChunk:
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

    def put(self, chunk: ToolStreamChunk | LargeChunk, cost: int) -> None:
        """A chunk came whole."""
        self.assemble(cost, grant=False)
        self.whole(chunk, cost)

    def assemble(self, size: int, *, grant: bool = True) -> None:
        """So many bytes of a chunk came."""
        self._held += size
        if self._held > self._link.initial_credit:
            raise ProtocolViolationError(
                f"call {self.call_id} sent {self._held - self._link.initial_credit} bytes of "
                "chunks more than its credit"
            )
        if grant:
            self._grant()

    def whole(self, chunk: ToolStreamChunk | LargeChunk, size: int) -> None:
        """A chunk of so many bytes, which came before, is whole."""
        self._unread += size
        self._sequence = chunk.sequence + 1
        self._chunks.append((chunk, size))
        self._notify()

    def progress(self, progress: Progress) -> None:
        """The host says how far it is."""

    def _grant(self) -> None:
        bytes_free = self._held - max(self._unread, 0)
        if bytes_free >= self._step and self._link.reads(self.call_id):
            self._held -= bytes_free
            self._link.send(_CREDIT, Credit(bytes=bytes_free).SerializeToString(), self.call_id)

    def expire(self) -> None:
        """The caller's time passed."""
        late = timed_out_chunk(self._request, "before its stream was whole", self._sequence)
        self._chunks.append((late, 0))
        self._notify()

    def fail(self, error: Exception) -> None:
        """The link was lost; what came before is still read."""
        self._failure = error
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None:
            resolve(self._waiter)


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
        "failure",
        "on_cancel",
        "request",
        "stopped",
        "tables",
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
        self.failure = ""
        """The type of the error that its tool ended with."""
        self._link = link
        self._credit = link.initial_credit
        self._sequence = 0
        self._last = b""
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self.tables: TableReader | None = None
        """Those of its arguments that come in pieces; None where none do."""
        if request.tables:
            self.tables = TableReader(link, call_id, request.tables)

    @property
    def link(self) -> Link:
        """The link it came over."""
        return self._link

    @property
    def ended(self) -> bool:
        """It was answered, or its answer is not wanted."""
        return self._ended

    @property
    def has_room(self) -> bool:
        """The link takes an answer now."""
        return self._link.outbox.size < SEND_QUEUE

    async def room(self) -> None:
        """Waits until the link takes an answer."""
        if not self.has_room:
            await self._link.room()

    def respond(self, response: ToolCallResponse) -> None:
        """Answers a call without chunks. What comes after the end is dropped."""
        if self._ended:
            return
        body = response.SerializeToString()
        if len(body) > MAX_BODY:
            error = oversized_answer(self.request, len(body))
            body = ToolCallResponse(success=False, error=error).SerializeToString()
        self._end()
        self._link.send(_RESULT, body, self.call_id)

    def respond_parts(self, body: Sequence[Buffer]) -> None:
        """Answers as :meth:`respond` does, with a response that lies written in parts."""
        if self._end():
            self._link.outbox.put_parts(self.call_id, _RESULT, body)
            self._link.wake_writer()

    async def send(self, chunk: ToolStreamChunk) -> None:
        """Sends a chunk, numbered here; waits for credit and room."""
        if self._ended or self._last:
            return
        last = is_last(chunk)
        chunk.sequence = self._sequence
        self._sequence += 1
        body = chunk.SerializeToString()
        if len(body) > MAX_BODY:
            chunk.content.error.CopyFrom(oversized_answer(self.request, len(body)))
            body, last = chunk.SerializeToString(), True
        if len(body) + _FRAME_OVERHEAD <= MAX_PIECE:
            if self._credit < len(body) + _FRAME_OVERHEAD or self._link.outbox.size >= SEND_QUEUE:
                await self._wait(len(body) + _FRAME_OVERHEAD)
            await self._put(body, last=last)
        else:
            await self._put_pieces(body, last=last)

    async def _put(self, body: bytes, *, last: bool) -> None:
        if self._ended or self._last:
            return
        # The reader counts the frame as serialized; this is never less.
        self._credit -= len(body) + _FRAME_OVERHEAD
        if last:
            self._end()
        self._link.send(_CHUNK, body, self.call_id)

    async def _put_pieces(self, body: bytes, *, last: bool) -> None:
        head = b"\x08" + varint(self.call_id) + _CHUNK + varint(len(body))
        for piece in self._link.outbox.cut(self.call_id, head, body):
            if self._credit < piece.size or self._link.outbox.size >= SEND_QUEUE:
                await self._wait(piece.size)
            self._credit -= piece.size
            self._link.outbox.put_piece(self.call_id, piece)
            self._link.wake_writer()
        if last:
            self._end()

    async def send_table(self, table: LargeTable) -> None:
        """Sends the table of the result in pieces, before the answer; waits for credit and room."""
        async with aclosing(pieces_of(table)) as pieces:
            async for piece in pieces:
                if self._ended:
                    return
                body = table_piece(piece, self._sequence, "" if self._sequence else table.kind)
                self._sequence += 1
                size = len(body) + _FRAME_OVERHEAD
                if self._credit < size or self._link.outbox.size >= SEND_QUEUE:
                    await self._wait(size)
                await self._put(body, last=False)

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
            resolve(self._waiter)

    def progress(self, done: float, total: float = 0.0, message: str = "") -> None:
        """Says how far the call is."""
        if not self._ended:
            body = Progress(done=done, total=total, message=message).SerializeToString()
            self._send_aside(_PROGRESS, body)

    def log(self, record: LogRecord) -> None:
        """Sends a log record of the call."""
        if not self._ended:
            self._send_aside(_LOG, record.SerializeToString())

    def _send_aside(self, tag: bytes, body: bytes) -> None:
        # What may as well be dropped is not cut.
        if len(body) + _FRAME_OVERHEAD <= MAX_PIECE:
            self._link.send(tag, body, self.call_id)

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
            self.send_now(timed_out_chunk(self.request, "while it ran"))
        else:
            self.respond(timed_out(self.request, "while it ran"))
        self.deadline = NO_DEADLINE
        self._tell_stopped(time_passed(self.request, "while it ran"))

    def orphan(self, reason: str) -> None:
        """The link was lost for good."""
        self._stop(ErrorInfo(type="Cancelled", message=f"the link was lost: {reason}"))

    def _stop(self, error: ErrorInfo) -> None:
        self._end()
        self._tell_stopped(error)

    def _tell_stopped(self, error: ErrorInfo) -> None:
        if self.tables is not None:
            self.tables.stop()
        if self.stopped is None:
            self.stopped = error
            if self.on_cancel is not None:
                self.on_cancel(error)

    def _end(self) -> bool:
        """Says whether it was open until now."""
        if self._ended:
            return False
        self._ended = True
        if self.tables is not None:
            self.tables.stop()
        self._link.forget(self.call_id)
        if self._waiter is not None:
            resolve(self._waiter)
        return True


def resolve(future: asyncio.Future[None]) -> None:
    """Wakes whoever waits, if nobody did yet."""
    if not future.done():
        future.set_result(None)


def is_last(chunk: ToolStreamChunk | LargeChunk) -> bool:
    """Nothing follows this chunk."""
    return chunk.content.WhichOneof("kind") in {"complete", "error"}


def timed_out(request: ToolCallRequest, when: str) -> ToolCallResponse:
    """The answer to a call whose time passed."""
    return ToolCallResponse(success=False, error=time_passed(request, when))


def timed_out_chunk(
    request: ToolCallRequest | ToolStreamRequest, when: str, sequence: int = 0
) -> ToolStreamChunk:
    """The last chunk of a stream whose time passed; ``sequence`` counts the chunks before it."""
    content = ToolStreamContent(error=time_passed(request, when))
    return ToolStreamChunk(sequence=sequence, content=content)


def time_passed(request: ToolCallRequest | ToolStreamRequest, when: str) -> ErrorInfo:
    """Says which call's time passed, how much it was, and when it did."""
    limit = f"{request.timeout_us / 1e6:g}"
    return ErrorInfo(
        type="DeadlineExceeded",
        message=f"the time of the call of tool {request.tool_id!r}, {limit} s, passed {when}",
        details={"limit": limit},
    )


def complete(total_chunks: int, duration_ms: float) -> ToolStreamChunk:
    """The chunk that ends a whole stream."""
    signal = CompleteSignal(total_chunks=total_chunks)
    signal.metrics.execute_ms = duration_ms
    return ToolStreamChunk(content=ToolStreamContent(complete=signal))
