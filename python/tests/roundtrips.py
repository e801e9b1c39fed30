"""Round trips of values; of generated ones: how many, and what is the same afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.testing.strategies import Kind, received
from grpc_tool_bridge.testing.strategies import kinds as every_kind
from grpc_tool_bridge.values import deserialize_value, serialize_value

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

_LEAST = 3
"""So many examples there are at least: the first is of the smallest values."""


def round_trip(value: Any, **options: Any) -> Any:
    """What a value is after it was sent; the options are those of `serialize_value`."""
    return deserialize_value(serialize_value(value, **options))


def every_value(around: Around, kinds: Sequence[Kind] | None = None, count: int = VALUES) -> None:
    """Sends generated values around, and compares what comes back.

    Args:
        around: Sends values, and returns what came of each, in order.
        kinds: What is drawn, each kind for itself; values of every kind by default.
        count: How many at least; more if there have to be, so that there are some of each kind.
    """
    weighted = [kind for kind in kinds or every_kind() for _ in range(kind.weight)]
    examples = max(_LEAST, -(-count // len(weighted)))
    groups = -(-len(weighted) // _AT_ONCE)
    for first in range(groups):
        _group(around, weighted[first::groups], examples)


def _group(around: Around, kinds: Sequence[Kind], examples: int) -> None:
    """Sends so many examples of one value of each kind."""

    @given(st.tuples(*(kind.values for kind in kinds)))
    @settings(
        max_examples=examples, deadline=None, print_blob=True, suppress_health_check=[*HealthCheck]
    )
    def goes_around(batch: tuple[Any, ...]) -> None:
        for kind, value, got in zip(kinds, batch, around(batch), strict=True):
            unlike = difference(received(value), got)
            assert not unlike, f"{kind.name}: {unlike}"

    goes_around()
