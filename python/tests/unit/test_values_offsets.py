"""Datetimes keep their zone and its offset."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from google.protobuf.any_pb2 import Any
from roundtrips import round_trip

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.values import deserialize_value, serialize_value, urls

VALUE = urls.VALUE


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
