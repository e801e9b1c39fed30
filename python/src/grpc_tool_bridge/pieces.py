"""Bytes that came in pieces, read without being put together: that would be a second copy of a large table."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Buffer

__all__ = ["PieceReader", "Pieces"]

_LONG = 64 * 1024


class Pieces:
    """Bytes in pieces.

    Args:
        pieces: None of them is empty.
    """

    def __init__(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._pieces = list(pieces)
        self._ends = list(accumulate(map(len, pieces)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def part(self, start: int, size: int) -> memoryview:
        """The bytes from a place on; fewer where there are not so many."""
        views = list(self._views(start, size))
        return views[0] if len(views) == 1 else memoryview(b"".join(views))

    def copy(self, start: int, size: int) -> bytes:
        """A copy of the bytes from a place on; fewer where there are not so many."""
        return b"".join(self._views(start, size))

    def copy_to(self, target: memoryview, start: int) -> None:
        """Copies as many bytes as the target takes, from a place on."""
        at = 0
        for view in self._views(start, len(target)):
            target[at : at + len(view)] = view
            at += len(view)

    def _views(self, start: int, size: int) -> Iterator[memoryview]:
        index = bisect_right(self._ends, start)
        at = start - (self._ends[index - 1] if index else 0)
        while size > 0 and index < len(self._ends):
            view = memoryview(self._pieces[index])[at : at + size]
            yield view
            size -= len(view)
            index, at = index + 1, 0

    def joined(self) -> bytes:
        """All of them."""
        return b"".join(self._pieces)

    def reader(
        self, *, allocate: Callable[[int], Buffer] | None = None, last: bool = False
    ) -> PieceReader:
        """Reads them from the beginning.

        Args:
            allocate: Makes the memory for what is read at once and long; by default it is made anew each time.
            last: They are not read again: each is let go behind what was read.
        """
        return PieceReader(self, allocate=allocate, last=last)

    def take_all(self) -> Iterator[bytes | memoryview]:
        """Takes them away, one after the other."""
        self._ends.clear()
        pieces = deque(self._pieces)
        self._pieces.clear()
        while pieces:
            yield pieces.popleft()

    def let_go(self, index: int, end: int) -> int:
        """Lets go of those from an index on that lie before a place; returns the index of the next."""
        while index < len(self._ends) and self._ends[index] <= end:
            self._pieces[index] = b""
            index += 1
        return index


class PieceReader:
    """A file of pieces, for Arrow."""

    closed = False

    def __init__(
        self, pieces: Pieces, *, allocate: Callable[[int], Buffer] | None, last: bool
    ) -> None:
        self._source = pieces
        self._allocate = allocate
        self._last = last
        self._at = 0
        self._next = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Nothing is to be closed."""

    def read(self, size: int = -1) -> Buffer:
        """The next bytes, all that are left by default; they begin where numbers of any width may."""
        left = len(self._source) - self._at
        size = left if size < 0 else min(size, left)
        if self._allocate is None or size < _LONG:
            data: Buffer = self._source.copy(self._at, size)
        else:
            data = self._allocate(size)
            self._source.copy_to(memoryview(data).cast("B"), self._at)
        self._at += size
        if self._last:
            self._next = self._source.let_go(self._next, self._at)
        return data

    # Arrow asks for this one where it takes what lies in memory already.
    read_buffer = read
