"""The Python tools of the demo, hosted by ``python -m grpc_tool_bridge.worker tools``."""

from collections.abc import Iterator

import pandas as pd

from grpc_tool_bridge import tool


@tool(idempotent=True)
def add_totals(orders: pd.DataFrame) -> pd.DataFrame:
    """Add a column ``total``, price times quantity.

    Args:
        orders: A table with the columns ``price`` and ``quantity``.
    """
    return orders.assign(total=orders["price"] * orders["quantity"])


@tool
def countdown(start: int) -> Iterator[int]:
    """Yield the numbers from ``start`` down to 1.

    Args:
        start: The first number.
    """
    yield from range(start, 0, -1)
