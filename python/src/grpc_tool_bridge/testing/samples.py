# Values of every type go through here, so that most are of an unknown one.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""Classes whose objects are drawn, and what arrives where a value was sent."""

from __future__ import annotations

import array
import collections
import enum
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from grpc_tool_bridge.values import EnumValue, Record, register

__all__ = [
    "SampleColor",
    "SampleError",
    "SamplePair",
    "SamplePoint",
    "StrangerColor",
    "StrangerPoint",
    "received",
    "sample_model",
]


@register
@dataclass(frozen=True)
class SamplePoint:
    """A dataclass that comes back as one."""

    x: Any
    y: Any


@register
class SamplePair(NamedTuple):
    """A named tuple that comes back as one."""

    first: Any
    second: Any


@register
class SampleColor(enum.Enum):
    """Members that come back as themselves."""

    RED = 1
    GREEN = "green"
    BLUE = (0, 0, 1.0)


@register
class SampleError(Exception):
    """An exception that comes back as one."""


@dataclass
class StrangerPoint:
    """A dataclass that nobody registers: it arrives as a Record."""

    x: Any


class StrangerColor(enum.IntEnum):
    """An enumeration that nobody registers: its members arrive as EnumValue."""

    CYAN = 7


_models: list[Any] = []


def sample_model() -> Any:
    """A pydantic model that comes back as one, or None without pydantic."""
    if not _models:
        try:
            from pydantic import ConfigDict, create_model
        except ImportError:
            return None
        config = ConfigDict(arbitrary_types_allowed=True)
        _models.append(
            register(create_model("SampleModel", __config__=config, a=(Any, None), b=(Any, None)))
        )
    return _models[0]


def received(value: Any) -> Any:
    """Returns what arrives where a value was sent: itself, but for types that only Python has.

    bytearray and memoryview arrive as bytes, range, deque and array as list, an object or member of a class
    that is not registered as Record or EnumValue.
    """
    kind = type(value)
    if kind in (bytearray, memoryview):
        return bytes(value)
    if kind in (list, range, collections.deque, array.array):
        return [received(item) for item in value]
    if kind is tuple:
        return tuple(received(item) for item in value)
    if kind is dict:
        return {key: received(item) for key, item in cast("dict[Any, Any]", value).items()}
    if kind is Record:
        return Record(
            value.class_name, {name: received(item) for name, item in value.fields.items()}
        )
    if kind is EnumValue:
        return EnumValue(value.class_name, value.name, received(value.value))
    if kind is StrangerPoint:
        return Record("StrangerPoint", {"x": received(value.x)})
    if kind is StrangerColor:
        return EnumValue("StrangerColor", value.name, value.value)
    if kind is SamplePoint:
        return SamplePoint(received(value.x), received(value.y))
    if kind is SamplePair:
        return SamplePair(received(value.first), received(value.second))
    if _models and kind is _models[0]:
        return kind(a=received(value.a), b=received(value.b))
    return value
