"""What stands under $message is read as it is written, or refused with its path: nothing is rounded or dropped."""

from __future__ import annotations

import json

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import any_from_json, from_json, to_json

PREFIX = "type.googleapis.com/google.protobuf."


def text(kind, value):
    return f'{{"$message":{{"@type":"{PREFIX}{kind}","value":{value}}}}}'


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("UInt64Value", "9007199254740993.5"),
        ("BytesValue", '"$"'),
        ("BytesValue", '"YQ==!"'),
        ("DoubleValue", '"1e400"'),
        ("DoubleValue", '"1e-400"'),
        ("DoubleValue", '".5"'),
        ("FloatValue", '"1e308"'),
        ("Int64Value", '"+1"'),
        ("Int64Value", '"1_0"'),
        ("Int32Value", '"01"'),
        ("Timestamp", '"2024-5-06T00:00:00Z"'),
    ],
)
def test_what_would_be_read_as_another_value_is_refused(kind, value):
    with pytest.raises(SerializationError, match="want") as caught:
        from_json(text(kind, value))
    assert caught.value.path == '$["$message"]'


@pytest.mark.parametrize(
    "body",
    [
        '{"@type":1}',
        text("DoubleValue", "1" + "0" * 400)[12:-1],
        '{"@type":"' + PREFIX + 'SourceContext","\\udc00v":[]}',
        '{"@type":"' + PREFIX + 'Duration","value":"1.50e40000s"}',
        '{"@type":"' + PREFIX + 'BytesValue","value":"-1/3 x!"}',
    ],
)
def test_what_is_no_message_is_refused_with_its_path(body):
    with pytest.raises(SerializationError) as caught:
        from_json(f'{{"$message":{body}}}')
    assert caught.value.path == '$["$message"]'


def test_a_field_by_both_its_names_is_refused():
    both = {"@type": PREFIX + "Api", "sourceContext": {"fileName": "a", "file_name": "a"}}

    with pytest.raises(SerializationError, match="twice") as caught:
        from_json(json.dumps({"$message": both}))
    assert caught.value.path == '$["$message"]'


@pytest.mark.parametrize(
    ("kind", "value", "again"),
    [
        ("Int64Value", '"12"', "12"),
        ("Int64Value", '"0e99999999999999999999"', "0"),
        ("UInt64Value", "18446744073709551615.0", "18446744073709551615"),
        ("FloatValue", "1.00000017881393432617187499", "1.0000001192092896"),
        ("Int64Value", "12", "12"),
        ("Int64Value", '"1e3"', "1000"),
        ("DoubleValue", "5", "5.0"),
        ("DoubleValue", '"0.1000000000000000055"', "0.1"),
        ("DoubleValue", '"Infinity"', '{"$float":"Infinity"}'),
        ("FloatValue", "0.1", "0.10000000149011612"),
        ("FloatValue", "0.10000000149011612", "0.10000000149011612"),
        ("BytesValue", '"_-8"', '{"$bytes":"/+8="}'),
        ("Struct", '{"b_c":null,"bC":[1,{}]}', '{"bC":[1,{}],"b_c":null}'),
        ("Value", "null", "null"),
    ],
)
def test_other_ways_to_write_the_same_are_taken(kind, value, again):
    assert to_json(any_from_json(text(kind, value))) == again


@pytest.mark.parametrize(
    "fields",
    [
        {"@type": PREFIX + "Timestamp", "value": "2024-05-06T01:02:03.000000004+02:00"},
        {"@type": PREFIX + "Duration", "value": "-1.5s"},
        {"@type": PREFIX + "Api", "name": "a", "syntax": 1, "methods": [], "mixins": None},
        {"@type": PREFIX + "Api", "source_context": {"file_name": ""}, "syntax": "SYNTAX_PROTO3"},
        {"@type": PREFIX + "Any", "value": {"@type": PREFIX + "Empty"}},
    ],
    ids=str,
)
def test_messages_are_taken_by_either_name_of_their_fields(fields):
    assert to_json(from_json(json.dumps({"$message": fields}))).startswith('{"$message":')
