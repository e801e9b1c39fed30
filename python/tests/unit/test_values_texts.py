"""Texts that cannot be written, and values whose text form does not exist."""

from __future__ import annotations

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import EnumValue, Record, serialize_value


@dataclasses.dataclass
class Point:
    x: int
    y: float = 1.5


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
