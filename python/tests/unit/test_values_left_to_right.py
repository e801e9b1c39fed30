"""Unions of which pydantic takes the first member that takes a value: what has a type keeps it."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, RootModel

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import convert, deserialize_value, serialize_value

_First = Annotated[int | str, Field(union_mode="left_to_right")]
_Number = Annotated[float | int | str, Field(union_mode="left_to_right")]


class Held(BaseModel):
    """A model with such a field."""

    x: _First


class Small(BaseModel):
    """The first of two models."""

    n: int
    more: int = 0


class Large(BaseModel):
    """The second, of which more is set."""

    n: int
    more: int


class Either(BaseModel):
    """A model of which both are read."""

    x: Annotated[Small | Large, Field(union_mode="left_to_right")]
    data: bytes = b""


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("3", _First),
        (3, _First),
        (["3", 3], list[_First]),
        ({"k": "3"}, dict[str, _First]),
        (3, _Number),
        ("3", _Number),
        (3.0, _Number),
    ],
)
def test_a_value_stays_what_it_is(value: Any, hint: Any) -> None:
    made = deserialize_value(serialize_value(value), hint)

    assert made == value
    assert repr(made) == repr(value)


def test_other_notes_beside_the_mode_are_applied() -> None:
    hint: Any = Annotated[int | float, Field(union_mode="left_to_right", gt=0)]

    assert convert(1, hint) == 1
    with pytest.raises(SerializationError, match="greater than 0, got -1"):
        convert(-1, hint)


def test_a_field_of_a_model_that_was_sent_stays_what_it_is() -> None:
    sent = Held.model_construct(x="3")

    assert deserialize_value(serialize_value(sent), Held).x == "3"
    assert deserialize_value(serialize_value(Held(x=3)), Held).x == 3


def test_a_model_of_one_value_that_was_sent_stays_what_it_is() -> None:
    held = RootModel[_First]

    assert deserialize_value(serialize_value(held.model_construct("3")), held).root == "3"


def test_pydantic_takes_the_first_member_of_plain_json() -> None:
    assert convert({"x": "3"}, Held).x == 3


def test_the_first_model_is_taken_of_a_dict() -> None:
    assert convert({"x": {"n": 1, "more": 2}, "data": b"x"}, Either).x == Small(n=1, more=2)
