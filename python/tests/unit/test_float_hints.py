"""An int is taken for a float only where the float is that number."""

from __future__ import annotations

import pytest

from grpc_tool_bridge import SerializationError, ToolExecutionError
from grpc_tool_bridge.schema.function import ToolFunction
from grpc_tool_bridge.values.convert import convert

INEXACT = 2**53 + 1


@pytest.mark.parametrize("number", [0, -7, 2**53, -(2**53), 2**60, 10**22])
def test_an_int_that_a_float_holds_exactly_becomes_that_float(number):
    made = convert(number, float)
    assert type(made) is float
    assert made == number


@pytest.mark.parametrize(
    "number", [INEXACT, -INEXACT, 10**23, 10**400], ids=["long", "negative", "rounded", "huge"]
)
@pytest.mark.parametrize("hint", [float, complex])
def test_an_int_that_no_float_can_hold_is_refused(number, hint):
    with pytest.raises(SerializationError, match="an int that no float can hold exactly"):
        convert(number, hint)


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        ([1, INEXACT], list[float], "$[1]"),
        ({"price": INEXACT}, dict[str, float], "$.price"),
        ((1, INEXACT), tuple[float, float], "$[1]"),
        (INEXACT, float | None, "$"),
    ],
)
def test_the_part_that_is_not_exact_is_named(value, hint, path):
    with pytest.raises(SerializationError, match="no float can hold exactly") as caught:
        convert(value, hint)
    assert caught.value.path == path


def test_an_int_stays_an_int_where_either_is_declared():
    assert convert(INEXACT, int | float) == INEXACT


def test_a_tools_argument_that_is_not_exact_is_named():
    def scale(factor: float, *rest: list[float]) -> float:
        return factor

    function = ToolFunction(scale)
    with pytest.raises(ToolExecutionError, match=r'argument "factor".*no float can hold') as caught:
        function.bind([INEXACT], {})
    assert caught.value.error_type == "ValidationError"
    assert caught.value.details["argument"] == "factor"
    with pytest.raises(ToolExecutionError, match=r'argument "rest".*at \$\[0\]'):
        function.bind([1.0, [INEXACT]], {})
