"""Texts that UTF-8 cannot carry are left out of what a tool's schema shows."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import pydantic

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
