"""What one side does not know: it goes back unchanged, travels as text, or is refused where that is asked for."""

from __future__ import annotations

import pickle

import pytest
from google.protobuf.any_pb2 import Any
from roundtrips import round_trip

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Opaque, deserialize_value, serialize_value, urls

VALUE = urls.VALUE


def test_what_is_not_known_goes_back_unchanged():
    unknown = Any(type_url="type.googleapis.com/acme.Widget", value=b"\x01\x02")
    value = deserialize_value(unknown)
    assert value == Opaque(unknown.type_url, b"\x01\x02")
    assert serialize_value(value) == unknown
    assert round_trip([value]) == [value]
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_kind_from_the_future_goes_back_unchanged():
    message = pb.Value(kind=99, text="new", items=[pb.Value(kind=pb.INT, int_value=3)])
    outer = pb.Value(kind=pb.TUPLE, items=[message, pb.Value()])
    for sent in (message, outer):
        encoded = Any(type_url=VALUE, value=sent.SerializeToString())
        value = deserialize_value(encoded)
        assert serialize_value(value) == encoded
    with pytest.raises(SerializationError, match="unknown kind 99"):
        deserialize_value(Any(type_url=VALUE, value=message.SerializeToString()), strict=True)


class Custom:
    def __str__(self):
        return "custom"


def test_anything_else_travels_as_text_unless_strict():
    encoded = serialize_value(Custom())
    assert (encoded.type_url, encoded.value) == ("type.googleapis.com/python.Custom", b"custom")
    assert round_trip({"a": [Custom()]}) == {"a": ["custom"]}
    with pytest.raises(SerializationError, match="Custom has no encoding") as caught:
        serialize_value({"a": [1, Custom()]}, strict=True)
    assert caught.value.path == "$.a[1]"
    with pytest.raises(SerializationError, match=r"python\.Custom"):
        deserialize_value(encoded, strict=True)


def test_text_that_cannot_be_read_is_an_error():
    class Mute:
        def __str__(self):
            raise RuntimeError("mute")

    with pytest.raises(SerializationError, match="Mute failed"):
        serialize_value(Mute())
    with pytest.raises(SerializationError, match="not UTF-8"):
        deserialize_value(Any(type_url=urls.PYTHON + "X", value=b"\xff"))
