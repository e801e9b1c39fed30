"""The client: a bridge's sessions, tools and calls, from one process."""

from __future__ import annotations

import asyncio
import functools
import uuid
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from dspex_bridge_pb2 import (
    CallState,
    CallStatus,
    CancelCallRequest,
    CleanupSessionRequest,
    GetCallRequest,
    GetSessionRequest,
    GetSessionToolsRequest,
    InitializeSessionRequest,
    InitializeSessionResponse,
    Limits,
    ListCallsRequest,
    ListSessionsRequest,
    Session,
    ToolSpec,
)

from .callrequests import (
    DEFAULT_TIMEOUT,
    CallOptions,
    Limit,
    call_arguments,
    prepare,
)
from .connection import CONNECT_TIMEOUT
from .errors import SessionError, ToolBridgeError
from .execution import execute, prepared
from .responses import named, verb_error
from .session import SessionContext
from .stub import Stub, keeps_deadline, within
from .tools import AsyncGRPCProxyTool
from .toolstream import ToolStream
from .tracing import tracing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from opentelemetry.trace import TracerProvider
    from typing_extensions import Self

__all__ = ["ToolBridgeClient"]

MAX_VARIABLE_BYTES = 1024 * 1024
"""Value bytes of a variable, until the bridge announces its own limit."""
_VERB_TIMEOUT = 30.0


class ToolBridgeClient:
    """A client of one bridge, used by one event loop.

    Args:
        target: The bridge's address ("host:port"), or a ``grpc.aio`` channel to it. With an address calls go over
            one multiplexed link; with a channel, which stays yours, over plain RPCs.
        session_id: To use without initializing it.
        connect_timeout: Seconds to wait for the bridge.
        use_link: False makes it use plain RPCs in any case.
        stub: To be used instead of one of its own.
        tracer_provider: OpenTelemetry's: each call is a span. By default none.

    Raises:
        ValueError: The address is none.
    """

    def __init__(
        self,
        target: str | grpc.aio.Channel,
        *,
        session_id: str | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        use_link: bool = True,
        stub: Stub | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self.stub = stub or Stub(target, connect_timeout=connect_timeout, use_link=use_link)
        """The bridge's verbs; each may be replaced."""
        if tracer_provider is not None:
            self.stub.tracing = tracing_of(tracer_provider)
        self.capabilities: tuple[str, ...] = ()
        """What the bridge can do, known after ``initialize_session``."""
        self.bridge_run = ""
        """The bridge's own run, known after ``initialize_session``."""
        self.tool_specs: tuple[ToolSpec, ...] = ()
        """The tools as they were listed last."""
        self.limit = Limit(address=self.stub.address)
        """What the bridge accepts; shared by all proxies."""
        self.max_variable_bytes = MAX_VARIABLE_BYTES
        self._session_id = session_id
        self._context = SessionContext(self)

    @property
    def address(self) -> str:
        """The bridge's address."""
        return self.stub.address

    @property
    def session_id(self) -> str | None:
        """The session in which calls are made; may be assigned."""
        return self._session_id

    @session_id.setter
    def session_id(self, session_id: str | None) -> None:
        self._session_id = session_id
        self.limit.epoch = 0

    @property
    def session_context(self) -> SessionContext:
        """The session's variables, and where proxies make their calls."""
        return self._context

    # --- sessions ---

    async def initialize_session(
        self,
        session_id: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        ttl: float | None = None,
    ) -> bool:
        """Attaches to a session, or creates it, and makes it this client's.

        Args:
            session_id: Without it the bridge's client makes a new one.
            metadata: Labels, kept if the session is created.
            create_only: A session that exists is an error.
            ttl: Seconds without use after which it expires, if it is created; by default an hour.

        Returns:
            True.

        Raises:
            SessionError: The bridge refused.
            ToolCommunicationError: No bridge answers.
        """
        request = InitializeSessionRequest(
            session_id=session_id or str(uuid.uuid4()),
            metadata=metadata or {},
            create_only=create_only,
            client={"sdk": "python"},
        )
        if ttl is not None:
            request.ttl.FromNanoseconds(int(ttl * 1e9))
        response = await self.verb("InitializeSession", request)
        self._learn(request.session_id, response)
        return True

    def _learn(self, session_id: str, response: InitializeSessionResponse) -> None:
        self._session_id = response.session.session_id or session_id
        self.limit.epoch = response.session.epoch
        self.capabilities = tuple(response.capabilities)
        self.bridge_run = self.limit.bridge_run = response.bridge_run
        self.tool_specs = tuple(response.tools)
        if response.HasField("limits"):
            self._learn_limits(response.limits)

    def _learn_limits(self, limits: Limits) -> None:
        if limits.max_value_bytes:
            self.limit.max_value_bytes = limits.max_value_bytes
        self.limit.max_table_bytes = limits.max_table_bytes if self.stub.uses_link else 0
        self.limit.max_batch_items = limits.max_batch_items
        if limits.max_variable_bytes:
            self.max_variable_bytes = limits.max_variable_bytes

    async def cleanup_session(self, session_id: str | None = None, *, force: bool = False) -> None:
        """Ends a session, this client's by default; ``force`` also while calls run.

        Raises:
            SessionError: `ValidationError`: calls run. `SessionExpired`: it has ended, also if this client's
                session was initialized again by others since, which then stays.
        """
        session_id = session_id or self._context.require()
        request = CleanupSessionRequest(
            session_id=session_id, force=force, epoch=self._known_epoch(session_id)
        )
        await self.verb("CleanupSession", request)

    async def get_session(self, session_id: str | None = None) -> Session:
        """Reads a session; does not count as use."""
        session_id = session_id or self._context.require()
        request = GetSessionRequest(session_id=session_id, epoch=self._known_epoch(session_id))
        response = await self.verb("GetSession", request)
        return response.session

    def _known_epoch(self, session_id: str) -> int:
        """The epoch of this client's own session; 0 for others."""
        return self.limit.epoch if session_id == self._session_id else 0

    async def list_sessions(self, prefix: str = "") -> list[Session]:
        """All sessions whose ids begin so, in the order of their ids."""
        sessions: list[Session] = []
        token = ""
        while True:
            request = ListSessionsRequest(prefix=prefix, page_token=token, page_size=1000)
            response = await self.verb("ListSessions", request)
            sessions.extend(response.sessions)
            token = response.next_page_token
            if not token:
                return sessions

    async def list_calls(
        self,
        session_id: str = "",
        *,
        tool_id: str = "",
        request_id: str = "",
        state: str = "",
        limit: int = 100,
    ) -> list[CallStatus]:
        """The calls of everybody that are under way or ended lately, those that arrived last first.

        Args:
            session_id: Only of this session.
            tool_id: Only of this tool.
            request_id: Only those with this request id or stream id.
            state: Only in this state: "queued", "running", "done" or "outcome_unknown".
            limit: At most so many.

        Raises:
            ValueError: There is no such state, or the limit is below 1.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}: want 1 or more")
        request = ListCallsRequest(
            session_id=session_id, tool_id=tool_id, request_id=request_id, state=_state(state)
        )
        calls: list[CallStatus] = []
        while True:
            request.page_size = min(limit - len(calls), 1000)
            response = await self.verb("ListCalls", request)
            calls.extend(response.calls)
            request.page_token = response.next_page_token
            if not request.page_token or len(calls) >= limit:
                return calls

    async def get_call(self, call_id: str) -> CallStatus:
        """What a call does, or what became of it; one that is not known, or no longer, is `CallNotFound`."""
        response = await self.verb("GetCall", GetCallRequest(call_id=call_id))
        return response.call

    async def cancel_call(self, call_id: str) -> None:
        """Cancels a call of anybody, whose caller hears `Cancelled`; one that does not run is `CallNotFound`."""
        await self.verb("CancelCall", CancelCallRequest(call_id=call_id))

    async def list_tools(self) -> list[ToolSpec]:
        """The tools that the session sees, in the order in which they were registered."""
        request = GetSessionToolsRequest(session_id=self._context.require(), epoch=self.limit.epoch)
        response = await self.verb("GetSessionTools", request)
        self.tool_specs = tuple(response.tools)
        return list(response.tools)

    def proxy(self, spec: ToolSpec) -> AsyncGRPCProxyTool:
        """A tool as a callable."""
        return AsyncGRPCProxyTool(spec, self._context, limit=self.limit)

    # --- calls ---

    async def execute_tool(self, /, tool_id: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a tool by its id or name, with arguments as they are, or as ``args=[…], kwargs={…}``.

        Its arguments are not checked here but by the bridge and the tool's host. Without a session, a new
        one is initialized.

        Raises:
            ToolExecutionError: The tool raised, or the bridge refused.
            ToolTimeoutError: There was no answer within 30 s.
            ToolCommunicationError: No bridge answers, or it was lost.
        """
        return await self.call(tool_id, *call_arguments(args, kwargs))

    async def call(
        self,
        tool_id: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: CallOptions | None = None,
    ) -> Any:
        """Calls a tool once; see ``execute_tool``."""
        await self.ensure_session(tool_id)
        timeout = DEFAULT_TIMEOUT
        if options is not None and options.timeout is not None:
            timeout = options.timeout
        request, tables = await prepared(
            lambda args, kwargs: prepare(
                tool_id,
                args,
                kwargs,
                session_id=self._session_id,
                timeout=timeout,
                limit=self.limit,
                options=options,
            ),
            args,
            kwargs,
            tool_name=tool_id,
            timeout=timeout,
        )
        return await execute(
            self.stub,
            request,
            tool_name=tool_id,
            timeout=timeout,
            address=self.address,
            tables=tables,
            on_metrics=None if options is None else options.on_metrics,
        )

    def stream_tool(self, /, tool_id: str, *args: Any, **kwargs: Any) -> ToolStream:
        """Calls a tool and yields its results as it makes them; arguments as for ``execute_tool``."""
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        make = functools.partial(
            prepare,
            tool_id,
            args,
            kwargs,
            session_id=self._session_id,
            timeout=DEFAULT_TIMEOUT,
            limit=self.limit,
        )
        return ToolStream(self.stub, make, (*args, *kwargs.values()), tool_name=tool_id)

    async def ensure_session(self, tool_name: str = "") -> None:
        """Initializes a session of its own where none is chosen, and a bridge is to be asked."""
        if self._session_id is None and keeps_deadline(self.stub.ExecuteTool):
            try:
                await self.initialize_session()
            except ToolBridgeError as error:
                if tool_name and hasattr(error, "code"):
                    raise named(error, tool_name) from error
                raise

    async def health(self) -> str:
        """What the bridge says of itself: "SERVING" or "NOT_SERVING"."""
        try:
            return await self.stub.health()
        except grpc.RpcError as error:
            raise named(error, "", self.address) from error

    async def verb(self, name: str, request: Any, timeout: float = _VERB_TIMEOUT) -> Any:
        """Asks one of the service's verbs on sessions, variables or agents.

        Raises:
            SessionError: The bridge refused.
            ToolCommunicationError: No bridge answers.
        """
        try:
            response = await within(self._asked(name, request), timeout)
        except grpc.RpcError as error:
            raise named(error, "", self.address) from error
        except asyncio.TimeoutError as error:
            raise SessionError(
                "DeadlineExceeded",
                f"bridge at {self.address}: no answer to {name} in {timeout:g} s",
            ) from error
        refused = verb_error(response, name)
        if refused is not None:
            raise refused
        return response

    async def _asked(self, name: str, request: Any) -> Any:
        # What a test put in its place needs no bridge, and what the stub does itself sees to that.
        if name not in vars(self.stub) and not hasattr(type(self.stub), name):
            await self.stub.ready()
        return await getattr(self.stub, name)(request)

    async def aclose(self) -> None:
        """Closes the link, and the channel if it is this client's. The session stays."""
        await self.stub.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<ToolBridgeClient of {self.address}, session {self._session_id!r}>"


def _state(name: str) -> str | None:
    """What the protocol calls a state of calls; None for any."""
    states = [value.lower().removeprefix("call_") for value in CallState.keys()[1:]]
    if name and name not in states:
        raise ValueError(f"calls have no state {name!r}: want one of {states}")
    return f"CALL_{name.upper()}" if name else None
