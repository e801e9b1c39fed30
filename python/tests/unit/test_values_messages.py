"""Messages of protobuf as values."""

from __future__ import annotations

from google.protobuf import timestamp_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import FloatValue, Int32Value, UInt64Value
from roundtrips import round_trip

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import deserialize_value, serialize_value


def test_messages_travel_as_they_are():
    stamp = timestamp_pb2.Timestamp(seconds=5)
    encoded = serialize_value(stamp)
    assert encoded.type_url == "type.googleapis.com/google.protobuf.Timestamp"
    assert encoded.value == stamp.SerializeToString()
    assert deserialize_value(encoded) == stamp
    assert round_trip([stamp, {"a": stamp}]) == [stamp, {"a": stamp}]
    spec = pb.ToolSpec(name="x")
    assert round_trip(spec) == spec


def test_the_other_wrappers_of_protobuf_decode_to_their_values():
    for message, value in [(Int32Value(value=-5), -5), (UInt64Value(value=2**64 - 1), 2**64 - 1)]:
        assert not difference(value, round_trip(message))
    assert not difference(1.5, round_trip(FloatValue(value=1.5)))
    fields = Struct()
    fields.update({"b": [1, 2.5, None, True, {"x": "y"}], "a": 1e300})
    assert not difference({"a": 1e300, "b": [1, 2.5, None, True, {"x": "y"}]}, round_trip(fields))


def test_an_empty_any_is_none():
    assert deserialize_value(Any()) is None
