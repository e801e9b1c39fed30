"""Objects that would arrive as something less are refused with their path, and the error says what to send."""

from __future__ import annotations

import array
import collections
import ctypes
import dataclasses
import enum
import typing

import numpy as np
import pydantic
import pytest

from grpc_tool_bridge import SerializationError, deserialize_value, serialize_value
from grpc_tool_bridge.values import to_json


@dataclasses.dataclass
class Point:
    x: int = 3


SlottedPoint = dataclasses.make_dataclass("SlottedPoint", [("x", int)], slots=True)


class Pair(typing.NamedTuple):
    x: int


class Color(enum.Enum):
    RED = 1


class Aliased(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    x: int = pydantic.Field(alias="X")


class TwiceNamed(tuple[int, ...]):
    _fields = ("a", "a")


class LongerThanNamed(tuple[int, ...]):
    _fields = ("a",)


IS_CLASS = "is a class, and only its objects travel"
REFUSED = {
    "dataclass": (Point, IS_CLASS, ""),
    "slotted dataclass": (SlottedPoint, IS_CLASS, ""),
    "named tuple": (Pair, IS_CLASS, ""),
    "enumeration": (Color, IS_CLASS, ""),
    "model": (Aliased, IS_CLASS, ""),
    "exception": (ValueError, IS_CLASS, ""),
    "names twice": (TwiceNamed((1, 2)), "not each its own", ""),
    "more items than names": (LongerThanNamed((1, 2)), "not each its own", ""),
    "extra as a field": (Aliased.model_validate({"X": 1, "x": 2}), "as a field is", ".x"),
    "row": (np.zeros(1, dtype=[("a", "i4")])[0], "names of its fields", ""),
    "record": (np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])[0], "names of its", ""),
    "view of ints": (memoryview(array.array("i", [1, 2])), "format 'i'", ""),
    "view of floats": (memoryview(np.ones(2)), "format 'd'", ""),
    "view of bools": (memoryview(b"\1\0").cast("?"), r"format '\?'", ""),
    "view in two dimensions": (memoryview(bytes(4)).cast("B", (2, 2)), "in 2 dimensions", ""),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("write", [serialize_value, to_json])
def test_what_would_lose_something_is_refused_with_its_path(name, write) -> None:
    value, told, inside = REFUSED[name]
    for whole, path in ((value, "$"), ({"rows": [value]}, "$.rows[0]")):
        with pytest.raises(SerializationError, match=told) as refused:
            write(whole)
        assert refused.value.path == path + inside


@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"ab"),
        memoryview(b"ab").cast("c"),
        memoryview(b"ab").cast("b"),
        memoryview(b"a-b-")[::2],
        memoryview((ctypes.c_ubyte * 2)(97, 98)),
        memoryview(np.frombuffer(b"ab", "u1")),
    ],
    ids=lambda view: f"{view.format} {view.strides}",
)
def test_a_view_of_bytes_travels_as_these(view: memoryview) -> None:
    assert deserialize_value(serialize_value([view])) == [b"ab"]


def test_a_class_without_fields_and_a_scalar_without_names_travel_as_they_did() -> None:
    assert deserialize_value(serialize_value([int])) == ["<class 'int'>"]
    assert deserialize_value(serialize_value(np.void(b"abc"))) == b"abc"
    assert deserialize_value(serialize_value(collections.Counter("a"))) == {"a": 1}
