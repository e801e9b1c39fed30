"""The bridge as a whole: :class:`GRPCToolBridge` with tools, batches, retries, streams and agents."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from dspex_bridge_pb2 import (
    Agent,
    BatchExecuteToolsRequest,
    CreateReActAgentRequest,
    DeleteAgentRequest,
    ExecuteAgentRequest,
    ListAgentsRequest,
)
from dspex_bridge_pb2 import (
    AgentEvent as AgentEventMessage,
)

from .callrequests import DEFAULT_TIMEOUT, CallOptions, call_arguments, make_request, value_bytes
from .client import ToolBridgeClient
from .connection import CONNECT_TIMEOUT
from .errors import ToolBridgeError, ToolExecutionError, ToolTimeoutError, error_from_info
from .execution import timed
from .responses import Stopwatch, call_error, named, result_of
from .retry import Retry, call_with_retry
from .tables import too_large
from .timeouts import check_timeout, to_microseconds
from .values import deserialize_value, serialize_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from types import TracebackType

    from opentelemetry.trace import TracerProvider
    from typing_extensions import Self

    from dspex_bridge_pb2 import BatchItemResponse

    from .tools import AsyncGRPCProxyTool
    from .toolstream import ToolStream

__all__ = ["AgentEvent", "GRPCToolBridge"]

_MARGIN = 1.0
"""Seconds for an answer to arrive: the bridge ends batches and runs by itself, ours only covers a dead connection."""
_NO_LIMIT = float("inf")
_ITEM_FIELDS = dict.fromkeys(
    ("tool_id", "args", "kwargs", "timeout", "request_id", "on_metrics")
).keys()


class AgentEvent(dict[str, Any]):
    """One event of an agent's run, as a dict.

    Always there: "type" ("thought", "action", "observation", "progress", "result" or "error"), "run_id", "sequence",
    "step". Besides, where they apply: "text" (thought, progress), "tool_name", "tool_args" (action),
    "observation", "error" (an exception), "final_answer" and "outputs" (result), "duration_ms".
    """

    @classmethod
    def from_message(cls, message: AgentEventMessage) -> Self:
        """Decodes an event."""
        event = cls(
            type=message.type,
            run_id=message.run_id,
            sequence=message.sequence,
            step=message.step,
        )
        if message.text:
            event["text"] = message.text
        if message.tool_name:
            event["tool_name"] = message.tool_name
        if message.type == "action":
            event["tool_args"] = {k: deserialize_value(v) for k, v in message.tool_args.items()}
        if message.HasField("observation"):
            event["observation"] = deserialize_value(message.observation)
        if message.HasField("error"):
            event["error"] = call_error(message.error, message.tool_name)
        if message.HasField("final_answer"):
            event["final_answer"] = deserialize_value(message.final_answer)
        if message.type == "result":
            event["outputs"] = {k: deserialize_value(v) for k, v in message.outputs.items()}
        if message.HasField("metrics"):
            event["duration_ms"] = message.metrics.duration_ms
        return event


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
        items = list(requests)
        results: list[Any] = [None] * len(items)
        prepared = await self._prepare(
            items, results, max_concurrency, fail_fast, timeout, batch_id
        )
        message, indexes = prepared
        if fail_fast and len(indexes) < len(items):
            _cancel_others(indexes, results, items)
        elif message.requests and progress:
            await self._run_with_bar(message, indexes, items, results, timeout)
        elif message.requests:
            await self._run_batch(message, indexes, items, results, timeout)
        if not return_exceptions:
            _raise_first(results)
        return results

    async def _prepare(
        self,
        items: Sequence[Mapping[str, Any]],
        results: list[Any],
        max_concurrency: int,
        fail_fast: bool,
        timeout: float | None,
        batch_id: str = "",
    ) -> tuple[BatchExecuteToolsRequest, list[int]]:
        """The request, and which item each of its calls is; items that do not fit are answered here."""
        check_timeout(timeout)
        await self.client.ensure_session()
        _check_length(len(items), self.client.limit.max_batch_items)
        message = BatchExecuteToolsRequest(
            session_id=self.client.session_id or "",
            max_concurrency=max_concurrency,
            fail_fast=fail_fast,
            batch_id=batch_id,
            timeout_us=to_microseconds(timeout),
        )
        calls, tracing = message.requests, self.client.stub.tracing
        indexes: list[int] = []
        size = 0
        for index, item in enumerate(items):
            try:
                size += self._add(calls, item)
            except ToolBridgeError as error:
                results[index] = error
                continue
            if tracing is not None:
                tracing.pass_on(calls[-1])
            if batch_id and not calls[-1].request_id:  # its place in the request may be another
                calls[-1].request_id = f"{batch_id}/{index}"
            indexes.append(index)
        limit = self.client.limit.max_value_bytes
        if size > limit:
            raise too_large("batch", "items", size, limit)
        return message, indexes

    def _add(self, calls: Any, item: Mapping[str, Any]) -> int:
        """Adds the call of an item; returns its value bytes."""
        tool_id = item.get("tool_id")
        if not isinstance(tool_id, str) or not item.keys() <= _ITEM_FIELDS:
            unknown = sorted(item.keys() - _ITEM_FIELDS)
            what = f"unknown fields {unknown}" if unknown else "no 'tool_id'"
            raise ToolExecutionError(
                str(tool_id or ""),
                "ValidationError",
                f"a batch item has {what}; it takes {', '.join(_ITEM_FIELDS)}",
            )
        args: Sequence[Any] = item.get("args") or ()
        kwargs: dict[str, Any] = item.get("kwargs") or {}
        timeout, request_id = item.get("timeout"), item.get("request_id")
        known = self._known(tool_id)
        if known is not None and timeout is None and not request_id:
            return known.add_to(calls, args, kwargs)
        options = CallOptions(timeout=timeout, request_id=request_id or "")
        if known is not None:
            known = known.with_options(timeout=options.timeout, request_id=options.request_id)
            return known.add_to(calls, args, kwargs)
        call = make_request(
            tool_id,
            args,
            kwargs,
            session_id=self.client.session_id,
            timeout=DEFAULT_TIMEOUT if options.timeout is None else options.timeout,
            limit=self.client.limit,
            options=options,
        )
        calls.append(call)
        return value_bytes(call)

    async def _run_batch(
        self,
        message: BatchExecuteToolsRequest,
        indexes: Sequence[int],
        items: Sequence[Mapping[str, Any]],
        results: list[Any],
        timeout: float | None,
    ) -> None:
        watches = _Watches(items, indexes)
        try:
            response = await self._answered(message, timeout)
            if len(response.responses) != len(indexes):
                raise ToolExecutionError(
                    "batch",
                    "ProtocolError",
                    f"the batch has {len(response.responses)} answers for {len(indexes)} items",
                )
            for index, answer in zip(indexes, response.responses, strict=True):
                watches.stop(index, answer)
                results[index] = _outcome(answer, items[index])
        finally:
            watches.stop_all()

    async def _answered(self, message: BatchExecuteToolsRequest, timeout: float | None) -> Any:
        try:
            return await self.client.verb(
                "BatchExecuteTools", message, _limit_of_batch(message, timeout)
            )
        except ToolBridgeError as error:
            raise _batch_error(error) from error

    async def _run_with_bar(
        self,
        message: BatchExecuteToolsRequest,
        indexes: Sequence[int],
        items: Sequence[Mapping[str, Any]],
        results: list[Any],
        timeout: float | None,
    ) -> None:
        with _bar(len(indexes)) as bar:
            async for place, outcome in self._finished(message, indexes, items, timeout):
                results[place] = outcome
                bar.update()

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
        items = list(requests)
        results: list[Any] = [None] * len(items)
        message, indexes = await self._prepare(
            items, results, max_concurrency, fail_fast, timeout, batch_id
        )
        refused = set(range(len(items))) - set(indexes)
        if fail_fast and refused:
            _cancel_others(indexes, results, items)
            refused, message = set(range(len(items))), BatchExecuteToolsRequest()
        for place in sorted(refused):
            yield place, results[place]
        if message.requests:
            async for place, outcome in self._finished(message, indexes, items, timeout):
                yield place, outcome

    async def _finished(
        self,
        message: BatchExecuteToolsRequest,
        indexes: Sequence[int],
        items: Sequence[Mapping[str, Any]],
        timeout: float | None,
    ) -> AsyncIterator[tuple[int, Any]]:
        limit = _limit_of_batch(message, timeout)
        end = asyncio.get_running_loop().time() + limit
        await self.client.stub.ready(end)
        watches = _Watches(items, indexes)
        answers: Any = self.client.stub.StreamBatchExecuteTools(message)
        try:
            answer: BatchItemResponse
            async for answer in timed(answers, end - asyncio.get_running_loop().time()):
                if answer.HasField("refused"):
                    raise call_error(answer.refused, "batch")
                place = indexes[answer.index]
                watches.stop(place, answer.response)
                yield place, _outcome(answer.response, items[place])
        except grpc.RpcError as error:
            raise named(error, "batch", self.client.address) from error
        except asyncio.TimeoutError as error:
            if isinstance(error, ToolBridgeError):
                raise
            raise self._late("batch", limit) from error
        finally:
            answers.cancel()
            watches.stop_all()

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

    async def execute_agent_streaming(
        self, request: Mapping[str, Any]
    ) -> AsyncIterator[AgentEvent]:
        """Runs an agent and yields what it thinks and does.

        Args:
            request: "agent_id", "input" (a dict of the signature's input fields), and, if wanted, "stream"
                (true by default; false: only the result), "run_id", "timeout" (seconds), "history", "model".

        Raises:
            ToolBridgeError: The run ended with an error, whose event came before.
        """
        timeout = request.get("timeout")
        check_timeout(timeout)
        message = ExecuteAgentRequest(
            session_id=self._session(),
            agent_id=request["agent_id"],
            stream=bool(request.get("stream", True)),
            run_id=request.get("run_id") or str(uuid.uuid4()),
            timeout_us=to_microseconds(timeout),
            history=[serialize_value(turn) for turn in request.get("history") or ()],
            model=request.get("model") or "",
            epoch=self.client.limit.epoch,
        )
        inputs: dict[str, Any] = request.get("input") or {}
        for name, value in inputs.items():
            message.input[name].CopyFrom(serialize_value(value))
        await self.client.stub.ready()
        tracing = self.client.stub.tracing
        span = tracing.begin(message, f"agent {message.agent_id}") if tracing is not None else None
        events = self.client.stub.ExecuteAgent(message)
        limit = to_microseconds(timeout) / 1e6 + _MARGIN if to_microseconds(timeout) else _NO_LIMIT
        try:
            async for event in timed(events, limit):
                if tracing is not None and span is not None and event.type == "error":
                    tracing.fail(span, event.error.type)
                if message.stream or event.type in {"result", "error"}:
                    yield AgentEvent.from_message(event)
                if event.type == "error":
                    raise _run_error(event)
        except grpc.RpcError as error:
            raise named(error, "", self.client.address) from error
        except asyncio.TimeoutError as error:
            if isinstance(error, ToolBridgeError):
                raise
            raise self._late("agent", limit) from error
        finally:
            events.cancel()
            if span is not None:
                span.end()

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

    def _late(self, what: str, limit: float) -> ToolTimeoutError:
        return ToolTimeoutError(
            what,
            "DeadlineExceeded",
            f"the bridge at {self.client.address} did not end the {what} within {limit:g} s",
            {"limit": f"{limit:g}"},
        )

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


def _check_length(items: int, limit: int) -> None:
    if limit and items > limit:
        raise ToolExecutionError(
            "batch",
            "BatchTooLarge",
            f"the batch has {items} items, the bridge takes {limit}: send several",
            {"limit": str(limit)},
        )


def _limit_of_batch(message: BatchExecuteToolsRequest, timeout: float | None) -> float:
    """Seconds within which a bridge answers: those of the batch, or of its items one round after the other."""
    if timeout is not None:
        return timeout + _MARGIN
    rounds = -(-len(message.requests) // (message.max_concurrency or 64))
    longest = max(call.timeout_us or _NO_LIMIT for call in message.requests) / 1e6
    return longest * rounds + _MARGIN


class _Watches:
    """The stopwatches of those items of a batch that have one, from now on."""

    def __init__(self, items: Sequence[Mapping[str, Any]], indexes: Sequence[int]) -> None:
        self._by_place = {
            place: Stopwatch(items[place]["on_metrics"])
            for place in indexes
            if items[place].get("on_metrics") is not None
        }

    def stop(self, place: int, response: Any) -> None:
        watch = self._by_place.get(place)
        if watch is not None:
            watch.stop(response)

    def stop_all(self) -> None:
        for watch in self._by_place.values():
            watch.stop()


def _outcome(response: Any, item: Mapping[str, Any]) -> Any:
    try:
        return result_of(response, str(item["tool_id"]))
    except ToolBridgeError as error:
        return error


def _raise_first(results: Sequence[Any]) -> None:
    failed = [result for result in results if isinstance(result, ToolBridgeError)]
    # What was cancelled because another item failed is not the cause.
    for error in (*(e for e in failed if e.error_type != "Cancelled"), *failed):
        raise error


def _cancel_others(
    indexes: Iterable[int], results: list[Any], items: Sequence[Mapping[str, Any]]
) -> None:
    for index in indexes:
        results[index] = ToolExecutionError(
            str(items[index]["tool_id"]), "Cancelled", "another item of the batch failed first"
        )


def _batch_error(error: ToolBridgeError) -> ToolBridgeError:
    if hasattr(error, "code"):
        return named(error, "batch")
    return ToolExecutionError(
        "batch", error.error_type, error.message, error.details, error.retryable, error.retry_after
    )


def _run_error(event: AgentEventMessage) -> ToolBridgeError:
    return error_from_info(event.error, tool_name=event.tool_name)


class _Bar:
    """Stands in for a progress bar."""

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self) -> None:
        """One more."""


def _bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Bar()
    return tqdm(total=total, unit="call")
