"""Tables whose bytes are behind pointers travel in pieces, in batches that each fit a message."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from longcells import LONG_CELLS

from grpc_tool_bridge import ToolExecutionError
from grpc_tool_bridge.tables import LargeTable, ReceivedTables, large_table
from grpc_tool_bridge.testing.equality import difference

LIMIT = 200_000


def pieces(table):
    assert isinstance(table, LargeTable)
    return list(table.pieces())


@pytest.mark.parametrize("make", LONG_CELLS.values(), ids=LONG_CELLS)
def test_long_cells_travel_in_pieces_and_come_back(make):
    value = make(100, 4000)
    table = large_table(value, LIMIT)
    came = ReceivedTables(1, 1 << 30)
    for piece in pieces(table):
        came.add(piece)
    assert not difference(value, came.take(table.stands_for(0)).decode())


@pytest.mark.parametrize("make", LONG_CELLS.values(), ids=LONG_CELLS)
def test_no_batch_of_long_cells_is_over_the_limit(make):
    stream = b"".join(pieces(large_table(make(100, 4000), LIMIT)))
    batches = list(pa.ipc.open_stream(stream))
    assert len(batches) > 1
    assert max(batch.nbytes for batch in batches) <= LIMIT


@pytest.mark.parametrize(
    ("value", "column"),
    [
        (pd.DataFrame({"n": range(9), "t": ["a"] * 4 + ["x" * LIMIT] + ["a"] * 4}), "t"),
        (pd.Series([1] * 9, index=["a"] * 4 + ["x" * LIMIT] + ["b"] * 4), "__index_level_0__"),
    ],
)
def test_a_row_that_cannot_travel_is_named_with_its_column_and_the_limit(value, column):
    says = rf"row 4 of a pandas.* of them in column '{column}'.* limit of a batch is {LIMIT}"
    with pytest.raises(ToolExecutionError, match=says) as caught:
        pieces(large_table(value, LIMIT))
    assert caught.value.error_type == "MessageTooLarge"
