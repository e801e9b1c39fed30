"""Tools of an agent: a real dspy.ReAct whose model calls what a test says, on functions that check for themselves."""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

pytest.importorskip("dspy", reason="agents need the extra: agents")

import dspy
from dspy.utils import DummyLM

import dspex_bridge_pb2 as pb
from grpc_tool_bridge import agents, deserialize_value, serialize_value
from grpc_tool_bridge.callrequests import call_arguments
from grpc_tool_bridge.schema import ToolFunction
from grpc_tool_bridge.values import EnumValue, Record, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Line(pydantic.BaseModel):
    unit_price: int = pydantic.Field(alias="unitPrice")
    due: dt.date


class Caller:
    """A session whose tools are functions that check what came over the wire, as a worker's do."""

    def __init__(self, *tools: Any, specs: Sequence[pb.ToolSpec] = ()) -> None:
        self.functions = {tool.__name__: ToolFunction(tool) for tool in tools}
        self.specs = [*(each.spec for each in self.functions.values()), *specs]
        self.got: list[Any] = []

    async def tools(self) -> list[pb.ToolSpec]:
        return self.specs

    async def call(self, tool: str, /, *args: Any, **kwargs: Any) -> Any:
        positional, keyword = call_arguments(args, kwargs)
        positional = [through_the_wire(value) for value in positional]
        keyword = {name: through_the_wire(value) for name, value in keyword.items()}
        if tool not in self.functions:
            self.got.append((positional, keyword))
            return None
        positional, keyword = self.functions[tool].bind(positional, keyword)
        self.got.append((positional, keyword))
        return through_the_wire(self.functions[tool].fn(*positional, **keyword))

    def progress(self, done: float, total: float = 0.0, message: str = "") -> None: ...


def through_the_wire(value: Any) -> Any:
    return deserialize_value(serialize_value(value))


class Run:
    """A run whose model takes these steps, and what came of it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, caller: Caller, *steps: tuple[str, Any]
    ) -> None:
        said = [
            {"next_thought": "t", "next_tool_name": name, "next_tool_args": json.dumps(arguments)}
            for name, arguments in [*steps, ("finish", {})]
        ]
        model = DummyLM([*said, {"reasoning": "r", "answer": "a"}])
        self.prompts: list[str] = []
        self.events: list[pb.AgentEvent] = []
        monkeypatch.setattr(agents, "language_model", lambda _name: model)
        react = dspy.ReAct

        class Seen(react):
            def __init__(seen, *args: Any, **kwargs: Any) -> None:  # noqa: N805
                super().__init__(*args, **kwargs)
                self.prompts.append(seen.react.signature.instructions)

            def _format_trajectory(seen, trajectory: dict[str, Any]) -> str:  # noqa: N805
                self.prompts.append(super()._format_trajectory(trajectory))
                return self.prompts[-1]

        monkeypatch.setattr(dspy, "ReAct", Seen)
        asyncio.run(self._do(caller))

    async def _do(self, caller: Caller) -> None:
        agent = pb.Agent(agent_id="a", signature="question -> answer", max_iters=6)
        request = pb.ExecuteAgentRequest(agent_id="a", input={"question": serialize_value("q")})
        async for event in agents.run_agent(pb.ReActRun(agent=agent, request=request), caller):
            self.events.append(event)

    @property
    def refusals(self) -> list[str]:
        return [event.error.message for event in self.events if event.HasField("error")]


def annotated(fn: Callable[..., Any], **hints: Any) -> Any:
    fn.__annotations__ = hints
    return fn


def price(line):
    return line


def make():
    return Line(unitPrice=3, due=dt.date(2024, 5, 6))


def later(day):
    return day + dt.timedelta(days=1)


PRICE = annotated(price, line=Line)
LATER = annotated(later, day=dt.date)


@pytest.mark.parametrize("name", ["unitPrice", "unit_price"])
def test_a_model_is_taken_by_its_aliases_and_by_its_names(name: str, monkeypatch):
    caller = Caller(PRICE)

    run = Run(monkeypatch, caller, ("price", {"line": {name: 3, "due": "2024-05-06"}}))

    assert run.refusals == []
    assert caller.got == [([], {"line": make()})]


def test_what_a_tool_returns_is_shown_in_the_form_in_which_the_next_one_takes_it(monkeypatch):
    caller = Caller(PRICE, make)
    seen = {"unit_price": 3, "due": {"$date": "2024-05-06"}}

    run = Run(monkeypatch, caller, ("make", {}), ("price", {"line": seen}))

    assert json.dumps(seen) in run.prompts[-1]
    assert run.refusals == []
    assert caller.got[1] == ([], {"line": make()})
    observed = [each.observation for each in run.events if each.type == "observation"]
    assert deserialize_value(observed[0]) == Record("Line", make().__dict__)


def test_values_that_json_has_no_type_for_are_given_in_their_form(monkeypatch):
    caller = Caller(LATER)

    run = Run(
        monkeypatch,
        caller,
        ("later", {"day": "2024-05-06"}),
        ("later", {"day": {"$date": "2024-05-06"}}),
        ("later", {"day": {"$date": "soon"}}),
        ("later", {"day": {"$unknown": 1}}),
    )

    assert caller.got == [([], {"day": dt.date(2024, 5, 6)})]
    assert [re.sub(r".*want", "want", each) for each in run.refusals] == [
        'want date, got str; in JSON that is {"$date":"2024-05-06"}',
        *['want date, got dict; in JSON that is {"$date":"2024-05-06"}'] * 2,
    ]
    given = [each.tool_args["day"] for each in run.events if each.type == "action"]
    assert deserialize_value(given[1]) == dt.date(2024, 5, 6)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": r"^\p{L}+$"},
        {"type": "object", "$ref": "#/$defs/Nowhere"},
        {"type": "string", "minLength": 9},
        {"type": 7},
    ],
)
def test_no_schema_of_another_language_stands_between_a_model_and_a_tool(schema, monkeypatch):
    spec = pb.ToolSpec(
        name="go",
        arguments=[pb.ArgumentSpec(name="v", python_type="str", required=True)],
        input_schema=json.dumps({"type": "object", "properties": {"v": schema}}),
    )
    caller = Caller(specs=[spec])

    run = Run(monkeypatch, caller, ("go", {"v": "ä"}))

    assert run.refusals == []
    assert caller.got == [([], {"v": "ä"})]
    assert run.events[-1].type == "result"


def test_what_does_not_fit_is_told_by_the_tool_with_the_path(monkeypatch):
    caller = Caller(PRICE)

    run = Run(monkeypatch, caller, ("price", {"line": {"unitPrice": "x"}}), ("price", {"lin": 1}))

    assert [each.type for each in run.events] == [
        *("thought", "action", "observation") * 2,
        *("thought", "result"),
    ]
    assert re.search(r'argument "line" of tool "price": at \$', run.refusals[0])
    assert 'did you mean "line"?' in run.refusals[1]


def by_place(a, /, b=2, *rest, c=3, **more):
    return [a, b, list(rest), c, more]


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ({"a": 1}, [1, 2, [], 3, {}]),
        ({"a": 1, "c": 4, "b": 5}, [1, 5, [], 4, {}]),
        ({"a": 1, "rest": [6, 7]}, [1, 2, [6, 7], 3, {}]),
        ({"a": 1, "b": 5, "rest": [6], "d": 8}, [1, 5, [6], 3, {"d": 8}]),
        ({"a": 1, "**more": {"d": 8, "c": 9}}, [1, 2, [], 9, {"d": 8}]),
        ({"a": 1, "**more": None}, [1, 2, [], 3, {}]),
        ({"a": 1, "**more": None, "d": None}, [1, 2, [], 3, {"d": None}]),
        ({"rest": [6]}, None),
    ],
)
def test_arguments_are_passed_by_position_where_they_have_to_be(given, got, monkeypatch):
    caller = Caller(by_place)

    run = Run(monkeypatch, caller, ("by_place", given))

    seen = [deserialize_value(e.observation) for e in run.events if e.HasField("observation")]
    if got is None:
        assert re.search(r'"a" of tool "by_place": missing, .rest. is given', run.refusals[0])
    else:
        assert seen == [got]


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"a": 1, "**more": "text"}, r'"\*\*more" .*: want a dict of arguments .*, got .text.'),
        ({"a": 1, "**more": [1]}, r'"\*\*more" .*: want a dict of arguments .*, got \[1\]'),
        ({"a": 1, "**more": {"$map": [[1, 2]]}}, r'"\*\*more" .*, got \{1: 2\}'),
        (
            {"a": 1, "**more": {"c": 9}, "c": 5},
            r'"c" .*: given twice, by its name and in "\*\*more"',
        ),
        ({"a": 1, "**more": {"a": 7}}, r'"a" of tool "by_place": given twice'),
    ],
)
def test_no_further_argument_is_lost(given, refused, monkeypatch):
    caller = Caller(by_place)

    run = Run(monkeypatch, caller, ("by_place", given))

    assert caller.got == []
    assert re.search(refused, run.refusals[0])


def test_none_for_further_names_is_refused_by_a_tool_that_takes_none(monkeypatch):
    caller = Caller(only)

    run = Run(monkeypatch, caller, ("only", {"args": 1, "kwargs": 2, "**more": None}))

    assert caller.got == []
    assert '"**more"' in run.refusals[0]


def odd(self, instance, args, kwargs, fn):
    return [self, instance, args, kwargs, fn]


def only(args, kwargs):
    return [args, kwargs]


@pytest.mark.parametrize(
    ("tool", "names"), [(odd, "self instance args kwargs fn"), (only, "args kwargs")]
)
def test_an_argument_may_have_any_name(tool, names, monkeypatch):
    caller = Caller(tool)
    given = {name: [index] for index, name in enumerate(names.split())}

    run = Run(monkeypatch, caller, (tool.__name__, given))

    assert run.refusals == []
    assert caller.got == [([], given)]


class Color(enum.Enum):
    RED = "red"


def test_the_prompt_says_which_arguments_need_not_be_given_and_what_they_are_then(monkeypatch):
    def f(a, b=Color.RED, c=object(), *rest, **more):  # noqa: B008
        """Does.

        Args:
            more: Others.
        """

    prompt = Run(monkeypatch, Caller(annotated(f, a=int, b=Color))).prompts[0]

    told = re.search(r"It takes arguments (.*)\.$", prompt, re.MULTILINE)
    assert told is not None
    assert told.group(1) == str(
        {
            "a": {"type": "integer"},
            "b": {"enum": ["red"], "x-type": "Enum", "default": "red"},
            "c": {"x-optional": True},
            "rest": {"type": "array", "items": {}, "x-optional": True},
            "**more": {"description": "Others.", "x-optional": True},
        }
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ([1, 2.5, "a", True], [1, 2.5, "a", True]),
        ((1, {2}), [1, [2]]),
        (Record("A", {"x": Decimal("1.10")}), {"x": {"$decimal": "1.10"}}),
        (EnumValue("Color", "RED", "red"), "red"),
        ({1: "a"}, {"$map": [[1, "a"]]}),
        (b"a", {"$bytes": "YQ=="}),
        (float("nan"), {"$float": "NaN"}),
        ({"$date": "2024-05-06"}, {"$object": {"$date": "2024-05-06"}}),
        ("$date", "$date"),
    ],
)
def test_values_are_shown_as_json(value: Any, shown: Any):
    from grpc_tool_bridge import agenttools

    made = agenttools.shown(value)

    assert made == shown
    json.dumps(made, allow_nan=False)


def test_a_table_is_shown_as_its_text():
    pd = pytest.importorskip("pandas")
    from grpc_tool_bridge import agenttools

    frame = pd.DataFrame({"a": [1, 2]})

    assert agenttools.shown({"t": frame}) == {"t": str(frame)}


@pytest.mark.parametrize(
    "value", [dt.date(2024, 5, 6), Decimal("1.10"), b"a", {1: "a"}, [1.5, None], 2**70]
)
def test_what_a_model_writes_is_read_as_json(value: Any):
    from grpc_tool_bridge import agenttools

    assert agenttools.read(json.loads(to_json(value))) == value
    assert agenttools.read(agenttools.shown(value)) == value
