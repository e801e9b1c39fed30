"""A whole bridge in memory, for tests of tools that need no other program."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

import dspex_bridge_pb2 as pb
from dspex_bridge_pb2_grpc import (
    add_SnakepitBridgeServicer_to_server,  # pyright: ignore[reportUnknownVariableType]
)
from grpc_tool_bridge.connection import CHANNEL_OPTIONS
from grpc_tool_bridge.errors import ToolCommunicationError
from grpc_tool_bridge.registrations import MOST_TOOLS

from .batches import run_batch
from .faults import Faults
from .processes import Process, Processes, Refusal
from .sessionverbs import SessionVerbs
from .state import Offer, Sessions, SessionState, Tools, check_name, now, value_bytes
from .variableverbs import VariableVerbs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

SERVICE = "dspex.bridge.SnakepitBridge"
SERVER_OPTIONS = (
    *CHANNEL_OPTIONS,
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)
AGENT_TOOL = "$react_agent"
_DEFAULT_TIMEOUT = 30.0


def default_limits() -> pb.Limits:
    """The limits that a bridge has by default."""
    return pb.Limits(
        max_value_bytes=10 * 1024 * 1024,
        max_variable_bytes=1024 * 1024,
        max_batch_items=10_000,
        max_call_depth=32,
        default_timeout_us=int(_DEFAULT_TIMEOUT * 1e6),
    )


class InMemoryBridge(SessionVerbs, VariableVerbs):
    """A bridge inside the test's process: real gRPC on loopback, nothing stored.

    It serves sessions, tools, variables, agents, batches and links as proto/dspex_bridge.proto says, so that
    callers and workers meet in it as they do in the real one. It has no queue of its own, validates no
    arguments (workers do) and does not replay. ``async with`` starts and stops it::

        async with InMemoryBridge(tools=[add]) as server:
            async with GRPCToolBridge(server.address) as bridge:
                tools = await bridge.initialize("test")
                assert await tools["add"](1, 2) == 3

    Args:
        tools: Functions to offer to every session, hosted by a worker of its own.
        grace: Seconds that a process without a connection is awaited.
        limits: What it accepts; by default a bridge's own.
    """

    def __init__(
        self,
        tools: Sequence[Callable[..., Any]] = (),
        *,
        grace: float = 5.0,
        limits: pb.Limits | None = None,
    ) -> None:
        self.faults = Faults()
        """What goes wrong on purpose."""
        self.grace = grace
        self.limits = limits or default_limits()
        self.bridge_run = uuid.uuid4().hex
        self.address = ""
        """Where it listens, once started."""
        self.calls: list[pb.ToolCallRequest] = []
        """Every call that reached a tool, oldest first."""
        self._functions = tools
        self._server: grpc.aio.Server | None = None
        self._worker: Any = None
        self._sessions = Sessions()
        self._shared = Tools()
        self._order = 0
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        """Listens on a free port of the loopback address."""
        from grpc_tool_bridge.worker import Worker

        self.processes = Processes(self)
        server: Any = grpc.aio.server(options=SERVER_OPTIONS)
        self._server = server
        add_SnakepitBridgeServicer_to_server(self, server)
        # Frames are not parsed by grpc: the later handler of a method is the one that counts.
        server.add_registered_method_handlers(
            SERVICE, {"Link": grpc.stream_stream_rpc_method_handler(self._link)}
        )
        server.add_registered_method_handlers(
            "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(_healthy)}
        )
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        if self._functions:
            try:
                self._worker = Worker(self.address, tools=self._functions)
                await self._worker.start()
            except BaseException:
                await self.aclose()
                raise

    async def aclose(self) -> None:
        """Stops it."""
        if self._worker is not None:
            await self._worker.aclose()
        self.processes.close()
        if self._server is not None:
            await self._server.stop(None)

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

    def drop_connections(self) -> int:
        """Breaks every link, as a network does; processes may attach again."""
        return self.processes.drop_connections()

    async def _link(self, _: Any, context: Any) -> None:
        await self.processes.serve(context)

    # --- tools ---

    def offer(self, process: Process, tools: Sequence[pb.ToolSpec]) -> list[str]:
        """A process offers tools, all or none."""
        if len(tools) > MOST_TOOLS:
            raise Refusal(
                "ValidationError",
                f"the registration has {len(tools)} tools, the limit is {MOST_TOOLS}: register them in parts",
            )
        scopes = [
            self._sessions.get(spec.session_id).tools if spec.session_id else self._shared
            for spec in tools
        ]
        if any(spec.once for spec in tools):
            raise Refusal("Unimplemented", "tools that run once are not served")
        for scope, spec in zip(scopes, tools, strict=True):
            scope.check(spec)
        for scope, spec in zip(scopes, tools, strict=True):
            offer = self._record(scope, spec)
            if process not in offer.processes:
                offer.processes.append(process)
        self._wake()
        return [spec.tool_id for spec in tools]

    def _record(self, scope: Tools, spec: pb.ToolSpec) -> Offer:
        copy = pb.ToolSpec()
        copy.CopyFrom(spec)
        self._order += 1
        offer = scope.record(copy, self._order)
        spec.tool_id = copy.tool_id
        return offer

    def withdraw(self, process: Process, tool_ids: Sequence[str], session_id: str) -> None:
        """A process withdraws tools."""
        scope = self._sessions.get(session_id).tools if session_id else self._shared
        for tool_id in tool_ids:
            offer = scope.find(tool_id)
            if offer is None or process not in offer.processes:
                raise Refusal("ToolNotFound", f"this process offers no tool {tool_id!r}")
        for tool_id in tool_ids:
            offer = scope.find(tool_id)
            assert offer is not None
            offer.processes.remove(process)
            if not offer.processes:
                scope.forget(tool_id)

    def leave(self, process: Process) -> None:
        """A process is gone: its tools stay known and are not available."""
        scopes = [self._shared, *(session.tools for session in self._sessions.living())]
        for scope in scopes:
            for offer in scope:
                if process in offer.processes:
                    offer.processes.remove(process)

    def _wake(self) -> None:
        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        self._notifying = asyncio.ensure_future(notify())

    def _find(self, session: SessionState, name: str) -> Offer:
        offer = session.tools.find(name) or self._shared.find(name)
        if offer is None:
            raise Refusal(
                "ToolNotFound",
                f"session {session.record.session_id!r} sees no tool {name!r}",
                tool=name,
            )
        return offer

    async def _host(self, offer: Offer) -> Process:
        def ready() -> list[Process]:
            return [p for p in offer.processes if p.link.attached and not p.draining]

        if not ready() and offer.processes:
            async with self._changed:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._changed.wait_for(ready), self.grace)
        if not ready():
            raise Refusal(
                "WorkerUnavailable",
                f"nobody offers the tool {offer.spec.name!r} now",
                retry_after="1",
            )
        return min(ready(), key=lambda process: process.link.open_calls)

    def _checked(self, request: pb.ToolCallRequest) -> tuple[SessionState, Offer]:
        session = self._sessions.get(request.session_id, request.epoch)
        if request.call_depth > self.limits.max_call_depth:
            raise Refusal(
                "CallDepthExceeded",
                f"calls are nested {request.call_depth} deep, the limit is {self.limits.max_call_depth}",
            )
        size = value_bytes(request.args) + value_bytes(request.kwargs.values())
        if size > self.limits.max_value_bytes:
            raise Refusal(
                "MessageTooLarge",
                f"message too large: the arguments have {size} bytes, "
                f"the limit is {self.limits.max_value_bytes}",
                limit=str(self.limits.max_value_bytes),
            )
        return session, self._find(session, request.tool_id)

    async def execute(self, request: pb.ToolCallRequest) -> pb.ToolCallResponse:
        """Runs a call; whatever happens is in the answer."""
        start = time.perf_counter()
        try:
            session, offer = self._checked(request)
            response = await self._during(session, self._run(request, offer))
        except Refusal as error:
            response = pb.ToolCallResponse(success=False, error=error.info)
        response.request_id = request.request_id
        response.metrics.duration_ms = max((time.perf_counter() - start) * 1000, 1e-6)
        return response

    async def _run(self, request: pb.ToolCallRequest, offer: Offer) -> pb.ToolCallResponse:
        deadline = _deadline(request.timeout_us or int(_DEFAULT_TIMEOUT * 1e6))
        await self.faults.strike(offer.spec.tool_id)
        process = await self._host(offer)
        forwarded = self._forward(request, offer, deadline)
        try:
            response = await process.link.call(forwarded, deadline)
        except ToolCommunicationError as error:
            raise Refusal("WorkerLost", f"the worker of {offer.spec.name!r} was lost") from error
        if not isinstance(response, pb.ToolCallResponse):
            raise Refusal(
                "MessageTooLarge", "a table in pieces is more than the bridge in memory passes on"
            )
        copy = pb.ToolCallResponse()
        copy.CopyFrom(response)
        return copy

    def _forward(
        self, request: pb.ToolCallRequest, offer: Offer, deadline: float
    ) -> pb.ToolCallRequest:
        self.calls.append(request)
        forwarded = pb.ToolCallRequest()
        forwarded.CopyFrom(request)
        forwarded.tool_id = offer.spec.tool_id
        forwarded.parent_call = 0
        if deadline < float("inf"):
            left = deadline - asyncio.get_running_loop().time()
            forwarded.timeout_us = max(1, int(left * 1e6))
        return forwarded

    async def _during(
        self, session: SessionState, work: Awaitable[pb.ToolCallResponse]
    ) -> pb.ToolCallResponse:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)  # pyright: ignore[reportArgumentType]
        session.running += 1
        session.calls.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if not session.ended:
                task.cancel()
                raise
            raise Refusal("Cancelled", "the session was ended while the call ran") from None
        finally:
            session.running -= 1
            session.calls.discard(task)

    async def stream(self, request: pb.ToolCallRequest) -> AsyncGenerator[pb.ToolStreamChunk, None]:
        """Runs a streaming call; whatever happens is in the chunks."""
        session = None
        sequence = 0
        stream_id = request.stream_id or uuid.uuid4().hex
        try:
            session, offer = self._checked(request)
            session.running += 1
            deadline = _deadline(request.timeout_us)
            await self.faults.strike(offer.spec.tool_id)
            process = await self._host(offer)
            forwarded = self._forward(request, offer, deadline)
            forwarded.stream = True
            async with aclosing(process.link.stream(forwarded, deadline)) as chunks:
                async for chunk in chunks:
                    chunk.stream_id = stream_id
                    sequence = chunk.sequence + 1
                    yield chunk
        except Refusal as error:
            yield _broken(stream_id, sequence, error.info)
        except ToolCommunicationError:
            lost = pb.ErrorInfo(
                type="WorkerLost", message=f"the worker of {request.tool_id!r} was lost"
            )
            yield _broken(stream_id, sequence, lost)
        finally:
            if session is not None:
                session.running -= 1

    # --- the plain RPCs ---

    async def ExecuteTool(self, request: pb.ToolCallRequest, context: Any) -> pb.ToolCallResponse:  # noqa: N802, D102
        return await self.execute(request)

    async def StreamTool(  # noqa: N802, D102
        self, request: pb.ToolStreamRequest, context: Any
    ) -> AsyncIterator[pb.ToolStreamChunk]:
        call = pb.ToolCallRequest(
            session_id=request.session_id,
            tool_id=request.tool_id,
            args=request.args,
            kwargs=request.kwargs,
            stream_id=request.stream_id,
            timeout_us=request.timeout_us,
            call_depth=request.call_depth,
            epoch=request.epoch,
            stream=True,
        )
        async with aclosing(self.stream(call)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def BatchExecuteTools(  # noqa: N802, D102
        self, request: pb.BatchExecuteToolsRequest, context: Any
    ) -> pb.BatchExecuteToolsResponse:
        try:
            self._check_batch(request)
        except Refusal as error:
            return pb.BatchExecuteToolsResponse(success=False, error=error.info)
        responses: list[Any] = [None] * len(request.requests)
        async for index, response in run_batch(self.execute, request):
            responses[index] = response
        return pb.BatchExecuteToolsResponse(success=True, responses=responses)

    async def StreamBatchExecuteTools(  # noqa: N802, D102
        self, request: pb.BatchExecuteToolsRequest, context: Any
    ) -> AsyncIterator[pb.BatchItemResponse]:
        try:
            self._check_batch(request)
        except Refusal as error:
            yield pb.BatchItemResponse(refused=error.info)
            return
        async for index, response in run_batch(self.execute, request):
            yield pb.BatchItemResponse(index=index, response=response)

    def _check_batch(self, request: pb.BatchExecuteToolsRequest) -> None:
        if len(request.requests) > self.limits.max_batch_items:
            raise Refusal(
                "BatchTooLarge",
                f"{len(request.requests)} items, the limit is {self.limits.max_batch_items}",
            )
        for index, item in enumerate(request.requests):
            if item.session_id not in {"", request.session_id}:
                raise Refusal(
                    "ValidationError",
                    f"item {index} of the batch names session {item.session_id!r}, the batch is of"
                    f" session {request.session_id!r}",
                )
        self._sessions.get(request.session_id)

    async def RegisterTools(self, request: pb.RegisterToolsRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            scope = self._sessions.get(request.session_id, request.epoch).tools
            ids = [self._record(scope, spec).spec.tool_id for spec in request.tools]
        except Refusal as error:
            return pb.RegisterToolsResponse(success=False, error=error.info)
        return pb.RegisterToolsResponse(success=True, tool_ids=ids)

    async def UnregisterTools(self, request: pb.UnregisterToolsRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            scope = self._sessions.get(request.session_id, request.epoch).tools
            for tool_id in request.tool_ids:
                if scope.find(tool_id) is None:
                    raise Refusal("ToolNotFound", f"the session has no tool {tool_id!r}")
        except Refusal as error:
            return pb.UnregisterToolsResponse(success=False, error=error.info)
        for tool_id in request.tool_ids:
            scope.forget(tool_id)
        return pb.UnregisterToolsResponse(success=True)

    # --- agents ---

    async def CreateReActAgent(self, request: pb.CreateReActAgentRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            agent = pb.Agent()
            agent.CopyFrom(request.agent)
            agent.agent_id = check_name("agent", agent.agent_id or uuid.uuid4().hex)
            for name in agent.tool_names:
                self._find(session, name)
        except Refusal as error:
            return pb.CreateReActAgentResponse(success=False, error=error.info)
        agent.created_at.CopyFrom(now())
        session.agents[agent.agent_id] = agent
        return pb.CreateReActAgentResponse(success=True, agent_id=agent.agent_id)

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
        except Refusal as error:
            return pb.ListAgentsResponse(success=False, error=error.info)
        return pb.ListAgentsResponse(success=True, agents=session.agents.values())

    async def DeleteAgent(self, request: pb.DeleteAgentRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            _agent(session, request.agent_id)
        except Refusal as error:
            return pb.DeleteAgentResponse(success=False, error=error.info)
        del session.agents[request.agent_id]
        return pb.DeleteAgentResponse(success=True)

    async def ExecuteAgent(  # noqa: N802, D102
        self, request: pb.ExecuteAgentRequest, context: Any
    ) -> AsyncIterator[pb.AgentEvent]:
        run_id = request.run_id or uuid.uuid4().hex
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            run = pb.ReActRun(agent=_agent(session, request.agent_id), request=request)
            if self._shared.find(AGENT_TOOL) is None:
                raise Refusal(
                    "WorkerUnavailable", "no worker hosts agents; start one with --agents"
                )
        except Refusal as error:
            yield pb.AgentEvent(run_id=run_id, type="error", error=error.info)
            return
        run.request.run_id = run_id
        call = pb.ToolCallRequest(
            session_id=request.session_id,
            tool_id=AGENT_TOOL,
            stream=True,
            stream_id=run_id,
            timeout_us=request.timeout_us,
            call_depth=request.call_depth + 1,
        )
        call.args.add().Pack(run)
        async for chunk in self.stream(call):
            kind = chunk.content.WhichOneof("kind")
            if kind == "error":
                yield pb.AgentEvent(run_id=run_id, type="error", error=chunk.content.error)
            elif kind == "data":
                event = pb.AgentEvent()
                chunk.content.data.Unpack(event)
                if request.stream or event.type in {"result", "error"}:
                    yield event


def _agent(session: SessionState, agent_id: str) -> pb.Agent:
    agent = session.agents.get(agent_id)
    if agent is None:
        raise Refusal(
            "AgentNotFound", f"session {session.record.session_id!r} has no agent {agent_id!r}"
        )
    return agent


async def _healthy(request: bytes, context: Any) -> bytes:
    # HealthCheckResponse{status: SERVING}; the package does not depend on grpcio-health-checking.
    return b"\x08\x01"


def _deadline(timeout_us: int) -> float:
    if not timeout_us:
        return float("inf")
    return asyncio.get_running_loop().time() + timeout_us / 1e6


def _broken(stream_id: str, sequence: int, info: pb.ErrorInfo) -> pb.ToolStreamChunk:
    content = pb.ToolStreamContent(error=info)
    return pb.ToolStreamChunk(stream_id=stream_id, sequence=sequence, content=content)
