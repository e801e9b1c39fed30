"""Limits of depth, digits and size, for who encodes and who decodes."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any
from roundtrips import round_trip

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Opaque, Record, deserialize_value, serialize_value, urls
from grpc_tool_bridge.values.encode import encode

VALUE = urls.VALUE


def nested(levels, outer=list):
    value = []
    for _ in range(levels - 1):
        value = [value] if outer is list else {"a": value}
    return value


def test_sixteen_levels_are_small_and_seventeen_are_not():
    assert serialize_value(nested(16)).type_url == urls.JSON_LIST
    assert serialize_value(nested(17)).type_url == VALUE


def test_plain_values_have_no_limits_of_size():
    assert serialize_value(list(range(1000)), plain=True).type_url == urls.JSON_LIST
    assert serialize_value(nested(30), plain=True).type_url == urls.JSON_LIST
    assert round_trip(nested(64), plain=True) == nested(64)


@pytest.mark.parametrize("outer", [list, dict])
def test_depth_is_limited_on_both_sides(outer):
    assert round_trip(nested(64, outer)) == nested(64, outer)
    with pytest.raises(SerializationError, match="64 levels"):
        serialize_value(nested(65, outer))
    message = pb.Value(kind=pb.LIST)
    for _ in range(64):
        message = pb.Value(kind=pb.LIST, items=[message])
    with pytest.raises(SerializationError, match="64 levels"):
        deserialize_value(Any(type_url=VALUE, value=message.SerializeToString()))


def test_very_deep_bytes_are_refused():
    data = b""
    for _ in range(5000):
        data = _item(data)
    with pytest.raises(SerializationError, match="nested deeper"):
        deserialize_value(Any(type_url=VALUE, value=data))


def _item(data):
    length, size = b"", len(data)
    while size > 127:
        length, size = length + bytes((size & 127 | 128,)), size >> 7
    return b"\x08\x07\x2a" + length + bytes((size,)) + data


def test_digits_are_limited_on_both_sides():
    assert round_trip(10**4300 - 1) == 10**4300 - 1
    assert round_trip(-(10**4300) + 1) == -(10**4300) + 1
    for number in (10**4300, -(10**4300), 1 << 100_000):
        with pytest.raises(SerializationError, match=r"4300 digits"):
            serialize_value({"n": number})
        data = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
        message = pb.Value(kind=pb.BIGINT, data=data)
        with pytest.raises(SerializationError, match=r"4300 digits"):
            deserialize_value(Any(type_url=VALUE, value=message.SerializeToString()))


def test_a_value_that_would_explode_is_refused(monkeypatch):
    monkeypatch.setattr(urls, "MAX_ELEMENTS", 10_000)
    monkeypatch.setattr(urls, "MAX_CHARACTERS", 64 * 1024)
    value = [None]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(SerializationError, match="message too large"):
        serialize_value(value)
    text = "x" * 1024
    table = Opaque("type.googleapis.com/pandas.DataFrame", text.encode())
    for item in (text, text.encode(), {text: 1}, Record("C", {text: 1}), {(text,): 1}, table):
        for items in ([item, 1.5], [item]):
            with pytest.raises(SerializationError, match="message too large"):
                serialize_value(items * 65)
    large = text * 10
    for value in (
        [large] * 7,
        {f"k{at}": large for at in range(7)},
        [{large: at} for at in range(7)],
    ):
        with pytest.raises(SerializationError, match="bytes of texts, keys and tables"):
            encode(value, plain=True)


def test_bare_clients_may_nest_as_deep_as_anyone():
    nested = True
    for level in range(64):
        nested = {"a": nested, "b": None} if level % 2 else [nested]
    data = b"\x20\x01"
    for level in range(64):
        if level % 2:
            entry = b"\x0a\x01a\x12" + _length(data) + data
            other = b"\x0a\x01b\x12\x02\x08\x00"
            data = b"\x0a" + _length(entry) + entry + b"\x0a" + _length(other) + other
            outer = b"\x2a"
        else:
            data = b"\x0a" + _length(data) + data
            outer = b"\x32"
        inner, data = data, outer + _length(data) + data
    assert deserialize_value(Any(type_url=urls.JSON_STRUCT, value=inner)) == nested


def _length(data: bytes) -> bytes:
    return (
        bytes((len(data),)) if len(data) < 128 else bytes((len(data) & 127 | 128, len(data) >> 7))
    )
