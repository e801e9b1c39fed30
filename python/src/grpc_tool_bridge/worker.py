"""Offering tools: ``@tool`` functions hosted by a :class:`Worker`.

``python -m grpc_tool_bridge.worker package.module`` hosts the tools of a module; see ``--help``.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import typing
from typing import TYPE_CHECKING

from .addresses import check_address
from .callrequests import Limit
from .connection import CONNECT_TIMEOUT, Connection, open_channel, refuse
from .context import ToolContext
from .hosting import HostedTool, run_call, tool
from .loops import begin, run_program
from .places import Places
from .stub import Stub
from .tables import MAX_TABLE_BYTES
from .tracing import tracing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    import grpc.aio
    from opentelemetry.trace import TracerProvider
    from typing_extensions import Self

    from dspex_bridge_pb2 import ErrorInfo

    from .calls import HostedCall

__all__ = ["HostedTool", "Tool", "ToolContext", "Worker", "tool"]

Tool = typing.Callable[..., typing.Any]
"""A function that is offered as a tool."""
DRAIN_TIMEOUT = 30.0
"""Seconds that running calls are waited for when a worker leaves."""
_NAMES_TOLD = 20


class Worker:
    """Hosts tools: registers them with a bridge and runs the calls that come.

    Inside ``async with`` the tools are registered and run on the caller's loop; :meth:`run` does that and waits
    until it is told to stop. Leaving drains: no new calls, running ones end. A bridge that was
    away is found again, and told the tools again. More than 1,000 tools are registered in parts, as a
    bridge takes so many at once: all or none.

    Args:
        address: The bridge's, "host:port".
        tools: Functions, marked by ``@tool`` or not.
        session_id: The session to whom the tools are offered; None: every session. It must exist.
        max_concurrency: Calls that run here at once; 0 means 4,096.
        threads: Plain functions that run at once; by default as many as ``max_concurrency``, at most 32.
        name: For people; by default the process's id.
        connect_timeout: Seconds to wait for the bridge.
        drain_timeout: Seconds that running calls are waited for when it leaves.
        tracer_provider: OpenTelemetry's: each call that runs here is a span, and so is each that a tool makes with
            its ``ToolContext``. By default none.

    Raises:
        ValueError: Two tools have one name, or the address is none.
        TypeError: One is no function, or cannot be described: a hint cannot be read, UTF-8 cannot carry a text.
    """

    def __init__(
        self,
        address: str,
        tools: Sequence[Tool] = (),
        session_id: str | None = None,
        *,
        max_concurrency: int = 0,
        threads: int = 0,
        name: str = "",
        connect_timeout: float = CONNECT_TIMEOUT,
        drain_timeout: float = DRAIN_TIMEOUT,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self.address = check_address(address)
        self.session_id = session_id or ""
        self.tools = _by_id(tools, self.session_id)
        """The tools by id."""
        self._max_concurrency = max_concurrency
        self._threads = threads or min(max_concurrency or 32, 32)
        self._labels = {"name": name or f"python-{os.getpid()}"}
        self._connect_timeout = connect_timeout
        self._drain_timeout = drain_timeout
        self._tracing = tracing_of(tracer_provider)
        self._channel: grpc.aio.Channel | None = None
        self._connection: Connection | None = None
        self._stub: Stub | None = None
        self._places: Places | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._limit = Limit(address=address, max_table_bytes=MAX_TABLE_BYTES)

    async def start(self) -> None:
        """Attaches and registers the tools.

        Raises:
            ToolCommunicationError: No bridge answers.
            ToolExecutionError, SessionError: The bridge refused the tools.
        """
        self._places = Places(self._threads)
        self._channel = open_channel(self.address)
        self._connection = Connection(
            self._channel,
            address=self.address,
            labels=self._labels,
            max_calls=self._max_concurrency,
            on_call=self._on_call,
            still_running=self._still_running,
            connect_timeout=self._connect_timeout,
        )
        self._stub = Stub(self.address, connection=self._connection)
        self._stub.tracing = self._tracing
        try:
            await self._connection.attach()
            if self.tools:
                await self._connection.registrations.register([t.spec for t in self.tools.values()])
        except BaseException:
            await self.aclose()
            raise

    async def register(self, *tools: Tool) -> list[str]:
        """Offers further tools, all or none; returns their ids."""
        added = _by_id(tools, self.session_id)
        taken = added.keys() & self.tools.keys()
        if taken:
            raise ValueError(f"tool {min(taken)!r} is offered already")
        self.tools.update(added)
        try:
            return await self.connection.registrations.register([t.spec for t in added.values()])
        except BaseException:
            for tool_id in added:
                del self.tools[tool_id]
            raise

    async def unregister(self, *tool_ids: str) -> None:
        """Withdraws tools; calls of them that run go on."""
        await self.connection.registrations.unregister(tool_ids, self.session_id)
        for tool_id in tool_ids:
            self.tools.pop(tool_id, None)

    @property
    def connection(self) -> Connection:
        """The link to the bridge.

        Raises:
            RuntimeError: The worker was not started.
        """
        if self._connection is None:
            raise RuntimeError("the worker was not started: use it as `async with`, or call run()")
        return self._connection

    @property
    def calls_running(self) -> int:
        """Calls that run here now."""
        return len(self._running)

    def _still_running(self) -> int:
        return self._places.threads if self._places is not None else 0

    def _on_call(self, call: HostedCall) -> None:
        hosted = self.tools.get(call.request.tool_id)
        if hosted is None:
            refuse(call, "ToolNotFound", f"this worker offers no tool {call.request.tool_id!r}")
            return
        assert self._stub is not None
        assert self._places is not None
        context = None
        if hosted.context_parameter:
            context = ToolContext(
                call, self._stub, self._places, limit=self._limit, tool_name=hosted.spec.name
            )
        task = begin(self._run(hosted, call, context, self._places), call.link.loop)
        if not task.done():
            self._running.add(task)
            call.on_cancel = functools.partial(self._cancel, task)

    async def _run(
        self, hosted: HostedTool, call: HostedCall, context: ToolContext | None, places: Places
    ) -> None:
        try:
            if self._tracing is None:
                await run_call(hosted, call, context, places)
            else:
                run = functools.partial(run_call, hosted, call, context, places)
                await self._tracing.serve(call, hosted.spec.name, run)
        finally:
            # A callback of the task would cost a turn of the loop for every call.
            self._running.discard(typing.cast("asyncio.Task[None]", asyncio.current_task()))

    def _cancel(self, task: asyncio.Task[None], _: ErrorInfo) -> None:
        # One that is cancelled before it began never comes to its end.
        task.add_done_callback(self._running.discard)
        task.cancel()

    async def serve(self) -> None:
        """Waits until the link ends for good.

        Raises:
            ToolCommunicationError: The bridge does not serve us any more.
            ToolBridgeError: A bridge that started anew refused the tools.
        """
        await self.connection.wait_closed()

    def run(self) -> None:
        """Attaches, registers, and serves until SIGINT or SIGTERM; then drains. Blocks.

        Runs on uvloop where that is installed (the extra ``uvloop``).
        """
        run_program(self.run_async())

    async def run_async(self, started: Callable[[], None] | None = None) -> None:
        """The same on the running loop, which must be the main thread's.

        Args:
            started: Called once the tools are registered.
        """
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, stop.set)
        try:
            async with self:
                if started is not None:
                    started()
                ended = asyncio.ensure_future(self.serve())
                stopped = asyncio.ensure_future(stop.wait())
                await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                if ended.done():
                    ended.result()
                ended.cancel()
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def aclose(self) -> None:
        """Drains and leaves. Calls that still run when the drain's time is over are cancelled."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.drain(self._drain_timeout)
            await connection.aclose()
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        if self._places is not None:
            self._places.close()
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
        if self._stub is not None:
            await self._stub.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = repr(self._connection) if self._connection is not None else "not started"
        return f"<Worker of {some_of(self.tools) or 'no tools'} at {self.address}: {state}>"


def some_of(names: Iterable[str]) -> str:
    """Names for people, not too many of them."""
    told = list(names)
    left = len(told) - _NAMES_TOLD
    return ", ".join(told[:_NAMES_TOLD]) + (f" and {left} more" if left > 0 else "")


def _by_id(tools: Sequence[Tool], session_id: str) -> dict[str, HostedTool]:
    found: dict[str, HostedTool] = {}
    names: set[str] = set()
    for function in tools:
        hosted = HostedTool(function, session_id=session_id)
        spec = hosted.spec
        if spec.tool_id in found or spec.name in names:
            raise ValueError(f"two tools are named {spec.name!r}; give one another name")
        found[spec.tool_id] = hosted
        names.add(spec.name)
    return found


if __name__ == "__main__":
    from .hostcommand import main

    raise SystemExit(main())
