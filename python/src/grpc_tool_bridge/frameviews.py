"""Columns of views: each of their slices carries the whole texts of all, until it is put together anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["compacted", "shown_bytes"]


def shown_bytes(array: Any) -> int:
    """The bytes that an array of views shows: each view of 16 bytes begins with its length."""
    if not len(array):
        return 0
    numbers = memoryview(array.buffers()[1]).cast("B").cast("i")
    start = 4 * array.offset
    return sum(max(0, length) for length in numbers[start : start + 4 * len(array) : 4])


def compacted(arrow: Any, batch: Any) -> Any:
    """The same record batch, with those texts and bytes of its views only that they show, where these are fewer.

    Args:
        arrow: The library.
        batch: Such as a slice of another.
    """
    columns = [_compacted(arrow, column) for column in batch.columns]
    if all(now is before for now, before in zip(columns, batch.columns, strict=True)):
        return batch
    return arrow.RecordBatch.from_arrays(columns, schema=batch.schema)


def _compacted(arrow: Any, column: Any) -> Any:
    leaves = list(_leaves(arrow.types, column))
    carried = sum(buffer.size for leaf in leaves for buffer in leaf.buffers()[2:])
    # Any number of views may show the same bytes.
    if not leaves or sum(map(shown_bytes, leaves)) >= carried:
        return column
    plain = column.cast(_plain(arrow, column.type))
    if column.type.num_fields:
        plain = plain.take(arrow.array(range(len(plain)), arrow.int32()))
    return plain.cast(column.type)


def _leaves(types: Any, array: Any) -> Iterator[Any]:
    """The arrays of views in a column."""
    dtype = array.type
    if _shows(types, dtype):
        yield array
    elif types.is_struct(dtype):
        for part in array.flatten():
            yield from _leaves(types, part)
    elif _is_list(types, dtype):
        yield from _leaves(types, array.flatten())


def _plain(arrow: Any, dtype: Any) -> Any:
    """The type without views."""
    types = arrow.types
    if types.is_string_view(dtype):
        return arrow.large_string()
    if types.is_binary_view(dtype):
        return arrow.large_binary()
    if types.is_struct(dtype):
        return arrow.struct([field.with_type(_plain(arrow, field.type)) for field in dtype])
    if _is_list(types, dtype):
        item = dtype.value_field.with_type(_plain(arrow, dtype.value_type))
        if types.is_fixed_size_list(dtype):
            return arrow.list_(item, dtype.list_size)
        return (arrow.large_list if types.is_large_list(dtype) else arrow.list_)(item)
    return dtype


def _shows(types: Any, dtype: Any) -> bool:
    return types.is_string_view(dtype) or types.is_binary_view(dtype)


def _is_list(types: Any, dtype: Any) -> bool:
    return types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype)
