"""Tables that could not be read again are refused by who sends them, with the name of what is wrong."""

from __future__ import annotations

import uuid

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
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
        (pd.Series(IDS, name="id").astype("category"), "$.id", "column 'id' holds categories of"),
        (pd.DataFrame({"id": pd.Categorical(IDS)}), "$.id", "column 'id' holds categories of"),
        (pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(IDS)), "$.index", "the index holds"),
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


FRAME, POLARS, TABLE = pd.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1]}), pa.table({"a": [1]})


@pytest.mark.parametrize(
    "value",
    [
        FRAME.groupby("a"),
        FRAME["a"].groupby(FRAME["a"]),
        FRAME.rolling(2),
        FRAME.expanding(),
        FRAME.ewm(1),
        FRAME.iloc,
        FRAME["a"].astype(str).str,
        FRAME.set_index(pd.date_range("2020", periods=2)).resample("D"),
        pl.col("a"),
        pl.when(True),
        POLARS.group_by("a"),
        POLARS.lazy(),
        POLARS.lazy().group_by("a"),
        TABLE.group_by("a"),
        pa.dataset.dataset(TABLE),
        pa.dataset.dataset(TABLE).scanner(),
        pa.compute.field("a"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_a_table_or_says_what_to_do_with_one_is_no_text(value):
    with pytest.raises(SerializationError, match="has no encoding, and its text would lose data"):
        serialize_value(value)
    with pytest.raises(SerializationError) as caught:
        serialize_value({"a": [value]})
    assert caught.value.path == "$.a[0]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.CategoricalDtype(["a"]), "category"),
        (pd.offsets.MonthEnd(2), "<2 * MonthEnds>"),
        (pl.Int64(), "Int64"),
        (pl.Int64, "Int64"),
        (pa.int64(), "int64"),
        (TABLE.schema, "a: int64"),
    ],
    ids=str,
)
def test_what_describes_data_is_its_text_as_other_objects_are(value, text):
    assert text in str(deserialize_value(serialize_value(value)))


def test_an_index_that_pandas_cannot_read_again_is_named():
    runs = pa.RunEndEncodedArray.from_arrays([2], ["a"])
    index = pd.Index(pd.arrays.ArrowExtensionArray(runs))
    with pytest.raises(SerializationError, match="index") as caught:
        serialize_value(pd.DataFrame({"v": [1, 2]}, index=index))
    assert "run_end_encoded" in caught.value.message
    assert caught.value.path == "$.index"


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Array(pl.Int8, 0),
        pl.List(pl.Array(pl.Int8, 0)),
        pl.Array(pl.Array(pl.Int8, 0), 2),
        pl.Array(pl.Array(pl.Int8, 2), 0),
        pl.Struct({"x": pl.List(pl.Array(pl.String, 0))}),
    ],
    ids=str,
)
def test_arrays_of_width_0_which_polars_does_not_read_again_are_refused_with_their_column(dtype):
    column = pl.Series("a", [], dtype=dtype)
    for value in (column, pl.DataFrame({"k": pl.Series([], dtype=pl.Int8), "a": column})):
        with pytest.raises(SerializationError, match="holds Arrays of width 0") as caught:
            serialize_value(value)
        assert caught.value.path == "$.a"
