"""Tables over one message travel as those do that fit one, whatever is in their dictionaries and names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grpc_tool_bridge import ToolExecutionError, deserialize_value, serialize_value
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.frames import decode_frame, unwritten_frame
from grpc_tool_bridge.tables import LargeTable


def in_pieces(value, limit=10 << 20):
    """What arrives of a value that is taken apart, however small it is."""
    kind, unwritten = unwritten_frame(value)
    size = max(1, unwritten.size)
    table = LargeTable(kind, size, table=unwritten.table(), batch_limit=limit)
    return decode_frame(kind, b"".join(table.pieces()))


def of_dictionaries(first, second, codes):
    chunks = [
        pa.DictionaryArray.from_arrays(pa.array([0, 1] * 50, codes), pa.array(values))
        for values in (first, second)
    ]
    return pa.table({"d": pa.chunked_array(chunks), "n": range(200)})


@pytest.mark.parametrize(
    "table",
    [
        of_dictionaries(["a", None], [None, "b"], pa.int32()),
        of_dictionaries([f"a{n}" for n in range(100)], [f"b{n}" for n in range(100)], pa.int8()),
        of_dictionaries(["a", "b"], ["b", "c"], pa.int32()),
    ],
    ids=["nulls", "more values than codes", "values twice"],
)
def test_dictionaries_that_differ_by_chunk_arrive_in_pieces_as_in_one_message(table):
    for back in (in_pieces(table), deserialize_value(serialize_value(table))):
        assert back.schema.equals(table.schema)
        assert back.to_pydict() == table.to_pydict()


@pytest.mark.parametrize(
    "value",
    [
        pl.DataFrame({"a\0b": [1, 2], "c": pl.Series(["x", "y"], dtype=pl.Categorical)}),
        pl.DataFrame({"s": [{"a\0b": 1}, {"a\0b": 2}]}),
        pl.Series("a\0b", [1, 2]),
    ],
    ids=["frame", "struct", "series"],
)
def test_names_with_a_nul_arrive_from_polars_in_pieces(value):
    back = in_pieces(value)
    assert type(back) is type(value)
    assert back.equals(value)
    frame = back if isinstance(back, pl.DataFrame) else back.to_frame()
    assert frame.schema == (value if isinstance(value, pl.DataFrame) else value.to_frame()).schema


class Panics(pl.DataFrame):
    """A frame at which polars panics, which it does with no Exception."""

    def to_arrow(self, **_):
        raise pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")

    def write_ipc_stream(self, *_, **__):
        raise pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")


def test_what_polars_panics_at_is_a_serialization_error():
    frame = Panics({"a": [1]})
    with pytest.raises(
        SerializationError, match=r"this polars\.DataFrame does not fit Arrow: called"
    ):
        serialize_value(frame)
    with pytest.raises(Exception, match=r"this polars\.DataFrame does not fit Arrow: called"):
        in_pieces(frame)


def test_categories_longer_than_a_batch_are_refused_with_their_column_and_the_way_out():
    texts = [f"customer-{n:010d}" for n in range(1000)]
    frame = pd.DataFrame({"k": pd.Categorical(texts), "v": np.arange(1000.0)})
    with pytest.raises(
        ToolExecutionError, match=r"column 'k' of a pandas\.DataFrame has 1000 categories"
    ) as caught:
        in_pieces(frame, limit=8192)
    assert caught.value.error_type == "MessageTooLarge"
    assert caught.value.details["column"] == "k"
    assert "make them texts" in caught.value.message
    as_told = frame.astype({"k": str})
    pd.testing.assert_frame_equal(in_pieces(as_told, limit=8192), as_told)


def test_each_column_of_categories_may_be_as_long_as_a_batch():
    texts = [f"customer-{n:010d}" for n in range(1000)]
    frame = pd.DataFrame({name: pd.Categorical(texts) for name in "abcdef"})
    for value in (frame, frame[:0], frame[:1]):
        pd.testing.assert_frame_equal(in_pieces(value, limit=40_000), value)
    with pytest.raises(ToolExecutionError, match=r"column 'a' of a pandas\.DataFrame has 1000"):
        in_pieces(frame[:0], limit=8192)


def test_a_row_that_is_too_long_beside_categories_is_named():
    frame = pd.DataFrame({"k": pd.Categorical(["x", "y"]), "t": ["a" * 9000, "b"]})
    with pytest.raises(ToolExecutionError, match="of them in column 't'") as caught:
        in_pieces(frame, limit=8192)
    assert caught.value.details["column"] == "t"
