"""Columns of types that no program here has a value for are refused by their name, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

if TYPE_CHECKING:
    from google.protobuf.any_pb2 import Any as AnyMessage

ELSEWHERE = pa.array([1], pa.timestamp("us", "Mars/Phobos"))


def sent(kind: str, table: pa.Table) -> AnyMessage:
    message = serialize_value(table)
    message.type_url = f"type.googleapis.com/{kind}"
    return message


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pandas.Series", "polars.DataFrame"])
@pytest.mark.parametrize(
    "moments", [ELSEWHERE, ELSEWHERE.dictionary_encode()], ids=["plain", "categories"]
)
def test_a_zone_that_nobody_knows_is_named(kind, moments):
    with pytest.raises(
        SerializationError, match="column 'at' is in the zone 'Mars/Phobos'"
    ) as caught:
        deserialize_value(sent(kind, pa.table({"at": moments})))
    assert caught.value.path == "$.at"


def test_an_arrow_table_of_such_a_zone_arrives():
    table = pa.table({"at": ELSEWHERE})
    assert deserialize_value(sent("pyarrow.Table", table)).equals(table)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "+05:30", "UTC"])
def test_known_zones_arrive_in_a_frame(zone):
    table = pa.table({"at": pa.array([1], pa.timestamp("us", zone))})
    frame = deserialize_value(sent("pandas.DataFrame", table))
    assert frame["at"][0].timestamp() == 1e-6


def of_unit(stream: bytes, unit: int, name: str) -> bytes:
    """The stream with another unit in the type of its intervals, which pyarrow itself writes in one only."""
    for at in range(len(stream)):
        if stream[at : at + 2] != b"\x02\x00":
            continue
        changed = stream[:at] + bytes([unit]) + stream[at + 1 :]
        try:
            schema = pa.ipc.read_schema(pa.py_buffer(changed))
        except pa.ArrowException:
            continue
        if str(schema.types[0]) == name:
            return changed
    raise AssertionError(name)


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "polars.DataFrame", "pyarrow.Table"])
@pytest.mark.parametrize(("unit", "name"), [(0, "month_interval"), (1, "day_time_interval")])
def test_intervals_as_go_has_them_are_named_with_what_to_send(kind, unit, name):
    message = sent(kind, pa.table({"due": pa.array([pa.MonthDayNano([3, 0, 0])])}))
    message.value = of_unit(message.value, unit, name)
    with pytest.raises(SerializationError, match=f"{name}, of which pyarrow has no ") as caught:
        deserialize_value(message)
    assert caught.value.path == "$.due"
