"""Arrow IPC streams, and what Arrow's schema cannot say in notes of ours.

The notes stand in the schema's metadata, in the JSON form of our values.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.framebounds import (
    BEHIND,
    MAX_MESSAGE_BYTES,
    Budget,
    StreamCheck,
    body_size,
    check_names,
    check_stream,
    check_views,
    metadata_place,
)
from grpc_tool_bridge.framechecks import check_columns
from grpc_tool_bridge.frameschemas import check_schema
from grpc_tool_bridge.frameviews import is_plain, measured, runs_of_views
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.values.decode import decode
from grpc_tool_bridge.values.encode import encode
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.jsonform import to_json
from grpc_tool_bridge.values.jsonread import any_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Buffer

__all__ = [
    "METADATA_KEY",
    "MessageFile",
    "Unwritten",
    "arrow_for",
    "convertible",
    "library",
    "noted",
    "open_stream",
    "read_stream",
    "without_rows",
    "write_stream",
]

METADATA_KEY = b"grpc_tool_bridge"
_ALONE = 4096
"""What is as long as this is given to Arrow where it lies."""


def library(module: str, extra: str, name: str) -> Any:
    """Imports what a kind of table needs.

    Raises:
        Fault: It is not installed; the extra that brings it is named.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Fault(
            f"a {name} needs {module}, which is not installed: pip install 'grpc_tool_bridge[{extra}]'"
        ) from error


def arrow_for(name: str) -> Any:
    """Imports pyarrow for a kind of table."""
    return library("pyarrow", "frames", name)


class Unwritten(NamedTuple):
    """A table that fits Arrow and is not written as a stream yet."""

    size: int
    """Its bytes, about."""
    table: Callable[[], Any]
    """Gives it as pyarrow's, to be written batch by batch."""
    write: Callable[[], Buffer]
    """Writes it whole, into memory of its own."""


def noted(table: Any, notes: Mapping[str, Any]) -> Unwritten:
    """A table with notes at our key of its metadata.

    Raises:
        Fault: A note has no encoding.
    """
    check_schema(arrow_for("table"), table.schema)
    metadata = dict(table.schema.metadata or {})
    metadata.pop(METADATA_KEY, None)
    if notes:
        metadata[METADATA_KEY] = _written(notes)
    table = table.replace_schema_metadata(metadata or None)
    size, compacted = measured(arrow_for("table"), table)
    return Unwritten(size, lambda: table, lambda: write_stream(compacted()))


def _written(notes: Mapping[str, Any]) -> bytes:
    try:
        written = to_json(encode(dict(notes), strict=True)).encode()
    except SerializationError as error:
        fault = error.__context__
        if isinstance(fault, Fault) and error.path.startswith("$.attrs"):
            raise fault from fault.__cause__  # the path leads into what people gave the table
        raise Fault(
            f"the table's {error.path.lstrip('$.')} cannot be sent: {error.message}"
        ) from error
    if len(written) > MAX_MESSAGE_BYTES:
        raise Fault(
            f"message too large: what is said of a table beside its cells, such as its attrs, has {len(written)} bytes,"
            f" the limit is {MAX_MESSAGE_BYTES}: make it smaller, or send it as values of its own"
        )
    return written


def write_stream(table: Any) -> Buffer:
    """Writes a table as a stream, twice: for its size first, because memory that grows is copied each time."""
    arrow = arrow_for("table")
    counted = arrow.MockOutputStream()
    _write_to(arrow, counted, table)
    written = arrow.allocate_buffer(counted.size())
    _write_to(arrow, arrow.FixedSizeBufferWriter(written), table)
    return written


def _write_to(arrow: Any, sink: Any, table: Any) -> None:
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
        for batch in without_rows(arrow, table):
            writer.write_batch(batch)


def without_rows(arrow: Any, table: Any) -> list[Any]:
    """What is written of a table without rows: a batch with its categories, which travel with one, if it has any."""
    if table.num_rows or not any(map(arrow.types.is_dictionary, table.schema.types)):
        return []
    return [_empty_batch(arrow, table)]


def _empty_batch(arrow: Any, table: Any) -> Any:
    columns = [column.chunk(0) for column in chunked(table).columns]
    return arrow.RecordBatch.from_arrays(columns, schema=table.schema)


def chunked(table: Any) -> Any:
    """The same table, each of whose columns has a chunk."""
    if all(column.num_chunks for column in table.columns):
        return table
    columns = zip(table.columns, table.schema.empty_table().columns, strict=True)
    made = [column if column.num_chunks else empty for column, empty in columns]
    return cast("Any", type(table)).from_arrays(made, schema=table.schema)


def convertible(arrow: Any, table: Any) -> Any:
    """The same table, to be made what pandas or numpy has.

    Where a column of views of lists has no chunk, or had none once pyarrow has written out its runs, pyarrow
    ends the process.

    Raises:
        Fault: A column holds runs of such lists inside of another type, of which nobody sees whether there are any.
    """
    if is_plain(arrow, table.schema):
        return table
    table = chunked(table)
    for at, field in enumerate(table.schema):
        if not runs_of_views(arrow.types, field.type):
            continue
        if not arrow.types.is_run_end_encoded(field.type) or runs_of_views(
            arrow.types, field.type.value_type
        ):
            fault = Fault(
                f"column {field.name!r:.60} of type {field.type!s:.60} holds runs of lists that are views, for which"
                " pandas has no value: ask for a pyarrow.Table, or send another type"
            )
            fault.at(field.name)
            raise fault
        if not table.num_rows:
            field = field.with_type(field.type.value_type)  # noqa: PLW2901
            table = table.set_column(at, field, arrow.schema([field]).empty_table().column(0))
    return table


def open_stream(arrow: Any, data: bytes | memoryview | Pieces) -> Any:
    """Opens a stream, of pieces for the only time."""
    if isinstance(data, Pieces):
        # Arrow's own memory is used again; what Python's bytes take is given back each time.
        reader = data.reader(allocate=arrow.allocate_buffer, last=True)
        return arrow.ipc.open_stream(arrow.PythonFile(reader, mode="r"))
    return arrow.ipc.open_stream(data)


def read_stream(
    data: bytes | memoryview | Pieces, name: str, budget: Budget
) -> tuple[Any, dict[str, Any]]:
    """Reads a stream; returns the table and our notes.

    Raises:
        Fault: It would take more than the budget has left, or its notes are no object.
    """
    arrow = arrow_for(name)
    check_stream(arrow, data, budget, expands=True)
    table = open_stream(arrow, data).read_all()
    check_columns(arrow, table)
    check_views(arrow, table, budget)
    metadata = dict(table.schema.metadata or {})
    raw = metadata.pop(METADATA_KEY, None)
    notes: Any = decode(any_from_json(raw.decode()), budget=budget) if raw else {}
    if not isinstance(notes, dict):
        raise Fault(f"the metadata {METADATA_KEY.decode()!r} of a {name} is no object")
    plain = convertible(arrow, table).replace_schema_metadata(metadata or None)
    return plain, cast("dict[str, Any]", notes)


class MessageFile:
    """A file of the messages of a stream that still comes, for Arrow: each is checked before Arrow reads of it.

    Args:
        arrow: The library.
        name: The kind of the table.
        next_piece: Gives the next piece of the stream; None behind the last.
    """

    closed = False

    def __init__(
        self, arrow: Any, name: str, next_piece: Callable[[], bytes | memoryview | None]
    ) -> None:
        self._arrow = arrow
        self._name = name
        self._next_piece = next_piece
        self._check: StreamCheck | None = None
        self._ahead = memoryview(b"")
        self._message = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Nothing is to be closed."""

    def read(self, size: int = -1) -> Any:
        """The next bytes; at the end fewer, or none."""
        parts: list[memoryview] = []
        while size:
            if not self._message and not self._fill():
                break
            part = self._message if size < 0 else self._message[:size]
            self._message = self._message[len(part) :]
            parts.append(part)
            size -= len(part) if size > 0 else 0
        if len(parts) == 1 and len(parts[0]) >= _ALONE:
            return self._arrow.py_buffer(parts[0])
        return b"".join(parts)

    # Arrow asks for this one where it takes what lies in memory already.
    read_buffer = read

    def _fill(self) -> bool:
        if self._ended:
            return False
        head = self._take(8)
        start, length = metadata_place(head)
        if length < 0:  # the end of the stream
            if len(head) > start or self._take(1):
                raise Fault(BEHIND)
            self._message, self._ended = head, True
            return True
        begun = b"".join((head, self._take(max(0, start + length - len(head)))))
        body = body_size(memoryview(begun)[start:])
        self._message = memoryview(b"".join((begun, self._take(body))))
        if len(self._message) != start + length + body:
            raise Fault("malformed Arrow stream: it ends inside a message")
        self._admit()
        return True

    def _admit(self) -> None:
        message = self._message
        if self._check is None:
            check_names(message, Budget(self._name, len(message)))
            schema = self._arrow.ipc.read_schema(self._arrow.py_buffer(message))
            self._check = StreamCheck(self._arrow, schema, expands=False)
            return
        self._check.take(message, Budget(self._name, len(message)))

    def _take(self, size: int) -> memoryview:
        """So many bytes, fewer at the end."""
        if size <= len(self._ahead):
            taken, self._ahead = self._ahead[:size], self._ahead[size:]
            return taken
        parts, have = [self._ahead], len(self._ahead)
        self._ahead = memoryview(b"")
        while have < size:
            piece = self._next_piece()
            if piece is None:
                break
            view = memoryview(piece)
            if have + len(view) > size:
                self._ahead = view[size - have :]
                view = view[: size - have]
            parts.append(view)
            have += len(view)
        return memoryview(b"".join(parts))
