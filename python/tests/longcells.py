"""Tables of pandas that are mostly behind pointers: texts, bytes, lists and dicts, in columns and indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LONG_CELLS"]


def _objects(make: Callable[[int], Any], rows: int) -> pd.Series:
    return pd.Series([make(row) for row in range(rows)], dtype=object)


def _texts(rows: int, size: int) -> pd.Series:
    return _objects(lambda row: chr(97 + row % 26) * size, rows)


def _bytes(rows: int, size: int) -> pd.Series:
    return _objects(lambda row: bytes([row % 256]) * size, rows)


def _lists(rows: int, size: int) -> pd.Series:
    return _objects(lambda row: [float(row)] * (size // 8), rows)


def _lists_of_texts(rows: int, size: int) -> pd.Series:
    return _objects(lambda row: [str(row % 10) * (size // 10)] * 10, rows)


def _dicts(rows: int, size: int) -> pd.Series:
    return _objects(lambda row: {"a": row, "b": ["x" * size]}, rows)


def _some_missing(rows: int, size: int) -> pd.Series:
    texts = _texts(rows, size * 3 // 2)
    return texts.where(texts.index % 3 > 0, None)


def _index(rows: int, size: int) -> pd.Index:
    return pd.Index(_texts(rows, size), dtype=object)


def _levels(rows: int, size: int) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([_index(rows, size), range(rows)], names=["long", "short"])


def _one_long_row(rows: int, size: int) -> pd.Series:
    cells = ["x" * 28] * (rows * size // 32)
    cells[len(cells) * 2 // 3] = "y" * (rows * size * 9 // 20)
    return pd.Series(cells, dtype=object)


LONG_CELLS: Mapping[str, Callable[[int, int], Any]] = {
    "texts": lambda rows, size: _texts(rows, size).to_frame("t"),
    "bytes": lambda rows, size: _bytes(rows, size).to_frame("b"),
    "lists": lambda rows, size: _lists(rows, size).to_frame("l"),
    "lists of texts": lambda rows, size: _lists_of_texts(rows, size).to_frame("l"),
    "dicts": lambda rows, size: _dicts(rows, size).to_frame("d"),
    "texts and None": lambda rows, size: _some_missing(rows, size).to_frame("t"),
    "texts of Python's": lambda rows, size: _texts(rows, size).astype("string[python]").to_frame(),
    "index": lambda rows, size: pd.DataFrame({"n": range(rows)}, index=_index(rows, size)),
    "level": lambda rows, size: pd.DataFrame({"n": range(rows)}, index=_levels(rows, size)),
    "series": _texts,
    "series of bytes": _bytes,
    "series of dicts": _dicts,
    "series with an index": lambda rows, size: pd.Series(range(rows), index=_index(rows, size)),
    "one long row among very many": lambda rows, size: _one_long_row(rows, size).to_frame("t"),
}
"""Makes each of so many rows, of which each has so many bytes."""
