"""Members of enumerations have the same value at both ends, whatever its type; choices keep their class."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import EnumValue, convert, deserialize_value, serialize_value


@dataclasses.dataclass(frozen=True)
class Point:
    x: int


def of(value: object) -> Any:
    return enum.Enum("Own", {"A": value})


class Color(enum.Enum):
    RED = 1


class Shape(enum.Enum):
    RED = 1


class Raising(enum.Enum):
    A = 1

    @classmethod
    def _missing_(cls, value):
        raise KeyError(value)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ((3, 4), (1, 2)),
        ((1, 2), (1, 2.0)),
        ((1, 2), [1, 2]),
        (Decimal("1.0"), Decimal("2.0")),
        (Decimal("1.0"), 1.0),
        (None, 1),
        (1, None),
        (math.nan, 1.0),
        (dt.date(2024, 5, 6), dt.date(2024, 5, 7)),
        (dt.datetime(2024, 5, 6), dt.date(2024, 5, 6)),  # noqa: DTZ001
        (frozenset({1}), frozenset({2})),
        (frozenset({1}), {1}),
        ({"a": 1}, {"a": True}),
        (Point(1), Point(2)),
        (2 + 1j, 2 - 1j),
        (PurePosixPath("a"), "b"),
        (re.compile("a"), 1),
    ],
)
def test_a_member_of_another_value_is_refused(ours, theirs):
    sent = serialize_value([EnumValue("Own", "A", theirs)])

    with pytest.raises(SerializationError, match=re.escape("want Own.A of value")) as caught:
        deserialize_value(sent, list[of(ours)])

    assert caught.value.path == "$[0]"


@pytest.mark.parametrize(
    "value",
    [
        *((3, 4), Decimal("1.0"), None, math.nan, -0.0, dt.date(2024, 5, 6), frozenset({1, "a"})),
        *({"a": [1]}, Point(1), 2 + 1j, PurePosixPath("a"), [1, b"x"], range(3), Color.RED),
        *(object(), re.compile("a"), int, ValueError("x")),
    ],
)
def test_a_member_of_the_same_value_is_the_member(value):
    own = of(value)

    assert deserialize_value(serialize_value([own.A]), list[own]) == [own.A]


@pytest.mark.parametrize("value", [(True, 2), (1.0, 2), (1, Decimal(2))])
def test_a_value_whose_parts_only_equal_those_of_a_member_is_no_member(value):
    with pytest.raises(SerializationError, match="want a member of Own, got tuple"):
        convert(value, of((1, 2)))


def test_the_value_of_a_member_is_the_member():
    own = of((1, 2))

    assert convert((1, 2), own) is own.A


@pytest.mark.parametrize(
    "hint", [Literal[Color.RED, Shape.RED], Literal[Color.RED] | Literal[Shape.RED]]
)
@pytest.mark.parametrize("member", [Color.RED, Shape.RED])
def test_a_choice_of_members_is_made_that_of_the_class_that_was_sent(hint, member):
    assert deserialize_value(serialize_value(member), hint) is member


def test_a_choice_of_a_member_takes_one_of_another_class_as_its_enumeration_does():
    assert convert(EnumValue("Farbe", "RED", 1), Literal[Color.RED]) is Color.RED
    with pytest.raises(SerializationError, match=re.escape("want Shape.RED of value 1")):
        convert(EnumValue("Shape", "RED", 2), Literal[Color.RED, Shape.RED, "RED"])
    with pytest.raises(SerializationError, match="got EnumValue Shape"):
        convert(EnumValue("Shape", "BLUE", 2), Literal[Color.RED, "BLUE"])


def test_an_enumeration_that_raises_for_what_it_does_not_have_is_named_by_the_path():
    with pytest.raises(SerializationError, match="want a member of Raising") as caught:
        convert({"rows": [2]}, dict[str, list[Raising]])

    assert caught.value.path == "$.rows[0]"
