"""Columns of views: each of their slices carries the whole texts of all, until it is put together anew.

So do slices of lists that are views, and those of dense unions. Categories are a part of a value and stay whole.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "LITTLE",
    "compacted",
    "compacted_table",
    "is_plain",
    "measured",
    "plain_types",
    "runs_of_views",
    "shown_bytes",
    "size_of",
    "table_bytes",
]

LITTLE = 16 * 1024
"""So much may be carried in vain by a column that is short; of longer ones half."""


def shown_bytes(array: Any) -> int:
    """The bytes that an array of views shows: each view of 16 bytes begins with its length."""
    if not len(array):
        return 0
    views, start = array.buffers()[1], 4 * array.offset
    if sys.modules.get("numpy") is not None:
        numpy: Any = importlib.import_module("numpy")  # waits where another thread imports it
        lengths = numpy.frombuffer(views, "<i4")[start : start + 4 * len(array) : 4]
        return int(lengths[lengths > 0].sum(dtype="int64"))
    numbers = memoryview(views).cast("B").cast("i")
    return sum(max(0, length) for length in numbers[start : start + 4 * len(array) : 4])


def compacted(arrow: Any, batch: Any, little: int = 0) -> Any:
    """The same record batch, with what its views and dense unions show only, where this is less.

    Args:
        arrow: The library.
        batch: Such as a slice of another.
        little: What a column may carry in vain, if it also shows as much as that.
    """
    compaction = _Compaction(arrow, little)
    columns = batch.columns
    made = list(map(compaction.of, columns))
    if all(now is before for now, before in zip(made, columns, strict=True)):
        return batch
    return arrow.RecordBatch.from_arrays(made, schema=batch.schema)


def measured(arrow: Any, table: Any) -> tuple[int, Callable[[], Any]]:
    """The bytes that a table takes in a stream, about, and what gives it for being written, without the rest."""
    if not _views(arrow, table.schema):
        return size_of(arrow, table), lambda: table
    return table_bytes(arrow, table), lambda: compacted_table(arrow, table)


def size_of(arrow: Any, held: Any) -> int:
    """The bytes of the rows of a table, a batch or a column, as its ``nbytes`` says them.

    That writes where nothing is its own for dense unions whose types have other codes than 0, 1, … (pyarrow 26): of
    these all that they hold counts.
    """
    if hasattr(held, "schema"):
        plain, odd = plain_types(arrow), functools.partial(_holds_odd_union, arrow.types)
        if not any(dtype.id not in plain and odd(dtype) for dtype in held.schema.types):
            return held.nbytes
        return sum(size_of(arrow, column) for column in held.columns)
    if not _holds_odd_union(arrow.types, held.type):
        return held.nbytes
    if hasattr(held, "chunks"):
        return sum(size_of(arrow, chunk) for chunk in held.chunks)
    if arrow.types.is_struct(held.type):
        return len(held) // 8 + sum(size_of(arrow, part) for part in held.flatten())
    return held.get_total_buffer_size()


def _holds_odd_union(types: Any, dtype: Any) -> bool:
    """Reports whether a type is a dense union whose types have other codes than 0, 1, …, or holds one."""
    if not types.is_union(dtype):
        return any(_holds_odd_union(types, inner) for inner in _inner(types, dtype))
    count = dtype.num_fields
    is_odd = dtype.mode == "dense" and list(dtype.type_codes) != list(range(count))
    return is_odd or any(_holds_odd_union(types, dtype.field(index).type) for index in range(count))


def is_plain(arrow: Any, schema: Any) -> bool:
    """Reports whether all columns are of plain types: numbers, texts and the like, without views or anything inside."""
    return plain_types(arrow).issuperset(dtype.id for dtype in schema.types)


def compacted_table(arrow: Any, table: Any) -> Any:
    """The same table, with what its views show only, where they carry much more."""
    batches = table.to_batches()
    made = [compacted(arrow, batch, LITTLE) for batch in batches]
    if all(now is before for now, before in zip(made, batches, strict=True)):
        return table
    return arrow.Table.from_batches(made, table.schema)


def table_bytes(arrow: Any, table: Any) -> int:
    """The bytes that a table with views takes in a stream, about."""
    compaction = _Compaction(arrow, LITTLE, measures=True)
    for column in table.columns:
        for chunk in column.chunks:
            compaction.of(chunk)
    return max(0, size_of(arrow, table) - compaction.saved)


def _views(arrow: Any, schema: Any) -> bool:
    plain = plain_types(arrow)
    dtypes = [dtype for dtype in schema.types if dtype.id not in plain]
    return any(_holds_views(arrow.types, dtype) for dtype in dtypes)


@functools.cache
def plain_types(arrow: Any) -> frozenset[int]:
    """Types that hold no views and no others, told by their numbers, which is quick."""
    plain = (arrow.null(), arrow.bool_(), arrow.string(), arrow.large_string(), arrow.binary())
    numbers = (arrow.int8(), arrow.int16(), arrow.int32(), arrow.int64(), arrow.float32())
    others = (arrow.float64(), arrow.uint8(), arrow.timestamp("ns"), arrow.date32())
    return frozenset(dtype.id for dtype in (*plain, *numbers, *others))


def _holds_views(types: Any, dtype: Any) -> bool:
    """Reports whether slices of a type carry more than they show; dense unions are like views in that."""
    if types.is_string_view(dtype) or types.is_binary_view(dtype) or _is_list_view(types, dtype):
        return True
    if types.is_union(dtype):
        parts = (dtype.field(index).type for index in range(dtype.num_fields))
        return dtype.mode == "dense" or any(_holds_views(types, part) for part in parts)
    return any(_holds_views(types, inner) for inner in _inner(types, dtype))


def runs_of_views(types: Any, dtype: Any) -> bool:
    """Reports whether a type is one of runs of lists that are views, or holds one."""
    if types.is_primitive(dtype):
        return False
    if types.is_run_end_encoded(dtype) and _holds_list_views(types, dtype):
        return True
    return any(runs_of_views(types, inner) for inner in _inner(types, dtype))


def _holds_list_views(types: Any, dtype: Any) -> bool:
    return _is_list_view(types, dtype) or any(
        _holds_list_views(types, inner) for inner in _inner(types, dtype)
    )


def _inner(types: Any, dtype: Any) -> Iterator[Any]:
    if types.is_dictionary(dtype) or types.is_run_end_encoded(dtype):
        yield dtype.value_type
    elif hasattr(dtype, "storage_type"):
        yield dtype.storage_type
    elif types.is_nested(dtype) and not types.is_union(dtype):
        for index in range(dtype.num_fields):
            yield dtype.field(index).type


def _is_list_view(types: Any, dtype: Any) -> bool:
    return types.is_list_view(dtype) or types.is_large_list_view(dtype)


class _Compaction:
    """Puts arrays together anew that carry more than they show.

    Args:
        arrow: The library.
        little: What an array of views may carry in vain, if it also shows as much as that.
        measures: Only how much would be saved is wanted.
    """

    def __init__(self, arrow: Any, little: int, *, measures: bool = False) -> None:
        self._arrow = arrow
        self._types = arrow.types
        self._little = little
        self._measures = measures
        self.saved = 0
        """Bytes, about."""

    def of(self, array: Any) -> Any:
        """An equal array, the same one where nothing is to be gained."""
        types, dtype = self._types, array.type
        if not _holds_views(types, dtype):
            return array
        if types.is_string_view(dtype) or types.is_binary_view(dtype):
            return self._texts(array)
        if types.is_struct(dtype):
            return self._struct(array)
        if types.is_map(dtype):
            return self._map(array)
        if types.is_list(dtype) or types.is_large_list(dtype):
            return self._list(array)
        if types.is_fixed_size_list(dtype):
            return self._fixed_list(array)
        if _is_list_view(types, dtype):
            return self._list_view(array)
        if types.is_run_end_encoded(dtype):
            return self._runs(array)
        if types.is_union(dtype):
            return self._union(array)
        if types.is_dictionary(dtype):
            return self._dictionary(array)
        storage = array.storage
        now = self.of(storage)
        return array if now is storage else dtype.wrap_array(now)

    def _gains(self, carried: int, shown: int) -> bool:
        saved = carried - shown
        if saved <= (max(self._little, shown) if self._little else 0):
            return False
        self.saved += saved
        return True

    def _texts(self, array: Any) -> Any:
        carried = sum(buffer.size for buffer in array.buffers()[2:])
        if carried <= self._little or not self._gains(carried, shown_bytes(array)):
            return array
        if self._measures:
            return array
        arrow = self._arrow
        texts = self._types.is_string_view(array.type)
        return array.cast(arrow.large_string() if texts else arrow.large_binary()).cast(array.type)

    def _dictionary(self, array: Any) -> Any:
        values = array.dictionary
        now = self.of(values)
        if now is values:
            return array
        ordered = array.type.ordered
        return self._arrow.DictionaryArray.from_arrays(array.indices, now, ordered=ordered)

    def _struct(self, array: Any) -> Any:
        parts = [array.field(index) for index in range(array.type.num_fields)]
        now = list(map(self.of, parts))
        if all(made is part for made, part in zip(now, parts, strict=True)):
            return array
        return self._arrow.StructArray.from_arrays(now, type=array.type, mask=_nulls(array))

    def _list(self, array: Any) -> Any:
        values, offsets = _items(array)
        now = self.of(values)
        if now is values:
            return array
        cls = cast("Any", type(array))
        return cls.from_arrays(offsets(), now, type=array.type, mask=_nulls(array))

    def _map(self, array: Any) -> Any:
        values, offsets = _items(array)
        keys, items = values.field(0), values.field(1)
        new_keys, new_items = self.of(keys), self.of(items)
        if new_keys is keys and new_items is items:
            return array
        return self._arrow.MapArray.from_arrays(
            offsets(), new_keys, new_items, type=array.type, mask=_nulls(array)
        )

    def _fixed_list(self, array: Any) -> Any:
        size = array.type.list_size
        values = array.values.slice(array.offset * size, len(array) * size)
        now = self.of(values)
        if now is values:
            return array
        return self._arrow.FixedSizeListArray.from_arrays(now, type=array.type, mask=_nulls(array))

    def _list_view(self, array: Any) -> Any:
        """Lists that are views are put one behind the other where they show few of the items."""
        compute = importlib.import_module("pyarrow.compute")
        values, sizes = array.values, compute.fill_null(compute.list_value_length(array), 0)
        count = compute.sum(sizes).as_py() or 0
        each = size_of(self._arrow, values) // max(1, len(values)) + 1
        if not self._gains(len(values) * each, count * each):
            now = self.of(values)
            offsets = array.offsets
            if now is values:
                return array
        elif self._measures:
            return array
        else:
            now = self.of(array.flatten())
            offsets = compute.subtract(compute.cumulative_sum(sizes), sizes)
        cls = cast("Any", type(array))
        return cls.from_arrays(offsets, sizes, now, type=array.type, mask=_nulls(array))

    def _runs(self, array: Any) -> Any:
        start, count = array.find_physical_offset(), array.find_physical_length()
        values = array.values.slice(start, count)
        now = self.of(values)
        if now is values:
            return array
        compute = importlib.import_module("pyarrow.compute")
        ends = array.run_ends.slice(start, count)
        ends = compute.subtract(ends, self._arrow.scalar(array.offset, ends.type))
        ends = compute.min_element_wise(ends, self._arrow.scalar(len(array), ends.type))
        return self._arrow.RunEndEncodedArray.from_arrays(ends, now, type=array.type)

    def _union(self, array: Any) -> Any:
        dtype = array.type
        parts = [array.field(index) for index in range(dtype.num_fields)]
        buffers = [None, array.buffers()[1].slice(array.offset, len(array))]
        shown = parts
        if dtype.mode == "dense":
            offsets = array.buffers()[2].slice(4 * array.offset, 4 * len(array))
            if array.offset or sum(map(len, parts)) > len(array):
                anew = bool(array.offset)  # what Arrow would do of a slice, for places in any order
                offsets, shown = self._shown(array.type, parts, buffers[1], offsets, anew=anew)
            buffers.append(offsets)
        now = list(map(self.of, shown))
        if self._measures or all(made is part for made, part in zip(now, parts, strict=True)):
            return array
        cls = self._arrow.Array
        return cls.from_buffers(dtype, len(array), buffers, null_count=0, children=now)

    def _shown(
        self, dtype: Any, parts: list[Any], codes: Any, offsets: Any, *, anew: bool
    ) -> tuple[Any, list[Any]]:
        """Where each item of a dense union lies, and its children with little but these."""
        arrow, compute = self._arrow, importlib.import_module("pyarrow.compute")
        of_item = arrow.Array.from_buffers(arrow.int8(), codes.size, [None, codes])
        moved = places = arrow.Array.from_buffers(arrow.int32(), codes.size, [None, offsets])
        shown: list[Any] = []
        saved = 0
        for kind, part in zip(dtype.type_codes, parts, strict=True):
            mine = compute.equal(of_item, arrow.scalar(kind, arrow.int8()))
            bounds = compute.min_max(places.filter(mine)).as_py()
            first, last = bounds["min"] or 0, -1 if bounds["max"] is None else bounds["max"]
            count = last + 1 - first
            shown.append(part.slice(first, count))
            size = (
                part.get_total_buffer_size()
            )  # its nbytes fail with types of other codes than 0, 1, …
            saved += size * (len(part) - count) // max(1, len(part))
            if first:
                own = compute.subtract(places, arrow.scalar(first, arrow.int32()))
                moved = compute.if_else(mine, own, moved)
        if not anew and saved <= self._little:
            return offsets, parts
        return moved.buffers()[1], shown


def _nulls(array: Any) -> Any:
    return array.is_null() if array.null_count else None


def _items(array: Any) -> tuple[Any, Callable[[], Any]]:
    """The items of an array of lists, its own ones only, and where each list begins among them."""
    offsets = array.offsets
    first, last = offsets[0].as_py(), offsets[-1].as_py()
    compute = importlib.import_module("pyarrow.compute")
    return array.values.slice(first, last - first), lambda: compute.subtract(offsets, offsets[0])
