"""The event loop in a thread of its own behind the blocking twins."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from .errors import ToolCommunicationError

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Coroutine

__all__ = ["BackgroundLoop", "Line", "background_loop"]

_T = TypeVar("_T")


class BackgroundLoop:
    """An event loop in a daemon thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="grpc-tool-bridge", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine on the loop and waits for it; an interrupt cancels it.

        Raises:
            RuntimeError: The caller is the loop itself.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking call on the background loop would wait for itself")
        future: concurrent.futures.Future[_T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


@functools.cache
def background_loop() -> BackgroundLoop:
    """The process's one loop for blocking use."""
    return BackgroundLoop()


class Line:
    """The background loop as one bridge uses it, until that bridge is closed."""

    def __init__(self, address: str) -> None:
        self.loop = background_loop()
        self._address = address
        self._closed = False

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine on the loop and waits for it.

        Raises:
            ToolCommunicationError: The bridge was closed.
        """
        if self._closed:
            work.close()
            raise ToolCommunicationError(
                "",
                grpc.StatusCode.FAILED_PRECONDITION,
                f"this connection to the bridge at {self._address} was closed: connect again",
                {"started": "false"},
            )
        return self.loop.run(work)

    def close(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs what closes the bridge; nothing else is run from here on."""
        self._closed = True
        self.loop.run(work)
