"""How programs and calls are begun: on the fastest loop that is installed, and with no turn of it lost."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["begin", "run_program"]

_T = TypeVar("_T")


def run_program(main: Coroutine[Any, Any, _T]) -> _T:
    """Runs a program as ``asyncio.run`` does, on uvloop where that is installed."""
    try:
        run = importlib.import_module("uvloop").run
    except ImportError:
        run = asyncio.run
    return run(main)


if sys.version_info >= (3, 12):

    def begin(
        work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop
    ) -> asyncio.Task[None]:
        """A task on the running loop; it runs at once, until it first waits, unless the loop makes its own tasks."""
        if loop.get_task_factory() is None:
            return asyncio.Task(work, loop=loop, eager_start=True)
        return loop.create_task(work)

else:

    def begin(
        work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop
    ) -> asyncio.Task[None]:
        """A task on the running loop; it runs with the loop's next turn."""
        return loop.create_task(work)
