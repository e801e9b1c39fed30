"""Views of texts that overlap: any number of them may show the same bytes, which are looked through once."""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.frameviews import shown_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_texts", "overlaps"]

_VIEW = struct.Struct("<i12s")
"""The length, and the text or, of a longer one, its first bytes, the number of its buffer and where it begins there."""
_PLACE = struct.Struct("<4xii")
_INLINE = 12
"""A text of so many bytes stands in its view."""
_NO_TEXT = "a view shows what is no text in UTF-8"


def overlaps(array: Any) -> bool:
    """Reports whether views show more than they and their array's buffers have."""
    return shown_bytes(array) > sum(buffer.size for buffer in array.buffers()[1:])


def check_texts(array: Any) -> None:
    """Checks the texts of an array of views that lead to bytes that are there.

    Raises:
        ValueError: One is not in UTF-8.
    """
    _, shown, *buffers = array.buffers()
    size = _VIEW.size
    views: Iterable[tuple[int, bytes]] = _VIEW.iter_unpack(
        memoryview(shown)[size * array.offset : size * (array.offset + len(array))]
    )
    if array.null_count:
        views = itertools.compress(views, array.is_valid().to_pylist())
    spans: list[tuple[int, int, int]] = []
    for length, rest in set(views):
        if length <= _INLINE:
            _check(rest[:length])
        else:
            buffer, start = _PLACE.unpack(rest)
            spans.append((buffer, start, start + length))
    spans.sort()
    at = 0
    while at < len(spans):
        buffer, start, end = spans[at]
        first = at
        while at < len(spans) and spans[at][0] == buffer and (at == first or spans[at][1] < end):
            end = max(end, spans[at][2])
            at += 1
        _check_together(memoryview(buffers[buffer])[start:end], start, spans[first:at])


def _check_together(text: memoryview, start: int, spans: list[tuple[int, int, int]]) -> None:
    """Checks views that overlap: all show texts where together they do, and begin and end between characters."""
    _check(text)
    for _, begin, end in spans:
        for place in (begin - start, end - start):
            if place < len(text) and text[place] & 0xC0 == 0x80:
                raise ValueError(_NO_TEXT)


def _check(text: bytes | memoryview) -> None:
    try:
        str(text, "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(_NO_TEXT) from error
