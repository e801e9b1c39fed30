"""Bytes that no SDK writes are refused, with the path to them."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrips import round_trip

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import deserialize_value, urls

VALUE = urls.VALUE


@given(st.binary(max_size=200), st.sampled_from(sorted([VALUE, urls.JSON_STRUCT, urls.JSON_LIST])))
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_decoder(data, url):
    encoded = Any(type_url=url, value=data)
    try:
        value = deserialize_value(encoded)
    except SerializationError:
        return
    assert not difference(value, round_trip(value))


def malformed(**fields):
    return Any(type_url=VALUE, value=pb.Value(**fields).SerializeToString())


INT = pb.Value(kind=pb.INT, int_value=1)
LIST = pb.Value(kind=pb.LIST)


@pytest.mark.parametrize(
    ("encoded", "match"),
    [
        (malformed(kind=pb.LIST, ints=[1], texts=["a"]), "more than one field"),
        (malformed(kind=pb.DICT, texts=["a"], items=[]), "1 keys for 0 values"),
        (malformed(kind=pb.DICT, texts=["a", "a"], items=[INT, INT]), "twice"),
        (malformed(kind=pb.DICT, texts=["a"], keys=[INT], items=[INT]), "more than one field"),
        (malformed(kind=pb.DICT, keys=[LIST], items=[INT]), "unhashable"),
        (malformed(kind=pb.SET, items=[LIST]), "unhashable"),
        (malformed(kind=pb.SET, ints=[1, 1]), "twice"),
        (malformed(kind=pb.COMPLEX, floats=[1.0]), "2 parts"),
        (malformed(kind=pb.UUID, data=b"x"), "16 bytes"),
        (malformed(kind=pb.ENUM, texts=["A"]), "one name and one value"),
        (malformed(kind=pb.DATETIME, text="2024-05-06"), "not a datetime"),
        (malformed(kind=pb.DATETIME, text="2024-13-06T00:00:00"), "out of range"),
        (malformed(kind=pb.DATETIME, text="2024-05-06T00:00:00+25:00"), "out of range"),
        (malformed(kind=pb.DATE, text="2024-02-30"), "out of range"),
        (malformed(kind=pb.DATE, text="20240230"), "not a date"),
        (malformed(kind=pb.TIME, text="25:00:00"), "out of range"),
        (malformed(kind=pb.TIME, text="x"), "not a time"),
        (malformed(kind=pb.TIMEDELTA, text="1e9"), "not a time span"),
        (malformed(kind=pb.TIMEDELTA, text="9" * 20), "out of range"),
        (malformed(kind=pb.DECIMAL, text="1_0"), "not a decimal"),
        (malformed(kind=pb.DECIMAL, text="abc"), "not a decimal"),
        (malformed(kind=pb.FRACTION, text="1/0"), "not a fraction"),
        (malformed(kind=pb.FRACTION, text="1"), "not a fraction"),
        (Any(type_url=VALUE, value=b"\xff"), "want a well-formed dspex.bridge.Value"),
        (Any(type_url=urls.STRING, value=b"\n\x01\xff"), "StringValue"),
        (Any(type_url=urls.JSON_LIST, value=b"\xff"), "ListValue"),
    ],
)
def test_malformed_bytes_are_errors(encoded, match):
    with pytest.raises(SerializationError, match=match):
        deserialize_value(encoded)


def test_the_path_leads_into_what_was_received():
    bad = pb.Value(kind=pb.DATE, text="x")
    row = pb.Value(kind=pb.DICT, texts=["price"], items=[bad])
    outer = pb.Value(
        kind=pb.RECORD, text="R", texts=["rows"], items=[pb.Value(kind=7, items=[row])]
    )
    with pytest.raises(SerializationError) as caught:
        deserialize_value(Any(type_url=VALUE, value=outer.SerializeToString()))
    assert caught.value.path == "$.rows[0].price"
