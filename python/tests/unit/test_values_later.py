"""Values of a later version are passed on, whatever stands in them; ints of too many bits are refused."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    Opaque,
    deserialize_value,
    from_json,
    serialize_value,
    to_json,
)

VALUE = "type.googleapis.com/dspex.bridge.Value"
LATER = bytes.fromhex("08632a0d080b6a0201022a0508042201786801")
"""Of kind 99, with a dict in a field that is not read, whose keys stand in a later field."""


def decoded(data, url=VALUE, **options):
    return deserialize_value(AnyMessage(type_url=url, value=data), **options)


def message(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


def test_a_later_kind_is_passed_on_whatever_stands_in_it():
    assert decoded(LATER) == Opaque(VALUE, LATER)
    assert serialize_value(decoded(LATER)).value == LATER
    with pytest.raises(SerializationError, match="unknown kind 99"):
        decoded(LATER, strict=True)


def test_later_kinds_inside_of_others_keep_their_bytes():
    short = bytes.fromhex("08632200")
    item, other = message(5, LATER), message(5, short)

    assert decoded(b"\x08\x07" + item + other) == [Opaque(VALUE, LATER), Opaque(VALUE, short)]
    record = b"\x08\x15\x22\x01R\x32\x01a\x32\x01b" + item + other
    assert list(decoded(record).fields.values()) == [Opaque(VALUE, LATER), Opaque(VALUE, short)]
    keyed = b"\x08\x0b" + item + message(9, short)
    assert decoded(keyed) == {Opaque(VALUE, short): Opaque(VALUE, LATER)}
    nested = (
        b"\x08\x07"
        + message(
            5,
            b"\x08\x16"
            + message(
                12, AnyMessage(type_url=VALUE, value=b"\x08\x07" + other).SerializeToString()
            ),
        )
        + item
    )
    assert decoded(nested) == [[Opaque(VALUE, short)], Opaque(VALUE, LATER)]


def test_what_a_known_kind_does_not_read_is_not_judged():
    assert decoded(bytes.fromhex("08042201782a0d080b6a0201022a050804220178")) == "x"
    assert decoded(bytes.fromhex("08042201782a05080b32016b")) == "x"


@pytest.mark.parametrize("last", [2, 3, 5, 126, 127])
def test_an_int_of_more_than_64_bits_is_refused(last):
    long = b"\xff" * 9 + bytes([last])
    for data in (b"\x08\x07" + message(7, long), b"\x08\x03\x10" + long, b"\x08" + long):
        with pytest.raises(SerializationError, match="well-formed") as caught:
            decoded(data)
        assert caught.value.path == "$"
    with pytest.raises(SerializationError, match=r"well-formed google\.protobuf\.Duration"):
        decoded(b"\x08" + long, "type.googleapis.com/google.protobuf.Duration")


def test_fields_in_another_order_and_of_later_versions_are_taken():
    assert decoded(b"\x22\x01x\x08\x04") == "x"
    duration = Duration(seconds=1, nanos=2)
    data = b"\x10\x02\x08\x01\x78\x01"
    found = decoded(data, "type.googleapis.com/google.protobuf.Duration")
    assert (found.seconds, found.nanos) == (duration.seconds, duration.nanos)
    assert sorted(serialize_value(found).value) == sorted(data)


@pytest.mark.parametrize(
    "known",
    ["0804220178", "0802100e", "0807", "08073a020204", "080b3201612a00", "08163200", "0800", ""],
)
@pytest.mark.parametrize("field", ["6a03010203", "6801", "980601", "690000000000000000"])
def test_a_value_with_a_field_of_a_later_version_keeps_it(known, field):
    data = bytes.fromhex(field + known)
    assert decoded(data) == Opaque(VALUE, data)
    assert serialize_value(decoded(data)).value == data
    assert from_json(to_json(decoded(data))) == Opaque(VALUE, data)
    with pytest.raises(SerializationError, match="fields of a later version"):
        decoded(data, strict=True)

    rows = b"\x08\x07" + message(5, b"") + message(5, data)
    assert decoded(rows) == [None, Opaque(VALUE, data)]
    assert serialize_value(decoded(rows)).value == rows
    with pytest.raises(SerializationError) as caught:
        decoded(rows, strict=True)
    assert caught.value.path == "$[1]"
