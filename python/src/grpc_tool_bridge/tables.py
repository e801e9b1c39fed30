"""Tables that are larger than one message: they travel in pieces over a link, beside their call.

A value stands in the call or result for such a table; the pieces of its Arrow stream are chunks of the same
call. See ``TableStream`` in the protocol.
"""

from __future__ import annotations

import functools
import importlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from google.protobuf.any_pb2 import Any as AnyMessage

from dspex_bridge_pb2 import TableStream

from .batchreaders import READER_KIND, OutgoingReader, is_reader, open_reader, wants_reader
from .errors import SerializationError, ToolExecutionError
from .framechecks import chunked_dictionaries
from .framestreams import without_rows
from .frameviews import LITTLE, compacted, size_of
from .packing import varint
from .pieces import Pieces
from .values.fault import Fault
from .values.urls import FRAME_KINDS, PREFIX, STREAMED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from dspex_bridge_pb2 import ToolCallResponse

__all__ = [
    "LARGER_VALUES",
    "MAX_TABLE_BYTES",
    "NEVER_LARGE",
    "PIECE_BYTES",
    "PIECE_URL",
    "LargeTable",
    "ReceivedTables",
    "StreamedTable",
    "WrittenTable",
    "is_frame",
    "large_table",
    "link_only",
    "not_in_batch",
    "pieces_of",
    "place",
    "split",
    "tables_too_large",
    "too_large",
    "without_readers",
]

PIECE_BYTES: Final = 60 * 1024
"""The longest piece."""
PIECE_URL: Final = PREFIX + "dspex.bridge.TablePiece"
"""The type URL of a piece."""
MAX_TABLE_BYTES: Final = 1 << 30
"""What the tables of a call may have together, where the bridge names no other limit."""
LARGER_VALUES: Final = (
    "pass a larger value as an argument or a result; a table that is one alone, of a call over a link, may be "
    "larger than a message"
)
"""What to do with a value that is too large for the place where it stands."""
NEVER_LARGE: Final[frozenset[type]] = frozenset({int, str, float, bool, list, dict, type(None)})
"""Classes of values that are no tables, looked at first."""
_BATCH_BYTES = 1 << 20
_LONG_BATCH = 2 << 20
_HELD, _HELD_AT_LEAST = 2, 1 << 20
"""Bytes that messages may have whose pieces are kept where they lie, for each byte of these, and in any case."""


class LargeTable:
    """A table on its way out in pieces.

    Args:
        kind: Such as "pandas.DataFrame".
        size: The bytes of its stream, about.
        table: pyarrow's, to be written batch by batch; None with ``data``.
        data: The stream, where it is written already.
        batch_limit: The longest batch.
        reader: Of its batches, where they are made while it is sent.
    """

    def __init__(
        self,
        kind: str,
        size: int,
        *,
        table: Any = None,
        data: bytes | memoryview = b"",
        batch_limit: int = 10 << 20,
        reader: OutgoingReader | None = None,
    ) -> None:
        self.kind = kind
        self.size = size
        self._table = table
        self._data = data
        self._batch_limit = batch_limit
        self.reader = reader
        """Of its batches; None where it is a whole."""

    def stands_for(self, index: int) -> AnyMessage:
        """What stands for it in the message: it is the nth table of its direction."""
        body = TableStream(index=index, bytes=self.size).SerializeToString()
        return AnyMessage(type_url=STREAMED + self.kind, value=body)

    def pieces(self) -> Iterator[bytes]:
        """The pieces of its stream, made as they are asked for; an empty one ends it."""
        if self.reader is None and self._table is None:
            yield from _cut(self._data)
        else:
            for pieces in self.written():
                yield from pieces
        yield b""

    def written(self) -> Iterator[list[bytes]]:
        """The pieces of each batch in turn, without the empty one that ends the table."""
        arrow: Any = importlib.import_module("pyarrow")

        if self.reader is None:
            table = _with_one_dictionary(arrow, self._table)
            rows = max(1, table.num_rows * _BATCH_BYTES // max(1, self.size))
            schema, batches = table.schema, table.to_batches(max_chunksize=rows)
            batches = batches or without_rows(arrow, table)
        else:
            schema, batches = self.reader.schema, _short(arrow, self.reader)
        sink, row = _Sink(), 0
        with arrow.ipc.new_stream(sink, schema) as writer:
            for batch in batches:
                for part in self._parts(arrow, batch, row):
                    writer.write_batch(part)
                    yield list(sink.whole_pieces())
                row += batch.num_rows
        yield [*sink.whole_pieces(), *_cut(sink.rest())]

    def _parts(self, arrow: Any, batch: Any, row: int) -> Iterator[Any]:
        """A batch, which begins with this row, in parts of fewer rows, if it is too long."""
        batch = compacted(arrow, batch, 0 if size_of(arrow, batch) > _LONG_BATCH else LITTLE)
        shared = self._dictionaries(arrow, batch)
        size = size_of(arrow, batch) - shared  # dictionaries are messages of their own
        if size <= self._batch_limit:
            yield batch
            return
        if batch.num_rows <= 1:
            columns = zip(batch.schema.names, batch.columns, strict=True)
            sizes = [(size_of(arrow, column), name) for name, column in columns]
            longest, name = max(sizes, key=lambda each: each[0])
            raise self._too_long(
                f"row {row} of a {self.kind} has {size} bytes, {longest} of them in column {name!r:.60}: "
                "send long texts or bytes as values of their own",
                size,
                name,
            )
        half = batch.num_rows // 2
        yield from self._parts(arrow, batch.slice(0, half), row)
        yield from self._parts(arrow, batch.slice(half), row + half)

    def _dictionaries(self, arrow: Any, batch: Any) -> int:
        """The bytes of the dictionaries of a batch's columns, each of which has to fit a message."""
        total = 0
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not arrow.types.is_dictionary(column.type):
                continue
            size = size_of(arrow, column.dictionary)
            if size > self._batch_limit:
                raise self._too_long(
                    f"column {name!r:.60} of a {self.kind} has {len(column.dictionary)} categories of {size} bytes, "
                    "which travel as a whole: make them texts, such as with astype or cast",
                    size,
                    name,
                )
            total += size
        return total

    def _too_long(self, what: str, size: int, column: str) -> ToolExecutionError:
        return ToolExecutionError(
            "",
            "MessageTooLarge",
            f"message too large: {what}; the limit of a batch is {self._batch_limit}",
            {"limit": str(self._batch_limit), "size": str(size), "column": column},
        )


def _with_one_dictionary(arrow: Any, table: Any) -> Any:
    """The table with one dictionary for all chunks of a column; where Arrow cannot make one, each keeps its own."""
    if all(count == 1 for count in chunked_dictionaries(arrow, table)):
        return table
    try:
        return table.unify_dictionaries()
    except arrow.ArrowException:  # there are nulls in them, or more values than the codes can count
        return table


def _short(arrow: Any, batches: Iterable[Any]) -> Iterator[Any]:
    """The same batches, long ones in parts of about 1 MiB."""
    for batch in batches:
        size = size_of(arrow, batch)
        if size <= _LONG_BATCH:
            yield batch
            continue
        rows = max(1, batch.num_rows * _BATCH_BYTES // size)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


async def pieces_of(table: LargeTable) -> AsyncGenerator[bytes]:
    """The pieces of a table for who runs on a loop, which does not wait for batches that are still made."""
    reader = table.reader
    if reader is None:
        for piece in table.pieces():
            yield piece
        return
    batches = table.written()
    try:
        while (pieces := await reader.run(next, batches, None)) is not None:
            for piece in pieces:
                yield piece
        yield b""
    finally:
        reader.close()


class _Sink:
    """Takes what a writer writes, until it is handed on; nothing is copied before."""

    closed = False

    def __init__(self) -> None:
        self._written: deque[memoryview] = deque()
        self._size = 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self._written.append(view)
        self._size += len(view)
        return len(view)

    def flush(self) -> None: ...

    def whole_pieces(self) -> Iterator[bytes]:
        """Hands on as many pieces of full length as there are."""
        while self._size >= PIECE_BYTES:
            yield self._piece(PIECE_BYTES)

    def rest(self) -> bytes:
        """Hands on what is left, less than a piece."""
        return self._piece(self._size)

    def _piece(self, size: int) -> bytes:
        parts: list[memoryview] = []
        left = size
        while left:
            view = self._written.popleft()
            if len(view) > left:
                self._written.appendleft(view[left:])
                view = view[:left]
            left -= len(view)
            parts.append(view)
        self._size -= size
        return b"".join(parts)


def _cut(data: bytes | memoryview) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield bytes(data[start : start + PIECE_BYTES])


class WrittenTable(NamedTuple):
    """A table that fits a message; its bytes are not copied without need."""

    kind: str
    data: memoryview

    def response(self, rest: ToolCallResponse) -> Sequence[Buffer]:
        """The parts of a response with it for its result, as protobuf writes that; ``rest`` has the other fields."""
        url = (PREFIX + self.kind).encode()
        head = b"".join((b"\x0a", varint(len(url)), url, b"\x12", varint(len(self.data))))
        size = varint(len(head) + len(self.data))
        return b"\x08\x01\x12" + size + head, self.data, rest.SerializeToString()

    def put_into(self, message: AnyMessage) -> int:
        """Makes it a message's value; returns the bytes of URL and value."""
        message.type_url, message.value = PREFIX + self.kind, bytes(self.data)
        return len(message.type_url) + len(self.data)


def large_table(value: object, limit: int) -> LargeTable | WrittenTable | None:
    """The table that a value is, if it is one: written if it fits a message, else to be written batch by batch.

    Raises:
        SerializationError: It does not fit Arrow.
    """
    if is_reader(value):
        return LargeTable(READER_KIND, 0, reader=OutgoingReader(value), batch_limit=limit)
    if not is_frame(type(value)):
        return None
    from .frames import fitting, unwritten_frame

    try:
        found = unwritten_frame(value)
        if found is None:
            return None
        kind, unwritten = found
        size = unwritten.size
        if size <= limit:
            with fitting(kind):
                data = memoryview(unwritten.write())
            if len(data) + len(PREFIX) + len(kind) <= limit:
                return WrittenTable(kind, data)
            size = len(data)
        table = unwritten.table()
        return LargeTable(kind, size + size // 64 + 65536, table=table, batch_limit=limit)
    except Fault as fault:
        raise _error(fault) from fault.__cause__


def without_readers(values: Iterable[Any]) -> list[Any]:
    """The values with tables in the place of readers, where nothing travels in pieces.

    Raises:
        SerializationError: One does not fit a message.
    """
    return [_read(value) if is_reader(value) else value for value in values]


def _read(reader: Any) -> Any:
    from .frames import read_whole

    try:
        return read_whole(reader)
    except Fault as fault:
        raise _error(fault) from fault.__cause__


def _error(fault: Fault) -> SerializationError:
    return fault.error()


@functools.lru_cache(maxsize=1024)
def is_frame(cls: type) -> bool:
    """Reports whether a class is one of tables, series or arrays."""
    return any(f"{c.__module__.partition('.')[0]}.{c.__name__}" in FRAME_KINDS for c in cls.__mro__)


def split(
    values: Sequence[AnyMessage], large: dict[int, LargeTable], limit: int
) -> list[LargeTable]:
    """Puts what stands for them in the place of tables, the largest first, until the rest fits.

    Args:
        values: The encoded values; those of ``large`` are empty.
        large: Those that are certainly too large, by their place.
        limit: Bytes that the values may have in all.

    Returns:
        The tables, as they are to be sent; the values may still be over the limit.
    """
    tables: list[LargeTable] = []

    def put(value: AnyMessage, table: LargeTable) -> None:
        value.CopyFrom(table.stands_for(len(tables)))
        tables.append(table)

    # What is read while it is sent has the last numbers, so that a host may read the last while it comes.
    whole = {index: table for index, table in large.items() if table.reader is None}
    for index, table in whole.items():
        put(values[index], table)
    size = sum(len(value.type_url) + len(value.value) for value in values)
    while size > limit:
        encoded = [value for value in values if value.type_url.removeprefix(PREFIX) in FRAME_KINDS]
        if not encoded:
            break
        largest = max(encoded, key=lambda value: len(value.value))
        data = largest.value
        put(largest, LargeTable(largest.type_url.removeprefix(PREFIX), len(data), data=data))
        size -= len(data)
    for index, table in large.items():
        if index not in whole:
            put(values[index], table)
    return tables


class StreamedTable:
    """A table that came in pieces."""

    __slots__ = ("data", "kind")

    def __init__(self, kind: str, data: Pieces) -> None:
        self.kind = kind
        self.data = data

    def decode(self) -> Any:
        """Decodes it, once: its pieces are let go as they are read.

        Raises:
            SerializationError: It is no such table.
        """
        from .frames import decode_frame

        try:
            return decode_frame(self.kind, self.data)
        except Fault as fault:
            raise fault.error() from fault.__cause__

    def reader(self) -> Any:
        """Reads it batch by batch, once: its pieces are let go as they are read, and each batch is checked then.

        Raises:
            SerializationError: It is no such table.
        """
        pieces = self.data.take_all()
        return open_reader(self.kind, lambda: next(pieces, None))

    def as_hinted(self, hint: Any) -> Any:
        """Decodes it as a type hint asks for, up to what ``convert`` does."""
        return self.reader() if wants_reader(hint) else self.decode()


class ReceivedTables:
    """Tables as they come in pieces, one after the other.

    Args:
        count: How many come.
        limit: Bytes that they may have together.
    """

    def __init__(self, count: int, limit: int) -> None:
        self.left = count
        """How many have not ended."""
        self.limit = limit
        self.size = 0
        """Bytes that came."""
        self.sequence = 0
        self._open: list[bytes | memoryview] = []
        self._message: Buffer | None = None
        self._held = 0
        self._whole: dict[int, Pieces] = {}

    def add(self, piece: bytes | memoryview) -> None:
        """Takes the next piece."""
        self.size += len(piece)
        if self.size > self.limit:
            self._open, self._whole = [], {}
        elif piece:
            self._open.append(self._kept(piece))
        if not piece:
            self._whole[len(self._whole)] = Pieces(self._open)
            self._open, self._message = [], None
            self.left -= 1

    def take_open(self) -> list[bytes | memoryview]:
        """Takes away what came of the table that has not ended."""
        pieces, self._open = self._open, []
        return pieces

    def _kept(self, piece: bytes | memoryview) -> bytes | memoryview:
        """The piece where it lies, in a message that it keeps; a copy if such messages would be much longer."""
        if isinstance(piece, bytes):
            return piece
        message = piece.obj
        if message is not self._message:
            size = len(memoryview(message))
            if self._held + size > _HELD * self.size + _HELD_AT_LEAST:
                return bytes(piece)
            self._message = message
            self._held += size
        return piece

    @property
    def too_large(self) -> bool:
        """More came than may."""
        return self.size > self.limit

    def take(self, value: AnyMessage) -> StreamedTable | None:
        """The table that a value stands for; None if it stands for none.

        Raises:
            SerializationError: It did not come, or stands elsewhere too.
        """
        return place(value, self._whole)


def place(value: AnyMessage, whole: dict[int, Pieces]) -> StreamedTable | None:
    """See :meth:`ReceivedTables.take`."""
    if not value.type_url.startswith(STREAMED):
        return None
    kind = value.type_url.removeprefix(STREAMED)
    index = TableStream.FromString(value.value).index
    data = whole.pop(index, None)
    if data is None or kind not in FRAME_KINDS:
        raise SerializationError(
            f"a value stands for table {index} of kind {kind!r:.60} in pieces, which did not come",
            "$",
        )
    return StreamedTable(kind, data)


def tables_too_large(tool_name: str, size: int, limit: int) -> ToolExecutionError:
    """The error of tables over the limit of those that travel in pieces."""
    return ToolExecutionError(
        tool_name,
        "MessageTooLarge",
        f"message too large: tables in pieces: {size} bytes and more with one call, "
        f"the limit is {limit}; send less at once",
        {"limit": str(limit), "size": str(size)},
    )


def link_only(tool_name: str, tables: Sequence[LargeTable], limit: int) -> ToolExecutionError:
    """The error of tables that have to travel in pieces where there is no link."""
    size = sum(table.size for table in tables)
    error = too_large(tool_name, "arguments", size, limit)
    error.message += "; a table of this size travels in pieces over a link only, and to a bridge that takes tables"
    return error


def not_in_batch(tool_name: str, tables: Sequence[LargeTable], limit: int) -> ToolExecutionError:
    """The error of tables that have to travel in pieces in an item of a batch."""
    size = sum(table.size for table in tables)
    error = too_large(tool_name, "arguments", size, limit)
    error.message += (
        "; in a batch a table has to fit one message; a larger one is an argument of a call of its own, "
        "over a link"
    )
    return error


def too_large(tool_name: str, what: str, size: int, limit: int) -> ToolExecutionError:
    """The error of values over the bridge's limit."""
    return ToolExecutionError(
        tool_name,
        "MessageTooLarge",
        f"message too large: the {what} of tool {tool_name!r} have {size} bytes, "
        f"the limit is {limit}; send less, or split them: only a table that is a whole argument or the "
        "whole result of a call over a link may be larger",
        {"limit": str(limit), "size": str(size)},
    )
