"""ReAct agents on DSPy, hosted by a worker.

A run builds a ``dspy.ReAct`` whose tools are proxies back over the link, and streams what it thinks and does. The
thought and the action are sent before the tool runs. A worker offers this as the hidden streaming tool
``$react_agent`` (message ``ReActRun`` of the protocol)::

    async with Worker("localhost:50051", tools=[agent_tool(model="openai/gpt-4o-mini")]):
        ...

``python -m grpc_tool_bridge.worker --agents`` does the same. Without a model, :class:`ScriptedLM` stands in.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from dspex_bridge_pb2 import AgentEvent, ErrorInfo, ReActRun, ToolSpec

from .errors import (
    SessionError,
    ToolBridgeError,
    ToolCommunicationError,
    ToolExecutionError,
    info_from_exception,
)
from .values import deserialize_value, serialize_value

# A model's prices are not worth a download: litellm, on which DSPy's models rest, asks for them when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

from .agenttools import AgentTool, placed, read, shown
from .scripted import ScriptedLM, dspy

if TYPE_CHECKING:
    from google.protobuf.any_pb2 import Any as AnyMessage

__all__ = ["AGENT_TOOL", "ScriptedLM", "ToolCaller", "agent_tool", "language_model", "run_agent"]

AGENT_TOOL = "$react_agent"
"""The id of the hidden tool by which a worker hosts agents."""

_PROGRESS_SECONDS = 10.0
_DEFAULT_ITERATIONS = 10
_NAMES_OF_ALL = frozenset({"args", "kwargs"})
"""What all arguments of a call may be given as, and a tool may call its own."""
_FATAL = frozenset({"SessionExpired", "SessionNotFound", "CallDepthExceeded", "Cancelled"})


class ToolCaller(Protocol):
    """What a run needs of the worker that hosts it; :class:`~grpc_tool_bridge.ToolContext` is one."""

    async def tools(self) -> Sequence[ToolSpec]:
        """Return the tools that the session sees."""
        ...

    async def call(self, tool: str, /, *args: object, **kwargs: object) -> object:
        """Call a tool of the session as part of this run."""
        ...

    def progress(self, done: float, total: float = 0.0, message: str = "") -> None:
        """Say that the run is alive."""
        ...


def language_model(name: str | None) -> Any:
    """Return the language model of a name, such as ``"openai/gpt-4o-mini"``.

    No name, or ``"scripted"``, gives :class:`ScriptedLM`.
    """
    return ScriptedLM() if not name or name == "scripted" else dspy.LM(name)


def agent_tool(model: str | None = None) -> Callable[..., AsyncIterator[AgentEvent]]:
    """Return the hidden tool that runs agents; ``model`` is used by agents that name none of their own."""
    from .context import ToolContext
    from .hosting import tool

    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)

    async def react_agent(run: Any, context: Any) -> AsyncIterator[AgentEvent]:
        """Run a ReAct agent and yield its events."""
        async for event in run_agent(run, context, model=model):
            yield event

    react_agent.__annotations__ = {
        "run": Any,
        "context": ToolContext,
        "return": AsyncIterator[AgentEvent],
    }
    return tool(name=AGENT_TOOL, hidden=True)(react_agent)


async def run_agent(
    run: ReActRun, caller: ToolCaller, *, model: str | None = None
) -> AsyncIterator[AgentEvent]:
    """Run an agent and yield its events; the last one has the type ``result``, or ``error``.

    ``model`` is used where neither the request nor the agent names one. Leaving the iteration cancels the run.
    """
    react = _Run(run, caller, run.request.model or run.agent.model or model)
    task = asyncio.ensure_future(react.do())
    task.add_done_callback(lambda _: react.events.put_nowait(None))
    try:
        while (event := await _next_event(react, caller)) is not None:
            yield event
        yield react.last(task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


async def _next_event(react: _Run, caller: ToolCaller) -> AgentEvent | None:
    """Wait for the next event, saying every 10 s that the run is alive."""
    waiting = asyncio.ensure_future(react.events.get())
    try:
        while not (await asyncio.wait({waiting}, timeout=_PROGRESS_SECONDS))[0]:
            caller.progress(react.step, react.iterations, "the agent is at work")
        return waiting.result()
    finally:
        waiting.cancel()


class _Run:
    """One run: its events, its step, and what ended it. Used by one event loop."""

    def __init__(self, run: ReActRun, caller: ToolCaller, model: str | None) -> None:
        self.events: asyncio.Queue[AgentEvent | None] = asyncio.Queue()
        self.step = -1
        self.iterations: int = run.agent.max_iters or _DEFAULT_ITERATIONS
        self._run = run
        self._caller = caller
        self._model = model
        self._fatal: BaseException | None = None
        self._task: asyncio.Task[Any] | None = None

    async def do(self) -> AgentEvent:
        try:
            return await self._ran()
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001 - a task that raises SystemExit ends its loop
            return self._failed(error)

    async def _ran(self) -> AgentEvent:
        self._task = asyncio.current_task()
        signature, inputs = self._signature()
        tools = [
            self._proxy(spec)
            for spec in _chosen(self._run.agent.tool_names, await self._caller.tools())
        ]
        react = dspy.ReAct(signature, tools=tools, max_iters=self.iterations)
        with dspy.context(
            lm=language_model(self._model), callbacks=[_steps(self)], disable_history=True
        ):
            prediction = await react.acall(**inputs)
        return self._result(signature, prediction)

    def last(self, task: asyncio.Future[AgentEvent]) -> AgentEvent:
        """Return the event that ends the run."""
        if self._fatal is not None:
            return self._failed(self._fatal)
        if task.cancelled():
            return self._failed(
                ToolExecutionError(AGENT_TOOL, "Cancelled", "the run was cancelled")
            )
        failure = task.exception()
        return task.result() if failure is None else self._failed(failure)

    def _failed(self, failure: BaseException) -> AgentEvent:
        return AgentEvent(type="error", step=max(self.step, 0), error=info_from_exception(failure))

    def _signature(self) -> tuple[Any, dict[str, object]]:
        agent, request = self._run.agent, self._run.request
        try:
            signature = dspy.Signature(agent.signature, agent.instructions or None)
        except Exception as error:
            what = f"signature {agent.signature!r} of agent {agent.agent_id!r}"
            message = f"{what}: {error}; want the form 'question -> answer'"
            raise ToolExecutionError(AGENT_TOOL, "ValidationError", message) from error
        inputs = _inputs(agent.agent_id, list(signature.input_fields), request.input)
        if request.history:
            turns = [_turn(deserialize_value(turn)) for turn in request.history]
            name = next(
                (n for n, f in signature.input_fields.items() if f.annotation is dspy.History), None
            )
            if name is None:
                name = "history"
                signature = signature.append(name, dspy.InputField(), type_=dspy.History)
            inputs[name] = dspy.History(messages=turns)
        return signature, inputs

    def _proxy(self, spec: ToolSpec) -> AgentTool:
        return AgentTool(spec, lambda given: self._call(spec, given))

    async def _call(self, spec: ToolSpec, given: Mapping[str, object]) -> object:
        """Call a tool; its failure becomes a sentence for the model and a structured error for the caller."""
        name = spec.name
        try:
            args, kwargs = placed(spec, {key: read(value) for key, value in given.items()})
            if not args and kwargs and kwargs.keys() <= _NAMES_OF_ALL:
                kwargs = {"args": list[object](), "kwargs": kwargs}
            result = await self._caller.call(name, *args, **kwargs)
        except (ToolCommunicationError, SessionError) as error:
            self._end(error)
            raise
        except ToolBridgeError as error:
            if getattr(error, "error_type", "") in _FATAL:
                self._end(error)
                raise
            self._observed(name, error=info_from_exception(error))
            return f"The tool failed: {getattr(error, 'message', '') or error}"
        self._observed(name, value=result)
        return shown(result)

    def _end(self, error: BaseException) -> None:
        """End the run: the model could do nothing about it."""
        self._fatal = error
        if self._task is not None:
            self._task.cancel()

    def decided(self, thought: str, tool: str, arguments: Mapping[str, object]) -> None:
        """Take what the model decided, before the tool runs."""
        self.step += 1
        self.events.put_nowait(AgentEvent(type="thought", step=self.step, text=thought))
        if tool != "finish":
            args = {str(key): serialize_value(read(value)) for key, value in arguments.items()}
            self.events.put_nowait(
                AgentEvent(type="action", step=self.step, tool_name=tool, tool_args=args)
            )

    def _observed(self, name: str, *, value: object = None, error: ErrorInfo | None = None) -> None:
        event = AgentEvent(type="observation", step=max(self.step, 0), tool_name=name, error=error)
        if error is None:
            event.observation.CopyFrom(serialize_value(value))
        self.events.put_nowait(event)

    def _result(self, signature: Any, prediction: Any) -> AgentEvent:
        outputs = {
            name: serialize_value(getattr(prediction, name, None))
            for name in signature.output_fields
        }
        event = AgentEvent(type="result", step=max(self.step, 0), outputs=outputs)
        event.final_answer.CopyFrom(next(iter(outputs.values())))
        return event


def _steps(run: _Run) -> Any:
    """Return the DSPy callback that tells a run of each step."""

    class Steps(dspy.utils.callback.BaseCallback):
        def on_module_end(
            self, call_id: str, outputs: Any, exception: BaseException | None = None
        ) -> None:
            # The inner predictor alone has these fields; the modules around it end as well.
            if exception is None and hasattr(outputs, "next_tool_name"):
                arguments: Any = outputs.next_tool_args
                if not isinstance(arguments, dict):
                    arguments = {}
                run.decided(str(outputs.next_thought), str(outputs.next_tool_name), arguments)  # pyright: ignore[reportUnknownArgumentType]

    return Steps()


def _turn(turn: Any) -> dict[str, object]:
    """Return an earlier turn as DSPy's History takes it: the signature's fields by their names."""
    if not isinstance(turn, dict):
        message = f"history: want dicts of the signature's fields, got {type(turn).__name__}"
        raise ToolExecutionError(AGENT_TOOL, "ValidationError", message)
    return cast("dict[str, object]", turn)


def _inputs(
    agent_id: str,
    fields: Sequence[str],
    given: Mapping[str, AnyMessage],
) -> dict[str, object]:
    """Match what was given with the signature's fields, without regard to case."""
    by_fold = {name.casefold(): name for name in fields}
    unknown = [name for name in given if name.casefold() not in by_fold]
    inputs = {
        by_fold[name.casefold()]: deserialize_value(value)
        for name, value in given.items()
        if name.casefold() in by_fold
    }
    missing = [name for name in fields if name not in inputs]
    if unknown or missing:
        problem = f"input of agent {agent_id!r}: want the fields {list(fields)}, missing {missing}, unknown {unknown}"
        raise ToolExecutionError(AGENT_TOOL, "ValidationError", problem)
    return inputs


def _chosen(names: Sequence[str], visible: Sequence[ToolSpec]) -> list[ToolSpec]:
    """Return the tools that an agent may call, in its order; every visible one if it names none."""
    by_name = {spec.name: spec for spec in visible if not spec.hidden}
    chosen = list(names) or list(by_name)
    for name in chosen:
        if name not in by_name:
            raise ToolExecutionError(
                AGENT_TOOL,
                "ToolNotFound",
                f"the agent may call tool {name!r}, which the session does not see",
            )
        if name == "finish":
            raise ToolExecutionError(
                AGENT_TOOL,
                "ToolConflict",
                "a tool may not be called 'finish': by that name a ReAct agent ends its run",
            )
        if chosen.count(name) > 1:
            raise ToolExecutionError(
                AGENT_TOOL, "ToolConflict", f"the agent names tool {name!r} twice"
            )
    return [by_name[name] for name in chosen]
