# Values of every type go through here, so that most are of an unknown one.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""hypothesis strategies for numbers: ints, floats, complex numbers, fractions and decimals."""

from __future__ import annotations

import math
import operator
import struct
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from grpc_tool_bridge.values import MAX_DIGITS

from .valuekinds import Kind, is_a, of, suits

if TYPE_CHECKING:
    Values = st.SearchStrategy[Any]

__all__ = ["decimal_kinds", "floats", "number_kinds", "numbers"]


def number_kinds() -> list[Kind]:
    """The kinds of ints, floats, complex numbers and fractions."""
    around = st.builds(
        lambda bits, plus, sign: sign * (2**bits + plus),
        st.sampled_from([0, 7, 8, 31, 32, 53, 62, 63, 64, 71]),
        st.integers(-2, 2),
        st.sampled_from([1, -1]),
    )
    huge = st.builds(
        lambda digits, plus, sign: sign * (10**digits - 1 - plus),
        st.integers(MAX_DIGITS - 3, MAX_DIGITS),
        st.integers(0, 10**9),
        st.sampled_from([1, -1]),
    )
    nan = st.builds(
        float, st.just("nan")
    )  # each another object, which sets and dicts tell from others
    subnormal = st.integers(1, 2**52 - 1).map(
        lambda bits: struct.unpack("<d", struct.pack("<q", bits))[0]
    )
    return [
        Kind("int64", 1, st.integers(-(2**63), 2**63 - 1), is_a(int)),
        Kind("int", 1, st.integers(), is_a(int)),
        Kind("number at a border", 2, around | around.map(float), is_a(int, float)),
        Kind("longest int", 1, huge, suits(int, lambda value: abs(value) > 2**14_000)),
        Kind("float", 2, floats(), is_a(float)),
        Kind("-0.0", 1, st.just(-0.0), suits(float, lambda value: str(value) == "-0.0")),
        Kind("NaN", 1, nan, suits(float, lambda value: _nan_sign(value) == 1)),
        Kind("-NaN", 1, nan.map(operator.neg), suits(float, lambda value: _nan_sign(value) == -1)),
        Kind("infinity", 1, st.sampled_from([math.inf, -math.inf]), suits(float, math.isinf)),
        Kind(
            "subnormal float", 1, subnormal, suits(float, lambda value: 0 < abs(value) < 2**-1022)
        ),
        Kind("complex", 1, st.builds(complex, floats(), floats()), is_a(complex)),
        Kind("Fraction", 1, st.fractions(), is_a(Fraction)),
    ]


def _nan_sign(value: float) -> float:
    return math.copysign(1, value) if math.isnan(value) else 0


def decimal_kinds() -> list[Kind]:
    """The kinds of decimals."""

    def digits(least: int, most: int) -> Values:
        return st.integers(10 ** (least - 1), 10**most - 1).map(
            lambda number: tuple(map(int, str(number)))
        )

    def made(digits: Values, exponents: Values) -> Values:
        return st.builds(
            lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
            st.integers(0, 1),
            digits,
            exponents,
        )

    zero = st.integers(-30, 30).map(lambda exponent: Decimal((1, (0,), exponent)))
    special = ["NaN", "-NaN", "NaN123", "Infinity", "-Infinity"]
    return [
        Kind("Decimal", 2, made(digits(1, 20), st.integers(-20, 20)), is_a(Decimal)),
        Kind(
            "long Decimal",
            2,
            made(digits(29, 60), st.integers(-70, 70)),
            suits(Decimal, lambda value: len(value.as_tuple().digits) > 28),
        ),
        Kind(
            "Decimal of a large exponent",
            1,
            made(digits(1, 5), st.integers(1000, 10**17) | st.integers(-(10**17), -1000)),
            suits(Decimal, lambda value: value.is_finite() and abs(value.adjusted()) > 900),
        ),
        Kind(
            "-0 of Decimal",
            1,
            zero,
            suits(Decimal, lambda value: value.is_zero() and value.is_signed()),
        ),
        Kind(
            "Decimal that is no number",
            1,
            st.sampled_from(special).map(Decimal),
            suits(Decimal, lambda value: not value.is_finite()),
        ),
    ]


def numbers() -> Values:
    """Ints of up to 4,300 digits, floats of all kinds, and both around the borders of the wire's forms."""
    return of(number_kinds() + decimal_kinds())


def floats() -> Values:
    """Floats; a NaN keeps its sign only, so none has another payload here."""
    special = ["nan", "-nan", "0.0", "-0.0", "5e-324", "1e16", "9007199254740992.0"]
    return st.floats(allow_nan=False) | st.sampled_from(special).map(float)
