"""Columns of Arrow as lists of Python's objects: what ``to_pylist`` gives, made many cells at once.

``to_pylist`` makes an object of Arrow's for each cell and each item of it, and lets no other thread run meanwhile.
"""

from __future__ import annotations

import importlib
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SLICE_ROWS", "pylist", "pylists"]

SLICE_ROWS = 1 << 14
"""Rows that are made objects at once; between two slices other threads get their turn."""


def pylist(column: Any) -> list[Any]:
    """The cells of a column or an array, as its ``to_pylist`` makes them."""
    return list(chain.from_iterable(pylists(column)))


def pylists(column: Any) -> Iterator[list[Any]]:
    """The same, some rows at a time."""
    arrow: Any = importlib.import_module("pyarrow")
    for chunk in getattr(column, "chunks", [column]):
        for start in range(0, len(chunk), SLICE_ROWS):
            yield _cells(arrow, chunk.slice(start, SLICE_ROWS))


def _cells(arrow: Any, array: Any) -> list[Any]:
    kind, types = array.type, arrow.types
    if not len(array):
        return []
    cells: list[Any]
    if types.is_map(kind):
        keys, items = array.keys, array.items

        def pairs(start: int, size: int) -> list[Any]:
            parts = (_cells(arrow, child.slice(start, size)) for child in (keys, items))
            return list(zip(*parts, strict=True))

        cells = _runs(array, pairs)
    elif types.is_list(kind) or types.is_large_list(kind):
        values = array.values

        def part(start: int, size: int) -> list[Any]:
            return _cells(arrow, values.slice(start, size))

        cells = _runs(array, part)
    elif types.is_struct(kind) and kind.num_fields:
        names = [field.name for field in kind]
        if len(set(names)) < len(names):
            return array.to_pylist()
        fields = [_cells(arrow, array.field(at)) for at in range(len(names))]
        cells = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
    elif _is_number(types, kind):
        filled = array.fill_null(False if types.is_boolean(kind) else 0)
        cells = filled.to_numpy(zero_copy_only=False).tolist()
    elif _is_run(types, kind):
        return array.to_numpy(zero_copy_only=False).tolist()
    else:
        return array.to_pylist()
    if array.null_count:
        for row in array.is_null().to_numpy(zero_copy_only=False).nonzero()[0].tolist():
            cells[row] = None
    return cells


def _runs(array: Any, items_of: Callable[[int, int], list[Any]]) -> list[Any]:
    """Lists of the items of an array's children, which ``items_of`` gives by their beginning and number."""
    offsets: list[int] = array.offsets.to_numpy().tolist()
    first = offsets[0]
    items = items_of(first, offsets[-1] - first)
    return [items[start - first : end - first] for start, end in pairwise(offsets)]


def _is_number(types: Any, kind: Any) -> bool:
    """Reports whether numpy's numbers of a type become the same objects of Python."""
    exact = (types.is_integer, types.is_boolean, types.is_float32, types.is_float64)
    return any(is_one(kind) for is_one in exact)


def _is_run(types: Any, kind: Any) -> bool:
    runs = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(is_one(kind) for is_one in runs)
