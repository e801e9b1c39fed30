"""Arrow's maps in pandas, whose cells are lists of pairs, which Arrow takes for lists when they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.framepylists import pylist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["exact_cells", "maps_of", "without"]


def maps_of(arrow: Any, frame: Any, uncommon: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """The columns of objects of a DataFrame whose cells are lists of pairs, as arrays of maps, by their positions."""
    found: dict[int, Any] = {}
    for position, dtype in uncommon:
        if str(dtype) != "object":
            continue
        column = frame.iloc[:, position]
        cells = column.to_numpy()
        lists: list[Any] = [cell for cell in cells if type(cell) is list and cell]
        firsts: set[Any] = {type(cell[0]) for cell in lists}
        if tuple not in firsts or not any(map(_begins_with_pair, cells)):
            continue
        plain = [None if null else cell for cell, null in zip(cells, column.isna(), strict=True)]
        made = _maps(arrow, plain)
        if made is not None:
            found[position] = made
    return found


def without(frame: Any, positions: Mapping[int, Any]) -> Any:
    """The same DataFrame with nothing in some of its columns."""
    if not positions:
        return frame
    rest = frame.copy(deep=False)
    for position in positions:
        rest.isetitem(position, None)
        rest.isetitem(position, rest.iloc[:, position].astype(object))
    return rest


def _begins_with_pair(cell: Any) -> bool:
    return type(cell) is list and any(map(_is_pair, cast("list[Any]", cell)[:1]))


def _is_pair(item: Any) -> bool:
    return type(item) is tuple and len(cast("tuple[Any, ...]", item)) == 2


def _maps(arrow: Any, cells: Sequence[Any]) -> Any:
    """An array of maps; None if some cell is none that Arrow can hold."""
    if not all(cell is None or (type(cell) is list and all(map(_is_pair, cell))) for cell in cells):
        return None
    pairs = [pair for cell in cells if cell for pair in cell]
    offsets = [0]
    for cell in cells:
        offsets.append(offsets[-1] + len(cell or ()))
    try:
        keys = arrow.array([key for key, _ in pairs], from_pandas=False)
        values = [value for _, value in pairs]
        items = _maps(arrow, values) if any(map(_begins_with_pair, values)) else None
        if items is None:
            items = arrow.array(values, from_pandas=False)
    except (arrow.ArrowException, TypeError, ValueError, OverflowError):
        return None
    if keys.null_count:
        return None
    nulls = arrow.array([cell is None for cell in cells], arrow.bool_())
    return arrow.MapArray.from_arrays(arrow.array(offsets, arrow.int32()), keys, items, mask=nulls)


def exact_cells(arrow: Any, column: Any) -> list[Any] | None:
    """The cells of a column where pandas' own way would make floats of ints beside nulls; None for others."""
    if not any(_loses(arrow.types, chunk) for chunk in column.chunks):
        return None
    return pylist(column)


def _loses(types: Any, array: Any) -> bool:
    kind = array.type
    if types.is_map(kind):
        return (
            _has_gaps(types, array.items) or _loses(types, array.items) or _loses(types, array.keys)
        )
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = array.flatten()
        return _has_gaps(types, inner) or _loses(types, inner)
    if types.is_struct(kind):
        fields = map(array.field, range(kind.num_fields))
        return any(_has_gaps(types, field) or _loses(types, field) for field in fields)
    return False


def _has_gaps(types: Any, array: Any) -> bool:
    return bool(array.null_count) and types.is_integer(array.type)
