"""Tables that could not be read again are refused by who sends them, with the name of what is wrong."""

from __future__ import annotations

import uuid

import pandas as pd
import pyarrow as pa
import pytest

from grpc_tool_bridge.batchreaders import OutgoingReader
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

IDS = [uuid.UUID(int=1), uuid.UUID(int=2)]
MONTHS = pd.period_range("2020", periods=2, freq="M")


class Label(str):
    __slots__ = ()


def arrow_ids() -> pa.Array:
    storage = pa.array([each.bytes for each in IDS], pa.binary(16))
    return pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 0]), pa.ExtensionArray.from_storage(pa.uuid(), storage)
    )


@pytest.mark.parametrize(
    ("value", "path", "what"),
    [
        (pd.Series(IDS).astype("category"), "$", "the series holds categories of"),
        (pd.Series(MONTHS).astype("category"), "$", "the series holds categories of"),
        (pd.Series(IDS, name="id").astype("category"), "$.id", "column 'id' holds categories of"),
        (pd.DataFrame({"id": pd.Categorical(IDS)}), "$.id", "column 'id' holds categories of"),
        (pd.DataFrame({"id": pd.Categorical(MONTHS)}), "$.id", "column 'id' holds categories of"),
        (pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(IDS)), "$", "the index holds"),
        (pa.table({"id": arrow_ids()}), "$.id", "column 'id' holds categories of"),
        (
            pa.table({"ids": pa.ListArray.from_arrays([0, 2, 3], arrow_ids())}),
            "$.ids",
            "column 'ids' holds categories of",
        ),
        (pa.table({"id": arrow_ids()}).to_reader(), "$.id", "column 'id' holds categories of"),
        (pd.Series([1, "a"], dtype=object), "$", "the series does not fit Arrow"),
        (pd.Series([1.0, 2], dtype=object), "$[1]", "the series holds objects"),
        (pd.Series([1j]), "$", "the series does not fit Arrow"),
        (pd.Series([1.0, 2], dtype=object, name=("a", 1)), "$[1]", "the series holds objects"),
        (pd.Series([1.0, 2], dtype=object, name="a"), "$.a[1]", "column 'a' holds objects"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_where_it_is_sent(value, path, what):
    with pytest.raises(SerializationError, match=what) as caught:
        serialize_value(value)
    assert caught.value.path == path


def test_a_reader_is_refused_before_its_first_batch_is_asked_for():
    def never():
        raise AssertionError("nobody reads")
        yield

    schema = pa.schema([("id", arrow_ids().type)])
    with pytest.raises(SerializationError, match="column 'id'"):
        OutgoingReader(pa.RecordBatchReader.from_batches(schema, never()))


def test_texts_of_a_subclass_are_texts_in_tables_as_elsewhere():
    for value in (
        pd.Series([Label("a"), "b"], dtype=object),
        pd.Series([1, 2], index=pd.Index([Label("a"), "b"], dtype=object)),
        pd.Series([Label("a"), "b"], dtype=object).astype("category"),
    ):
        back = deserialize_value(serialize_value(value))
        pd.testing.assert_series_equal(back, value)
        texts = [*back.tolist(), *back.index.tolist()]
        assert {type(text) for text in texts if isinstance(text, str)} == {str}
    assert type(deserialize_value(serialize_value(Label("a")))) is str
