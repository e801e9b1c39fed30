"""Round trips of generated values: how many, and what is the same afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.testing.strategies import received, values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Around = Callable[[Sequence[Any]], Sequence[Any]]

VALUES = int(
    os.environ.get("TOOLBRIDGE_TEST_VALUES")
    or (10_000 if os.environ.get("TOOLBRIDGE_TEST_FULL") else 1_000)
)
"""So many values go each way."""

_AT_ONCE = 5
"""So many are drawn for one example, and sent at once; hypothesis makes each smaller when one fails."""


def every_value(
    around: Around, strategy: st.SearchStrategy[Any] | None = None, count: int = VALUES
) -> None:
    """Sends generated values around, and compares what comes back.

    Args:
        around: Sends values, and returns what came of each, in order.
        strategy: Makes the values; values of every kind by default.
        count: How many.
    """
    drawn = values() if strategy is None else strategy
    sent = 0

    @given(st.lists(drawn, min_size=_AT_ONCE, max_size=_AT_ONCE))
    @settings(
        max_examples=-(-count // _AT_ONCE),
        deadline=None,
        print_blob=True,
        suppress_health_check=[*HealthCheck],
    )
    def goes_around(batch: list[Any]) -> None:
        nonlocal sent
        sent += len(batch)
        for value, got in zip(batch, around(batch), strict=True):
            unlike = difference(received(value), got)
            assert not unlike, unlike

    goes_around()
    assert sent >= count
