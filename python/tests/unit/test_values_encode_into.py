"""Values encoded into an Any that stands inside of a larger message."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, encode_into, serialize_value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "é" * 63,
        "é" * 64,
        "x" * 127,
        "x" * 128,
        0,
        127,
        128,
        -1,
        1 << 70,
        0.0,
        -0.0,
        True,
        None,
        b"",
        [1],
        {"a": 1},
        (1,),
    ],
    ids=repr,
)
def test_a_value_is_encoded_in_place_as_it_is_alone(value):
    place = Any()

    size = encode_into(place, value)

    assert place == serialize_value(value)
    assert size == len(place.type_url) + len(place.value)
    assert deserialize_value(place) == value


def test_a_text_that_utf8_cannot_carry_is_refused_in_place_too():
    with pytest.raises(SerializationError, match="lone surrogate at character 1"):
        encode_into(Any(), "a\ud800")
