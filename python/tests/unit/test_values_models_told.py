"""What is said of a part of a model that a constraint or a validator refuses: the part, the limit and the value."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - a hint of a model
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, convert


class Item(BaseModel):
    """An item of an order."""

    count: int = Field(gt=0)
    code: str = Field(default="", max_length=3)

    @field_validator("code")
    @classmethod
    def lower(cls, code: str) -> str:
        if code != code.lower():
            raise ValueError("want small letters")
        if code == "no":
            raise AssertionError
        return code

    @model_validator(mode="after")
    def known(self) -> Item:
        if self.count == 13:
            raise ValueError("there are no thirteen")
        return self


class Order(BaseModel):
    """The class outside."""

    items: list[Item]
    when: dt.datetime | None = None
    data: bytes = b""


class Login(BaseModel):
    """What is not for everyone's eyes."""

    password: SecretStr = Field(min_length=8)


class Quiet(BaseModel):
    """The same, where the configuration says so."""

    model_config = ConfigDict(hide_input_in_errors=True)

    pin: int = Field(gt=999)


_GREATER = "Input should be greater than 0, got -3"


def _told(value: Any, hint: Any) -> str:
    with pytest.raises(SerializationError) as caught:
        convert(value, hint)
    return str(caught.value).removeprefix("SerializationError: ")


@pytest.mark.parametrize(
    ("value", "hint", "told"),
    [
        ({"items": [{"count": -3}]}, Order, f"$.items[0].count: {_GREATER}"),
        ({"items": [{"count": -3}], "data": b"x"}, Order, f"$.items[0].count: {_GREATER}"),
        (
            Record("Order", {"items": [Record("Item", {"count": -3})]}),
            Order,
            f"$.items[0].count: {_GREATER}",
        ),
        ([-3], list[Annotated[int, Field(gt=0)]], f"$[0]: {_GREATER}"),
        (
            {"items": [{"count": 1, "code": "abcd"}]},
            Order,
            "$.items[0].code: String should have at most 3 characters, got 'abcd'",
        ),
        (
            {"items": [{"count": 1, "code": "A"}]},
            Order,
            "$.items[0].code: want small letters, got 'A'",
        ),
        (
            {"items": [{"count": 1, "code": "no"}]},
            Order,
            "$.items[0].code: Assertion failed, got 'no'",
        ),
        ({"items": [{"count": 13}]}, Order, "$.items[0]: there are no thirteen"),
        ({"count": 13}, Item, "$: no Item: there are no thirteen"),
        (
            {"password": "short"},
            Login,
            "$.password: Value should have at least 8 items after validation, not 5",
        ),
        ({"pin": 123}, Quiet, "$.pin: Input should be greater than 999"),
    ],
)
def test_the_part_the_limit_and_the_value_are_told(value: Any, hint: Any, told: str) -> None:
    assert _told(value, hint) == told


@pytest.mark.parametrize("typed", [{}, {"data": b"x"}])
def test_a_moment_that_is_too_fine_is_told_with_the_limit_and_what_to_do(typed: Any) -> None:
    moment = "2024-01-02T03:04:05.1234567"

    assert _told({"items": [], "when": moment, **typed}, Order) == (
        f"$.when: want at most 6 digits after the point of a second, got {moment!r}:"
        " round it to microseconds, or declare str"
    )
