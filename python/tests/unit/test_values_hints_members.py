"""Members of enumerations by their values, and fields that are missing or too many, named by their paths."""

from __future__ import annotations

import dataclasses
import enum
import typing

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import convert


class Mixed(enum.Enum):
    ONE = 1
    HALF = 2.0
    NAME = "n"


class Level(enum.IntEnum):
    LOW = 1


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


class Loose(enum.Enum):
    RED = "red"

    @classmethod
    def _missing_(cls, value):
        return cls.RED if str(value).lower() == "red" else None


@dataclasses.dataclass
class Item:
    id: int
    note: str = ""


class Place(typing.NamedTuple):
    row: int


class Named(typing.TypedDict):
    name: str


@pytest.mark.parametrize(
    ("value", "hint"),
    [(True, Level), (1.0, Level), (1.0, Mixed), (True, Rights), (3.0, Rights), (False, Rights)],
)
def test_what_only_equals_a_members_value_is_no_member(value, hint):
    with pytest.raises(SerializationError, match=f"want a member of {hint.__name__}, got"):
        convert(value, hint)


@pytest.mark.parametrize(
    ("value", "hint", "member"),
    [
        (1, Level, Level.LOW),
        (3, Rights, Rights.READ | Rights.WRITE),
        (2.0, Mixed, Mixed.HALF),
        (2, Mixed, Mixed.HALF),  # as an int is taken for a float elsewhere
        ("n", Mixed, Mixed.NAME),
        ("RED", Loose, Loose.RED),
    ],
)
def test_a_members_value_is_the_member(value, hint, member):
    assert convert(value, hint) is member or convert(value, hint) == member


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        ({}, Item, "$.id"),
        ({"id": 1, "no": 2}, Item, "$.no"),
        ([{"id": 1}, {"id": 1, "a b": 2}], list[Item], '$[1]["a b"]'),
        ({}, Place, "$.row"),
        ({"row": 1, "x": 1}, Place, "$.x"),
        ({}, Named, "$.name"),
        ({"name": "", "x": 1}, Named, "$.x"),
    ],
)
def test_a_field_that_is_missing_or_too_many_is_named_by_the_path(value, hint, path):
    with pytest.raises(SerializationError) as caught:
        convert(value, hint)

    assert caught.value.path == path


def test_details_say_what_was_expected_and_what_came():
    with pytest.raises(SerializationError) as caught:
        convert(["a"], list[int])

    details = dict(caught.value.details)
    assert details == {"path": "$[0]", "expected": "int", "got": "str"}
