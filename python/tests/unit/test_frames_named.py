"""Names of series and levels that are no values, such as periods, and categories whose dtype pandas forgets."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from grpc_tool_bridge import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

MONTHS = pd.period_range("2020", periods=2, freq="M")
SPANS = pd.interval_range(0, 2)
ZONED = pd.interval_range(pd.Timestamp("2020", tz="UTC"), periods=1)
BY_MONTHS = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=MONTHS)
PAIRS = pd.MultiIndex.from_arrays([["x", "y"], MONTHS])


def back(value):
    return deserialize_value(serialize_value(value, strict=True))


@pytest.mark.parametrize(
    "series",
    [
        BY_MONTHS.iloc[0],
        BY_MONTHS.T[MONTHS[1]],
        pd.DataFrame({"a": [1, 2]}, index=SPANS).iloc[0],
        pd.DataFrame({"a": [1, 2]}, index=PAIRS).iloc[1],
        pd.Series([1], name=pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021"), "both")),
        pd.Series([1], name=pd.Period("2020", freq="D"), index=pd.Index([1], name=MONTHS[0])),
    ],
    ids=str,
)
def test_a_series_comes_back_with_a_name_that_is_no_value(series):
    again = back(series)
    pd.testing.assert_series_equal(again, series)
    assert (type(again.name), again.name) == (type(series.name), series.name)


@pytest.mark.parametrize("name", [MONTHS[0], SPANS[1], ("a", MONTHS[0])], ids=str)
def test_levels_of_an_index_and_the_columns_come_back_with_a_name_that_is_no_value(name):
    one = pd.DataFrame({"a": [1]}, index=pd.Index([1], name=name))
    several = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["l", name]))
    counted = pd.DataFrame([[1, 2]], columns=pd.RangeIndex(2, name=name))
    called = pd.DataFrame([[1]], columns=pd.Index(["a"], name=name))
    for frame in (one, several, counted, called):
        again = back(frame)
        pd.testing.assert_frame_equal(again, frame)
        assert again.index.names == frame.index.names
        assert again.columns.names == frame.columns.names


@pytest.mark.parametrize(
    ("value", "path", "says"),
    [
        (pd.Series([1], name=object()), "$", "the name of the series, <object"),
        (pd.DataFrame(index=pd.Index([1], name=object())), "$.index", "the name of the index, <"),
        (
            pd.Series([1], index=pd.MultiIndex.from_tuples([(1, 2)], names=["l", object()])),
            "$.index[1]",
            "the name of level 1 of the index, <",
        ),
        (
            pd.DataFrame([[1]], columns=pd.RangeIndex(1, name=object())),
            "$",
            "the name of the columns, <",
        ),
    ],
)
def test_a_name_that_cannot_be_sent_is_refused_with_what_it_names(value, path, says):
    with pytest.raises(SerializationError) as caught:
        serialize_value(value, strict=True)
    assert caught.value.path == path
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "path", "says"),
    [
        (pd.DataFrame({"a": [1]}).value_counts(), "$.index", "a MultiIndex of one level"),
        (
            pd.DataFrame({"a": [1]}, index=pd.CategoricalIndex(ZONED)),
            "$.index",
            "the index has categories that cannot be sent: ",
        ),
        (
            pd.DataFrame([[1]], columns=pd.Index([{"a": 1}], dtype=object)),
            "$",
            "want a hashable name of a column, got {'a': 1}",
        ),
    ],
)
def test_indexes_and_labels_that_do_not_fit_are_named(frame, path, says):
    with pytest.raises(SerializationError) as caught:
        serialize_value(frame)
    assert caught.value.path == path
    assert says in str(caught.value)


TEXTS = pd.DataFrame({"t": ["x", None, "y"], "n": [2, 1, None], "b": [True, None, False]})


@pytest.mark.parametrize(
    "frame",
    [
        TEXTS.convert_dtypes().astype("category"),
        TEXTS[["t"]].astype("string[python]").astype("category"),
        TEXTS[["t"]].astype(
            pd.CategoricalDtype(pd.Index(["y", "x"], dtype="string"), ordered=True)
        ),
        TEXTS[["t"]].astype("string").astype("category").head(0),
        pd.DataFrame({"f": pd.array([1.5, None], dtype="Float32")}).astype("category"),
        TEXTS[["t"]].astype("string").astype("category").set_axis([7], axis=1),
    ],
    ids=["converted", "by Python", "ordered", "no rows", "Float32", "a number as name"],
)
def test_categories_come_back_with_their_dtype(frame):
    again = back(frame)
    pd.testing.assert_frame_equal(again, frame)
    for dtype, other in zip(again.dtypes, frame.dtypes, strict=True):
        categories = other.categories.dtype
        assert repr(dtype.categories.dtype) == repr(categories)
        assert getattr(dtype.categories.dtype, "storage", "") == getattr(categories, "storage", "")


def test_a_series_of_such_categories_comes_back():
    series = TEXTS["t"].astype("string").astype("category")
    pd.testing.assert_series_equal(back(series), series)


def noted(note):
    table = pa.table({"a": pa.array(["x"]).dictionary_encode()})
    table = table.replace_schema_metadata({"grpc_tool_bridge": note})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "note",
    [
        '{"categories":{"$map":[[0,"object"]]}}',
        '{"categories":{"$map":[[0,"category"]]}}',
        '{"categories":{"$map":[[7,"string"]]}}',
        '{"categories":{"$map":[[0,{"frame":{"$bytes":""},"ordered":false}]]}}',
        '{"categories":{"$map":[[0,7]]}}',
        '{"index_categories":{"$map":[[0,"string"]]}}',
        '{"index_names":[{"labels":[1,2],"names":[null]}]}',
        '{"index_names":[{}]}',
    ],
)
def test_notes_that_are_no_such_thing_are_refused(note):
    like = serialize_value(pd.DataFrame({"a": [1]}))
    with pytest.raises(SerializationError):
        deserialize_value(AnyMessage(type_url=like.type_url, value=noted(note)))


@pytest.mark.parametrize(
    "name",
    [
        pd.Timestamp("2024", tz="UTC"),
        pd.Timestamp("2024-01-01 00:00:00.000000001"),
        pd.Timedelta("1s"),
        (pd.Timestamp("2024"), 1),
    ],
)
def test_a_moment_of_pandas_as_a_name_stays_one(name):
    series = deserialize_value(serialize_value(pd.Series([1], name=name)))

    assert repr(series.name) == repr(name)


@pytest.mark.parametrize("label", [pd.Timestamp("2024", tz="UTC"), pd.Timedelta("1s")])
def test_a_moment_of_pandas_beside_other_names_of_columns_is_refused(label):
    frame = pd.DataFrame([[1, 2]], columns=pd.Index([label, "a"], dtype=object))

    with pytest.raises(SerializationError, match="names of the columns"):
        serialize_value(frame)
