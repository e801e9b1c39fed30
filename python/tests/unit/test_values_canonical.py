"""One value is one sequence of bytes, and dicts are in the order of their keys."""

from __future__ import annotations

import datetime as dt
import enum
import math
import struct
from decimal import Decimal
from typing import NamedTuple

from roundtrips import round_trip

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import EnumValue, Record, serialize_value


class Color(enum.Enum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: str


def test_dicts_keep_their_order_and_keys_of_any_kind():
    value = {"z": 1, 1: "a", (1, "x"): None, Decimal("1.5"): [], None: 2, dt.date(2024, 1, 1): 3}
    assert not difference(value, round_trip(value))
    keyed = {Color.RED: 1, Pair(1, "a"): 2}
    again = round_trip(keyed)
    assert again == {
        EnumValue("Color", "RED", "red"): 1,
        Record("Pair", {"left": 1, "right": "a"}): 2,
    }


def test_equal_sets_are_equal_bytes():
    for items in ([3, 1, 2], ["b", "a", "😀", "\uffff"], [0.5, 0.0, -1.5], [1, "a", (2,), 2**70]):
        other = set()
        for item in items[::-1]:
            other.add(item)
        assert serialize_value(set(items)) == serialize_value(other)
    assert round_trip({1, 2**70}) == {1, 2**70}


def test_every_nan_of_one_sign_is_the_same_bytes():
    for other, plain in [
        (struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\x7f")[0], math.nan),
        (struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\xff")[0], math.copysign(math.nan, -1)),
    ]:
        for shape in (lambda x: x, lambda x: [x, 1.5], lambda x: [x, "a"], lambda x: complex(x, 0)):
            assert serialize_value(shape(other)) == serialize_value(shape(plain))
