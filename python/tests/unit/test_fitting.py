"""What a value may be given for, by the table that every SDK's tests read: tool/testdata/fitting.json."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
import pathlib
import re
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
from google.protobuf import struct_pb2, timestamp_pb2, wrappers_pb2

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.schema import TYPE_NAMES, fits, type_name
from grpc_tool_bridge.schema.advice import json_advice
from grpc_tool_bridge.values import Opaque, deserialize_value, serialize_value

TABLE = json.loads(
    (pathlib.Path(__file__).parents[3] / "tool" / "testdata" / "fitting.json").read_text("utf-8")
)


class Plain(enum.Enum):
    A = "a"


class Color(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Size(enum.Enum):
    BIG = 2**70


class Truth(enum.Enum):
    YES = True


class Ratio(enum.Enum):
    HALF = 0.5


class Raw(enum.Enum):
    A = b"a"


class Pair(enum.Enum):
    ONE = (1, 2)


@dataclasses.dataclass
class Point:
    x: float


class Row(NamedTuple):
    a: int


class Fields(TypedDict):
    a: int


class Model(pydantic.BaseModel):
    a: int


class Root(pydantic.RootModel[list[int]]):
    pass


NAMES: dict[str, Any] = {
    **globals(),
    "re": re,
    "Fraction": Fraction,
    "numpy": np,
    "pandas": pd,
    "polars": pl,
    "pyarrow": pa,
    "wrappers": wrappers_pb2,
    "timestamp": timestamp_pb2,
}
SAMPLES = [(kind, text) for kind in TABLE["kinds"] for text in kind["python"]]
HINTS: list[Any] = [
    *(
        type(None),
        bool,
        int,
        float,
        str,
        bytes,
        bytearray,
        list,
        list[int],
        collections.deque,
        tuple,
    ),
    *(tuple[int, ...], set, set[int], frozenset, dict, dict[str, int], collections.Counter),
    *(dt.datetime, dt.date, dt.time, dt.timedelta, Decimal, uuid.UUID, pathlib.Path),
    *(Plain, Color, Level, Size, Truth, Ratio, Raw, Pair, Point, Row, Fields, Model, Root),
    *(Literal["a", "red"], Literal[1], Literal[Plain.A], ValueError, range, int | None),
    *(pd.DataFrame, pd.Series, pl.DataFrame, pa.Table, np.ndarray),
    *(struct_pb2.Struct, struct_pb2.ListValue, struct_pb2.Value, timestamp_pb2.Timestamp),
    *(wrappers_pb2.StringValue, wrappers_pb2.Int64Value, wrappers_pb2.UInt32Value),
    *(wrappers_pb2.BoolValue, wrappers_pb2.DoubleValue, wrappers_pb2.BytesValue),
]


@pytest.mark.parametrize(("kind", "text"), SAMPLES, ids=[text for _, text in SAMPLES])
def test_a_value_fits_the_declared_types_of_its_kind(kind: dict[str, Any], text: str):
    value = eval(text, NAMES)
    taken = {"any", "Enum", *kind["fits"].split()}
    if type(value).__module__.startswith("google.protobuf.wrappers"):
        taken.add("message")

    assert {name for name in TYPE_NAMES if fits(value, name)} - {"message"} == taken - {"message"}
    assert fits(value, "message") or "message" not in kind["fits"] or isinstance(value, enum.Enum)
    assert fits(value, "none", nullable=True) is (value is None)
    assert fits(value, "")


@pytest.mark.parametrize(("kind", "text"), SAMPLES, ids=[text for _, text in SAMPLES])
def test_a_value_travels_in_a_form_of_its_kind(kind: dict[str, Any], text: str):
    url = serialize_value(eval(text, NAMES)).type_url

    assert url.rpartition("/")[2] in {*kind["urls"], "dspex.bridge.Value"}


@pytest.mark.parametrize("hint", HINTS, ids=str)
def test_nothing_is_refused_that_a_host_takes(hint: Any):
    name, nullable = type_name(hint)
    taken = 0
    for _, text in SAMPLES:
        value = eval(text, NAMES)
        try:
            deserialize_value(serialize_value(value), hint)
        except SerializationError:
            continue
        taken += 1
        assert fits(value, name, nullable=nullable), f"{text} for {hint}"
    assert taken or hint in (range, Model, Fields)


def test_what_nobody_looked_at_fits_whatever_is_declared():
    assert fits(Opaque("x", b""), "int")
    assert fits(struct_pb2.Value(number_value=1), "int")
    assert fits("\ud800", "str")


@pytest.mark.parametrize("row", TABLE["advice"], ids=str)
def test_who_sends_plain_json_for_a_value_with_a_form_of_its_own_is_told_the_form(
    row: dict[str, str],
):
    assert json_advice(row["path"], row["want"], row["got"]) == row["says"]
