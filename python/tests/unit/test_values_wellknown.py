"""Hints that take what JSON has for them: protobuf's own messages, named tuples, choices and exact numbers."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import pytest
from google.protobuf import struct_pb2, wrappers_pb2
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import EnumValue, deserialize_value, serialize_value
from grpc_tool_bridge.values.convert import convert

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Pair(NamedTuple):
    left: int
    day: dt.date = dt.date(2024, 5, 6)


class Box(NamedTuple, Generic[T]):
    item: T


Plain = collections.namedtuple("Plain", "a b")

WRAPPERS: list[Any] = [
    wrappers_pb2.BoolValue(value=True),
    wrappers_pb2.BytesValue(value=b"a"),
    wrappers_pb2.DoubleValue(value=1.5),
    wrappers_pb2.DoubleValue(value=-math.inf),
    wrappers_pb2.FloatValue(value=1.5),
    wrappers_pb2.Int32Value(value=-3),
    wrappers_pb2.Int64Value(value=2**60),
    wrappers_pb2.StringValue(value="a"),
    wrappers_pb2.UInt32Value(value=3),
    wrappers_pb2.UInt64Value(value=2**64 - 1),
    Value(null_value=struct_pb2.NULL_VALUE),
    Value(number_value=2),
    Value(string_value="a"),
    Value(bool_value=True),
]


def json_of(value: Any) -> Any:
    """A message of JSON."""
    made = Struct()
    made.update({"value": value})
    return made.fields["value"]


@pytest.mark.parametrize("message", WRAPPERS, ids=lambda m: f"{type(m).__name__} {m}")
def test_a_message_that_travels_as_what_it_holds_is_made_again(message: Any):
    assert deserialize_value(serialize_value(message), type(message)) == message
    assert deserialize_value(serialize_value([message]), list[type(message)]) == [message]


def test_a_message_of_json_is_made_of_lists_and_dicts():
    tree = {"b": [1, 2.5, None, True, "x", {}], "a": {"c": [[]]}, "n": -0.0}

    assert convert(tree, Struct) == json_of(tree).struct_value
    assert convert([tree, 1.0], ListValue) == json_of([tree, 1.0]).list_value
    assert convert(tree, Value) == json_of(tree)
    assert convert(list(range(100)), ListValue) == json_of(list(range(100))).list_value
    assert math.isnan(convert(math.nan, Value).number_value)
    assert math.isnan(convert(math.nan, wrappers_pb2.FloatValue).value)


@pytest.mark.parametrize(
    ("value", "hint", "path", "message"),
    [
        (2**40, wrappers_pb2.Int32Value, "$", "out of range"),
        (1.1, wrappers_pb2.FloatValue, "$", "can hold it exactly"),
        (True, wrappers_pb2.Int64Value, "$", "want Int64Value, got bool"),
        (1, wrappers_pb2.StringValue, "$", "want StringValue, got int"),
        ([1], Struct, "$", "want Struct, got list"),
        ({}, ListValue, "$", "want ListValue, got dict"),
        (1, Timestamp, "$", "want Timestamp, got int"),
        ({"a": [2**60 + 1]}, Struct, "$.a[0]", "what JSON has"),
        ({"a": {1: 2}}, Struct, "$.a", "what JSON has"),
        ([dt.date(2024, 5, 6)], ListValue, "$[0]", "what JSON has"),
    ],
    ids=str,
)
def test_what_a_message_does_not_hold_is_refused_with_its_path(
    value: Any, hint: Any, path: str, message: str
):
    with pytest.raises(SerializationError, match=message) as caught:
        convert(value, hint)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ([1], Pair, Pair(1)),
        ((1, dt.date.min), Pair, Pair(1, dt.date.min)),
        ([1], Box[int], Box(1)),
        ([1, "b"], Plain, Plain(1, "b")),
        ([[1], {"left": 2}], list[Pair], [Pair(1), Pair(2)]),
        ([1], Pair | list[int], [1]),
        (5, Decimal, Decimal(5)),
        (2**70, Decimal, Decimal(2**70)),
        (5, Fraction, Fraction(5)),
        (5, complex, 5 + 0j),
        (5, int | Decimal, 5),
        ("red", Literal[Color.RED], Color.RED),
        (Color.RED, Literal["red"], "red"),
        (EnumValue("Level", "LOW", 1), Literal[1, 2], 1),
    ],
    ids=str,
)
def test_what_says_the_same_is_taken(value: Any, hint: Any, expected: Any):
    made = convert(deserialize_value(serialize_value(value)), hint)

    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "path", "message"),
    [
        ([1, "a"], Pair, "$[1]", "want date, got str"),
        ([], Pair, "$", "want 1 to 2 items for Pair, got 0"),
        ([1], Plain, "$", "want 2 items for Plain, got 1"),
        (["a"], Box[int], "$[0]", "want int, got str"),
        (True, Decimal, "$", "want Decimal, got bool"),
        (1.5, Decimal, "$", "want Decimal, got float"),
        (2**60 + 1, complex, "$", "want complex, got an int that no float can hold"),
        ("blue", Literal[Color.RED], "$", "want <Color.RED: 'red'>, got str"),
        (Color.RED, Literal["blue", 1], "$", "want 'blue' or 1, got EnumValue Color"),
        (EnumValue("Level", "LOW", 1), Literal[True], "$", "want True, got EnumValue Level"),
        (EnumValue("Level", "LOW", 1), ValueError, "$", "want ValueError, got EnumValue Level"),
    ],
    ids=str,
)
def test_what_only_looks_alike_is_refused(value: Any, hint: Any, path: str, message: str):
    with pytest.raises(SerializationError, match=message) as caught:
        convert(deserialize_value(serialize_value(value)), hint)
    assert caught.value.path == path
