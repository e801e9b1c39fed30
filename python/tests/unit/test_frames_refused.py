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


CODES = pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), pa.array([100, 50], pa.int8()))
TWICE = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1], pa.int8()), CODES)
ONCE = pa.array(["x", "yy", "x"]).dictionary_encode()
OFFSETS = pa.array([0, 1, 3], pa.int32())


@pytest.mark.parametrize(
    "column",
    [
        TWICE,
        pa.StructArray.from_arrays([TWICE], ["f"]),
        pa.ListArray.from_arrays(OFFSETS, TWICE),
        pa.DictionaryArray.from_arrays(
            pa.array([1, 0], pa.int8()), pa.ListArray.from_arrays(OFFSETS, TWICE)
        ),
    ],
)
def test_dictionaries_of_dictionaries_which_arrow_writes_as_codes_are_refused(column):
    with pytest.raises(SerializationError, match="a dictionary whose values are a") as caught:
        serialize_value(pa.table({"a": [1] * len(column), "c": column}))

    assert caught.value.path == "$.c"


@pytest.mark.parametrize(
    "column",
    [
        pa.ListArray.from_arrays(OFFSETS, ONCE),
        pa.ListArray.from_arrays(OFFSETS, ONCE)[1:],
        pa.StructArray.from_arrays([ONCE, ONCE], ["f", "g"]),
        pa.MapArray.from_arrays(OFFSETS, ONCE, ONCE),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 3], pa.int32()), ONCE[:2]),
        pa.DictionaryArray.from_arrays(
            pa.array([1, 0, 1], pa.int8()), pa.ListArray.from_arrays(OFFSETS, ONCE)
        ),
        pa.chunked_array(
            [pa.ListArray.from_arrays(OFFSETS, pa.array(list(text)).dictionary_encode()) for text in ("abc", "cbe")]
        ),
    ],
)  # fmt: skip
def test_dictionaries_inside_of_other_columns_come_back(column):
    table = pa.table({"c": column})

    again = deserialize_value(serialize_value(table))

    assert again.schema == table.schema
    assert again.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("levels", [64, 2_000])
def test_a_type_that_is_too_deep_is_refused_with_its_column_and_the_limit(levels):
    dtype = pa.int8()
    for _ in range(levels):
        dtype = pa.list_(dtype)

    with pytest.raises(SerializationError, match="deeper than 64 levels") as caught:
        serialize_value(pa.schema([("c", dtype)]).empty_table())

    assert caught.value.path == "$.c"
