"""Names of time zones that nobody knows are not looked for on disk without an end."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest

from grpc_tool_bridge.values import from_json, texts


@pytest.fixture
def looked_for(monkeypatch):
    """The names that are looked for on disk, from a fresh start."""
    found = []

    def zone(name):
        found.append(name)
        return ZoneInfo(name)

    texts._zone.cache_clear()
    monkeypatch.setattr(texts, "ZoneInfo", zone)
    yield found
    texts._zone.cache_clear()


def moment(name, offset="+01:00"):
    return from_json(f'{{"$datetime":"2024-05-06T07:08:09{offset}[{name}]"}}')


def test_of_many_unknown_names_few_are_looked_for_and_all_stay(looked_for):
    read = [moment(f"Mars/Crater_{number}") for number in range(3_000)]

    assert [m.tzname() for m in read] == [f"Mars/Crater_{number}" for number in range(3_000)]
    assert {m.utcoffset() for m in read} == {dt.timedelta(hours=1)}
    assert len(looked_for) == 512
    assert moment("Mars/Crater_2999") == read[-1]


def test_known_names_are_found_behind_many_unknown_ones(looked_for):
    for number in range(1_000):
        moment(f"Mars/Crater_{number}")

    names = [name for name in available_timezones() if texts._is_zone(name)]
    assert len(names) > 400
    for name in names:
        offset = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=ZoneInfo(name)).isoformat()[19:]
        assert moment(name, offset).tzinfo is ZoneInfo(name)
    assert len(looked_for) == len(set(looked_for))


def test_a_zone_of_another_offset_is_read_from_disk_once(looked_for):
    for name in ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "Europe/Paris"] * 5:
        assert moment(name, "+11:00").tzname() == name

    assert len(looked_for) == 4
