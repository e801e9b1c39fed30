"""Tables in pieces on a link: sending those of a call, and reading those that come.

All of it belongs to the link's loop.
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import (
    Credit,
    ErrorInfo,
    ToolCallResponse,
)

from .batchreaders import PieceFlow
from .errors import ToolExecutionError
from .packing import SEND_QUEUE, ProtocolViolationError, body_tag, varint
from .tables import (
    PIECE_BYTES,
    PIECE_URL,
    ReceivedTables,
    StreamedTable,
    pieces_of,
    tables_too_large,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dspex_bridge_pb2 import ToolStreamChunk

    from .largeframes import LargeChunk, LargeResponse
    from .link import Link
    from .tables import LargeTable

__all__ = ["TableReader", "TableSender", "TabledResponse", "table_piece"]

_CHUNK = body_tag("chunk")
_CREDIT = body_tag("credit")
_OVERHEAD = 16


def table_piece(piece: bytes, sequence: int, kind: str = "") -> bytes:
    """A piece as it travels: the bytes of a ``ToolStreamChunk``, into which a message would copy the piece first.

    Args:
        piece: Its bytes.
        sequence: Its number.
        kind: What the table is; said with the first piece of a result.
    """
    head = b"\x10" + varint(sequence) if sequence else b""
    last = b"\x22" + varint(len(kind)) + kind.encode() if kind else b""
    return b"".join((head, _around(len(piece)), piece, last))


@functools.lru_cache(maxsize=16)
def _around(size: int) -> bytes:
    """What stands before the bytes of a piece in the content of its chunk."""
    url = PIECE_URL.encode()
    value = b"\x12" + varint(size) if size else b""
    head = b"\x0a" + varint(len(url)) + url + value
    head = b"\x0a" + varint(len(head) + size) + head
    return b"\x1a" + varint(len(head) + size) + head


class TableSender:
    """Sends the tables of a call of this side, as credit comes."""

    def __init__(self, link: Link, call_id: int) -> None:
        self._link = link
        self._call_id = call_id
        self._credit = link.initial_credit
        self._waiter: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, tables: Sequence[LargeTable], failed: Callable[[Exception], None]) -> None:
        """Begins; ``failed`` is told what went wrong."""
        self._task = asyncio.ensure_future(self._send(tables, failed))

    def stop(self) -> None:
        """The call has ended."""
        if self._task is not None:
            self._task.cancel()

    def grant(self, size: int) -> None:
        """The host lets so many more bytes come."""
        self._credit += size
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _send(
        self, tables: Sequence[LargeTable], failed: Callable[[Exception], None]
    ) -> None:
        sequence = 0
        try:
            for table in tables:
                async with aclosing(pieces_of(table)) as pieces:
                    async for piece in pieces:
                        body = table_piece(piece, sequence)
                        sequence += 1
                        await self._room(len(body) + _OVERHEAD)
                        self._credit -= len(body) + _OVERHEAD
                        self._link.send(_CHUNK, body, self._call_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            failed(error)

    async def _room(self, size: int) -> None:
        while self._credit < size:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._link.outbox.size >= SEND_QUEUE:
            await self._link.room()


class TableReader:
    """Reads tables that come in pieces, and lets more come as they do."""

    def __init__(self, link: Link, call_id: int, count: int) -> None:
        self.received = ReceivedTables(count, link.max_table_bytes)
        self._link = link
        self._call_id = call_id
        self._held = self._read = 0
        self._step = min(256 * 1024, max(1, link.initial_credit // 4))
        self._waiter: asyncio.Future[None] | None = None
        self._stopped = False
        self._flow: PieceFlow | None = None

    def put(self, chunk: ToolStreamChunk | LargeChunk, cost: int) -> None:
        """A piece came.

        Raises:
            ProtocolViolationError: It is none, is too long, follows the last table, or is beyond the credit.
        """
        received, data = self.received, chunk.content.data
        piece = data.value
        if data.type_url != PIECE_URL or len(piece) > PIECE_BYTES:
            raise ProtocolViolationError(
                f"call {self._call_id}: a chunk of type {data.type_url!r:.100} with {len(piece)} bytes where a "
                f"piece of a table is due, {PIECE_URL!r} of at most {PIECE_BYTES}"
            )
        if not received.left:
            raise ProtocolViolationError(
                f"call {self._call_id}: a piece came behind the end of the last table"
            )
        self._held += cost
        if self._held > self._link.initial_credit:
            raise ProtocolViolationError(
                f"call {self._call_id} sent {self._held - self._link.initial_credit} bytes of "
                "tables more than its credit"
            )
        if self._flow is not None:
            self._pass_on(self._flow, piece, cost)
            return
        received.add(piece)
        if received.left == 1 and not piece:
            self._notify()
        if not received.left or received.too_large:
            self._notify()
        elif self._held >= self._step:
            self._grant(self._held)

    def _grant(self, size: int) -> None:
        self._link.send(_CREDIT, Credit(bytes=size).SerializeToString(), self._call_id)
        self._held -= size

    def _pass_on(self, flow: PieceFlow, piece: bytes | memoryview, cost: int) -> None:
        received = self.received
        received.size += len(piece)
        if received.too_large:
            flow.fail(tables_too_large("", received.size, received.limit))
            return
        if not piece:
            received.left -= 1
        flow.put(piece, cost)

    def _taken(self, cost: int) -> None:
        """Pieces that were passed on were read."""
        self._read += cost
        if self._read >= self._step and not self._stopped:
            self._grant(self._read)
            self._read = 0

    async def last(self) -> PieceFlow | None:
        """Waits until all tables but the last are whole; that one is then read while it comes.

        Returns:
            Its pieces; None where there is nothing to be read any more.
        """
        await self._until(1)
        received = self.received
        if received.left != 1 or received.too_large or self._stopped:
            return None
        self._flow = PieceFlow(asyncio.get_running_loop(), self._taken)
        for piece in received.take_open():
            self._flow.put(piece, 0)
        if self._held:
            self._grant(self._held)
        return self._flow

    async def whole(self) -> ReceivedTables:
        """Waits for the last piece.

        Raises:
            ToolExecutionError: `MessageTooLarge`.
        """
        await self._until(0)
        if self.received.too_large:
            raise tables_too_large("", self.received.size, self.received.limit)
        return self.received

    async def _until(self, left: int) -> None:
        while self.received.left > left and not self.received.too_large and not self._stopped:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def stop(self) -> None:
        """Nobody wants them any more."""
        self._stopped = True
        if self._flow is not None:
            self._flow.fail(
                ToolExecutionError(
                    "", "Cancelled", "the call is over, and with it the rest of its table"
                )
            )
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def answer(
        self, response: ToolCallResponse | LargeResponse
    ) -> ToolCallResponse | LargeResponse | TabledResponse:
        """The response with the table that its result stands for."""
        if (
            not isinstance(response, ToolCallResponse)
            or not response.success
            or self.received.too_large
        ):
            return response
        table = self.received.take(response.result)
        return response if table is None else TabledResponse(response, table)

    def refusal(self) -> ToolCallResponse:
        """What is answered where too much came."""
        error = tables_too_large("", self.received.size, self.received.limit)
        info = ErrorInfo(
            type=error.error_type,
            message=error.message,
            details={**error.details, "started": "true"},
        )
        return ToolCallResponse(success=False, error=info)


class TabledResponse:
    """The answer to a call whose result came in pieces."""

    success = True

    def __init__(self, response: ToolCallResponse, table: StreamedTable) -> None:
        self.response = response
        """What came behind the table."""
        self.result: Any = table
        """The table."""
        self.metrics = response.metrics
        self.request_id = response.request_id
        self.replayed = response.replayed
