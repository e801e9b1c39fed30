"""Columns of a table that came: all are looked through, a dictionary that many batches or columns share once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.frameoverlaps import check_texts, overlaps
from grpc_tool_bridge.frameviews import is_plain
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ColumnChecks", "check_columns", "chunked_dictionaries"]


def check_columns(arrow: Any, table: Any) -> None:
    """Checks a table that came.

    Raises:
        Fault: Offsets, lengths or texts of a column, which is named, are malformed.
    """
    ColumnChecks(arrow).check(table)


def chunked_dictionaries(arrow: Any, table: Any) -> list[int]:
    """How many dictionaries each column has that has several chunks with some."""
    columns = [
        column
        for column in table.columns
        if column.num_chunks > 1 and _holds_dictionary(arrow, column.type)
    ]
    return [
        len({_place(coded.dictionary) for chunk in column.chunks for coded in _coded(arrow, chunk)})
        for column in columns
    ]


class ColumnChecks:
    """Checks the columns of a table, or of its batches one after the other."""

    def __init__(self, arrow: Any) -> None:
        self._arrow = arrow
        self._known: dict[tuple[Any, ...], Any] = {}
        """The dictionaries of the batch before by where they lie, which nothing else does while they are kept."""

    def check(self, table: Any) -> None:
        """Checks a table, or the next batch of one.

        Raises:
            Fault: Offsets, lengths or texts of a column, which is named, are malformed.
        """
        if is_plain(self._arrow, table.schema):
            with suppress(self._arrow.ArrowException):  # what it is about is found column by column
                table.validate(full=True)
                return
        found: dict[tuple[Any, ...], Any] = {}
        for field, column in zip(table.schema, table.columns, strict=True):
            try:
                if _holds_dictionary(self._arrow, field.type):
                    self._check_coded(field.type, column, found)
                else:
                    self._validate(column)
                    self._check_views(column)
            except Exception as error:  # noqa: PERF203 - of the library's own classes
                fault = Fault(f"column {field.name!r:.60} is malformed: {error!s:.200}")
                if isinstance(error, KeyError):  # by the number of a type, such as that of months
                    fault = Fault(
                        f"column {field.name!r:.60} is of type {field.type!s:.60}, of which pyarrow has no arrays:"
                        " send ints, or intervals of months, days and nanoseconds"
                    )
                fault.at(field.name)
                raise fault from error
        table.validate(full=False)
        self._known = found

    def _check_coded(self, dtype: Any, column: Any, found: dict[tuple[Any, ...], Any]) -> None:
        """Checks a column with dictionaries: first its codes alone, then these against each dictionary."""
        codes = _codes(self._arrow, dtype)
        for chunk in column.chunks if hasattr(column, "chunks") else [column]:
            self._validate(chunk.view(codes))
            self._check_views(chunk)
            for coded in _coded(self._arrow, chunk):
                dictionary = coded.dictionary
                place = _place(dictionary)
                if place not in self._known and place not in found:
                    self._validate(dictionary)
                    self._check_views(dictionary)
                found[place] = dictionary
                # Of the same length, and without anything to be looked through.
                empty = self._arrow.nulls(len(dictionary))
                self._arrow.DictionaryArray.from_arrays(coded.indices, empty, safe=True)

    def _validate(self, column: Any) -> None:
        """Validates a column without dictionaries, of texts that many views show each once."""
        arrow = self._arrow
        if not _holds(arrow, column.type, _is_text_view):
            column.validate(full=True)
            return
        column.validate()
        as_bytes = _replaced(arrow, column.type, _is_text_view, lambda _: arrow.binary_view())
        for chunk in column.chunks if hasattr(column, "chunks") else [column]:
            texts = list(_found(arrow, chunk, _is_text_view))
            if not any(map(overlaps, texts)):
                chunk.validate(full=True)
                continue
            chunk.view(as_bytes).validate(full=True)
            for each in texts:
                check_texts(each)

    def _check_views(self, column: Any) -> None:
        """Checks views of texts and bytes under null as the others: who writes them as texts adds their lengths up."""
        arrow = self._arrow
        for chunk in column.chunks if hasattr(column, "chunks") else [column]:
            for views in _found(arrow, chunk, _is_view):
                if views.null_count:
                    shown = [None, *views.buffers()[1:]]
                    dtype, size, start = arrow.binary_view(), len(views), views.offset
                    arrow.Array.from_buffers(dtype, size, shown, offset=start).validate(full=True)


def _place(array: Any) -> tuple[Any, ...]:
    buffers = array.buffers()  # one that is empty is falsy
    places = [None if each is None else (each.address, each.size) for each in buffers]
    return (str(array.type), array.offset, len(array), *places)


def _parts(arrow: Any, dtype: Any) -> list[Any]:
    """The fields that a type is made of, but for those of a dictionary."""
    if arrow.types.is_dictionary(dtype):
        return []
    if arrow.types.is_run_end_encoded(dtype):
        return [arrow.field("values", dtype.value_type)]
    if isinstance(dtype, arrow.BaseExtensionType):
        return [arrow.field("storage", dtype.storage_type)]
    return [dtype.field(at) for at in range(dtype.num_fields)]


def _is_view(types: Any, dtype: Any) -> bool:
    return bool(types.is_string_view(dtype) or types.is_binary_view(dtype))


def _is_text_view(types: Any, dtype: Any) -> bool:
    return bool(types.is_string_view(dtype))


def _holds(arrow: Any, dtype: Any, is_one: Callable[[Any, Any], bool]) -> bool:
    return is_one(arrow.types, dtype) or any(
        _holds(arrow, part.type, is_one) for part in _parts(arrow, dtype)
    )


def _holds_dictionary(arrow: Any, dtype: Any) -> bool:
    return _holds(arrow, dtype, _is_dictionary)


def _is_dictionary(types: Any, dtype: Any) -> bool:
    return bool(types.is_dictionary(dtype))


def _codes(arrow: Any, dtype: Any) -> Any:
    """The type whose arrays have the same buffers, with the codes alone of each dictionary."""
    return _replaced(arrow, dtype, _is_dictionary, lambda coded: coded.index_type)


def _replaced(
    arrow: Any, dtype: Any, is_one: Callable[[Any, Any], bool], other: Callable[[Any], Any]
) -> Any:
    """The type in which others stand for some, wherever they are."""
    types = arrow.types
    if is_one(types, dtype):
        return other(dtype)
    if not _holds(arrow, dtype, is_one):
        return dtype
    parts = [
        part.with_type(_replaced(arrow, part.type, is_one, other)) for part in _parts(arrow, dtype)
    ]
    if isinstance(dtype, arrow.BaseExtensionType):
        return parts[0].type
    if types.is_run_end_encoded(dtype):
        return arrow.run_end_encoded(dtype.run_end_type, parts[0].type)
    if types.is_struct(dtype):
        return arrow.struct(parts)
    if types.is_union(dtype):
        return arrow.union(parts, dtype.mode, dtype.type_codes)
    if types.is_fixed_size_list(dtype):
        return arrow.list_(parts[0], dtype.list_size)
    for is_list, make in (
        (types.is_large_list, arrow.large_list),
        (types.is_list_view, arrow.list_view),
        (types.is_large_list_view, arrow.large_list_view),
    ):
        if is_list(dtype):
            return make(parts[0])
    return arrow.list_(parts[0])  # of a list, or a map, which is one


def _coded(arrow: Any, array: Any) -> Iterator[Any]:
    """The arrays of dictionaries that an array is, or holds."""
    return _found(arrow, array, _is_dictionary)


def _found(arrow: Any, array: Any, is_one: Callable[[Any, Any], bool]) -> Iterator[Any]:
    """The arrays of some types that an array is, or holds, but for what stands in dictionaries."""
    types, dtype = arrow.types, array.type
    if is_one(types, dtype):
        yield array
    elif not _holds(arrow, dtype, is_one):
        return
    elif isinstance(dtype, arrow.BaseExtensionType):
        yield from _found(arrow, array.storage, is_one)
    elif types.is_struct(dtype) or types.is_union(dtype):
        for at in range(dtype.num_fields):
            yield from _found(arrow, array.field(at), is_one)
    elif types.is_map(dtype):
        yield from _found(arrow, array.keys, is_one)
        yield from _found(arrow, array.items, is_one)
    else:
        yield from _found(arrow, array.values, is_one)
