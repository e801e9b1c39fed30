from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from grpc_tool_bridge.framepylists import SLICE_ROWS, pylist, pylists

PAIRS = pa.map_(pa.string(), pa.list_(pa.int64()))
ARRAYS = [
    pa.array([[1, 2], None, [], [3, None]]),
    pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    pa.array([[("a", [1])], None, [], [("b", None), ("c", [2, 3])]], PAIRS),
    pa.array([[[("k", [1])]], None, []], pa.list_(PAIRS)),
    pa.array([[["a"], None], [], None]),
    pa.array([[{"x": [1]}], None]),
    pa.array([[1.0, None], None], pa.large_list(pa.float64())),
    pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
    pa.array([[]], pa.list_(pa.int64())),
    pa.array([{}, None], pa.struct([])),
    pa.array(["a", None, "\0", "ä"]),
    pa.array([b"a", None], pa.large_binary()),
    pa.array([True, None, False]),
    pa.array([1.5, None, float("nan"), -0.0]),
    pa.array([1.1, None], pa.float32()),
    pa.array([1.5, None], pa.float16()),
    pa.array([2**64 - 1, 0], pa.uint64()),
    pa.array([-(2**63), None]),
    pa.nulls(3),
    pa.array([Decimal("1.10"), None]),
    pa.array([dt.time(1), None]),
    pa.array([dt.date(2020, 1, 1)]),
    pa.array([0, None], pa.timestamp("ns", "UTC")),
    pa.array(["a", "b", None]).dictionary_encode(),
]


@pytest.mark.parametrize("whole", ARRAYS, ids=lambda array: str(array.type))
def test_the_cells_are_those_that_arrow_makes(whole):
    joined = pa.concat_arrays([whole] * 3)
    for array in (
        whole,
        whole[:0],
        whole.slice(1),
        joined.slice(1, len(whole) + 1),
        pa.chunked_array([whole, whole.slice(1)]),
        pa.chunked_array([], whole.type),
    ):
        # repr tells -0.0, nan, and 1 from True.
        assert repr(pylist(array)) == repr(array.to_pylist())


def test_a_struct_with_two_fields_of_one_name_is_refused_as_by_arrow():
    array = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    with pytest.raises(ValueError, match="duplicate"):
        pylist(array)


def test_long_columns_are_made_some_rows_at_a_time():
    column = pa.chunked_array([pa.array([[1]] * (SLICE_ROWS + 1)), pa.array([[2]])])
    assert list(map(len, pylists(column))) == [SLICE_ROWS, 1, 1]
    assert pylist(column) == column.to_pylist()
