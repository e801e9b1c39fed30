"""Every SDK encodes to and decodes from the shared vectors, byte for byte."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import json
import math
import uuid
import zoneinfo
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from google.protobuf import (
    any_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

import dspex_bridge_pb2 as pb
from grpc_tool_bridge import values
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import any_from_json, deserialize_value, serialize_value, to_json
from grpc_tool_bridge.values.decode import decode

FOLDER = Path(__file__).parents[3] / "value" / "testdata" / "vectors"
VECTORS = [
    pytest.param(vector, id=f"{file.stem}/{vector['name']}")
    for file in sorted(FOLDER.glob("*.json"))
    for vector in json.loads(file.read_text(encoding="utf-8")).get("vectors", [])
]
NAMES: dict[str, Any] = {
    "datetime": dt,
    "decimal": decimal,
    "fractions": fractions,
    "math": math,
    "pandas": pd,
    "uuid": uuid,
    "zoneinfo": zoneinfo,
    "values": values,
    "pb": pb,
    "any_pb2": any_pb2,
    "duration_pb2": duration_pb2,
    "empty_pb2": empty_pb2,
    "field_mask_pb2": field_mask_pb2,
    "struct_pb2": struct_pb2,
    "timestamp_pb2": timestamp_pb2,
    "wrappers_pb2": wrappers_pb2,
}


def encoded(vector: dict[str, str]) -> any_pb2.Any:
    return any_pb2.Any.FromString(bytes.fromhex(vector["any"]))


def in_hex(message: any_pb2.Any) -> str:
    return message.SerializeToString().hex()


def test_there_are_vectors():
    assert len(VECTORS) > 400


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_decodes_and_encodes_to_the_same_bytes(vector):
    assert in_hex(serialize_value(decode(encoded(vector), native=False))) == vector["any"]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_has_its_json_form_both_ways(vector):
    assert to_json(encoded(vector)) == vector["json"]
    assert in_hex(any_from_json(vector["json"])) == vector["any"]


# What becomes something else where it is decoded natively: bytes that are no table are refused, an
# object of Python is its text. Their expressions are what arrives where nothing is made of it.
PASSED_ON = ("table", "python object")


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_is_its_python_value_both_ways(vector):
    value = eval(vector["python"], dict(NAMES))

    assert in_hex(serialize_value(value)) == vector["any"]
    native = not vector["name"].startswith(PASSED_ON)
    decoded = decode(encoded(vector), native=native)
    assert type(decoded) is type(value)
    assert not difference(value, decoded)
    if native and not isinstance(value, (set, frozenset)):
        assert repr(deserialize_value(encoded(vector))) == repr(value)
