from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import IntEnum

import pytest

from grpc_tool_bridge.framesameness import are_same

NAN = float("nan")
MOMENT = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [1, "a", None, b"b", True, 1.5, NAN, -0.0],
        [[1, [2]], [], [None, "x"]],
        [{"a": 1, "b": [{"c": NAN}]}, {}, {"b": 1}],
        [(1, 2), [1, 2]],
        [Decimal("1.10"), Decimal("1E+3"), Decimal("-0")],
        [dt.date(2020, 1, 1), MOMENT, dt.time(1), dt.timedelta(1)],
    ],
    ids=repr,
)
def test_what_is_the_same_in_all_parts_is_known_to_be(cells):
    assert are_same(cells, list(cells))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1, 1.0),
        (1, True),
        (Number.ONE, 1),
        (0.0, -0.0),
        ([1], (1,)),
        ([1, 2], [1]),
        ([1, 2.0], [1.0, 2]),
        ([[1], [2, 3]], [[1, 2], [3]]),
        ({"a": 1, "b": 2}, {"b": 1, "a": 2}),
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": 1, "b": 2.0}, {"a": 1.0, "b": 2}),
        (Decimal("1.1"), Decimal("1.10")),
        (MOMENT, MOMENT.replace(fold=1)),
        (dt.time(1, tzinfo=dt.timezone.utc), dt.time(1)),
        (None, NAN),
        ("1", 1),
        ("a", "b"),
    ],
    ids=repr,
)
def test_what_differs_is_never_said_to_be_the_same(before, after):
    assert not are_same([before], [after])
    assert not are_same([[None, before]], [[None, after]])
    assert not are_same(["a", {"x": before}], ["a", {"x": after}])
