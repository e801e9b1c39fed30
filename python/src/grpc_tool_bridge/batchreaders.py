"""Tables that are read batch by batch: pyarrow's ``RecordBatchReader`` on its way in and out.

What makes batches may block, so whatever reads one on its way out does so in a thread of its own
(:class:`OutgoingReader`); what comes in pieces is read in the thread of the tool (:class:`PieceFlow`).
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import itertools
import sys
import threading
import types
import typing
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Union

from .errors import ToolExecutionError
from .framechecks import ColumnChecks
from .frameschemas import check_schema
from .framestreams import MessageFile, arrow_for
from .values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["READER_KIND", "OutgoingReader", "PieceFlow", "is_reader", "open_reader", "wants_reader"]

READER_KIND = "pyarrow.Table"
"""What a reader is to whoever gets it."""
_OPTIONAL: tuple[Any, ...] = (Union, types.UnionType)


def is_reader(value: object) -> bool:
    """Reports whether a value is a reader of batches."""
    cls = _reader_class()
    return cls is not None and isinstance(value, cls)


def _reader_class() -> Any:
    """The class of readers; None where nobody can have one, as nobody imported pyarrow to its end."""
    return getattr(sys.modules.get("pyarrow"), "RecordBatchReader", None)


def wants_reader(hint: Any) -> bool:
    """Reports whether a type hint asks for a reader of batches, or for one or None."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in _OPTIONAL:
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return len(members) == 1 and wants_reader(members[0])
    cls = _reader_class()
    return cls is not None and hint is cls


class OutgoingReader:
    """A reader on its way out: its batches are asked for in a thread of its own, one at a time.

    Args:
        reader: pyarrow's.

    Raises:
        SerializationError: Its batches could not be read again.
    """

    def __init__(self, reader: Any) -> None:
        try:
            check_schema(arrow_for("table"), reader.schema)
        except Fault as fault:
            raise fault.error() from fault
        self.schema = reader.schema
        self._batches: Iterator[Any] = iter(reader)
        self._context = contextvars.copy_context()
        self._thread: ThreadPoolExecutor | None = None

    async def begin(self, limit: int) -> Any:
        """Reads ahead; returns the table if it ends within so many bytes, else None, and nothing is lost."""
        return await self.run(self._begin, limit)

    def _begin(self, limit: int) -> Any:
        from .frameviews import size_of

        arrow = arrow_for(READER_KIND)
        begun: list[Any] = []
        size = 0
        for batch in self._batches:
            begun.append(batch)
            size += size_of(arrow, batch)
            if size > limit:
                self._batches = itertools.chain(_letting_go(begun), self._batches)
                return None
        return arrow.Table.from_batches(begun, self.schema)

    def __iter__(self) -> Iterator[Any]:
        return self._batches

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Runs a function in its thread."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        loop = asyncio.get_running_loop()
        work = functools.partial(self._context.run, function, *args)
        return await loop.run_in_executor(self._thread, work)

    def close(self) -> None:
        """Nobody wants more batches; one that is being made is not waited for."""
        self._batches = iter(())
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)


def _letting_go(batches: list[Any]) -> Iterator[Any]:
    batches.reverse()
    while batches:
        yield batches.pop()


class _WouldBlockError(RuntimeError):
    """Who reads would block the loop that what he reads comes in."""


class PieceFlow:
    """The pieces of a table, from the loop that they come in to the thread that reads them.

    Args:
        loop: Where they come in.
        taken: Called on the loop with the cost of pieces that were read.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, taken: Callable[[int], None]) -> None:
        self._loop = loop
        self._taken = taken
        self._pieces: deque[tuple[bytes | memoryview, int]] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._failure: Exception | None = None

    def put(self, piece: bytes | memoryview, cost: int) -> None:
        """A piece came; an empty one is the end."""
        with self._changed:
            if piece:
                self._pieces.append((piece, cost))
            else:
                self._ended = True
            self._changed.notify()

    def fail(self, error: Exception) -> None:
        """Nothing more comes; after the end this does nothing."""
        with self._changed:
            if not self._ended and self._failure is None:
                self._failure = error
                self._pieces.clear()
            self._changed.notify()

    def next(self) -> bytes | memoryview | None:
        """Waits for the next piece; None is the end.

        Raises:
            RuntimeError: It would block the loop that the pieces come in.
            ToolExecutionError: The call is over, or too much came.
        """
        with self._changed:
            while not self._pieces and not self._ended and self._failure is None:
                if _running_loop() is self._loop:
                    raise _WouldBlockError(
                        "the next batch has not come yet, and waiting for it here would block the event loop "
                        "that receives it: read in a thread, as with asyncio.to_thread"
                    )
                self._changed.wait()
            if self._failure is not None:
                raise self._failure
            if not self._pieces:
                return None
            piece, cost = self._pieces.popleft()
        if cost:
            with contextlib.suppress(RuntimeError):  # the loop was closed
                self._loop.call_soon_threadsafe(self._taken, cost)
        return piece


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def open_reader(kind: str, next_piece: Callable[[], bytes | memoryview | None]) -> Any:
    """A reader of a table that comes in pieces; it reads the schema now, and each batch when it is asked for.

    Args:
        kind: Such as "pandas.DataFrame".
        next_piece: Gives the next piece; None behind the last.

    Raises:
        SerializationError: It is no such table.
    """
    arrow = arrow_for(kind)
    with _readable(kind):
        stream = arrow.ipc.open_stream(
            arrow.PythonFile(MessageFile(arrow, kind, next_piece), mode="r")
        )
    return arrow.RecordBatchReader.from_batches(stream.schema, _batches(arrow, kind, stream))


def _batches(arrow: Any, kind: str, stream: Any) -> Iterator[Any]:
    checks = ColumnChecks(arrow)
    while True:
        with _readable(kind):
            try:
                batch = stream.read_next_batch()
            except StopIteration:
                return
            checks.check(batch)
        yield batch


@contextlib.contextmanager
def _readable(kind: str) -> Generator[None]:
    try:
        yield
    except (ToolExecutionError, _WouldBlockError):
        raise
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except Exception as error:
        raise Fault(f"malformed {kind}: {error!s:.300}").error() from error
