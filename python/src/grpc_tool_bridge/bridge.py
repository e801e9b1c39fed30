"""The bridge as a whole: :class:`GRPCToolBridge` with tools, batches, retries, streams and agents."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import (
    Agent,
    CreateReActAgentRequest,
    DeleteAgentRequest,
    ListAgentsRequest,
)

from .agentruns import AgentEvent, run_agent
from .batches import Batch, raise_first
from .callrequests import CallOptions, call_arguments
from .client import ToolBridgeClient
from .connection import CONNECT_TIMEOUT
from .retry import Retry, call_with_retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from types import TracebackType

    import grpc.aio
    from opentelemetry.trace import TracerProvider
    from typing_extensions import Self

    from .tools import AsyncGRPCProxyTool
    from .toolstream import ToolStream

__all__ = ["GRPCToolBridge"]


class GRPCToolBridge:
    """A bridge and one session of it.

    Args:
        target: The bridge's address ("host:port"), or a ``grpc.aio`` channel to it.
        connect_timeout: Seconds to wait for the bridge.
        use_link: False makes it use plain RPCs in any case.
        tracer_provider: OpenTelemetry's: each call and each run of an agent is a span, a child of the current one.
            By default none.

    Raises:
        ValueError: The address is none.

    Example::

        async with GRPCToolBridge("localhost:50051") as bridge:
            tools = await bridge.initialize("my-session")
            print(await tools["search_web"]("DSPy"))
    """

    def __init__(
        self,
        target: str | grpc.aio.Channel,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        use_link: bool = True,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self.client = ToolBridgeClient(
            target,
            connect_timeout=connect_timeout,
            use_link=use_link,
            tracer_provider=tracer_provider,
        )
        """The client; ``bridge.client.session_context`` has the variables."""
        self.tools: dict[str, AsyncGRPCProxyTool] = {}
        """The tools by name, in the order in which they were registered."""

    async def initialize(
        self,
        session_id: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        ttl: float | None = None,
    ) -> dict[str, AsyncGRPCProxyTool]:
        """Attaches to a session, or creates it, and returns its tools by name, in listed order.

        Raises:
            SessionError: The bridge refused.
            ToolCommunicationError: No bridge answers.
        """
        await self.client.initialize_session(session_id, metadata=metadata, ttl=ttl)
        if self.client.tool_specs:
            return self._keep()
        return await self.refresh()

    async def refresh(self) -> dict[str, AsyncGRPCProxyTool]:
        """Lists the tools anew."""
        await self.client.list_tools()
        return self._keep()

    def _keep(self) -> dict[str, AsyncGRPCProxyTool]:
        self.tools = {spec.name: self.client.proxy(spec) for spec in self.client.tool_specs}
        return self.tools

    def _known(self, tool_id: str) -> AsyncGRPCProxyTool | None:
        found = self.tools.get(tool_id)
        if found is not None:
            return found
        return next((tool for tool in self.tools.values() if tool.tool_id == tool_id), None)

    # --- calls ---

    async def execute_tool(self, /, tool_id: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a tool by its id or name, with arguments as they are, or as ``args=[…], kwargs={…}``.

        Works before ``initialize`` too, then in a session of its own.
        """
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        known = self._known(tool_id)
        if known is not None:
            return await known(*args, **kwargs)
        return await self.client.call(tool_id, args, kwargs)

    async def execute_with_retry(
        self,
        /,
        tool_id: str,
        *args: Any,
        max_retries: int = 3,
        timeout: float | None = None,
        deadline: float | None = None,
        base_delay: float = 0.1,
        **kwargs: Any,
    ) -> Any:
        """Calls a tool, and again where the error table lets it: after a wait with jitter, or as the bridge says.

        A call that may have started is only started again if the tool is declared idempotent. All attempts have one
        request id: after a lost connection the bridge answers from its record of the first one, or with
        ``OutcomeUnknown``.

        Args:
            tool_id: The tool's id or name.
            *args: Its arguments, or ``args=[…], kwargs={…}``.
            max_retries: Attempts after the first.
            timeout: Seconds for each attempt; by default the tool's own, or 30.
            deadline: Seconds for all attempts and waits together.
            base_delay: Seconds before the first repetition, doubled each time.
            **kwargs: Its keyword arguments.

        Raises:
            ToolBridgeError: The last attempt's error.
        """
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        known = self._known(tool_id)

        async def call(
            args: Sequence[Any], kwargs: Mapping[str, Any], request_id: str, attempt: int
        ) -> Any:
            if known is None:
                options = CallOptions(timeout=timeout, request_id=request_id, attempt=attempt)
                return await self.client.call(tool_id, args, kwargs, options)
            named: dict[str, Any] = {"request_id": request_id, "attempt": attempt, "retry": None}
            if timeout is not None:
                named["timeout"] = timeout
            return await known.with_options(**named)(*args, **kwargs)

        return await call_with_retry(
            call,
            args,
            kwargs,
            retry=Retry(max_retries, base_delay=base_delay, deadline=deadline),
            idempotent=known is not None and known.spec.idempotent,
            tool_name=tool_id,
        )

    def stream(self, /, tool_id: str, *args: Any, **kwargs: Any) -> ToolStream:
        """Calls a tool and yields its results as it makes them; arguments as for ``execute_tool``."""
        known = self._known(tool_id)
        if known is None:
            return self.client.stream_tool(tool_id, *args, **kwargs)
        args, kwargs = call_arguments(args, kwargs)  # pyright: ignore[reportAssignmentType]
        return known.stream(*args, **kwargs)

    # --- batches ---

    async def execute_batch(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        return_exceptions: bool = False,
        max_concurrency: int = 0,
        fail_fast: bool = False,
        timeout: float | None = None,
        progress: bool = False,
        batch_id: str = "",
    ) -> list[Any]:
        """Makes many calls with one request; results come in the order of the requests.

        Args:
            requests: Dicts with "tool_id", "args", "kwargs" and, if wanted, "timeout", "request_id" and "on_metrics".
            return_exceptions: A failed item's exception stands in its place; otherwise the first failed item's
                exception is raised once all have ended.
            max_concurrency: How many run at once; 0 means 64.
            fail_fast: The first failure cancels what has not ended.
            timeout: Seconds for the whole batch; None or ``float("inf")``: each item's own only.
            progress: Show a progress bar, if tqdm is installed.
            batch_id: Names the batch, so that the bridge runs its items once: item i has the request id
                ``<batch_id>/<i>``, where it has none of its own.

        Raises:
            ToolExecutionError: The batch was refused, or an item failed.
        """
        batch = Batch(
            self.client,
            self._known,
            requests,
            max_concurrency=max_concurrency,
            fail_fast=fail_fast,
            timeout=timeout,
            batch_id=batch_id,
        )
        outcomes = await batch.run(progress=progress)
        if not return_exceptions:
            raise_first(outcomes)
        return outcomes

    async def as_completed(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        max_concurrency: int = 0,
        fail_fast: bool = False,
        timeout: float | None = None,
        batch_id: str = "",
    ) -> AsyncIterator[tuple[int, Any]]:
        """Makes many calls with one request and yields (place, result or exception) as each ends.

        Leaving the loop cancels the rest. Arguments as for ``execute_batch``.
        """
        batch = Batch(
            self.client,
            self._known,
            requests,
            max_concurrency=max_concurrency,
            fail_fast=fail_fast,
            timeout=timeout,
            batch_id=batch_id,
        )
        async for place, outcome in batch.finished():
            yield place, outcome

    # --- agents ---

    async def create_react_agent(
        self,
        signature: str,
        tool_names: Sequence[str] | None = None,
        max_iters: int = 10,
        *,
        agent_id: str | None = None,
        model: str = "",
        instructions: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Stores the description of a ReAct agent in the session.

        Args:
            signature: As in DSPy: "question -> answer".
            tool_names: The tools that it may call; None: every one that the session sees.
            max_iters: At most so many steps.
            agent_id: Its id; by default a new one.
            model: The model to use, such as "openai/gpt-5"; "": the worker's own.
            instructions: What it is told besides.
            metadata: Labels.

        Returns:
            Its id.
        """
        agent = Agent(
            agent_id=agent_id or str(uuid.uuid4()),
            signature=signature,
            tool_names=tool_names or [],
            max_iters=max_iters,
            model=model,
            instructions=instructions,
            metadata=metadata or {},
        )
        request = CreateReActAgentRequest(
            session_id=self._session(), agent=agent, epoch=self.client.limit.epoch
        )
        response = await self.client.verb("CreateReActAgent", request)
        return response.agent_id

    async def list_agents(self) -> list[Agent]:
        """The session's agents, in the order in which they were created."""
        request = ListAgentsRequest(session_id=self._session(), epoch=self.client.limit.epoch)
        response = await self.client.verb("ListAgents", request)
        return list(response.agents)

    async def delete_agent(self, agent_id: str) -> None:
        """Deletes an agent; one that is not there is `AgentNotFound`."""
        request = DeleteAgentRequest(
            session_id=self._session(), agent_id=agent_id, epoch=self.client.limit.epoch
        )
        await self.client.verb("DeleteAgent", request)

    def execute_agent_streaming(self, request: Mapping[str, Any]) -> AsyncIterator[AgentEvent]:
        """Runs an agent and yields what it thinks and does.

        Args:
            request: "agent_id", "input" (a dict of the signature's input fields), and, if wanted, "stream"
                (true by default; false: only the result), "run_id", "timeout" (seconds), "history", "model".

        Raises:
            ToolBridgeError: The run ended with an error, whose event came before.
        """
        return run_agent(self.client, request)

    async def execute_agent(self, /, agent_id: str, **inputs: Any) -> dict[str, Any]:
        """Runs an agent and returns its output fields."""
        outputs: dict[str, Any] = {}
        request = {"agent_id": agent_id, "input": inputs, "stream": False}
        async for event in self.execute_agent_streaming(request):
            outputs = event.get("outputs") or {}
        return outputs

    # --- the rest ---

    async def cleanup(self, *, force: bool = False) -> None:
        """Ends the session with all that it holds."""
        await self.client.cleanup_session(force=force)
        self.tools = {}

    def _session(self) -> str:
        return self.client.session_context.require()

    async def aclose(self) -> None:
        """Closes the connection. The session stays."""
        await self.client.aclose()

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
        return (
            f"<GRPCToolBridge at {self.client.address}, session {self.client.session_id!r}, "
            f"{len(self.tools)} tools>"
        )
