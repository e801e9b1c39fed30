# ruff: noqa: DTZ001 - datetimes without a zone are values, too
from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any
from hypothesis import given, settings
from hypothesis import strategies as st

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.frames import METADATA_KEY, encode_frame
from grpc_tool_bridge.values import deserialize_value, serialize_value, to_json

PANDAS_3 = int(pd.__version__.partition(".")[0]) >= 3


def round_trip(value):
    return deserialize_value(serialize_value(value))


def with_attrs(frame, attrs):
    frame.attrs = attrs
    return frame


FRAMES = {
    "ints and texts": pd.DataFrame({"A": [1, 2, 3], "B": ["x", "y", "z"]}),
    "no columns and no rows": pd.DataFrame(),
    "no columns but rows": pd.DataFrame(index=range(3)),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="float64")}),
    "duplicate names": pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
    "numbers as names": pd.DataFrame([[1, 2], [3, 4]]),
    "other numbers as names": pd.DataFrame([[1, 2]], columns=[7, 3]),
    "mixed names": pd.DataFrame([[1, 2, 3]], columns=["a", 1, None]),
    "tuples as names": pd.DataFrame(
        [[1, 2]], columns=pd.Index([("a", 1), "b"], tupleize_cols=False)
    ),
    "names in levels": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None])
    ),
    "dates as names": pd.DataFrame([[1, 2]], columns=pd.date_range("2024-01-01", periods=2)),
    "named columns": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], name="cols")),
    "columns named by a number": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], name=5)),
    "zone": pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin")}),
    "categories": pd.DataFrame({"c": pd.Categorical(["a", "b", "a"], ["b", "a"], ordered=True)}),
    "nullable": pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "f": pd.array([1.5, None, 2.0], dtype="Float64"),
            "s": pd.array(["a", None, "b"], dtype="string"),
        }
    ),
    "all numbers": pd.DataFrame(
        {name: np.array([1, 2], dtype=name) for name in ("i1", "u2", "i4", "u8", "f4", "f8", "?")}
    ),
    "NaN and None": pd.DataFrame({"a": [1.0, float("nan")], "b": ["x", None]}),
    "decimals": pd.DataFrame({"d": [Decimal("1.10"), Decimal("2.00")]}),
    "dates": pd.DataFrame({"d": [dt.date(2024, 1, 1), None]}),
    "times": pd.DataFrame({"d": [dt.time(1, 2, 3, 4)]}),
    "bytes": pd.DataFrame({"d": [b"x", None]}),
    "spans": pd.DataFrame({"d": pd.to_timedelta([1, 2], unit="s")}),
    "periods": pd.DataFrame({"p": pd.period_range("2024-01", periods=2, freq="M")}),
    "intervals": pd.DataFrame({"p": pd.interval_range(0, 2)}),
    "lists": pd.DataFrame({"l": [[1, 2], [3], None]}),
    "dicts": pd.DataFrame({"l": [{"a": 1}, {"a": 2}]}),
    "ints as objects": pd.DataFrame({"l": pd.Series([1, 2], dtype=object)}),
    "texts as objects": pd.DataFrame({"l": pd.Series(["a", None], dtype=object)}),
    "arrow types": pd.DataFrame({"a": pd.array([1, 2], dtype="int64[pyarrow]")}),
    "named index": pd.DataFrame({"v": [1, 2]}, index=pd.Index([5, 6], name="idx")),
    "index named by a number": pd.DataFrame({"v": [1, 2]}, index=pd.Index([5, 6], name=5)),
    "index named as a column": pd.DataFrame({"v": [1, 2]}, index=pd.Index([5, 6], name="v")),
    "index of texts": pd.DataFrame({"v": [1, 2]}, index=["a", "b"]),
    "index of objects": pd.DataFrame({"v": [1, 2]}, index=pd.Index(["a", "b"], dtype=object)),
    "index of categories": pd.DataFrame({"v": [1, 2]}, index=pd.CategoricalIndex(["a", "b"])),
    "index of periods": pd.DataFrame(
        {"v": [1, 2]}, index=pd.period_range("2024-01", periods=2, freq="M")
    ),
    "index in steps": pd.DataFrame({"v": [1, 2]}, index=pd.RangeIndex(10, 14, 2, name="r")),
    "index in levels": pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"])
    ),
    "index with names twice": pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "x"])
    ),
    "index with a frequency": pd.DataFrame(
        {"v": [1, 2, 3]}, index=pd.date_range("2024-01-01", periods=3, freq="D")
    ),
    "index in pandas' dtypes": pd.DataFrame({"v": [1]}, index=pd.Index([1], dtype="Int64")),
    "levels in pandas' dtypes": pd.DataFrame(
        {"v": [1]},
        index=pd.MultiIndex.from_arrays([pd.array([1], "Int16"), pd.array([True], "boolean")]),
    ),
    "categories without rows": pd.DataFrame(
        {"c": pd.Categorical([], categories=["b", "a"], ordered=True), "n": []}
    ),
    "categories of moments": pd.DataFrame(
        {"c": pd.Categorical(pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Berlin"))}
    ),
    "categories as names": pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["a", "b"])),
    "texts of Python": pd.DataFrame({"s": pd.array(["a", None], dtype="string[python]")}),
    "bools as objects": pd.DataFrame({"b": pd.Series([True, False], dtype=object)}),
    "attrs": with_attrs(pd.DataFrame({"a": [1]}), {"source": {1: (2, b"x")}, "unit": "m"}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_pandas_table_comes_back_with_its_types(frame):
    before = frame.copy(deep=True)

    encoded = serialize_value(frame)
    again = deserialize_value(encoded)

    assert encoded.type_url == "type.googleapis.com/pandas.DataFrame"
    pd.testing.assert_frame_equal(again, frame, check_column_type=True)
    assert list(again.columns.names) == list(frame.columns.names)
    assert list(again.index.names) == list(frame.index.names)
    assert type(again.index) is type(frame.index)
    assert type(again.columns) is type(frame.columns)
    assert again.attrs == frame.attrs
    # and the table that was sent is as it was
    pd.testing.assert_frame_equal(frame, before)
    assert list(frame.index.names) == list(before.index.names)
    assert frame.attrs == before.attrs


@given(
    st.integers(0, 5).flatmap(
        lambda rows: st.dictionaries(
            st.text(max_size=4),
            st.one_of(
                st.lists(st.integers(-(2**63), 2**63 - 1), min_size=rows, max_size=rows).map(
                    lambda items: pd.Series(items, dtype="int64")
                ),
                st.lists(st.floats(), min_size=rows, max_size=rows).map(
                    lambda items: pd.Series(items, dtype="float64")
                ),
                st.lists(st.booleans(), min_size=rows, max_size=rows).map(
                    lambda items: pd.Series(items, dtype="bool")
                ),
                st.lists(
                    st.one_of(st.none(), st.text(max_size=4)), min_size=rows, max_size=rows
                ).map(lambda items: pd.Series(items, dtype="string")),
            ),
            max_size=4,
        )
    )
)
@settings(max_examples=60, deadline=None)
def test_any_table_of_common_types_comes_back(columns):
    frame = pd.DataFrame(columns)
    pd.testing.assert_frame_equal(round_trip(frame), frame, check_column_type=bool(columns))


def indexed(items):
    index = pd.Index(items, dtype=object, tupleize_cols=False, name="i")
    return pd.DataFrame({"v": range(len(items))}, index=index)


def levels(*items):
    index = pd.MultiIndex.from_arrays([pd.Index(level, dtype=object) for level in items])
    return pd.DataFrame({"v": range(len(index))}, index=index)


def objects(**columns):
    return pd.DataFrame({name: pd.Series(items, dtype=object) for name, items in columns.items()})


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (objects(fine=[1, 2], odd=[1, "a"]), "column 'odd'"),
        (objects(odd=[1, 2.5]), "column 'odd' holds objects that Arrow would change"),
        (objects(odd=[object(), object()]), "column 'odd'"),
        (pd.DataFrame({"c": [1j]}), "column 'c' .*two columns of floats"),
        (objects(odd=[Decimal("1.10"), Decimal(2)]), r"Decimal\('2'\) to Decimal\('2.00'\)"),
        (objects(odd=[[1, 2.5]]), "column 'odd' holds objects that Arrow would change"),
        (objects(odd=[{"a": 1}, {"b": 2}]), "column 'odd' holds objects that Arrow would change"),
        (
            objects(odd=[dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "x"))]),
            "'odd'",
        ),
        (
            pd.DataFrame({"s": pd.arrays.SparseArray([0, 1])}),
            r"column 's' .*make it dense, with sparse.to_dense\(\)",
        ),
        (
            pd.DataFrame({"s": np.array([1, 2], dtype=np.dtype("i4").newbyteorder("S"))}),
            r"column 's' .*byte order, with astype\('int32'\)",
        ),
        (objects(odd=[Decimal(1), Decimal("NaN")]), r"Decimal\('NaN'\) to None"),
        (objects(odd=[dt.time(1, tzinfo=dt.timezone.utc)]), "column 'odd' holds objects"),
        (objects(odd=[dt.datetime(2024, 1, 1, fold=1)]), "column 'odd' holds objects"),
        (
            pd.DataFrame({"v": [1, 2]}, index=[1, "a"]),
            "the index does not fit Arrow: .*convert it to one type",
        ),
        (indexed([(1, 2), (3, 4)]), r"the index holds objects .*\(1, 2\) to \[1, 2\]"),
        (
            indexed([Decimal("1.10"), Decimal(2)]),
            r"the index .*Decimal\('2'\) to Decimal\('2.00'\)",
        ),
        (indexed([Decimal(1), Decimal("NaN")]), r"the index .*Decimal\('NaN'\) to None"),
        (
            levels([Decimal("1.10"), Decimal(2)], [1, 2]),
            r"level 0 of the index .*Decimal\('2'\) to Decimal\('2.00'\)",
        ),
        (with_attrs(pd.DataFrame({"a": [1]}), {"x": object()}), r"attrs\.x"),
    ],
)
def test_what_arrow_cannot_keep_is_refused_with_the_column(frame, match):
    with pytest.raises(SerializationError, match=match) as caught:
        serialize_value({"rows": [frame]})
    assert caught.value.path.startswith("$.rows[0]")


@pytest.mark.parametrize(
    "cells",
    [
        [None, "a"],
        [float("nan"), "a"],
        [pd.NaT, None],
        [pd.NA, 1, None],
        [float("nan"), 1.5],
        [None, float("nan"), pd.NaT, pd.NA],
        [None, None],
        [True, None, float("nan")],
        [dt.date(2024, 1, 1), pd.NaT],
    ],
    ids=str,
)
def test_each_kind_of_missing_stays_itself_in_a_column_of_objects(cells):
    again = round_trip(objects(m=cells))["m"]

    assert again.dtype == object
    assert list(map(repr, again)) == list(map(repr, cells))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_travels_as_its_array():
    again = round_trip(np.matrix([[1, 2], [3, 4]]))
    assert type(again) is np.ndarray
    np.testing.assert_array_equal(again, [[1, 2], [3, 4]])


def test_an_array_of_texts_that_cannot_travel_is_refused_with_its_path():
    with pytest.raises(SerializationError, match="does not fit Arrow") as caught:
        serialize_value({"a": np.array(["\ud800"])})
    assert caught.value.path == "$.a"


class Mine(pd.DataFrame):
    pass


def test_a_subclass_travels_as_its_base():
    again = round_trip(Mine({"a": [1]}))
    assert type(again) is pd.DataFrame


SERIES = {
    "named": pd.Series([1, 2], name="x"),
    "without a name": pd.Series([1.5, float("nan")]),
    "named by a tuple": pd.Series(["a", None], name=("t", 1)),
    "named by nothing": pd.Series(pd.Categorical(["a"]), name=""),
    "with a frequency": pd.Series(
        [1, 2], index=pd.date_range("2024-01-01", periods=2, freq="D", tz="UTC"), name="f"
    ),
    "attrs": with_attrs(pd.Series([1]), {"a": (1,)}),
}


@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES.keys())
def test_a_pandas_series_comes_back_with_its_type(series):
    encoded = serialize_value(series)
    again = deserialize_value(encoded)

    assert encoded.type_url == "type.googleapis.com/pandas.Series"
    pd.testing.assert_series_equal(again, series, check_freq=True)
    assert again.name == series.name
    assert again.attrs == series.attrs


def test_a_polars_table_comes_back_with_its_types():
    frame = pl.DataFrame(
        {
            "i": [1, None],
            "u": pl.Series([1, 2], dtype=pl.UInt8),
            "s": ["x", None],
            "c": pl.Series(["a", "b"], dtype=pl.Categorical),
            "e": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])),
            "d": [dt.date(2024, 1, 1)] * 2,
            "t": pl.Series([dt.datetime(2024, 1, 1)] * 2).dt.replace_time_zone("Europe/Berlin"),
            "dec": [Decimal("1.10"), Decimal("2.00")],
            "l": [[1], [2, 3]],
            "st": [{"q": 1}, {"q": 2}],
            "b": [b"x", b"y"],
        }
    )

    encoded = serialize_value(frame)
    again = deserialize_value(encoded)

    assert encoded.type_url == "type.googleapis.com/polars.DataFrame"
    assert again.schema == frame.schema
    polars.testing.assert_frame_equal(again, frame)


def test_a_polars_series_comes_back_with_its_name():
    series = pl.Series("n", [1, None, 3], dtype=pl.Int16)
    again = round_trip(series)
    polars.testing.assert_series_equal(again, series)
    assert again.name == "n"


def test_a_polars_column_of_objects_is_refused():
    frame = pl.DataFrame({"fine": [1], "odd": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(SerializationError, match="'odd'"):
        serialize_value(frame)


def test_polars_integers_of_128_bits_are_refused_with_the_column():
    with pytest.raises(SerializationError, match="column 'wide' of type Int128") as caught:
        serialize_value(pl.DataFrame({"wide": pl.Series([1], dtype=pl.Int128)}))
    assert caught.value.path == "$.wide"


def test_an_arrow_table_comes_back_with_its_metadata():
    table = pa.table({"a": [1, None], "b": ["x", "y"]}).replace_schema_metadata({"k": "v"})
    encoded = serialize_value(table)
    assert encoded.type_url == "type.googleapis.com/pyarrow.Table"
    assert deserialize_value(encoded).equals(table, check_metadata=True)


ARRAYS = [
    np.arange(6).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    np.arange(10)[::2],
    np.array(5),
    np.zeros((0, 3)),
    np.zeros((2, 0, 3)),
    np.array([1, 2], "u1"),
    np.array([1, 2], ">i4"),
    np.array([1, 2], "f2"),
    np.array([1, np.nan, -0.0], "f4"),
    np.array([1 + 2j], "c8"),
    np.array([1 + 2j, complex(np.nan, 0)]),
    np.array([1j], ">c16"),
    np.array([True, False]),
    np.array(["2024-01-01", "NaT"], "M8[D]"),
    np.array(["2024-01-01", "NaT"], "M8[ns]"),
    np.array(["2024-01-01"], ">M8[s]"),
    np.array([1, "NaT"], "m8[us]"),
    np.array([1, 2], "m8[h]"),
    np.array([1, 2], "m8[10s]"),
    np.array(["a", "bcd", ""]),
    np.array([b"a", b"bcd"]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype.str}{array.shape}")
def test_an_array_comes_back_with_dtype_shape_and_order(array):
    encoded = serialize_value(array)
    again = deserialize_value(encoded)

    assert encoded.type_url == "type.googleapis.com/numpy.ndarray"
    assert type(again) is np.ndarray
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)
    assert again.flags.writeable
    if array.flags.c_contiguous or array.flags.f_contiguous:
        assert again.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.zeros(2, dtype=[("a", "i4")]),
        np.ma.array([1, 2], mask=[0, 1]),
        np.array([1], "g"),
    ],
    ids=["objects", "fields", "masked", "long double"],
)
def test_arrays_without_a_plain_dtype_are_refused(array):
    with pytest.raises(SerializationError, match="does not fit Arrow"):
        serialize_value(array)


def test_tables_stand_in_containers_and_in_hints():
    frame = FRAMES["ints and texts"]
    again = round_trip({"t": [frame], "a": (np.arange(2),)})
    pd.testing.assert_frame_equal(again["t"][0], frame)
    assert deserialize_value(serialize_value(frame), pd.DataFrame) is not None
    with pytest.raises(SerializationError, match=r"want pandas\.DataFrame, got list"):
        deserialize_value(serialize_value([1]), pd.DataFrame)


def stream(table, kind):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Any(type_url=f"type.googleapis.com/{kind}", value=sink.getvalue().to_pybytes())


def test_tables_that_others_wrote_are_read():
    table = pa.table({"a": [1, 2]})
    pd.testing.assert_frame_equal(
        deserialize_value(stream(table, "pandas.DataFrame")), pd.DataFrame({"a": [1, 2]})
    )
    pd.testing.assert_series_equal(
        deserialize_value(stream(table, "pandas.Series")), pd.Series([1, 2], name="a")
    )
    np.testing.assert_array_equal(
        deserialize_value(stream(table, "numpy.ndarray")), np.array([1, 2])
    )
    assert deserialize_value(stream(table, "polars.Series")).to_list() == [1, 2]


@pytest.mark.parametrize(
    "kind", ["pandas.Series", "polars.Series", "numpy.ndarray"], ids=lambda kind: kind
)
def test_a_series_of_two_columns_is_refused(kind):
    with pytest.raises(SerializationError, match="1 column, not 2"):
        deserialize_value(stream(pa.table({"a": [1], "b": [2]}), kind))


@pytest.mark.parametrize(
    "notes",
    [b"[]", b"{", b'{"dtype":"O"}', b'{"dtype":"nope"}', b'{"dtype":"<i8","shape":{"$tuple":[7]}}'],
)
def test_bad_notes_on_an_array_are_refused(notes):
    table = pa.table({"v": [1]}).replace_schema_metadata({METADATA_KEY: notes})
    with pytest.raises(SerializationError):
        deserialize_value(stream(table, "numpy.ndarray"))


@pytest.mark.parametrize(
    "kind",
    ["pandas.DataFrame", "pandas.Series", "polars.DataFrame", "pyarrow.Table", "numpy.ndarray"],
)
def test_damaged_streams_are_errors(kind):
    good = stream(pa.table({"a": ["x", "yy"]}), kind).value
    for data in (
        b"",
        b"\x00" * 16,
        b"pickle",
        good[:-20],
        good[:50],
        struct.pack("<ii", -1, 2**30),
    ):
        with pytest.raises(SerializationError):
            deserialize_value(Any(type_url=f"type.googleapis.com/{kind}", value=data))


def test_offsets_that_lead_out_of_the_buffer_are_refused():
    sent = stream(pa.table({"a": ["x", "yy"]}), "pandas.DataFrame")
    offsets = struct.pack("<iii", 0, 1, 3)
    assert sent.value.count(offsets) == 1
    for last in (1 << 30, -1):
        sent.value = sent.value.replace(offsets, struct.pack("<iii", 0, 1, last))
        offsets = struct.pack("<iii", 0, 1, last)
        with pytest.raises(SerializationError):
            deserialize_value(sent)


def test_what_is_no_table_is_not_encoded_here():
    assert encode_frame(object()) is None
    assert encode_frame(pd.NA) is None


@pytest.mark.parametrize(
    "items",
    [
        [None, "a"],
        [float("nan"), "a"],
        [None, float("nan"), pd.NaT, pd.NA],
        [1, None],
        [1.5, float("nan"), None],
        [True, None],
        [dt.date(2024, 1, 1), pd.NaT],
        [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)],
        [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")],
        [dt.timedelta(1), None],
        [Decimal("1.10"), Decimal("2.00"), None],
        [b"x", b"y"],
        [[1], [2, 3]],
    ],
    ids=str,
)
def test_the_objects_of_an_index_stay_themselves(items):
    frame = indexed(items)
    again = round_trip(frame)

    pd.testing.assert_index_equal(again.index[:0], frame.index[:0], exact=True)
    assert list(map(repr, again.index)) == list(map(repr, frame.index))


def test_the_objects_of_a_level_stay_themselves():
    frame = levels(
        [1, None, 1], [dt.datetime(2024, 1, 1)] * 3, [b"x", b"y", b"x"], [None, "a", "b"]
    )
    again = round_trip(frame)

    assert list(map(repr, again.index)) == list(map(repr, frame.index))
    assert [level.dtype for level in again.index.levels] == [
        level.dtype for level in frame.index.levels
    ]


@pytest.mark.parametrize("note", [{7: None}, {"x": None}, {0: "none such"}, {0: {"nan": [99]}}, 5])
def test_a_note_about_an_index_that_cannot_be_is_refused(note):
    _, encoded = encode_frame(indexed([1, None]))
    table = pa.ipc.open_stream(encoded).read_all()
    notes = to_json({"index_objects": note}).encode()
    metadata = dict(table.schema.metadata) | {METADATA_KEY: notes}
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata(metadata)) as writer:
        writer.write_table(table)
    with pytest.raises(SerializationError, match=r"malformed pandas.DataFrame"):
        deserialize_value(
            Any(type_url="type.googleapis.com/pandas.DataFrame", value=sink.getvalue().to_pybytes())
        )


@pytest.mark.parametrize(
    ("value", "hint", "said"),
    [
        (pd.DataFrame({"a": [1]}), pl.DataFrame, "want polars.DataFrame, got pandas.DataFrame"),
        (pl.DataFrame({"a": [1]}), pd.DataFrame, "want pandas.DataFrame, got polars.DataFrame"),
        (pa.table({"a": [1]}), list, "want list, got pyarrow.Table"),
    ],
)
def test_tables_of_two_libraries_are_told_apart_in_errors(value, hint, said):
    with pytest.raises(SerializationError, match=said):
        deserialize_value(serialize_value(value), hint)
