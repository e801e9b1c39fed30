"""Hints that take what they should, and lose nothing of what they take."""

from __future__ import annotations

import http
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Generic, Tuple, TypeVar  # noqa: UP035 - users write them, Union

import pydantic
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import EnumValue, deserialize_value, serialize_value
from grpc_tool_bridge.values.convert import convert

T = TypeVar("T")


@dataclass
class Base(Generic[T]):
    x: T


@dataclass
class Sub(Base[list[T]], Generic[T]):
    y: dict[str, T]


@dataclass
class Leaf(Sub[int]):
    z: str


class Color(Enum):
    RED = "r"


class Level(IntEnum):
    LOW = 1


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    color: Color
    colors: list[Color]


class Animal(pydantic.BaseModel):
    name: str


class Dog(Animal):
    tricks: int


class Owner(pydantic.BaseModel):
    pets: list[Animal]


class Indifferent(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore")
    name: str


class Elsewhere(pydantic.BaseModel):
    x: int = pydantic.Field(validation_alias="vx")


class Ring(Sequence[int]):
    """It has three items, however far one goes."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return index % 3


def test_a_sequence_has_as_many_items_as_it_says():
    assert deserialize_value(serialize_value(Ring())) == [0, 1, 2]


def through(value, hint):
    return convert(deserialize_value(serialize_value(value)), hint)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ((1, "a"), Tuple),  # noqa: UP006
        ((1, "a"), tuple[int, str]),
        (Sub([1], {"a": 1}), Sub[int]),
        (Leaf([1], {"a": 1}, "z"), Leaf),
        (Base("a"), Base[str]),
        ({"a": 1.5}, list[int] | dict[str, float]),
        (Strict(color=Color.RED, colors=[Color.RED]), Strict),
        (Owner(pets=[Animal(name="a")]), Owner),
        (Elsewhere(vx=1), Elsewhere),
        (Level.LOW, Level),
        (Level.LOW, int | Level),
        (Color.RED, str | Color),
        ([Level.LOW], list[int | Level]),
        ({1, 2}, set[int]),
    ],
    ids=str,
)
def test_what_fits_comes_back_as_it_was(value, hint):
    back = through(value, hint)
    assert (type(back), back) == (type(value), value)


@pytest.mark.parametrize(
    ("value", "hint", "want"),
    [
        (http.HTTPStatus.OK, int, 200),
        (Level.LOW, float, 1.0),
        (Color.RED, str, "r"),
        (Dog(name="a", tricks=2), Indifferent, Indifferent(name="a")),
        ({"name": "a", "tricks": 2}, Indifferent, Indifferent(name="a")),
        (EnumValue("Color", "GREY", "r"), Color, Color.RED),
    ],
    ids=str,
)
def test_what_may_become_another_does(value, hint, want):
    back = through(value, hint)
    assert (type(back), back) == (type(want), want)


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        (Sub(["a"], {"a": 1}), Sub[int], r"^SerializationError: \$\.x\[0\]: want int, got str"),
        (Leaf([1], {"a": "b"}, "z"), Leaf, r"\$\.y\.a: want int, got str"),
        ({"a": "x"}, list[int] | dict[str, float], r"\$\.a: want float, got str"),
        ("x", list[int] | dict[str, float], r"\$: want list\[int\] or dict\[str, float\]"),
        (Level.LOW, str, r"\$: want str, got int"),
        (
            Owner(pets=[Dog(name="a", tricks=2)]),
            Owner,
            r"\$\.pets\[0\]\.tricks: .* field 'tricks' too many",
        ),
        (
            Dog(name="a", tricks=2),
            Animal,
            r"\$\.tricks: the value for Animal has a field 'tricks' too many",
        ),
        (
            {"name": "a", "tricks": 2},
            Animal,
            r"\$\.tricks: the value for Animal has a field 'tricks' too many",
        ),
        ([1, 2, 1], set[int], r"\$\[2\]: the item 1 is there twice"),
        ([1, 1], frozenset, r"\$\[1\]: the item 1 is there twice"),
        (EnumValue("Color", "RED", "g"), Color, r"want Color.RED of value 'r', got 'g'"),
        (EnumValue("Level", "LOW", True), Level, r"want Level.LOW of value 1, got True"),
    ],
    ids=str,
)
def test_what_would_lose_something_is_refused(value, hint, message):
    with pytest.raises(SerializationError, match=message):
        through(value, hint)
