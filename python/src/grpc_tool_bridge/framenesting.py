"""Containers in the cells of columns of objects: what holds itself, or is too deep, would end pyarrow and the program.

They are looked through before Arrow sees a cell, by a walk that keeps no frame on the stack for each level.
"""

from __future__ import annotations

import functools
from collections.abc import MappingView
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from grpc_tool_bridge.framepylists import SLICE_ROWS
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.urls import MAX_DEPTH, MAX_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MAX_LEVELS", "check_nesting"]

MAX_LEVELS = MAX_DEPTH - 1
"""Levels of containers in a cell: the column is one, for Arrow too."""
_PLAIN: frozenset[type] = frozenset({str, int, float, bool, bytes, type(None)})
_COMMON: frozenset[type] = frozenset({list, tuple, dict})
_FEW = 4096
_MANY = 1 << 20
"""Items of cells that are not looked at together."""
_CONTAINERS = (list, tuple, dict, set, frozenset, MappingView)
"""With arrays of objects, what Arrow looks into."""


def check_nesting(cells: Sequence[Any], what: str) -> None:
    """Checks the cells of a column or an index of objects; ``what`` names it.

    Raises:
        Fault: One holds itself, or is nested deeper than any value may be; its row is named.
    """
    if not any(map(_may_hold, set(map(type, cells)))):
        return
    walk = _Walk()
    for start in range(0, len(cells), SLICE_ROWS):
        some = cells[start : start + SLICE_ROWS]
        if not _are_shallow(some, 2):
            _check_each(walk, some, what, start)


def _check_each(walk: _Walk, cells: Sequence[Any], what: str, start: int) -> None:
    for row, cell in enumerate(cells, start):
        if _is_shallow(cell, 2) or not _is_container(cell):
            continue
        try:
            walk.check(cell)
        except Fault as fault:
            fault.message = f"{what} holds {fault.message}"
            fault.at(row)
            raise


def _are_shallow(cells: Sequence[Any], levels: int) -> bool:
    """Reports whether all cells are seen at a glance to have few levels; False says nothing."""
    kinds = set(map(type, cells)) - _PLAIN
    if not kinds:
        return True
    if not levels or not kinds <= _COMMON:
        return False
    held: list[Any] = [cell for cell in cells if type(cell) in _COMMON]
    if sum(map(len, held)) > _MANY:
        return False
    if dict in kinds:
        dicts: list[Any] = [cell for cell in held if type(cell) is dict]
        keys: list[Any] = list(chain.from_iterable(dicts))
        if not _PLAIN.issuperset(map(type, keys)):
            return False
        held = [cell.values() if type(cell) is dict else cell for cell in held]
    parts: list[Any] = list(chain.from_iterable(held))
    return _are_shallow(parts, levels - 1)


def _is_shallow(cell: Any, levels: int) -> bool:
    """Reports whether a cell is seen at a glance to have few levels, as most have."""
    kind = cast("type[Any]", type(cell))
    if kind not in _COMMON:
        return kind in _PLAIN
    if not levels or len(cell) > _FEW or (kind is dict and not _PLAIN.issuperset(map(type, cell))):
        return False
    parts = cell.values() if kind is dict else cell
    if _PLAIN.issuperset(map(type, parts)):
        return True
    return all(_is_shallow(part, levels - 1) for part in parts)


class _Done(NamedTuple):
    """A container that was looked through. It is kept, so that no other gets its identity."""

    container: Any
    levels: int
    items: int


class _Open:
    """A container that is looked through."""

    def __init__(self, container: Any) -> None:
        parts = _parts(container)
        held = any(map(_may_hold, set(map(type, parts))))
        self.container = container
        self.inner: Iterator[Any] = filter(_is_container, parts if held else ())
        self.levels = 1
        self.items = len(parts)


class _Walk:
    """Looks through containers, through each once, however many hold it."""

    def __init__(self) -> None:
        self._done: dict[int, _Done] = {}

    def check(self, cell: Any) -> None:
        """Looks through a cell."""
        path = [_Open(cell)]
        while path:
            last = path[-1]
            part = next(last.inner, None)
            if part is None:
                path.pop()
                done = _Done(last.container, last.levels, last.items)
                if done.levels > 1:  # others are counted as soon as they would be found again
                    self._done[id(last.container)] = done
                if path:
                    _add(path, done)
            elif id(part) in self._done:
                _add(path, self._done[id(part)])
            elif any(part is holder.container for holder in path):
                raise Fault(
                    f"a {_name(cell)} with a {_name(part)} that is inside of itself: a cycle cannot be encoded"
                )
            else:
                path.append(_Open(part))
                _check_levels(cell, len(path))


def _add(path: list[_Open], done: _Done) -> None:
    """Adds a container that was looked through to the one that holds it."""
    holder = path[-1]
    holder.levels = max(holder.levels, done.levels + 1)
    holder.items += done.items
    _check_levels(path[0].container, len(path) + done.levels)
    if holder.items > MAX_ELEMENTS:
        raise Fault(f"a {_name(path[0].container)} of more than {MAX_ELEMENTS} elements")


def _check_levels(cell: Any, levels: int) -> None:
    if levels > MAX_LEVELS:
        raise Fault(
            f"a {_name(cell)} nested deeper than {MAX_DEPTH} levels, of which the column is one: flatten it,"
            " or send a reference"
        )


def _name(container: Any) -> str:
    return type(container).__name__


@functools.lru_cache(maxsize=1024)
def _may_hold(cls: Any) -> bool:
    return issubclass(cls, _CONTAINERS) or hasattr(cls, "ravel")


def _is_container(value: Any) -> bool:
    if not _may_hold(cast("Any", type(value))):
        return False
    return isinstance(value, _CONTAINERS) or str(getattr(value, "dtype", "")) == "object"


def _parts(container: Any) -> list[Any]:
    """What Arrow finds in a container: of lists, tuples and dicts what they hold, whatever a subclass's methods say.

    Raises:
        Fault: It is another, which is iterated, and gives too much; not all of them end.
    """
    base: Any = next((base for base in _COMMON if isinstance(container, base)), None)
    if hasattr(base, "keys"):
        return [*base.keys(container), *base.values(container)]
    if base:
        return list(base.__iter__(container))
    items = container.ravel() if hasattr(container, "ravel") else container
    parts: list[Any] = list(islice(items, MAX_ELEMENTS + 1))
    if len(parts) > MAX_ELEMENTS:
        raise Fault(f"a {_name(container)} of more than {MAX_ELEMENTS} elements")
    return parts
