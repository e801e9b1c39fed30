"""Values that hold one part in very many places are refused before they take memory."""

from __future__ import annotations

import dataclasses
import tracemalloc
from typing import Any

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import serialize_value, sharing, to_json
from grpc_tool_bridge.values.fault import Fault


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


def doubled(make: Any, times: int) -> Any:
    value = make((), ())
    for _ in range(times):
        value = make(value, value)
    return value


KINDS = {
    "lists": lambda left, right: [left, right],
    "tuples": lambda left, right: (left, right),
    "dicts": lambda left, right: {"l": left, "r": right},
    "dataclasses": Pair,
    "keys": lambda left, right: {1: frozenset({left, (right,)})}[1],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_shared_is_counted_in_each_of_its_places(kind):
    value = doubled(KINDS[kind], 55)

    with pytest.raises(Fault, match="message too large: more than 16777216 elements, as parts"):
        sharing.refuse_too_many(value)


@pytest.mark.parametrize(
    "write", [serialize_value, to_json, lambda value: serialize_value(value, plain=True)]
)
def test_it_is_refused_before_it_takes_memory(write, monkeypatch):
    monkeypatch.setattr("grpc_tool_bridge.values.urls.FEW_ELEMENTS", 1 << 12)
    value = {"rows": doubled(KINDS["lists"], 55)}
    tracemalloc.start()
    try:
        with pytest.raises(SerializationError, match="message too large"):
            write(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 << 20


def test_a_value_is_counted_as_it_is_encoded_or_less(monkeypatch):
    monkeypatch.setattr("grpc_tool_bridge.values.urls.MAX_ELEMENTS", 100)

    sharing.refuse_too_many(doubled(KINDS["lists"], 4))
    sharing.refuse_too_many(dict.fromkeys(range(100), "x"))
    with pytest.raises(Fault):
        sharing.refuse_too_many(doubled(KINDS["lists"], 6))
    with pytest.raises(Fault):
        sharing.refuse_too_many([[1] * 50, [1] * 50])


def test_cycles_and_deep_values_end():
    cycle: list[Any] = []
    cycle.extend([cycle, cycle])
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    sharing.refuse_too_many(cycle)
    sharing.refuse_too_many(deep)
    for value in (cycle, deep):
        with pytest.raises(SerializationError):
            serialize_value(value, plain=True)


def test_a_large_value_whose_parts_are_shared_a_few_times_is_sent(monkeypatch):
    part = [{"a": i, "b": (i, 2.0)} for i in range(1000)]

    monkeypatch.setattr("grpc_tool_bridge.values.urls.FEW_ELEMENTS", 1 << 12)

    assert len(serialize_value([part] * 15).value) > 1 << 17
