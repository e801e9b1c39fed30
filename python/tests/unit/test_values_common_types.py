"""Which values travel as the messages that every gRPC client knows."""

from __future__ import annotations

import math

import pytest

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import deserialize_value, serialize_value, urls

VALUE = urls.VALUE


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ([1, 2, 3], urls.JSON_LIST),
        ({"key": "value"}, urls.JSON_STRUCT),
        ([], urls.JSON_LIST),
        ({}, urls.JSON_STRUCT),
        ([2**53, -(2**53)], urls.JSON_LIST),
        ([1e300, 0.5], urls.JSON_LIST),
        ([0] * 63, urls.JSON_LIST),
        ([0] * 64, VALUE),
        ([1.0], VALUE),
        ([-0.0], VALUE),
        ([2**53 + 1], VALUE),
        ([2.0**53], VALUE),
        ([math.nan], VALUE),
        ([math.inf], VALUE),
        ([b"x"], VALUE),
        ({"b": 1, "a": 2}, VALUE),
        ({"a": 1, "b": 2}, urls.JSON_STRUCT),
        ({1: 2}, VALUE),
        ((1,), VALUE),
        (2**63, VALUE),
        (2**63 - 1, urls.INT64),
        (-(2**63), urls.INT64),
        (None, urls.JSON_VALUE),
    ],
)
def test_small_and_lossless_values_take_the_common_types(value, url):
    encoded = serialize_value(value)
    assert encoded.type_url == url
    assert not difference(value, deserialize_value(encoded))
