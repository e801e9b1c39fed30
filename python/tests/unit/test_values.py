# ruff: noqa: DTZ001 - datetimes without a zone are values, too
from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import enum
import math
import pickle
import struct
import types
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pydantic
import pytest
from google.protobuf import timestamp_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import FloatValue, Int32Value, UInt64Value
from hypothesis import given, settings
from hypothesis import strategies as st

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    DateTimeNs,
    EnumValue,
    Opaque,
    Record,
    TimeDeltaNs,
    TimeNs,
    deserialize_value,
    encode_into,
    from_json,
    serialize_value,
    to_json,
)
from grpc_tool_bridge.values import urls as limits
from grpc_tool_bridge.values.encode import encode

VALUE = limits.VALUE


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Mode(str, enum.Enum):
    FAST = "fast"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 1.5


class Pair(NamedTuple):
    left: int
    right: str


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    size: int = 3


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Ratio(float):
    pass


class Blob(bytes):
    pass


def round_trip(value, **options):
    return deserialize_value(serialize_value(value, **options))


def alike(left, right):
    """Equal in value and type, at every depth; NaN is like NaN of the same sign."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        same_sign = math.copysign(1, left) == math.copysign(1, right)
        return same_sign and (left == right or (left != left and right != right))
    if isinstance(left, complex):
        return alike(left.real, right.real) and alike(left.imag, right.imag)
    if isinstance(left, Decimal):
        return str(left) == str(right)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, dict):
        return alike(list(left.items()), list(right.items()))
    if isinstance(left, (set, frozenset)):
        return sorted(map(repr, left)) == sorted(map(repr, right))
    if isinstance(left, dt.datetime):
        if left.tzinfo is None and left.fold != right.fold:
            return False
        return left.isoformat() == right.isoformat() and left.utcoffset() == right.utcoffset()
    return left == right


offsets = st.integers(-86_399, 86_399).map(lambda s: dt.timezone(dt.timedelta(seconds=s)))
keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.tuples(st.integers(), st.text(max_size=3)),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**60), 10**60),
    st.floats(),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.datetimes(timezones=offsets),
    st.datetimes(timezones=st.just(dt.timezone.utc)),
    st.datetimes(
        min_value=dt.datetime(1950, 1, 1),
        max_value=dt.datetime(2037, 1, 1),
        timezones=st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]).map(ZoneInfo),
        allow_imaginary=False,
    ),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.uuids(),
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.lists(inner, max_size=6).map(tuple),
        st.dictionaries(st.text(max_size=6), inner, max_size=6),
        st.dictionaries(keys, inner, max_size=6),
        st.lists(st.integers(), max_size=80),
        st.lists(st.floats(), max_size=10),
        st.lists(st.text(max_size=3), max_size=70),
        st.sets(keys, max_size=6),
        st.frozensets(st.floats(allow_nan=False), max_size=6),
    ),
    max_leaves=25,
)


@given(trees)
@settings(max_examples=300, deadline=None)
def test_every_value_comes_back_with_its_type(value):
    assert alike(round_trip(value), value)


@given(trees)
@settings(max_examples=200, deadline=None)
def test_every_value_comes_back_from_its_json_form(value):
    text = to_json(value)
    assert alike(from_json(text), value)
    assert to_json(from_json(text)) == text


@given(trees)
@settings(max_examples=100, deadline=None)
def test_encoding_is_canonical(value):
    encoded = serialize_value(value)
    assert serialize_value(deserialize_value(encoded)) == encoded


@given(trees)
@settings(max_examples=100, deadline=None)
def test_plain_values_lose_nothing(value):
    assert alike(round_trip(value, plain=True), value)


@given(
    st.binary(max_size=200), st.sampled_from(sorted([VALUE, limits.JSON_STRUCT, limits.JSON_LIST]))
)
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_decoder(data, url):
    encoded = Any(type_url=url, value=data)
    try:
        value = deserialize_value(encoded)
    except SerializationError:
        return
    assert alike(round_trip(value), value)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ([1, 2, 3], limits.JSON_LIST),
        ({"key": "value"}, limits.JSON_STRUCT),
        ([], limits.JSON_LIST),
        ({}, limits.JSON_STRUCT),
        ([2**53, -(2**53)], limits.JSON_LIST),
        ([1e300, 0.5], limits.JSON_LIST),
        ([0] * 63, limits.JSON_LIST),
        ([0] * 64, VALUE),
        ([1.0], VALUE),
        ([-0.0], VALUE),
        ([2**53 + 1], VALUE),
        ([2.0**53], VALUE),
        ([math.nan], VALUE),
        ([math.inf], VALUE),
        ([b"x"], VALUE),
        ({"b": 1, "a": 2}, VALUE),
        ({"a": 1, "b": 2}, limits.JSON_STRUCT),
        ({1: 2}, VALUE),
        ((1,), VALUE),
        (2**63, VALUE),
        (2**63 - 1, limits.INT64),
        (-(2**63), limits.INT64),
        (None, limits.JSON_VALUE),
    ],
)
def test_small_and_lossless_values_take_the_common_types(value, url):
    encoded = serialize_value(value)
    assert encoded.type_url == url
    assert alike(deserialize_value(encoded), value)


def nested(levels, outer=list):
    value = []
    for _ in range(levels - 1):
        value = [value] if outer is list else {"a": value}
    return value


def test_sixteen_levels_are_small_and_seventeen_are_not():
    assert serialize_value(nested(16)).type_url == limits.JSON_LIST
    assert serialize_value(nested(17)).type_url == VALUE


def test_plain_values_have_no_limits_of_size():
    assert serialize_value(list(range(1000)), plain=True).type_url == limits.JSON_LIST
    assert serialize_value(nested(30), plain=True).type_url == limits.JSON_LIST
    assert round_trip(nested(64), plain=True) == nested(64)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (range(3), [0, 1, 2]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (collections.deque([1, 2]), [1, 2]),
        (array.array("d", [1.5, 2.0]), [1.5, 2.0]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Text("t"), "t"),
        (Number(7), 7),
        (Ratio(-0.0), -0.0),
        (Blob(b"b"), b"b"),
        ([Text("t"), Number(1)], ["t", 1]),
        ({Text("k"): Ratio(0.5)}, {"k": 0.5}),
        (np.int64(3), 3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(1.5), 1.5),
        (np.float64(2.0), 2.0),
        (np.bool_(True), True),
        (np.complex64(1 + 2j), 1 + 2j),
        (np.str_("s"), "s"),
        (np.bytes_(b"s"), b"s"),
        ([np.int8(1), 2], [1, 2]),
        (np.datetime64("2024-05-06"), dt.date(2024, 5, 6)),
        (np.datetime64("2024-05-06T01:02:03"), dt.datetime(2024, 5, 6, 1, 2, 3)),
        (np.timedelta64(3, "s"), dt.timedelta(seconds=3)),
        (np.timedelta64(3_000, "ns"), dt.timedelta(microseconds=3)),
        (pd.Timestamp("2024-05-06", tz="UTC"), dt.datetime(2024, 5, 6, tzinfo=dt.timezone.utc)),
        (pd.Timedelta("3us"), dt.timedelta(microseconds=3)),
        (Color.RED, EnumValue("Color", "RED", "red")),
        (Level.LOW, EnumValue("Level", "LOW", 1)),
        (Mode.FAST, EnumValue("Mode", "FAST", "fast")),
        (Point(1), Record("Point", {"x": 1, "y": 1.5})),
        (Pair(1, "r"), Record("Pair", {"left": 1, "right": "r"})),
        (Model(name="n", more=1), Record("Model", {"name": "n", "size": 3, "more": 1})),
        (ValueError("no"), Record("ValueError", {"message": "no"})),
        ([Point(1)], [Record("Point", {"x": 1, "y": 1.5})]),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_relatives_of_known_types_travel_as_those(value, expected):
    assert alike(round_trip(value), expected)


@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("2024-05-06T01:02:03.000000004"),
        pd.Timestamp("2024-05-06T01:02:03.000000004"),
    ],
)
def test_nanoseconds_of_other_libraries_are_kept(value):
    assert round_trip(value) == DateTimeNs(2024, 5, 6, 1, 2, 3, nanosecond=4)


def test_nanoseconds_of_spans_are_kept():
    assert round_trip(np.timedelta64(-1, "ns")) == TimeDeltaNs(nanoseconds=-1)
    assert round_trip(pd.Timedelta(1, "ns")) == TimeDeltaNs(nanoseconds=1)
    assert round_trip(TimeNs(1, 2, 3, nanosecond=4)) == TimeNs(1, 2, 3, nanosecond=4)


def test_a_repeated_hour_keeps_its_offset():
    zone = ZoneInfo("Europe/Berlin")
    for fold in (0, 1):
        moment = dt.datetime(2024, 10, 27, 2, 30, tzinfo=zone, fold=fold)
        again = round_trip(moment)
        assert again.tzinfo is zone
        assert (again.fold, again.utcoffset()) == (fold, moment.utcoffset())


def test_a_zone_that_is_not_known_here_keeps_name_and_offset():
    moment = dt.datetime(2024, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=5), "Mars/Base"))
    again = round_trip(moment)
    assert again == moment
    assert serialize_value(again) == serialize_value(moment)
    # and one whose rules differ here keeps what was sent
    message = pb.Value(kind=pb.DATETIME, text="2024-05-06T00:00:00+05:00[Europe/Berlin]")
    odd = deserialize_value(Any(type_url=VALUE, value=message.SerializeToString()))
    assert odd.utcoffset() == dt.timedelta(hours=5)
    assert serialize_value(odd).value == message.SerializeToString()


def test_dicts_keep_their_order_and_keys_of_any_kind():
    value = {"z": 1, 1: "a", (1, "x"): None, Decimal("1.5"): [], None: 2, dt.date(2024, 1, 1): 3}
    assert alike(round_trip(value), value)
    keyed = {Color.RED: 1, Pair(1, "a"): 2}
    again = round_trip(keyed)
    assert again == {
        EnumValue("Color", "RED", "red"): 1,
        Record("Pair", {"left": 1, "right": "a"}): 2,
    }


def test_equal_sets_are_equal_bytes():
    for items in ([3, 1, 2], ["b", "a", "😀", "\uffff"], [0.5, 0.0, -1.5], [1, "a", (2,), 2**70]):
        other = set()
        for item in items[::-1]:
            other.add(item)
        assert serialize_value(set(items)) == serialize_value(other)
    assert round_trip({1, 2**70}) == {1, 2**70}


def test_every_nan_of_one_sign_is_the_same_bytes():
    for other, plain in [
        (struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\x7f")[0], math.nan),
        (struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\xff")[0], math.copysign(math.nan, -1)),
    ]:
        for shape in (lambda x: x, lambda x: [x, 1.5], lambda x: [x, "a"], lambda x: complex(x, 0)):
            assert serialize_value(shape(other)) == serialize_value(shape(plain))


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
        assert alike(round_trip(message), value)
    assert alike(round_trip(FloatValue(value=1.5)), 1.5)
    fields = Struct()
    fields.update({"b": [1, 2.5, None, True, {"x": "y"}], "a": 1e300})
    assert alike(round_trip(fields), {"a": 1e300, "b": [1, 2.5, None, True, {"x": "y"}]})


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


def test_an_empty_any_is_none():
    assert deserialize_value(Any()) is None


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
        deserialize_value(Any(type_url=limits.PYTHON + "X", value=b"\xff"))


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


def test_cycles_are_named():
    rows = [1, {"next": []}]
    rows[1]["next"].append(rows)
    with pytest.raises(SerializationError, match="cycle") as caught:
        serialize_value({"rows": rows})
    assert caught.value.path == "$.rows[1].next[0]"


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


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a\ud800", "$"),
        (["a", "\udfff"], "$[1]"),
        ({"rows": [1, 2, 3, {"price": "\ud800"}]}, "$.rows[3].price"),
        ({"not a name": "\ud800"}, '$["not a name"]'),
        ({1.5: "\ud800"}, "$[1.5]"),
        (("\ud800",), "$[0]"),
        ({"\ud800"}, "$[0]"),
        ([Point(1, "\ud800")], "$[0].y"),
        (EnumValue("E", "A", "\ud800"), "$.value"),
        ({("\ud800",): 1}, "$[key 0][0]"),
        ({"\ud800": 1}, "$[key 0]"),
        ({"a": {"b": 1, "\ud800": 1}}, "$.a[key 1]"),
    ],
)
def test_lone_surrogates_are_refused_where_they_stand(value, path):
    with pytest.raises(SerializationError, match="UTF-8") as caught:
        serialize_value(value)
    assert caught.value.path == path


def test_a_value_that_would_explode_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_ELEMENTS", 10_000)
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 64 * 1024)
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


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (dt.time(1, tzinfo=ZoneInfo("Europe/Berlin")), "depends on the date"),
        (dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(microseconds=1))), "fraction"),
        (Record("R", {1: 2}), "no str"),
    ],
)
def test_what_has_no_text_form_is_refused(value, match):
    with pytest.raises(SerializationError, match=match):
        serialize_value(value)


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
        (Any(type_url=limits.STRING, value=b"\n\x01\xff"), "StringValue"),
        (Any(type_url=limits.JSON_LIST, value=b"\xff"), "ListValue"),
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


class TestRecord:
    def test_fields_are_attributes_and_items(self):
        record = Record("Point", {"x": 1, "fields": 2})
        assert (record.x, record["x"], record["fields"]) == (1, 1, 2)
        assert record.fields == {"x": 1, "fields": 2}
        with pytest.raises(AttributeError, match="'z'"):
            _ = record.z
        assert repr(record) == "Record Point(x=1, fields=2)"

    def test_equality_hash_and_pickle(self):
        record = Record("P", {"x": 1, "y": 2})
        assert record == Record("P", {"x": 1, "y": 2})
        assert record != Record("P", {"y": 2, "x": 1})
        assert record != 3
        assert hash(record) == hash(Record("P", {"x": 1, "y": 2}))
        assert pickle.loads(pickle.dumps(record)) == record


class TestNanoseconds:
    moment = DateTimeNs(2024, 5, 6, 7, 8, 9, 1, nanosecond=5)

    def test_it_is_a_datetime_that_keeps_them(self):
        moment = self.moment
        assert isinstance(moment, dt.datetime)
        assert moment.plain() == dt.datetime(2024, 5, 6, 7, 8, 9, 1)
        assert moment.replace(year=2025).nanosecond == 5
        assert moment.replace(microsecond=3).nanosecond == 0
        assert moment.replace(nanosecond=7).nanosecond == 7
        aware = moment.replace(tzinfo=dt.timezone.utc).astimezone(ZoneInfo("Europe/Berlin"))
        assert (aware.hour, aware.nanosecond) == (9, 5)
        assert pickle.loads(pickle.dumps(moment)) == moment
        assert eval(repr(moment), {"DateTimeNs": DateTimeNs, "datetime": dt}) == moment

    def test_arithmetic_keeps_them(self):
        later = self.moment + TimeDeltaNs(nanoseconds=996)
        assert (later.microsecond, later.nanosecond) == (2, 1)
        assert dt.timedelta(0) + self.moment == self.moment
        assert later - self.moment == TimeDeltaNs(nanoseconds=996)
        assert self.moment - self.moment.plain() == TimeDeltaNs(nanoseconds=5)
        assert self.moment.plain() - self.moment == TimeDeltaNs(nanoseconds=-5)
        assert later - TimeDeltaNs(nanoseconds=996) == self.moment
        with pytest.raises(TypeError):
            _ = self.moment - 3

    def test_order_and_equality_count_them(self):
        plain = self.moment.plain()
        assert plain < self.moment <= self.moment.replace(nanosecond=6)
        assert self.moment > plain
        assert self.moment >= plain
        assert self.moment != plain
        assert self.moment != "x"
        assert DateTimeNs.of(plain, 0) == plain
        assert hash(DateTimeNs.of(plain, 0)) == hash(plain)
        assert len({self.moment, plain}) == 2

    def test_times_keep_them_and_are_in_their_order(self):
        time = TimeNs(7, 8, 9, 1, nanosecond=5)
        assert time.replace(hour=1) == TimeNs(1, 8, 9, 1, nanosecond=5)
        assert time.replace(microsecond=3).nanosecond == 0
        assert time.replace(nanosecond=7).nanosecond == 7
        assert time.plain() < time <= time.replace(nanosecond=6)
        assert time.replace(nanosecond=6) > time
        assert time >= time.plain()

    def test_out_of_range_is_refused(self):
        with pytest.raises(ValueError, match=r"0\.\.999"):
            DateTimeNs(2024, 1, 1, nanosecond=1000)
        with pytest.raises(ValueError, match=r"0\.\.999"):
            TimeNs(1, nanosecond=-1)

    def test_spans(self):
        span = TimeDeltaNs(seconds=1, nanoseconds=-1)
        assert span.total_nanoseconds() == 999_999_999
        assert -span == TimeDeltaNs(nanoseconds=-999_999_999)
        assert abs(-span) == span
        assert span + dt.timedelta(seconds=1) == dt.timedelta(seconds=1) + span
        assert span - dt.timedelta(seconds=1) == TimeDeltaNs(nanoseconds=-1)
        assert dt.timedelta(seconds=1) - span == TimeDeltaNs(nanoseconds=1)
        assert span < dt.timedelta(seconds=1)
        assert span <= span.plain() + TimeDeltaNs(nanoseconds=999)
        assert span > span.plain()
        assert span >= span.plain()
        assert span != 1
        assert TimeDeltaNs(nanoseconds=1)
        assert not TimeDeltaNs()
        assert hash(TimeDeltaNs(seconds=1)) == hash(dt.timedelta(seconds=1))
        assert pickle.loads(pickle.dumps(span)) == span
        assert "nanoseconds=999" in repr(span)

    def test_times(self):
        time = TimeNs(1, 2, 3, 4, nanosecond=5)
        assert time != time.plain()
        assert time != 1
        assert TimeNs(1) == dt.time(1)
        assert hash(TimeNs(1)) == hash(dt.time(1))
        assert pickle.loads(pickle.dumps(time)) == time
        assert repr(time) == "TimeNs.of(datetime.time(1, 2, 3, 4), 5)"


def test_uuid_and_fraction_subclasses():
    class Mine(uuid.UUID):
        pass

    class Part(Fraction):
        pass

    key = uuid.uuid4()
    assert alike(round_trip(Mine(int=key.int)), key)
    assert alike(round_trip(Part(1, 3)), Fraction(1, 3))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "é" * 63,
        "é" * 64,
        "x" * 127,
        "x" * 128,
        0,
        127,
        128,
        -1,
        1 << 70,
        0.0,
        -0.0,
        True,
        None,
        b"",
        [1],
        {"a": 1},
        (1,),
    ],
    ids=repr,
)
def test_a_value_is_encoded_in_place_as_it_is_alone(value):
    place = Any()

    size = encode_into(place, value)

    assert place == serialize_value(value)
    assert size == len(place.type_url) + len(place.value)
    assert deserialize_value(place) == value


def test_a_text_that_utf8_cannot_carry_is_refused_in_place_too():
    with pytest.raises(SerializationError, match="lone surrogate at character 1"):
        encode_into(Any(), "a\ud800")


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
    assert deserialize_value(Any(type_url=limits.JSON_STRUCT, value=inner)) == nested


def _length(data: bytes) -> bytes:
    return (
        bytes((len(data),)) if len(data) < 128 else bytes((len(data) & 127 | 128, len(data) >> 7))
    )
