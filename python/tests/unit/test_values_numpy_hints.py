"""Hints of numpy's scalars that stand for several widths, or for what travels as a date."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value


@pytest.mark.parametrize(
    ("value", "hint", "made"),
    [
        (np.int8(-3), np.integer, np.int64(-3)),
        (np.uint64(2**64 - 1), np.integer, np.uint64(2**64 - 1)),
        (np.int16(7), np.signedinteger, np.int64(7)),
        (np.uint8(7), np.unsignedinteger, np.uint64(7)),
        (np.float32(1.5), np.floating, np.float64(1.5)),
        (np.float64(-0.0), np.inexact, np.float64(-0.0)),
        (np.complex64(1j), np.complexfloating, np.complex128(1j)),
        (np.int32(5), np.number, np.int64(5)),
        (np.float16(0.5), np.number, np.float64(0.5)),
        (np.complex128(1 + 2j), np.number, np.complex128(1 + 2j)),
        (np.datetime64("2024-05-06"), np.datetime64, np.datetime64("2024-05-06")),
        (np.datetime64("2024-05-06T07:08"), np.datetime64, np.datetime64("2024-05-06T07:08")),
        (np.timedelta64(3, "D"), np.timedelta64, np.timedelta64(3, "D")),
    ],
)
def test_a_scalar_is_made_of_the_widest_class_of_its_kind(value: Any, hint: Any, made: Any) -> None:
    got = deserialize_value(serialize_value(value), hint)

    assert isinstance(got, hint)
    assert got == made
    assert repr(got) == repr(made) or isinstance(got, (np.datetime64, np.timedelta64))


@pytest.mark.parametrize(
    ("value", "hint", "told"),
    [
        (2**64, np.integer, "want numpy.integer, which cannot hold 18446744073709551616, got int"),
        (-1, np.unsignedinteger, "want numpy.unsignedinteger, which cannot hold -1, got int"),
        (1.5, np.integer, "want numpy.integer, got float"),
        (True, np.integer, "want numpy.integer, got bool"),
        ("1", np.number, "want numpy.number, got str"),
        (1j, np.floating, "want numpy.floating, got complex"),
    ],
)
def test_what_no_width_holds_is_refused(value: Any, hint: Any, told: str) -> None:
    with pytest.raises(SerializationError, match=told):
        deserialize_value(serialize_value(value), hint)
