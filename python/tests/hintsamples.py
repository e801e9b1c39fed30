"""Classes, aliases and a function whose hints several tests read."""

from __future__ import annotations

import dataclasses
import enum
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, TypedDict

import annotated_types
import pydantic
import typing_extensions as tx


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Pair(NamedTuple):
    left: int
    right: str = ""


class Options(TypedDict):
    name: str
    size: tx.NotRequired[int]


class Model(pydantic.BaseModel):
    name: str
    size: int = 1


class Root(pydantic.RootModel[list[int]]):
    pass


class Wrapped(pydantic.BaseModel):
    a: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def wrap(cls, value: Any) -> Any:
        return {"a": value} if isinstance(value, int) else value


Positive = tx.TypeAliasType("Positive", Annotated[int, annotated_types.Gt(0)])
Deep = tx.TypeAliasType("Deep", "list[Deep] | Annotated[int, annotated_types.Ge(0)]")


class Sized(enum.Enum):
    SMALL = 1.5
    NONE = Decimal("1.10")


class ToolContext:
    __module__ = "grpc_tool_bridge.context"


def sample(
    a: int,
    b: float = 2.0,
    *rest: str,
    where: list[Point] | None = None,
    limit: Annotated[int, annotated_types.Ge(1), "how many"] = 3,
    context: ToolContext | None = None,
    **more: Any,
) -> dict[str, int]:
    """Does a thing.

    In two paragraphs.

    Args:
        a: The first,
            in two lines.
        b (float): The second.
        *rest: The others.

    Returns:
        Nothing: really.
    """
    return {}
