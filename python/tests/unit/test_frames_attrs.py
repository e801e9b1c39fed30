"""attrs of tables that hold tables: what has no end, or is too deep, is refused with its path."""

from __future__ import annotations

import pandas as pd
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.tables import large_table
from grpc_tool_bridge.values import deserialize_value, serialize_value


def frame_in_itself():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["me"] = frame
    return frame


def frame_in_a_list_of_its_own():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["all"] = [1, {"me": frame}]
    return frame


def series_in_itself():
    series = pd.Series([1], name="s")
    series.attrs["me"] = series
    return series


def two_in_each_other():
    one, other = pd.DataFrame({"a": [1]}), pd.Series([2])
    one.attrs["other"], other.attrs["one"] = other, one
    return one


def nested(levels):
    frame = pd.DataFrame({"a": [1]})
    for _ in range(levels):
        outer = pd.DataFrame({"a": [1]})
        outer.attrs["in"] = frame
        frame = outer
    return frame


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (frame_in_itself, "$.attrs.me"),
        (frame_in_a_list_of_its_own, "$.attrs.all[1].me"),
        (series_in_itself, "$.attrs.me"),
        (two_in_each_other, "$.attrs.other.attrs.one"),
    ],
)
@pytest.mark.parametrize("send", [serialize_value, lambda value: large_table(value, 1)])
def test_a_table_in_its_own_attrs_is_a_cycle_with_its_path(make, path, send):
    with pytest.raises(SerializationError, match="in its own attrs: a cycle cannot") as caught:
        send(make())

    assert caught.value.path == path


@pytest.mark.parametrize("levels", [32, 200])
def test_tables_too_deep_in_attrs_are_refused_with_path_and_limit(levels):
    with pytest.raises(SerializationError, match="deeper than 64 levels") as caught:
        serialize_value(nested(levels))

    assert caught.value.path == "$" + ".attrs.in" * 32


def test_tables_in_attrs_come_back_and_may_be_there_twice():
    frame = nested(3)
    inner = frame.attrs["in"]
    frame.attrs["again"] = inner

    again = deserialize_value(serialize_value(frame))

    assert list(again.attrs) == ["in", "again"]
    assert again.attrs["in"].attrs["in"].attrs["in"]["a"].tolist() == [1]


def test_attrs_that_outgrow_any_message_are_refused_level_by_level():
    frame = nested(10)
    frame.attrs["data"] = bytes(13 << 20)

    with pytest.raises(SerializationError, match=r"attrs, has \d+ bytes, the limit is 16777216"):
        serialize_value(frame)


def test_an_attr_without_an_encoding_is_named_by_its_path():
    series = pd.Series([1])
    series.attrs["a b"] = [object()]

    with pytest.raises(SerializationError, match="has no encoding") as caught:
        serialize_value({"s": series})

    assert caught.value.path == '$.s.attrs["a b"][0]'
