"""What stands behind the last slash of a type URL names the type, whatever stands before it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pandas as pd
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.responses import result_of
from grpc_tool_bridge.values import (
    Opaque,
    any_from_json,
    deserialize_value,
    serialize_value,
    to_json,
)
from grpc_tool_bridge.values.decode import decode
from grpc_tool_bridge.values.large import LargeValue
from grpc_tool_bridge.values.urls import FRAME_KINDS

OURS = "type.googleapis.com/"
HOSTS = ["x/", "", "example.com/", "a/b/c/", "/"]


def renamed(encoded, host):
    return Any(type_url=host + encoded.type_url.removeprefix(OURS), value=encoded.value)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "value",
    [None, True, 1, 2**70, 1.5, "a", b"a", [1, None], {"a": [1]}, [[1]] * 65, dt.date(2024, 5, 6)],
    ids=repr,
)
def test_values_are_the_same_under_every_host(host, value):
    encoded = renamed(serialize_value(value), host)

    assert deserialize_value(encoded) == value
    assert deserialize_value(encoded, strict=True) == value
    assert to_json(encoded) == to_json(value)


@pytest.mark.parametrize("host", HOSTS)
def test_tables_and_what_is_missing_are_the_same_under_every_host(host):
    encoded = renamed(serialize_value(pd.DataFrame({"a": [1]})), host)

    assert deserialize_value(encoded)["a"].tolist() == [1]
    assert deserialize_value(Any(type_url=host + "pandas.NaT")) is pd.NaT
    assert deserialize_value(Any(type_url=host + "python.Pattern", value=b"a+")) == "a+"
    large = LargeValue(encoded.type_url, memoryview(encoded.value))
    assert large.decode()["a"].tolist() == [1]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("name", "data", "path"),
    [
        ("google.protobuf.Int64Value", "0a0101", "$"),
        ("google.protobuf.ListValue", "0a0908", "$"),
        ("google.protobuf.Struct", "0a070a01611202ffff", "$.a"),
        ("dspex.bridge.Value", "080b2a002a01183201614a00", "$"),
        ("dspex.bridge.Value", "08072a002a0118", "$[1]"),
        ("pandas.DataFrame", "00", "$"),
    ],
)
def test_lying_bytes_are_refused_under_every_host_with_the_same_path(host, name, data, path):
    with pytest.raises(SerializationError) as caught:
        deserialize_value(Any(type_url=host + name, value=bytes.fromhex(data)))

    assert caught.value.path == path


@pytest.mark.parametrize("url", ["/", "example.com/", OURS + "google.protobuf.ListValue/"])
@pytest.mark.parametrize("data", [b"", b"x"])
def test_a_url_that_names_no_type_is_refused(url, data):
    with pytest.raises(SerializationError, match="names no type"):
        deserialize_value(Any(type_url=url, value=data))


def answered(result):
    return result_of(pb.ToolCallResponse(success=True, result=result), "t", int | None)


def test_an_any_that_was_never_set_is_none_and_one_of_bytes_alone_is_refused():
    for decoded in (deserialize_value, answered):
        assert decoded(Any()) is None
        with pytest.raises(SerializationError, match="without a type URL"):
            decoded(Any(value=b"x"))


def test_a_result_that_was_never_set_is_none_for_its_hint_too():
    with pytest.raises(SerializationError, match="want int, got None"):
        result_of(pb.ToolCallResponse(success=True), "t", int)


@pytest.mark.parametrize("url", ["nohost", "example.com/a.B", "x/polars.Expr", "x/python.Thing"])
def test_what_stays_opaque_keeps_its_url_as_it_came(url):
    encoded = Any(type_url=url, value=b"\x08\x63")

    value = decode(encoded, native=False)

    assert value == Opaque(url, b"\x08\x63")
    assert serialize_value(value) == encoded
    assert any_from_json(to_json(value)) == encoded
    with pytest.raises(SerializationError, match="which strict mode refuses"):
        deserialize_value(encoded, strict=True)


@pytest.mark.parametrize("host", HOSTS)
def test_a_value_of_an_unknown_kind_is_one_of_ours_under_every_host(host):
    encoded = Any(type_url=host + "dspex.bridge.Value", value=b"\x08\x63")

    assert deserialize_value(encoded) == Opaque(OURS + "dspex.bridge.Value", b"\x08\x63")
    assert to_json(encoded) == to_json(renamed(encoded, OURS))


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", sorted(FRAME_KINDS))
def test_the_json_form_of_a_table_under_another_host_keeps_its_url(host, kind):
    encoded = Any(type_url=host + kind, value=b"x")

    text = to_json(encoded)

    assert ("$frame" in text) == (host == OURS)
    assert any_from_json(text) == encoded


def test_the_json_form_of_a_message_has_its_type_first_and_its_maps_in_order():
    spec = pb.ToolSpec(name="n", metadata=dict.fromkeys(("z", "é", "9", "10", "a"), "v"))
    struct = Any()
    held = Struct()
    held.update({"z": 1.5, "a": [{"y": None, "b": True}]})
    struct.Pack(held, deterministic=True)
    request = pb.ToolCallRequest(
        args=[struct], kwargs={"b": serialize_value(spec), "a": serialize_value(spec)}
    )
    inner = (
        '{"@type":"type.googleapis.com/dspex.bridge.ToolSpec","name":"n",'
        '"metadata":{"10":"v","9":"v","a":"v","z":"v","é":"v"}}'
    )

    text = to_json(request)

    assert text == (
        '{"$message":{"@type":"type.googleapis.com/dspex.bridge.ToolCallRequest",'
        '"args":[{"@type":"type.googleapis.com/google.protobuf.Struct",'
        '"value":{"a":[{"b":true,"y":null}],"z":1.5}}],'
        f'"kwargs":{{"a":{inner},"b":{inner}}}}}}}'
    )
    assert any_from_json(text) == serialize_value(request)


@pytest.mark.parametrize(
    "message",
    [
        '"google.protobuf.Empty"',
        '"google.protobuf.FieldMask","value":"a.b"',
        '"google.protobuf.SourceContext","fileName":"a.proto"',
        '"google.protobuf.Api","name":"a"',
        '"google.protobuf.Int32Value","value":1',
    ],
)
def test_every_program_knows_the_messages_of_protobuf_itself(message):
    # Another process, for this one may have loaded them.
    text = '{"$message":{"@type":' + message.replace('"google', '"type.googleapis.com/google', 1)
    program = (
        "import sys; from grpc_tool_bridge.values.jsonread import from_json;"
        "print(type(from_json(sys.argv[1])).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, text + "}}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in message + " int"


def test_a_message_with_many_anys_in_one_another_is_written_by_its_bytes():
    def nested(anys):
        message = Any()
        message.Pack(Empty())
        for _ in range(anys):
            outer = Any()
            outer.Pack(message)
            message = outer
        return message

    assert to_json(nested(7)).startswith('{"$message":{')
    deep = to_json(nested(8))
    assert deep.startswith('{"$any":{')
    assert deserialize_value(any_from_json(deep)) == deserialize_value(nested(8))
    written = '{"@type":"type.googleapis.com/google.protobuf.Empty"}'
    for _ in range(8):
        written = '{"@type":"type.googleapis.com/google.protobuf.Any","value":' + written + "}"
    with pytest.raises(SerializationError, match=r"at most 8 messages .* written as \$any"):
        any_from_json('{"$message":' + written + "}")
