"""Agents: a real dspy.ReAct with the scripted model, on a caller that stands for the worker's context."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest

pytest.importorskip("dspy", reason="agents need the extra: agents")

from dspex_bridge_pb2 import Agent, AgentEvent, ExecuteAgentRequest, ReActRun, ToolSpec
from grpc_tool_bridge import (
    SessionError,
    ToolCommunicationError,
    ToolExecutionError,
    deserialize_value,
    serialize_value,
)
from grpc_tool_bridge.agents import AGENT_TOOL, ScriptedLM, agent_tool, language_model, run_agent
from grpc_tool_bridge.schema import spec_from_function
from grpc_tool_bridge.scripted import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def calculate(expression: str) -> int:
    """Evaluate an arithmetic expression."""
    return {"2 + 2": 4, "3 * (4 + 5)": 27}[expression]


def search_web(query: str, limit: int = 5) -> list[str]:
    """Search."""
    return [f"about {query}"][:limit]


class Caller:
    """A session with Python functions as tools."""

    def __init__(
        self, *functions: Callable[..., Any], failing: Mapping[str, Exception] | None = None
    ) -> None:
        self.functions = {f.__name__: f for f in functions}
        self.failing = dict(failing or {})
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.progressed = 0

    async def tools(self) -> Sequence[ToolSpec]:
        specs = [spec_from_function(f) for f in self.functions.values()]
        return [*specs, ToolSpec(tool_id="$hidden", name="$hidden", hidden=True)]

    async def call(self, tool: str, *args: object, **kwargs: object) -> object:
        self.calls.append((tool, dict(kwargs)))
        if tool in self.failing:
            raise self.failing[tool]
        return self.functions[tool](*args, **kwargs)

    def progress(self, done: float, total: float = 0.0, message: str = "") -> None:
        self.progressed += 1


def a_run(
    question: str = "What is 2 + 2?",
    *,
    history: Sequence[object] = (),
    input_name: str = "question",
    **agent: Any,
) -> ReActRun:
    described: dict[str, Any] = {
        "agent_id": "a",
        "signature": "question -> answer",
        "max_iters": 4,
        **agent,
    }
    request = ExecuteAgentRequest(
        agent_id="a",
        input={input_name: serialize_value(question)},
        history=[serialize_value(turn) for turn in history],
    )
    return ReActRun(agent=Agent(**described), request=request)


async def events_of(run: ReActRun, caller: Caller) -> list[AgentEvent]:
    return [event async for event in run_agent(run, caller)]


def kinds(events: Sequence[AgentEvent]) -> list[str]:
    return [event.type for event in events]


async def test_a_run_streams_thought_action_observation_and_result() -> None:
    caller = Caller(calculate, search_web)

    events = await events_of(a_run(), caller)

    assert kinds(events) == ["thought", "action", "observation", "thought", "result"]
    assert events[1].tool_name == "calculate"
    assert deserialize_value(events[1].tool_args["expression"]) == "2 + 2"
    assert deserialize_value(events[2].observation) == 4
    assert deserialize_value(events[-1].final_answer) == "4"
    assert caller.calls == [("calculate", {"expression": "2 + 2"})]


async def test_thought_and_action_are_sent_before_the_tool_runs() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    class Slow(Caller):
        async def call(self, tool: str, *args: object, **kwargs: object) -> object:
            started.set()
            await release.wait()
            return await super().call(tool, *args, **kwargs)

    run = run_agent(a_run(), Slow(calculate))
    before = [(await anext(run)).type, (await anext(run)).type]

    await asyncio.wait_for(started.wait(), 10)
    release.set()
    assert before == ["thought", "action"]
    assert kinds([event async for event in run]) == ["observation", "thought", "result"]


async def test_a_question_may_ask_for_both_tools() -> None:
    caller = Caller(calculate, search_web)

    events = await events_of(a_run("Search for DSPy and calculate 3 * (4 + 5)."), caller)

    assert [tool for tool, _ in caller.calls] == ["search_web", "calculate"]
    assert deserialize_value(events[-1].final_answer) == "27"


async def test_input_names_match_without_regard_to_case() -> None:
    events = await events_of(a_run(signature="Question -> Answer"), Caller(calculate))

    assert set(events[-1].outputs) == {"Answer"}


@pytest.mark.parametrize(
    ("agent", "question_name", "want_type", "want_text"),
    [
        ({"signature": "no arrow"}, "question", "ValidationError", "no arrow"),
        ({}, "frage", "ValidationError", "frage"),
        ({"tool_names": ["nowhere"]}, "question", "ToolNotFound", "nowhere"),
        ({"tool_names": ["calculate", "calculate"]}, "question", "ToolConflict", "twice"),
        ({"tool_names": ["$hidden"]}, "question", "ToolNotFound", "$hidden"),
    ],
)
async def test_a_bad_agent_ends_with_an_error_that_names_the_thing(
    agent: dict[str, Any], question_name: str, want_type: str, want_text: str
) -> None:
    events = await events_of(a_run(input_name=question_name, **agent), Caller(calculate))

    assert kinds(events) == ["error"]
    assert events[0].error.type == want_type
    assert want_text in events[0].error.message


async def test_a_tool_named_finish_is_refused() -> None:
    def finish() -> None:
        """End."""

    events = await events_of(a_run(), Caller(finish))

    assert events[0].error.type == "ToolConflict"


async def test_a_failing_tool_becomes_a_sentence_for_the_model_and_an_error_in_the_event() -> None:
    failure = ToolExecutionError("calculate", "ExecutionError", "division by zero")

    events = await events_of(a_run(), Caller(calculate, failing={"calculate": failure}))

    assert events[2].type == "observation"
    assert events[2].error.type == "ExecutionError"
    assert events[-1].type == "result"
    assert "division by zero" in deserialize_value(events[-1].final_answer)
    assert "Traceback" not in deserialize_value(events[-1].final_answer)


@pytest.mark.parametrize(
    "fatal",
    [
        SessionError("SessionExpired", "session s has ended"),
        ToolExecutionError("calculate", "SessionExpired", "session s has ended"),
    ],
)
async def test_a_fatal_failure_ends_the_run(fatal: Exception) -> None:
    events = await events_of(a_run(), Caller(calculate, failing={"calculate": fatal}))

    assert kinds(events)[-1] == "error"
    assert events[-1].error.type == "SessionExpired"


async def test_a_bridge_that_is_gone_ends_the_run() -> None:
    gone = ToolCommunicationError(
        "calculate", grpc.StatusCode.UNAVAILABLE, "the bridge at localhost:1 is not there"
    )

    events = await events_of(a_run(), Caller(calculate, failing={"calculate": gone}))

    assert kinds(events)[-1] == "error"
    assert "is not there" in events[-1].error.message


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_a_run_that_exits_ends_with_an_error_and_not_the_loop(
    error: type[BaseException],
) -> None:
    class Leaving(Caller):
        async def tools(self) -> Sequence[ToolSpec]:
            raise error("gone")

    events = await events_of(a_run(), Leaving(calculate))

    assert kinds(events) == ["error"]
    assert (events[-1].error.type, events[-1].error.class_name) == (
        "ExecutionError",
        error.__name__,
    )


async def test_leaving_the_iteration_cancels_the_run() -> None:
    stopped = asyncio.Event()

    class Endless(Caller):
        async def call(self, tool: str, *args: object, **kwargs: object) -> object:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
            return None

    run = run_agent(a_run(), Endless(calculate))
    assert (await anext(run)).type == "thought"
    assert (await anext(run)).type == "action"
    await run.aclose()

    assert stopped.is_set()


async def test_history_is_given_to_the_model() -> None:
    turn = {"question": "What is 1 + 1?", "answer": "2"}

    events = await events_of(a_run(history=[turn]), Caller(calculate))

    assert events[-1].type == "result"


async def test_history_that_is_no_dict_is_refused() -> None:
    events = await events_of(a_run(history=["hello"]), Caller(calculate))

    assert events[0].error.type == "ValidationError"
    assert "history" in events[0].error.message


async def test_two_runs_at_once_do_not_mix() -> None:
    both = await asyncio.gather(
        events_of(a_run("What is 2 + 2?"), Caller(calculate)),
        events_of(a_run("What is 3 * (4 + 5)?"), Caller(calculate)),
    )

    assert [deserialize_value(events[-1].final_answer) for events in both] == ["4", "27"]


def test_the_scripted_model_stands_in_where_none_is_named() -> None:
    assert isinstance(language_model(None), ScriptedLM)
    assert isinstance(language_model("scripted"), ScriptedLM)
    assert language_model("openai/gpt-4o-mini").model == "openai/gpt-4o-mini"


def test_the_agents_tool_is_hidden_and_streams() -> None:
    hosted = agent_tool()

    spec = spec_from_function(hosted)
    assert hosted.__name__ == "react_agent"
    assert [argument.name for argument in spec.arguments] == ["run"]
    assert AGENT_TOOL == "$react_agent"


@pytest.mark.parametrize(
    ("question", "want"),
    [
        ("How much is 1.5 * 2?", "1.5 * 2"),
        ("What happened on 2024-05-06?", None),
        ("Who made Go?", None),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
    ],
)
def test_the_scripted_model_finds_arithmetic(question: str, want: str | None) -> None:
    system = "(1) calculate. It takes arguments {'expression': {'type': 'string'}}.\n(2) finish. It takes arguments {}."
    prompt = (
        f"[[ ## question ## ]]\n{question}\n\n[[ ## trajectory ## ]]\n\n\n"
        "Respond with the corresponding output fields, starting with the field `[[ ## next_thought ## ]]`, "
        "then `[[ ## next_tool_name ## ]]`, then `[[ ## next_tool_args ## ]]`."
    )

    text = answer(system, prompt)

    assert ("I need to calculate" in text) == (want is not None)
    assert want is None or want in text
