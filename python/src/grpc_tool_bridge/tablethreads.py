"""Threads for large tables: encoding or decoding one takes long, and the loop that carries the link goes on."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from google.protobuf.any_pb2 import Any as AnyMessage

from .tables import NEVER_LARGE, StreamedTable, is_frame
from .values.large import LargeValue
from .values.urls import FRAME_KINDS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping
__all__ = [
    "LARGE_BYTES",
    "LARGE_CELLS",
    "any_large",
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
_THREADS = 4
"""Threads of a loop. None waits for what another does, nor for the loop."""
_T = TypeVar("_T")
_pools: MutableMapping[asyncio.AbstractEventLoop, ThreadPoolExecutor] = WeakKeyDictionary()
"""Those of each loop, touched by its own thread only; they go with it."""


def any_large(values: Iterable[Any]) -> bool:
    """Reports whether one of some values is a table to be encoded in a thread."""
    return any(type(value) not in NEVER_LARGE and is_large(value) for value in values)


def is_large(value: Any) -> bool:
    """Reports whether a value is a table to be encoded in a thread."""
    if not is_frame(cast("Any", type(value))):
        return False
    least = LARGE_CELLS if hasattr(value, "index") else LARGE_CELLS * _FASTER
    return math.prod(max(1, length) for length in value.shape) >= least


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
