"""Deques travel as lists: a maxlen is none of what they hold, and docs/values.md says that it does not travel."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Any

import pydantic
import pytest

from grpc_tool_bridge.schema import ToolFunction
from grpc_tool_bridge.values import deserialize_value, serialize_value
from grpc_tool_bridge.values.convert import convert

BOUNDED = deque([1, 2], maxlen=2)


@dataclasses.dataclass
class Window:
    last: deque[int]


class Model(pydantic.BaseModel):
    last: deque[int] = deque(maxlen=3)


def test_a_deque_comes_as_a_list_where_no_hint_asks_for_one() -> None:
    assert deserialize_value(serialize_value(BOUNDED)) == [1, 2]


@pytest.mark.parametrize("hint", [deque, deque[int]])
def test_a_deque_is_made_without_a_maxlen(hint: Any) -> None:
    made: Any = convert(deserialize_value(serialize_value(BOUNDED)), hint)

    assert (type(made), made, made.maxlen) == (deque, deque([1, 2]), None)


@pytest.mark.parametrize("value", [Window(BOUNDED), Model(last=BOUNDED)])
def test_a_deque_in_an_object_is_made_without_a_maxlen(value: Any) -> None:
    made: Any = convert(deserialize_value(serialize_value(value)), type(value))

    assert made == type(value)(last=deque([1, 2]))
    assert made.last.maxlen is None


def test_a_maxlen_of_a_default_stays_where_nothing_was_sent() -> None:
    def f(last: deque[int] = deque(maxlen=3)) -> deque[int]:  # noqa: B006 - never changed
        return last

    args, kwargs = ToolFunction(f).bind([], {})

    assert f(*args, **kwargs).maxlen == 3
    made: Any = convert({}, Model)
    assert made.last.maxlen == 3
