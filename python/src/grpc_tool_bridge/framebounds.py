"""What an Arrow IPC stream would take of memory, known from its metadata before a buffer is decompressed.

A stream of few bytes can name columns of very many cells, or hold buffers that decompress to very much.
The budget of a stream is in proportion to its bytes; each message is charged for the bytes of its buffers
once decompressed, and for its cells, before Arrow reads it.
"""

from __future__ import annotations

import importlib
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from grpc_tool_bridge.frameextensions import register_named
from grpc_tool_bridge.frameviews import is_plain, shown_bytes
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Budget",
    "StreamCheck",
    "body_size",
    "check_names",
    "check_stream",
    "check_views",
    "metadata_place",
]

BASE_BYTES = 64 * 1024 * 1024
"""What any stream may take."""
BYTES_PER_BYTE = 16
"""What it may take for each of its own bytes beyond that."""

UNENDED = "truncated Arrow stream: it lacks the mark of its end, which every writer writes when it is closed"
"""The refusal of a stream that may have been cut between two messages."""
BEHIND = "malformed Arrow stream: there are bytes behind the mark of its end"
"""The refusal of a stream behind whose end there is more, which readers of Arrow would drop."""
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The longest message of a stream that is read while it comes."""
_SCHEMA = 1
_DICTIONARY = 2
_RECORD_BATCH = 3
_V5 = 4
"""What messages of the metadata's version 5 say: they count from 0."""
_OLD_COMPRESSION = b"ARROW:experimental_compression"
_POINTER = 8
_PREFIX = 8
_OBJECT = 16
_LISTED = {10: 1, 14: 4}
"""Types that have a list, by their number: the zone of moments, and the numbers of a union's members."""
_FORMS = {form: struct.Struct(form) for form in ("<B", "<H", "<i", "<I", "<q")}
_FIELDS = 8
"""More than any table has fields that are read."""
_OFFSETS = [struct.Struct(f"<{count}H") for count in range(_FIELDS + 1)]
_OUTSIDE = "malformed Arrow stream: an offset leads out of its message"
_FEW_BYTES = 32 * 1024
"""Names in the metadata of a schema of so many have less than ``BASE_BYTES``, however many columns share one."""


Data = bytes | memoryview | Pieces
"""The bytes of a stream."""


class Budget:
    """The bytes that decoding may take.

    Args:
        name: The kind of the table; named in the refusal.
        size: The bytes of its stream.
    """

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.limit = BASE_BYTES + BYTES_PER_BYTE * size
        self.taken = 0

    def take(self, amount: int, what: str) -> None:
        """Takes bytes for something.

        Raises:
            Fault: There are not so many left.
        """
        self.taken += amount
        if self.taken > self.limit:
            raise Fault(
                f"a {self.name} of {self.size} bytes would take {self.taken} bytes or more with {what}, "
                f"the limit is {self.limit} (64 MiB, and {BYTES_PER_BYTE} for each byte): send it in parts"
            )


class _Node(NamedTuple):
    """A column, or a part of one, by its type."""

    dtype: Any
    nested: bool


class _Batch(NamedTuple):
    """What a batch's metadata says."""

    nodes: list[tuple[int, int]]
    """Rows and nulls of each column and each part of one."""
    sizes: list[int]
    """The bytes of each buffer, decompressed."""


def check_stream(arrow: Any, data: Data, budget: Budget, *, expands: bool) -> None:
    """Charges a stream to a budget.

    Args:
        arrow: The library.
        data: The stream.
        budget: Of this stream.
        expands: Each cell becomes an object of its own, wherever Arrow shares what equal ones have.

    Raises:
        Fault: It would take more, or is malformed.
    """
    check_names(data, budget)
    source = arrow.PythonFile(data.reader(), mode="r") if isinstance(data, Pieces) else data
    check = StreamCheck(arrow, arrow.ipc.open_stream(source).schema, expands=expands)
    check.take(data, budget, ends=True)


def check_names(data: Data, budget: Budget) -> None:
    """Charges the names and notes in the schema of a stream, of which Arrow makes one for each column that shares them.

    The types that it names are known to Arrow afterwards, which may read it.

    Raises:
        Fault: They would take more, or are malformed.
    """
    for kind, _, schema, _ in _messages(data, ends=False):
        register_named(schema.message)
        if kind == _SCHEMA and len(schema.message) > _FEW_BYTES:
            _Names(schema, budget)
        return


class _Names:
    """Charges what is visited of a schema to a budget; what stands there once can be visited once."""

    def __init__(self, schema: _Part, budget: Budget) -> None:
        self._left = len(schema.message) // 4
        self._budget = budget
        self._notes(schema, 2)
        levels = [schema.tables(1)]
        while levels:
            field = next(levels[-1], None)
            if field is None:
                levels.pop()
                continue
            self._field(field)
            if field.length(5):
                levels.append(field.tables(5))

    def _field(self, field: _Part) -> None:
        size = field.length(0)
        each = _LISTED.get(field.flag(2))
        if each and field.has(3):
            size += each * field.table(3).length(1)
        self._take(size)
        if field.has(6):
            self._notes(field, 6)

    def _notes(self, holder: _Part, index: int) -> None:
        for note in holder.tables(index):
            self._take(note.length(0) + note.length(1))

    def _take(self, size: int) -> None:
        self._left -= 1
        if self._left < 0:
            raise Fault(
                "malformed Arrow stream: its schema has more fields and notes than bytes for them"
            )
        self._budget.take(size, "the names in its schema")


class StreamCheck:
    """Charges the messages of a stream to budgets.

    Args:
        arrow: The library.
        schema: Of the stream.
        expands: As for :func:`check_stream`.
    """

    def __init__(self, arrow: Any, schema: Any, *, expands: bool) -> None:
        self._arrow = arrow
        self._expands = expands
        self._nodes = [
            node for dtype in schema.types for node in _nodes(arrow, dtype, nested=False)
        ]
        self._shared = 0

    def take(self, data: Data, budget: Budget, *, ends: bool = False) -> None:
        """Charges messages that follow those that were charged before.

        Args:
            data: The messages.
            budget: What they may take.
            ends: The mark of the stream's end has to be behind them.

        Raises:
            Fault: They would take more than the budget has, are malformed, or do not end.
        """
        for kind, version, header, body in _messages(data, ends=ends):
            if kind == _DICTIONARY:
                batch = _batch(header.table(1), body, version)
                size = sum(batch.sizes)
                self._shared += size
                # One that adds to another is put together with it anew.
                budget.take(self._shared if header.flag(2) else size, "a dictionary")
                budget.take(sum(rows for rows, _ in batch.nodes) * _OBJECT, "a dictionary")
            elif kind == _RECORD_BATCH:
                self._take_batch(_batch(header, body, version), budget)

    def _take_batch(self, batch: _Batch, budget: Budget) -> None:
        if len(batch.nodes) != len(self._nodes):
            raise Fault(f"malformed {budget.name}: {len(batch.nodes)} columns in a batch")
        size = sum(batch.sizes)
        budget.take(size, "its buffers decompressed")
        shared = self._shared if self._expands else 0
        for node, (rows, nulls) in zip(self._nodes, batch.nodes, strict=True):
            cell = _cell(self._arrow, node, nulls, size, shared, expands=self._expands)
            budget.take(rows * cell, f"{rows} cells of type {node.dtype!s:.60}")


def _nodes(arrow: Any, dtype: Any, *, nested: bool) -> Iterator[_Node]:
    if isinstance(dtype, arrow.BaseExtensionType):
        dtype = dtype.storage_type
    yield _Node(dtype, nested)
    if not arrow.types.is_dictionary(dtype):
        for position in range(dtype.num_fields):
            yield from _nodes(arrow, dtype.field(position).type, nested=True)


def _cell(arrow: Any, node: _Node, nulls: int, size: int, shared: int, *, expands: bool) -> int:
    """What a cell takes at least, besides its bytes in the buffers."""
    types, dtype = arrow.types, node.dtype
    if types.is_dictionary(dtype):
        return 1 + (shared if node.nested else 0)
    if types.is_run_end_encoded(dtype):
        # Runs say a value once, whatever its length; that of texts and bytes is charged when they are read.
        return _OBJECT + (size if expands and (node.nested or not _is_short(types, dtype)) else 0)
    if types.is_boolean(dtype):
        return 4 if nulls else 1
    if types.is_integer(dtype) or types.is_floating(dtype):
        return _POINTER if nulls else 1
    if types.is_primitive(dtype) or types.is_null(dtype):
        return _POINTER
    if expands and _is_view(types, dtype) and (node.nested or dtype.num_fields):
        # Any number of cells may show the same bytes.
        return _OBJECT + size
    return _OBJECT


def _is_short(types: Any, runs: Any) -> bool:
    """Reports whether the values of runs are numbers and the like, or texts or bytes."""
    dtype = runs.value_type
    return types.is_primitive(dtype) or types.is_decimal(dtype) or _is_text(types, dtype)


def _is_text(types: Any, dtype: Any) -> bool:
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(is_one(dtype) for is_one in texts)


def _is_view(types: Any, dtype: Any) -> bool:
    views = (
        types.is_string_view,
        types.is_binary_view,
        types.is_list_view,
        types.is_large_list_view,
    )
    return any(is_one(dtype) for is_one in views)


def check_views(arrow: Any, table: Any, budget: Budget) -> None:
    """Charges the texts that columns of views or runs show, of which many may show the same bytes.

    Raises:
        Fault: They would take more than the budget has.
    """
    if is_plain(arrow, table.schema):
        return
    for field, column in zip(table.schema, table.columns, strict=True):
        if arrow.types.is_string_view(field.type) or arrow.types.is_binary_view(field.type):
            for chunk in column.chunks:
                budget.take(shown_bytes(chunk), f"the texts of column {field.name!r:.60}")
        elif arrow.types.is_run_end_encoded(field.type) and _is_short(arrow.types, field.type):
            for chunk in column.chunks:
                budget.take(_runs(arrow, chunk), f"the runs of column {field.name!r:.60}")


def _runs(arrow: Any, array: Any) -> int:
    """The bytes that the runs of an array would have as cells of their own; 0 where a cell has few."""
    if not len(array) or not _is_text(arrow.types, array.type.value_type):
        return 0
    lengths = importlib.import_module("pyarrow.compute").binary_length(array.values).to_pylist()
    first, last = array.offset, array.offset + len(array)
    size = start = 0
    for end, length in zip(array.run_ends.to_pylist(), lengths, strict=True):
        size += max(0, min(end, last) - max(start, first)) * (length or 0)
        start = end
    return size


class _Part:
    """A table of a FlatBuffers message."""

    __slots__ = ("_at", "_data", "_offsets")

    def __init__(self, data: memoryview, at: int) -> None:
        self._data = data
        self._at = at
        names = at - _number(data, "<i", at)
        form = _OFFSETS[min(max(0, _number(data, "<H", names) - 4) // 2, _FIELDS)]
        if names + 4 + form.size > len(data):
            raise Fault(_OUTSIDE)
        self._offsets = form.unpack_from(data, names + 4)

    def _field(self, index: int) -> int:
        """Where a field stands; 0 where it is left out."""
        offset = self._offsets[index] if index < len(self._offsets) else 0
        return self._at + offset if offset else 0

    def number(self, index: int) -> int:
        at = self._field(index)
        return _number(self._data, "<q", at) if at else 0

    def flag(self, index: int) -> int:
        at = self._field(index)
        return _number(self._data, "<B", at) if at else 0

    def has(self, index: int) -> bool:
        return self._field(index) != 0

    def table(self, index: int) -> _Part:
        at = self._field(index)
        if not at:
            raise Fault("malformed Arrow stream: a message lacks its header")
        return _Part(self._data, at + _number(self._data, "<I", at))

    @property
    def message(self) -> memoryview:
        """The bytes of the message."""
        return self._data

    def _vector(self, index: int) -> int:
        at = self._field(index)
        return at + _number(self._data, "<I", at) if at else 0

    def length(self, index: int) -> int:
        """How many items a vector or a text has."""
        start = self._vector(index)
        return _number(self._data, "<I", start) if start else 0

    def tables(self, index: int) -> Iterator[_Part]:
        """The tables that a vector leads to."""
        start = self._vector(index)
        for at in range(start + 4, start + 4 + 4 * self.length(index), 4):
            yield _Part(self._data, at + _number(self._data, "<I", at))

    def pairs(self, index: int) -> list[tuple[int, int]]:
        """A vector of structs of two numbers each."""
        at = self._field(index)
        if not at:
            return []
        start = at + _number(self._data, "<I", at)
        count = _number(self._data, "<I", start)
        end = start + 4 + 16 * count
        if end > len(self._data):
            raise Fault("malformed Arrow stream: a vector leads out of its message")
        return list(struct.iter_unpack("<qq", self._data[start + 4 : end]))


class _Body(NamedTuple):
    """Where a message's body lies in the stream."""

    whole: Pieces
    at: int
    size: int


def _number(data: memoryview | Pieces, form: str, at: int) -> int:
    reader = _FORMS[form]
    if at < 0 or at + reader.size > len(data):
        raise Fault(_OUTSIDE)
    if isinstance(data, Pieces):
        return reader.unpack(data.part(at, reader.size))[0]
    return reader.unpack_from(data, at)[0]


def metadata_place(head: memoryview) -> tuple[int, int]:
    """Where the metadata of a message begins whose first 8 bytes these are, and its bytes, -1 at the stream's end.

    Raises:
        Fault: They are too many, or there are no 8 bytes and no end.
    """
    start, size = 4, _number(head, "<i", 0) if len(head) >= 4 else -1  # as before Arrow 0.15
    if size == -1:
        if len(head) < 8:
            raise Fault(UNENDED)
        start, size = 8, _number(head, "<i", 4)
    if size == 0:
        return start, -1
    return start, _bounded(size)


def body_size(metadata: memoryview) -> int:
    """How many bytes the body of a message has.

    Raises:
        Fault: They are too many, or it is malformed.
    """
    return _bounded(_Part(metadata, _number(metadata, "<I", 0)).number(3))


def _bounded(size: int) -> int:
    if not 0 <= size <= MAX_MESSAGE_BYTES:
        raise Fault(
            f"malformed Arrow stream: a message of {size} bytes, the limit of a batch that is read while it comes "
            f"is {MAX_MESSAGE_BYTES}"
        )
    return size


def _messages(data: Data, *, ends: bool) -> Iterator[tuple[int, int, _Part, _Body]]:
    """The kind, the version, the header and the body of each message, behind which the stream has to end or not."""
    whole = data if isinstance(data, Pieces) else Pieces([data])
    at = 0
    while at + 4 <= len(whole):
        size = _number(whole, "<i", at)
        at += 4
        if size == -1:
            size = _number(whole, "<i", at)
            at += 4
        if size == 0:
            if ends and at < len(whole):
                raise Fault(BEHIND)
            return
        if size < 0 or at + size > len(whole):
            raise Fault("malformed Arrow stream: it ends inside a message")
        metadata = whole.part(at, size)
        if _OLD_COMPRESSION in bytes(metadata):
            raise Fault("the stream is compressed in the way of Arrow 0.17: compress it as of 1.0")
        message = _Part(metadata, _number(metadata, "<I", 0))
        length = message.number(3)
        at += size
        if length < 0 or at + length > len(whole):
            raise Fault("malformed Arrow stream: it ends inside a message's body")
        yield message.flag(1), message.flag(0), message.table(2), _Body(whole, at, length)
        at += length
    if ends:
        raise Fault(UNENDED)


def _batch(header: _Part, body: _Body, version: int) -> _Batch:
    nodes = header.pairs(1)
    if any(rows < 0 for rows, _ in nodes):
        raise Fault("malformed Arrow stream: a column of fewer rows than none")
    compressed = header.has(3)
    if compressed and version < _V5:
        raise Fault(
            "the stream has compressed buffers and metadata before version 5, which pyarrow reads as if they"
            " were not compressed: write it with MetadataVersion.V5, or without compression"
        )
    places = header.pairs(2)
    sizes = [_size(body, *place, compressed=compressed) for place in places]
    if sum(length for _, length in places) > body.size:  # each would be decompressed
        raise Fault(
            "malformed Arrow stream: the buffers of a batch share bytes, where each has to have its own"
        )
    return _Batch(nodes, sizes)


def _size(body: _Body, start: int, length: int, *, compressed: bool) -> int:
    """The bytes of a buffer, decompressed: a compressed one begins with their number, -1 if it is as it was."""
    if start < 0 or length < 0 or start + length > body.size:
        raise Fault("malformed Arrow stream: a buffer leads out of its message")
    if not compressed or not length:
        return length
    if length < _PREFIX:
        raise Fault("malformed Arrow stream: a compressed buffer does not say its length")
    size = _number(body.whole, "<q", body.at + start)
    if size < -1:
        raise Fault(f"malformed Arrow stream: a buffer of {size} bytes")
    return length if size == -1 else size
