"""Where plain functions run: threads, of which only so many work at once."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Threads that wait for a nested call hold no place, so there may be more of them than places.
_MAX_THREADS = 4096


class Places:
    """A bounded executor whose places can be given back while their holder waits.

    A function that waits for a call nested in it lends its place to others, and goes on at once when the call
    ends, if need be above the limit: so functions that call functions of the same worker never deadlock.
    Belongs to one event loop.

    Args:
        limit: Functions that run at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        """Functions that run now; those that lent their place are not counted."""
        self.threads = 0
        """Functions that have not ended, waiting ones too."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._pool = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="tool")

    async def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Runs a function in a thread, with the caller's context variables, once there is a place.

        When the caller is cancelled the function goes on, and keeps its place until it ends.
        """
        await self._acquire()
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        self.threads += 1
        try:
            future = self._pool.submit(
                context.run, functools.partial(_unless_stop, function), *args, **kwargs
            )
        except RuntimeError:
            self._ended()
            raise

        def tell(_: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._ended)

        future.add_done_callback(tell)
        return await asyncio.wrap_future(future)

    def _ended(self) -> None:
        self.threads -= 1
        self.lend()

    async def _acquire(self) -> None:
        if self.running < self.limit:
            self.running += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.lend()
            raise

    def lend(self) -> None:
        """Gives a place back."""
        self.running -= 1
        while self._waiting and self.running < self.limit:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.running += 1
                waiter.set_result(None)

    def retake(self) -> None:
        """Takes a place that was lent, above the limit if need be."""
        self.running += 1

    def close(self) -> None:
        """Takes no further function; those that run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _unless_stop(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    # A future cannot carry StopIteration.
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        raise RuntimeError("the tool raised StopIteration") from error
