"""Every kind of value is among those that go around, alone, inside of others and as a key."""

from __future__ import annotations

import collections

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from roundtrips import every_value

from grpc_tool_bridge.testing.samples import SamplePair, SamplePoint
from grpc_tool_bridge.testing.strategies import (
    Kind,
    key_kinds,
    kinds,
    of,
    received,
    table_kinds,
)
from grpc_tool_bridge.values import EnumValue, Record


def parts(value, key=False):
    """A value and everything that is in it, and of each whether it is a key, or a part of one."""
    yield value, key
    for item in items_of(value):
        yield from parts(item, key)
    if isinstance(value, (dict, set, frozenset)):
        for item in value:
            yield from parts(item, True)


def items_of(value):
    if type(value) in (list, tuple, SamplePair):
        return value
    if type(value) is dict:
        return value.values()
    if type(value) is Record:
        return value.fields.values()
    if type(value) is EnumValue:
        return [value.value]
    if type(value) is SamplePoint:
        return [value.x, value.y]
    return []


@pytest.fixture(scope="module")
def drawn():
    """1,000 values in their parts."""
    found = []

    def around(batch):
        found.extend(part for value in batch for part in parts(value))
        return [received(value) for value in batch]

    every_value(around, count=1_000)
    return found


def counted(drawn, expected, *, key):
    held = {
        kind.name: sum(as_key == key and kind.holds(part) for part, as_key in drawn)
        for kind in expected
    }
    return sorted((count, name) for name, count in held.items())


def test_every_kind_is_among_a_thousand_values(drawn):
    assert counted(drawn, kinds(), key=False)[0] >= (6, "")


def test_every_kind_of_key_is_among_a_thousand_values(drawn):
    assert counted(drawn, key_kinds(), key=True)[0] >= (6, "")


@pytest.mark.parametrize("kind", [*kinds(), *key_kinds()], ids=lambda kind: kind.name)
def test_what_a_kind_draws_is_of_the_kind(kind):
    @given(kind.values)
    @settings(max_examples=10, derandomize=True, database=None)
    def holds(value):
        assert kind.holds(value)

    holds()


def test_tables_of_all_four_libraries_are_drawn():
    libraries = {kind.name.partition(".")[0] for kind in table_kinds()}
    assert libraries == {"pandas", "polars", "pyarrow", "numpy"}


def test_heavier_kinds_are_drawn_more_often():
    counts = collections.Counter()

    @given(of([Kind("a", 1, st.just("a"), bool), Kind("b", 5, st.just("b"), bool)]), st.integers())
    @settings(max_examples=400, derandomize=True, database=None, phases=[Phase.generate])
    def draw(name, _):
        counts[name] += 1

    draw()
    assert 0 < counts["a"] < counts["b"]
