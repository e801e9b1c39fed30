# ruff: noqa: DTZ001 - datetimes without a zone are values, too
"""Classes of the standard library, of other libraries and of users travel as the kind they are related to."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import enum
import types
import uuid
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
import pydantic
import pytest
from roundtrips import round_trip

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import EnumValue, Record


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Mode(str, enum.Enum):
    FAST = "fast"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 1.5


class Pair(NamedTuple):
    left: int
    right: str


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    size: int = 3


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Ratio(float):
    pass


class Blob(bytes):
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (range(3), [0, 1, 2]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (collections.deque([1, 2]), [1, 2]),
        (array.array("d", [1.5, 2.0]), [1.5, 2.0]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Text("t"), "t"),
        (Number(7), 7),
        (Ratio(-0.0), -0.0),
        (Blob(b"b"), b"b"),
        ([Text("t"), Number(1)], ["t", 1]),
        ({Text("k"): Ratio(0.5)}, {"k": 0.5}),
        (np.int64(3), 3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(1.5), 1.5),
        (np.float64(2.0), 2.0),
        (np.bool_(True), True),
        (np.complex64(1 + 2j), 1 + 2j),
        (np.str_("s"), "s"),
        (np.bytes_(b"s"), b"s"),
        ([np.int8(1), 2], [1, 2]),
        (np.datetime64("2024-05-06"), dt.date(2024, 5, 6)),
        (np.datetime64("2024-05-06T01:02:03"), dt.datetime(2024, 5, 6, 1, 2, 3)),
        (np.timedelta64(3, "s"), dt.timedelta(seconds=3)),
        (np.timedelta64(3_000, "ns"), dt.timedelta(microseconds=3)),
        (pd.Timestamp("2024-05-06", tz="UTC"), dt.datetime(2024, 5, 6, tzinfo=dt.timezone.utc)),
        (pd.Timedelta("3us"), dt.timedelta(microseconds=3)),
        (Color.RED, EnumValue("Color", "RED", "red")),
        (Level.LOW, EnumValue("Level", "LOW", 1)),
        (Mode.FAST, EnumValue("Mode", "FAST", "fast")),
        (Point(1), Record("Point", {"x": 1, "y": 1.5})),
        (Pair(1, "r"), Record("Pair", {"left": 1, "right": "r"})),
        (Model(name="n", more=1), Record("Model", {"name": "n", "size": 3, "more": 1})),
        (ValueError("no"), Record("ValueError", {"message": "no"})),
        ([Point(1)], [Record("Point", {"x": 1, "y": 1.5})]),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_relatives_of_known_types_travel_as_those(value, expected):
    assert not difference(expected, round_trip(value))


def test_uuid_and_fraction_subclasses():
    class Mine(uuid.UUID):
        pass

    class Part(Fraction):
        pass

    key = uuid.uuid4()
    assert not difference(key, round_trip(Mine(int=key.int)))
    assert not difference(Fraction(1, 3), round_trip(Part(1, 3)))
