"""protobuf's messages of one scalar: all of them are what they hold, wherever values are read or written."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import message_factory, wrappers_pb2
from google.protobuf.any_pb2 import Any as AnyMessage

from grpc_tool_bridge.schema.arguments import fits
from grpc_tool_bridge.values import from_json, to_json
from grpc_tool_bridge.values.convert import convert
from grpc_tool_bridge.values.decode import decode
from grpc_tool_bridge.values.messagewrite import write_message

KINDS = sorted(wrappers_pb2.DESCRIPTOR.message_types_by_name)
VALUES: dict[str, Any] = {"BoolValue": True, "BytesValue": b"a", "StringValue": "a"}
JSON: dict[str, str] = {
    "BoolValue": "true",
    "BytesValue": '"YQ=="',
    "StringValue": '"a"',
    "Int64Value": '"2"',
    "UInt64Value": '"2"',
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_a_scalar_is_what_it_holds(kind: str) -> None:
    cls: Any = message_factory.GetMessageClass(wrappers_pb2.DESCRIPTOR.message_types_by_name[kind])
    is_float = kind in ("DoubleValue", "FloatValue")
    held = VALUES.get(kind, 2.0 if is_float else 2)
    message = cls(value=held)
    packed = AnyMessage()
    packed.Pack(message)
    form = f'{{"@type":"{packed.type_url}","value":{JSON.get(kind, "2")}}}'

    assert fits(message, type(held).__name__)
    decoded = decode(packed)
    assert (type(decoded), decoded) == (type(held), held)
    assert convert(held, cls) == message
    assert write_message(packed) == form
    read: Any = from_json(f'{{"$message":{form}}}')
    assert (type(read), read) == (type(held), held)
    assert to_json(packed) == to_json(held)
