"""Texts that UTF-8 cannot carry: examples of values are left out of a tool's schema, all others are refused."""

from __future__ import annotations

import dataclasses
import json
import types
from typing import Annotated, Any, TypedDict

import pydantic
import pytest

from grpc_tool_bridge import Worker, tool
from grpc_tool_bridge.schema import ToolFunction

LONE = "\ud800"


@dataclasses.dataclass
class Side:
    name: str = LONE
    kind: str = "left"


class Door(pydantic.BaseModel):
    names: list[str] = [LONE]
    kind: str = "front"


def test_defaults_with_lone_surrogates_are_not_shown() -> None:
    def paint(
        color: str = LONE,
        colors: tuple[str, ...] = ("red", LONE),
        coats: int = 2,
        *,
        side: Side = Side(),  # noqa: B008 - never changed
        door: Door,
        tool: Annotated[str, pydantic.Field(examples=[LONE, "brush"])] = "brush",
    ) -> str:
        return f"{color}{colors}{coats}{side}{door}{tool}"

    spec = ToolFunction(paint).spec

    schema = json.loads(spec.input_schema)
    shown = {name for name, each in schema["properties"].items() if "default" in each}
    assert shown == {"coats", "tool"}
    assert schema["properties"]["tool"]["examples"] == ["brush"]
    for name in ("side", "door"):
        fields = schema["properties"][name]["properties"]
        assert {field for field, each in fields.items() if "default" in each} == {"kind"}
    assert [each.name for each in spec.arguments if each.required] == ["door"]
    assert not spec.arguments[0].HasField("default_value")


class Titled(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(title=LONE)


Odd = TypedDict("Odd", {f"a{LONE}": int})


@pytest.mark.parametrize(
    ("hint", "doc", "options", "what"),
    [
        (int, f"It paints. {LONE}", {}, "description of tool 'paint'"),
        (int, "", {"description": LONE}, "description of tool 'paint'"),
        (int, "", {"name": f"a{LONE}"}, r"name of tool 'a\ud800'"),
        (int, "", {"tool_id": LONE}, "tool_id of tool 'paint'"),
        (int, "", {"metadata": {"tag": LONE}}, "metadata of tool 'paint' at $.tag"),
        (
            int,
            "",
            {"metadata": types.MappingProxyType({LONE: "tag"})},
            r"""metadata of tool 'paint' at $["\\ud800"]""",
        ),
        (
            int,
            f"It paints.\n\nArgs:\n    x: where {LONE}\n",
            {},
            "description of argument 'x' of tool 'paint'",
        ),
        (
            Annotated[int, pydantic.Field(description=LONE)],
            "",
            {},
            "description of argument 'x' of tool 'paint'",
        ),
        (
            Annotated[int, pydantic.Field(title=LONE)],
            "",
            {},
            "input schema of tool 'paint' at $.properties.x.title",
        ),
        (list[Titled], "", {}, "input schema of tool 'paint' at $.properties.x.items.title"),
        (
            Odd,
            "",
            {},
            r"""input schema of tool 'paint' at $.properties.x.properties["a\\ud800"]""",
        ),
    ],
)
def test_a_text_with_a_lone_surrogate_is_refused_by_its_place(
    hint: Any, doc: str, options: dict[str, Any], what: str
) -> None:
    def paint(x: Any) -> None:
        """Replaced."""

    paint.__annotations__["x"] = hint
    paint.__doc__ = doc

    with pytest.raises(TypeError) as caught:
        Worker("localhost:1", tools=[tool(**options)(paint)])

    assert str(caught.value) == (
        f"the {what} has the lone surrogate '\\ud800', which UTF-8 cannot carry: take it out, or write the"
        r' whole character: "\U0001f600", not "\ud83d\ude00"'
    )


def test_a_lone_surrogate_in_what_is_said_of_a_result_is_refused() -> None:
    def paint() -> Odd:
        return {}

    with pytest.raises(TypeError, match="the output schema of tool 'paint' at"):
        ToolFunction(paint)


def test_a_lone_surrogate_in_what_is_said_of_further_arguments_is_refused() -> None:
    def paint(**more: Annotated[int, pydantic.Field(description=LONE)]) -> None:
        """It paints."""

    with pytest.raises(TypeError, match="the description of argument 'more' of tool 'paint'"):
        ToolFunction(paint)
