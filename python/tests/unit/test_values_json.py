from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pytest
from google.protobuf import timestamp_pb2
from google.protobuf.field_mask_pb2 import FieldMask

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    Opaque,
    any_from_json,
    deserialize_value,
    from_json,
    jsonform,
    serialize_value,
    to_json,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1.0"),
        (1e16, "1e+16"),
        (10**30, "1" + "0" * 30),
        ('é\x01"\\\n', '"é\\u0001\\"\\\\\\n"'),
        ({"b": 1, "a": [None, True]}, '{"b":1,"a":[null,true]}'),
        ({"$x": 1}, '{"$object":{"$x":1}}'),
        ({"$x": 1, "y": 2}, '{"$x":1,"y":2}'),
        ({1: "a"}, '{"$map":[[1,"a"]]}'),
        ({3, 1}, '{"$set":[1,3]}'),
        ((1,), '{"$tuple":[1]}'),
        (-math.inf, '{"$float":"-Infinity"}'),
        (complex(1, math.inf), '{"$complex":[1.0,{"$float":"Infinity"}]}'),
        (Opaque("x/y", b"\x00"), '{"$any":{"type_url":"x/y","base64":"AA=="}}'),
    ],
)
def test_a_value_has_one_json_text(value, text):
    assert to_json(value) == text
    assert to_json(serialize_value(value)) == text
    assert from_json(text) == value


def test_messages_have_protobufs_own_json():
    stamp = timestamp_pb2.Timestamp(seconds=5)
    text = to_json([stamp, pb.ToolSpec(name="x")])
    assert json.loads(text) == [
        {
            "$message": {
                "@type": "type.googleapis.com/google.protobuf.Timestamp",
                "value": "1970-01-01T00:00:05Z",
            }
        },
        {"$message": {"@type": "type.googleapis.com/dspex.bridge.ToolSpec", "name": "x"}},
    ]
    assert from_json(text) == [stamp, pb.ToolSpec(name="x")]


def test_tables_are_base64_in_json():
    array = np.arange(3)
    text = to_json({"a": array})
    assert json.loads(text)["a"]["$frame"]["kind"] == "numpy.ndarray"
    np.testing.assert_array_equal(from_json(text)["a"], array)
    assert any_from_json(to_json(array)) == serialize_value(array)


def test_text_of_unknown_objects_is_kept_in_json():
    class Thing:
        def __str__(self):
            return "t"

    encoded = serialize_value(Thing())
    assert any_from_json(to_json(encoded)) == encoded


@pytest.mark.parametrize(
    ("text", "path", "match"),
    [
        ("{", "$", "not JSON"),
        ("NaN", "$", r"\$float"),
        ("1e999", "$", "too large"),
        ("1e-999", "$", "too small"),
        ("1" * 4301, "$", "4300 digits"),
        ('{"a":1,"a":2}', "$[key 1]", "'a' is there twice$"),
        ('{"$map":[[2,1],[1,1],[1,2]]}', '$["$map"][key 2]', "the key 1 is there twice$"),
        ('{"$set":[1,true]}', '$["$set"][1]', "True is there twice; in Python 1, 1.0 and True are"),
        (
            '{"$set":[{"$tuple":[1]},{"$tuple":[1.0]}]}',
            '$["$set"][1]',
            "is there twice; in Python 1, 1.0 and True are one",
        ),
        ("[[1e999]]", "$[0][0]", "too large"),
        ('{"a":' + "1" * 4301 + "}", "$.a", "4300 digits"),
        ('{"$nope":1}', '$["$nope"]', r"wrap an ordinary object as \{\"\$object\""),
        ('[{"a":{"$date":"x"}}]', '$[0].a["$date"]', "not a date"),
        ('{"$date":1}', '$["$date"]', "want a string"),
        ('{"$bytes":"*"}', '$["$bytes"]', "want standard base64"),
        ('{"$uuid":"x"}', '$["$uuid"]', "not what stands under"),
        ('{"$float":"big"}', '$["$float"]', "want one of NaN"),
        ('{"$tuple":1}', '$["$tuple"]', "want a list"),
        ('{"$tuple":{"a":1}}', '$["$tuple"]', "want a list"),
        ('{"$set":[1,1]}', '$["$set"][1]', "twice"),
        ('{"$set":[[]]}', '$["$set"][0]', "unhashable"),
        ('{"$map":[1]}', '$["$map"][0]', "want a pair"),
        ('{"$map":[[1,2],[1,3]]}', '$["$map"][key 1]', "twice"),
        ('{"$map":[[[],2]]}', '$["$map"][key 0]', "unhashable"),
        ('{"$fraction":[1,2.0]}', '$["$fraction"]', "two ints such as"),
        ('{"$fraction":[1,0]}', '$["$fraction"]', "the second above 0"),
        ('{"$fraction":"1/3"}', '$["$fraction"]', "two ints such as"),
        ('{"$complex":1}', '$["$complex"]', "two floats such as"),
        ('{"$complex":[1]}', '$["$complex"]', "two floats such as"),
        ('{"$enum":{"name":"A"}}', '$["$enum"]', "class_name"),
        ('{"$record":{"class_name":"A","fields":[]}}', '$["$record"].fields', "want an object"),
        (
            '{"$enum":{"class_name":"A","name":"B","value":{"$date":1}}}',
            '$["$enum"].value["$date"]',
            "string",
        ),
        ('{"$record":{"class_name":1,"fields":{}}}', '$["$record"].class_name', "want a string"),
        ('{"$object":1}', '$["$object"]', "want an object"),
        ('{"$any":{"type_url":"x"}}', '$["$any"]', "base64"),
        ('{"$frame":{"kind":"x","arrow":""}}', '$["$frame"].kind', "unknown kind of table"),
        ('{"$frame":{"kind":"numpy.ndarray","arrow":"?"}}', '$["$frame"].arrow', "base64"),
        ('{"$any":{"type_url":"x/y","base64":"?"}}', '$["$any"].base64', "base64"),
        (
            '{"$any":{"type_url":"type.googleapis.com/google.protobuf.Int64Value","base64":"CA=="}}',
            '$["$any"]',
            "Int64Value",
        ),
        ('{"$timedelta":1.5}', '$["$timedelta"]', "microseconds as an int, or as a text"),
        ('"\\ud800"', "$", "UTF-8"),
        ("[" * 200 + "]" * 200, "$" + "[0]" * 64, "64 levels"),
        ("[" * 100_000 + "]" * 100_000, "$" + "[0]" * 64, "64 levels"),
        ('{"b":[1],"a":[0,' + "[" * 100_000, "$.a[1]" + "[0]" * 62, "64 levels"),
        ('[{"a":' + '{"b":' * 100_000, "$[0].a" + ".b" * 62, "64 levels"),
    ],
)
def test_bad_json_is_refused_with_its_path(text, path, match):
    with pytest.raises(SerializationError, match=match) as caught:
        from_json(text)
    assert caught.value.path == path


def test_a_message_type_that_is_not_known_is_refused():
    with pytest.raises(SerializationError, match=r"\$message"):
        from_json('{"$message":{"@type":"type.googleapis.com/acme.Nope"}}')


def test_ordinary_json_is_read_as_it_is():
    document = {"a": [1, 2.5, "x", None, {"$ref": 1, "b": True}], "c": {}}
    assert from_json(json.dumps(document)) == document
    assert from_json("-0") == 0
    assert math.copysign(1, from_json("-0.0")) == -1


def test_json_reads_what_a_person_writes():
    assert from_json('{"$datetime":"2024-05-06T07:08:09Z"}') == dt.datetime(
        2024, 5, 6, 7, 8, 9, tzinfo=dt.timezone.utc
    )
    assert deserialize_value(any_from_json("[1.0]")) == [1.0]


def test_a_set_in_json_may_have_several_nan():
    text = '{"$set":[{"$float":"NaN"},{"$float":"NaN"}]}'
    assert len(from_json(text)) == 2
    assert to_json(any_from_json(text)) == text


def test_the_json_of_nested_sets_encodes_them_once(monkeypatch: pytest.MonkeyPatch):
    value: frozenset[object] = frozenset({1})
    for level in range(50):
        value = frozenset({value, level})
    encoded: list[object] = []

    def encode(value: object) -> Any:
        encoded.append(value)
        return serialize_value(value)

    monkeypatch.setattr(jsonform, "encode", encode)
    text = to_json([value, value])
    assert len(encoded) <= 3, "a set inside of another is encoded again"
    assert from_json(text) == [value, value]
    assert text.count('"$frozenset"') == 102


@pytest.mark.parametrize("leaf", ['{"$float":"NaN"}', '{"$date":"2024-05-06"}', "1"])
def test_maps_of_as_many_levels_as_may_be_are_read_whatever_is_in_the_last(leaf):
    text = leaf
    for _ in range(64):
        text = f'{{"$map":[[{{"$date":"2020-01-01"}},{text}]]}}'

    assert to_json(from_json(text)) == text
    with pytest.raises(SerializationError, match="nested deeper than 64 levels"):
        from_json(f'{{"$map":[[1,{text}]]}}')


def _wrapped(kind, number):
    return (
        f'{{"$message":{{"@type":"type.googleapis.com/google.protobuf.{kind}","value":{number}}}}}'
    )


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("DoubleValue", "1e-400"),
        ("DoubleValue", '"-1e-400"'),
        ("DoubleValue", '"1e400"'),
        ("DoubleValue", '" 1"'),
        ("DoubleValue", '"1_0"'),
        ("DoubleValue", '"inf"'),
        ("FloatValue", "1e-46"),
        ("FloatValue", '"1e-46"'),
        ("FloatValue", "1e39"),
        ("FloatValue", '"1e39"'),
    ],
)
def test_a_number_of_a_message_that_its_float_does_not_hold_is_refused(kind, number):
    with pytest.raises(SerializationError):
        any_from_json(_wrapped(kind, number))
    held = f'{{"@type":"x/google.protobuf.{kind}","value":{number}}}'
    option = '{"$message":{"@type":"x/google.protobuf.Option","name":"a","value":%s}}'
    with pytest.raises(SerializationError):
        any_from_json(option % held)


@pytest.mark.parametrize(
    ("kind", "number", "text"),
    [
        ("DoubleValue", "5e-324", "5e-324"),
        ("DoubleValue", '"0.0e-999"', "0.0"),
        ("FloatValue", "3.4028235e38", "3.4028234663852886e+38"),
        ("FloatValue", '"-Infinity"', '{"$float":"-Infinity"}'),
        ("StringValue", '"1e-400"', '"1e-400"'),
    ],
)
def test_a_number_of_a_message_that_its_float_holds_is_read(kind, number, text):
    assert to_json(any_from_json(_wrapped(kind, number))) == text


@pytest.mark.parametrize("path", ["é", "a b", "1", "a..b", ""])
def test_a_mask_of_a_path_that_is_no_name_is_written_as_its_bytes(path):
    mask = serialize_value(FieldMask(paths=[path]))

    text = to_json(mask)

    assert text.startswith('{"$any":')
    assert any_from_json(text) == mask


@pytest.mark.parametrize(
    "body", ['{"@type":1}', '{"@type":"x/google.protobuf.Value","value":1' + "0" * 400 + "}"]
)
def test_what_stands_for_no_message_is_refused(body):
    with pytest.raises(SerializationError, match="want"):
        any_from_json(f'{{"$message":{body}}}')
