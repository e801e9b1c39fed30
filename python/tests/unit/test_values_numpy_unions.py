"""Unions of numpy's scalars: an int stays an int and a float a float, whichever member stands first."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
import pytest

from grpc_tool_bridge.values import deserialize_value, serialize_value


class Seats(enum.Enum):
    FEW = 3


@pytest.mark.parametrize(
    ("value", "hint", "made"),
    [
        (3, np.floating | np.integer, np.int64(3)),
        (3, np.float64 | np.int64, np.int64(3)),
        (3, np.complexfloating | np.integer, np.int64(3)),
        (3, np.inexact | np.number, np.int64(3)),
        (3, float | np.integer, np.int64(3)),
        (3, Decimal | np.integer, np.int64(3)),
        (3, float | Seats, 3.0),
        (3, float | Annotated[int, "of seats"], 3),
        (1.5, np.complex128 | np.float32, np.float32(1.5)),
        (1.5, complex | np.floating, np.float64(1.5)),
        (1.5, np.complexfloating | np.inexact, np.float64(1.5)),
        (3, np.floating | np.str_, np.float64(3)),
        (300, np.floating | np.int8, np.float64(300)),
    ],
)
def test_a_number_is_made_of_the_member_of_its_kind(value: Any, hint: Any, made: Any) -> None:
    got = deserialize_value(serialize_value(value), hint)

    assert repr(got) == repr(made)


@pytest.mark.parametrize(
    "hint",
    [
        list[np.floating] | list[np.integer],
        list[np.complex128] | list[np.int64],
        list[np.float64 | np.int64],
    ],
)
def test_so_are_numbers_in_lists(hint: Any) -> None:
    got = deserialize_value(serialize_value([3]), hint)

    assert repr(got) == repr([np.int64(3)])
