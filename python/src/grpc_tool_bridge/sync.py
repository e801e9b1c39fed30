"""Blocking twins of the SDK, for programs without an event loop.

::

    with grpc_tool_bridge.sync.connect("localhost:50051") as bridge:
        print(bridge.tools["search_web"]("DSPy"))

All of them share one background thread with one event loop, started on first use: objects of ``grpc.aio`` belong to
exactly one loop of a process. They may be used from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from . import worker as _worker
from .background import BackgroundLoop, Line, background_loop
from .bridge import GRPCToolBridge
from .connection import CONNECT_TIMEOUT

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from opentelemetry.trace import TracerProvider
    from typing_extensions import Self

    from dspex_bridge_pb2 import Agent, CallStatus, Session, ToolSpec, Variable

    from .agentruns import AgentEvent
    from .session import VariableChange
    from .tools import AsyncGRPCProxyTool

__all__ = ["BackgroundLoop", "Bridge", "Stream", "Tool", "Worker", "background_loop", "connect"]

_T = TypeVar("_T")


def connect(
    address: str,
    session_id: str | None = None,
    *,
    connect_timeout: float = CONNECT_TIMEOUT,
    metadata: Mapping[str, str] | None = None,
    tracer_provider: TracerProvider | None = None,
) -> Bridge:
    """Connects to a bridge and attaches to a session, or creates it.

    Args:
        address: The bridge's, "host:port".
        session_id: By default a new session.
        connect_timeout: Seconds to wait for the bridge.
        metadata: Labels of the session, if it is created.
        tracer_provider: See ``GRPCToolBridge``.

    Raises:
        ToolCommunicationError: No bridge answers.
        SessionError: The bridge refused.
        ValueError: The address is none.
    """
    bridge = Bridge(address, connect_timeout=connect_timeout, tracer_provider=tracer_provider)
    try:
        bridge.initialize(session_id, metadata=metadata)
    except BaseException:
        bridge.close()
        raise
    return bridge


class Bridge:
    """The blocking twin of ``GRPCToolBridge``, its client and its session's variables; see there.

    Each verb has the name that it has there. Once closed, every verb raises ``ToolCommunicationError``.
    """

    def __init__(
        self,
        address: str,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self._bridge = GRPCToolBridge(
            address, connect_timeout=connect_timeout, tracer_provider=tracer_provider
        )
        self._client = self._bridge.client
        self._context = self._client.session_context
        self._line = Line(address)
        self.tools: dict[str, Tool] = {}
        """The tools by name, in the order in which they were registered."""

    @property
    def session_id(self) -> str | None:
        """The session in which calls are made; may be assigned."""
        return self._client.session_id

    @session_id.setter
    def session_id(self, session_id: str | None) -> None:
        self._client.session_id = session_id

    # --- sessions and tools ---

    def initialize(
        self,
        session_id: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        ttl: float | None = None,
    ) -> dict[str, Tool]:
        """Attaches to a session, or creates it, and returns its tools."""
        self._line.run(self._bridge.initialize(session_id, metadata=metadata, ttl=ttl))
        return self._keep()

    def refresh(self) -> dict[str, Tool]:
        """Lists the tools anew."""
        self._line.run(self._bridge.refresh())
        return self._keep()

    def _keep(self) -> dict[str, Tool]:
        self.tools = {name: Tool(self._line, proxy) for name, proxy in self._bridge.tools.items()}
        return self.tools

    def list_tools(self) -> list[ToolSpec]:
        """What the session's tools declare, in the order in which they were registered."""
        return self._line.run(self._client.list_tools())

    def get_session(self, session_id: str | None = None) -> Session:
        """Reads a session, this one by default."""
        return self._line.run(self._client.get_session(session_id))

    def list_calls(
        self,
        session_id: str = "",
        *,
        tool_id: str = "",
        request_id: str = "",
        state: str = "",
        limit: int = 100,
    ) -> list[CallStatus]:
        """The calls of everybody that are under way or ended lately, those that arrived last first."""
        return self._line.run(
            self._client.list_calls(
                session_id, tool_id=tool_id, request_id=request_id, state=state, limit=limit
            )
        )

    def get_call(self, call_id: str) -> CallStatus:
        """What a call does, or what became of it."""
        return self._line.run(self._client.get_call(call_id))

    def cancel_call(self, call_id: str) -> None:
        """Cancels a call of anybody, whose caller hears `Cancelled`."""
        self._line.run(self._client.cancel_call(call_id))

    def list_sessions(self, prefix: str = "") -> list[Session]:
        """All sessions whose ids begin so, in order."""
        return self._line.run(self._client.list_sessions(prefix))

    def cleanup(self, *, force: bool = False) -> None:
        """Ends the session with all that it holds."""
        self._line.run(self._bridge.cleanup(force=force))
        self.tools = {}

    def cleanup_session(self, session_id: str | None = None, *, force: bool = False) -> None:
        """Ends a session, this one by default."""
        self._line.run(self._client.cleanup_session(session_id, force=force))

    def health(self) -> str:
        """What the bridge says of itself: "SERVING" or "NOT_SERVING"."""
        return self._line.run(self._client.health())

    # --- calls ---

    def execute_tool(self, /, tool_id: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a tool and waits for its result."""
        return self._line.run(self._bridge.execute_tool(tool_id, *args, **kwargs))

    def execute_with_retry(self, /, tool_id: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a tool, and again where the error lets it."""
        return self._line.run(self._bridge.execute_with_retry(tool_id, *args, **kwargs))

    def execute_batch(self, requests: Iterable[Mapping[str, Any]], **options: Any) -> list[Any]:
        """Makes many calls with one request."""
        return self._line.run(self._bridge.execute_batch(requests, **options))

    def as_completed(
        self, requests: Iterable[Mapping[str, Any]], **options: Any
    ) -> Stream[tuple[int, Any]]:
        """Makes many calls with one request and yields (place, result or exception) as each ends."""
        return Stream(self._line, lambda: self._bridge.as_completed(requests, **options))

    def stream(self, /, tool_id: str, *args: Any, **kwargs: Any) -> Stream[Any]:
        """Calls a tool and yields its results as it makes them; closing it cancels the call."""
        return Stream(self._line, lambda: self._bridge.stream(tool_id, *args, **kwargs))

    # --- agents ---

    def create_react_agent(self, /, signature: str, *args: Any, **kwargs: Any) -> str:
        """Stores a ReAct agent in the session; returns its id."""
        return self._line.run(self._bridge.create_react_agent(signature, *args, **kwargs))

    def execute_agent_streaming(self, request: Mapping[str, Any]) -> Stream[AgentEvent]:
        """Runs an agent and yields its events."""
        return Stream(self._line, lambda: self._bridge.execute_agent_streaming(request))

    def execute_agent(self, /, agent_id: str, **inputs: Any) -> dict[str, Any]:
        """Runs an agent and returns its output fields."""
        return self._line.run(self._bridge.execute_agent(agent_id, **inputs))

    def list_agents(self) -> list[Agent]:
        """The session's agents."""
        return self._line.run(self._bridge.list_agents())

    def delete_agent(self, agent_id: str) -> None:
        """Deletes an agent."""
        self._line.run(self._bridge.delete_agent(agent_id))

    # --- variables ---

    def set_variable(
        self,
        name: str,
        value: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        if_revision: str = "",
        if_absent: bool = False,
    ) -> str:
        """Writes a variable, durably; returns its revision."""
        work = self._context.set_variable(
            name, value, metadata, if_revision=if_revision, if_absent=if_absent
        )
        return self._line.run(work)

    def get_variable(self, name: str) -> Any:
        """Reads a variable; `VariableNotFound` where there is none."""
        return self._line.run(self._context.get_variable(name))

    def get_variable_with_metadata(self, name: str) -> tuple[Any, dict[str, str]]:
        """Reads a variable and its labels."""
        return self._line.run(self._context.get_variable_with_metadata(name))

    def read_variable(self, name: str) -> Variable:
        """Reads a variable as it is recorded, with its revision; the value is encoded."""
        return self._line.run(self._context.read_variable(name))

    def delete_variable(self, name: str, *, if_revision: str = "") -> None:
        """Deletes a variable; one that is not there is `VariableNotFound`."""
        self._line.run(self._context.delete_variable(name, if_revision=if_revision))

    def list_variables(self, prefix: str = "") -> list[str]:
        """The names that begin so, in order."""
        return self._line.run(self._context.list_variables(prefix))

    def get_variables(self, prefix: str = "") -> dict[str, Any]:
        """The variables whose names begin so, with their values."""
        return self._line.run(self._context.get_variables(prefix))

    def update_variables(
        self, values: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Writes several variables, all or none."""
        self._line.run(self._context.update_variables(values, metadata))

    def watch_variable(self, name: str) -> Stream[VariableChange]:
        """Yields the variable as it is, if it is, and then each change."""
        return Stream(self._line, lambda: self._context.watch_variable(name))

    def watch_variables(self, names: Iterable[str] = ()) -> Stream[VariableChange]:
        """Yields these variables (none named: all) as they are, and then each change."""
        return Stream(self._line, lambda: self._context.watch_variables(names))

    def close(self) -> None:
        """Closes the connection. The session stays."""
        self._line.close(self._bridge.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<sync {repr(self._bridge)[1:]}"


class Tool:
    """The blocking twin of ``AsyncGRPCProxyTool``; see there."""

    def __init__(self, line: Line, proxy: AsyncGRPCProxyTool) -> None:
        self._line = line
        self._proxy = proxy
        self.__name__ = self.__qualname__ = proxy.__name__
        self.__doc__ = proxy.__doc__

    @property
    def spec(self) -> ToolSpec:
        """The tool."""
        return self._proxy.spec

    @property
    def __signature__(self) -> inspect.Signature:
        return self._proxy.__signature__

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Calls the tool and waits for its result."""
        return self._line.run(self._proxy(*args, **kwargs))

    def stream(self, /, *args: Any, **kwargs: Any) -> Stream[Any]:
        """Calls the tool and yields its results as it makes them."""
        return Stream(self._line, lambda: self._proxy.stream(*args, **kwargs))

    def with_options(self, **options: Any) -> Tool:
        """A copy whose calls are made otherwise."""
        return Tool(self._line, self._proxy.with_options(**options))

    def __repr__(self) -> str:
        return repr(self._proxy)


class Stream(Iterator[_T]):
    """What an asynchronous iterator yields, one after the other. ``close`` ends it early."""

    def __init__(self, line: Line, start: Callable[[], Any]) -> None:
        self._line = line
        self._items = line.run(_begin(start))

    def __next__(self) -> _T:
        ended, item = self._line.run(_next(self._items))
        if ended:
            raise StopIteration
        return item

    def close(self) -> None:
        """Ends it; a call that runs is cancelled."""
        self._line.loop.run(self._items.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Worker:
    """Hosts tools while a ``with`` block runs; see ``grpc_tool_bridge.Worker``.

    Coroutine functions run on the background loop, plain ones in threads.
    """

    def __init__(
        self, address: str, tools: Sequence[Callable[..., Any]] = (), **options: Any
    ) -> None:
        self._loop = background_loop()
        self._worker = _worker.Worker(address, tools, **options)

    def start(self) -> None:
        """Attaches and registers the tools."""
        self._loop.run(self._worker.start())

    def close(self) -> None:
        """Drains and leaves."""
        self._loop.run(self._worker.aclose())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


async def _begin(start: Callable[[], Any]) -> Any:
    # On the loop: an asynchronous generator must be made where it runs.
    return start()


async def _next(items: Any) -> tuple[bool, Any]:
    # StopAsyncIteration may not leave a coroutine that a future waits for.
    try:
        return False, await items.__anext__()
    except StopAsyncIteration:
        return True, None
