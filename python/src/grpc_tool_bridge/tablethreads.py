"""Threads for large tables: encoding or decoding one takes long, and the loop that carries the link goes on."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from google.protobuf.any_pb2 import Any as AnyMessage

from .tables import NEVER_LARGE, StreamedTable, is_frame
from .values.large import LargeValue
from .values.urls import FRAME_KINDS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence
__all__ = [
    "LARGE_BYTES",
    "LARGE_CELLS",
    "any_large",
    "held",
    "in_thread",
    "is_large",
    "is_large_answer",
    "is_large_encoded",
]

LARGE_CELLS = 1 << 14
"""A table of pandas of so many cells is encoded in a thread: it takes much longer than handing it over."""
LARGE_BYTES = 1 << 18
"""One of so many bytes is decoded in a thread."""
_FASTER = 32
"""How many times as large may be what is no table of pandas, whose cells are never objects of Python."""
_LOOKS = 64
"""How many parts of the values of a call are looked at for tables."""
_DEPTH = 8
"""How many containers inside of each other are copied for a thread."""
_NO_PARTS = NEVER_LARGE - {list, dict}
_HOLDERS = frozenset({list, tuple})
_THREADS = 4
"""Threads of a loop. None waits for what another does, nor for the loop."""
_T = TypeVar("_T")
_pools: MutableMapping[asyncio.AbstractEventLoop, ThreadPoolExecutor] = WeakKeyDictionary()
"""Those of each loop, touched by its own thread only; they go with it."""


def any_large(values: Sequence[Any]) -> bool:
    """Reports whether some values have tables to be encoded in a thread, alone or inside of lists, tuples and dicts.

    So few parts are looked at that it is not felt: a table behind many others is not found.
    """
    try:
        for value in values:
            if type(value) not in _NO_PARTS:
                return _are_large(values)
    except TypeError:  # a class is not hashable: whoever encodes it says so
        pass
    return False


def _are_large(values: Sequence[Any]) -> bool:
    share, looks = 0.0, _LOOKS
    containers: list[Any] = [values]
    for parts in containers:
        for value in itertools.islice(parts, looks):
            looks -= 1
            cls = cast("type[Any]", type(value))
            if cls in _NO_PARTS:
                continue
            if cls is dict:
                containers.append(value.values())
            elif cls in _HOLDERS:
                containers.append(value)
            elif _is_table(cls):
                share += _share(value)
        if share >= 1 or looks <= 0:
            break
    return share >= 1


def is_large(value: Any) -> bool:
    """Reports whether a value is a table to be encoded in a thread."""
    return _is_table(cast("Any", type(value))) and _share(value) >= 1


def held(value: Any) -> Any:
    """Returns a value with copies of its lists, tuples and dicts, which a thread may read while others change these."""
    return _copied(value, _DEPTH, {})


def _copied(value: Any, depth: int, made: dict[int, Any]) -> Any:
    """Copies a container once, however often it stands in others, and in itself."""
    cls = cast("type[Any]", type(value))
    if not depth or (cls is not dict and cls not in _HOLDERS):
        return value
    known = made.get(id(value))
    if known is not None:
        return known
    inside = set(map(type, value.values() if cls is dict else value))
    copy: Any
    if inside.isdisjoint((dict, *_HOLDERS)):
        copy = cast("Any", cls)(value)
    elif cls is tuple:
        copy = tuple(_copied(item, depth - 1, made) for item in value)
    elif cls is list:
        copy = made[id(value)] = []
        copy.extend(_copied(item, depth - 1, made) for item in value)
    else:
        copy = made[id(value)] = {}
        copy.update((name, _copied(item, depth - 1, made)) for name, item in value.items())
    made[id(value)] = copy
    return copy


@functools.lru_cache(maxsize=256)
def _is_table(cls: type[Any]) -> bool:
    return is_frame(cls)


def _share(table: Any) -> float:
    """How much a table has of what makes one large."""
    least = LARGE_CELLS if hasattr(table, "index") else LARGE_CELLS * _FASTER
    return math.prod(max(1, length) for length in table.shape) / least


def is_large_encoded(value: AnyMessage | LargeValue | StreamedTable) -> bool:
    """Reports whether a value that came is a table to be decoded in a thread."""
    if isinstance(value, StreamedTable):
        return True
    kind = value.type_url.removeprefix(PREFIX)
    if kind not in FRAME_KINDS:
        return False
    least = LARGE_BYTES if kind.startswith("pandas.") else LARGE_BYTES * _FASTER
    return len(value.value) >= least


def is_large_answer(response: Any) -> bool:
    """Reports whether an answer, if it is one, has a result to be decoded in a thread."""
    result = getattr(response, "result", None)
    return isinstance(result, (AnyMessage, LargeValue, StreamedTable)) and is_large_encoded(result)


async def in_thread(function: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
    """Runs a function in a thread, with the caller's context variables; one that is cancelled goes on to its end."""
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = ThreadPoolExecutor(_THREADS, thread_name_prefix="tables")
    context = contextvars.copy_context()
    return await loop.run_in_executor(
        pool, functools.partial(context.run, function, *args, **kwargs)
    )
