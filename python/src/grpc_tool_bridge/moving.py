"""Tables in pieces on a link: sending those of a call, and reading those that come.

All of it belongs to the link's loop.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import (
    Credit,
    ErrorInfo,
    ToolCallResponse,
)

from .packing import SEND_QUEUE, ProtocolViolationError, body_tag, varint
from .tables import PIECE_BYTES, PIECE_URL, ReceivedTables, StreamedTable, tables_too_large

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
                for piece in table.pieces():
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
        self._held = 0
        self._step = min(256 * 1024, max(1, link.initial_credit // 4))
        self._waiter: asyncio.Future[None] | None = None
        self._stopped = False

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
        received.add(piece)
        if not received.left or received.too_large:
            self._notify()
        elif self._held >= self._step:
            self._link.send(_CREDIT, Credit(bytes=self._held).SerializeToString(), self._call_id)
            self._held = 0

    async def whole(self) -> ReceivedTables:
        """Waits for the last piece.

        Raises:
            ToolExecutionError: `MessageTooLarge`.
        """
        while self.received.left and not self.received.too_large and not self._stopped:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.received.too_large:
            raise tables_too_large("", self.received.size, self.received.limit)
        return self.received

    def stop(self) -> None:
        """Nobody wants them any more."""
        self._stopped = True
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
