"""Keywords of JSON Schema that stand on a hint: what is shown of them is checked."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import ToolFunction, json_schema

T = TypeVar("T")
AtLeastOne = Annotated[int, {"minimum": 1}]


@dataclasses.dataclass
class Item:
    n: AtLeastOne
    inner: Item | None = None


@dataclasses.dataclass
class Holder(Generic[T]):
    held: list[T]


class Spot(NamedTuple):
    n: AtLeastOne


class Keyed(tx.TypedDict):
    n: AtLeastOne


class Around(pydantic.BaseModel):
    item: Item


def bound(hint: Any, given: Any) -> Any:
    def take(v):
        return v

    take.__annotations__ = {"v": hint}
    return ToolFunction(take).bind([given], {})


@pytest.mark.parametrize(
    ("hint", "fits", "misfits", "path"),
    [
        (Item, {"n": 1}, {"n": 0}, "$.n"),
        (Item, {"n": 1, "inner": {"n": 1}}, {"n": 1, "inner": {"n": 0}}, "$.inner"),
        (dict[str, list[Item]], {"a": [{"n": 1}]}, {"a": [{"n": 1}, {"n": 0}]}, "$.a[1].n"),
        (Holder[Item], {"held": [{"n": 1}]}, {"held": [{"n": 0}]}, "$.held[0].n"),
        (Holder[AtLeastOne], {"held": [1]}, {"held": [0]}, "$.held[0]"),
        (Spot, [1], [0], "$[0]"),
        (Spot, {"n": 1}, {"n": 0}, "$.n"),
        (Keyed, {"n": 1}, {"n": 0}, "$.n"),
        (Annotated[int, {"const": 1}], 1, 2, "$"),
        (Annotated[int, {"enum": [1, 3]}], 3, 2, "$"),
        (list[Annotated[str, {"enum": ["a"]}]], ["a"], ["a", "b"], "$[1]"),
        (dict[Annotated[str, {"maxLength": 1}], int], {"a": 1}, {"ab": 1}, "$"),
    ],
)
def test_a_keyword_holds_wherever_it_stands(hint: Any, fits: Any, misfits: Any, path: str):
    bound(hint, fits)

    with pytest.raises(ToolExecutionError) as caught:
        bound(hint, misfits)
    assert caught.value.details["path"] == path


def test_a_generic_class_is_shown_with_its_types():
    assert json_schema(Holder[int])["properties"]["held"]["items"] == {"type": "integer"}
    assert json_schema(Holder)["properties"]["held"]["items"] == {}
