"""Notes of tables that lie, or say too little, are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

offsets = pd.offsets


def noted(column, notes, kind="numpy.ndarray"):
    """A table of one column with notes, written as another program may write it."""
    table = pa.table({"values": column}).replace_schema_metadata({"grpc_tool_bridge": notes})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Any(type_url=f"type.googleapis.com/{kind}", value=sink.getvalue().to_pybytes())


def array(column, dtype="<i8", shape='{"$tuple":[2]}', order='"C"'):
    return noted(column, f'{{"dtype":"{dtype}","shape":{shape},"order":{order}}}')


@pytest.mark.parametrize(
    ("column", "dtype", "what"),
    [
        ([1, 2**40], "<i4", "want a column of int32, got int64"),
        ([1, 2], "int64", "want '<i8' in its notes, got 'int64'"),
        ([1, 2], "=i8", "want '<i8' in its notes, got '=i8'"),
        ([1.0, 2.0, 3.0, 4.0], "<c32", "malformed numpy.ndarray"),
        ([1, 300], "|u1", "want a column of uint8, got int64"),
        ([-1, 1], "<u8", "want a column of uint64, got int64"),
        ([5, 0], "|b1", "want a column of bool, got int64"),
        ([True, False], "<i8", "want a column of int64, got bool"),
        ([1.5, float("nan")], "<i8", "want a column of int64, got double"),
        ([2**53 + 1, 1], "<f8", "want a column of double, got int64"),
        ([1e300, 1], "<f4", "want a column of float, got double"),
        (["1", "22"], "<i8", "want a column of int64, got string"),
        (["2024-01-01", ""], "<M8[D]", "want a column of int64, got string"),
        ([1, 2], "<M8[s]", r"want a column of timestamp\[s\], got int64"),
        ([1.0, 2.0, 3.0], "<c16", "want two floats an item, got 3"),
        (["a", "abc"], "<U1", "item 1 of dtype '<U1' is 'abc', which it cannot hold"),
        ([b"abc", b""], "|S1", "item 0 of dtype '|S1' is b'abc', which it cannot hold"),
        (["a\0", "b"], "<U2", "which it cannot hold"),
    ],
)
def test_a_dtype_that_the_column_is_not_of_is_refused(column, dtype, what):
    with pytest.raises(SerializationError, match=what.replace("|", r"\|")) as caught:
        deserialize_value(array(column, dtype))

    assert "malformed numpy.ndarray" in str(caught.value)
    assert "expected" in caught.value.details


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": '{"$tuple":[-1]}'},
        {"shape": '{"$tuple":[2.0]}'},
        {"shape": '{"$tuple":[true,2]}'},
        {"shape": '{"$tuple":[3]}'},
        {"shape": '{"$tuple":[]}'},
        {"shape": '"2"'},
        {"shape": "2"},
        {"order": "null"},
        {"order": '"A"'},
        {"order": '["C"]'},
    ],
)
def test_a_shape_or_an_order_that_is_none_is_refused(changed):
    with pytest.raises(SerializationError, match=r"malformed numpy.ndarray: want .*, got"):
        deserialize_value(array([1, 2], **changed))


def test_a_dtype_that_is_no_text_is_refused():
    with pytest.raises(SerializationError, match="want the name of a dtype in its notes, got 8"):
        deserialize_value(noted([1, 2], '{"dtype":8}'))


@pytest.mark.parametrize(
    "dtype",
    ["<i2", ">i4", "|b1", "<f2", ">f8", "<c8", "|S3", "<U3", "<M8[us]", "<M8[D]", "<m8[7s]"],
)
def test_true_notes_are_read(dtype):
    sent = np.array([[1, 0, 1], [0, 1, 1]]).astype(dtype)

    again = deserialize_value(serialize_value(np.asfortranarray(sent)))

    assert again.dtype.str == sent.dtype.str
    assert again.flags.f_contiguous
    assert (again == sent).all()


def test_an_array_of_days_without_notes_is_one_of_days_and_goes_back_as_these():
    days = deserialize_value(noted(pa.array([0, 19849, None], pa.date32()), "{}"))
    assert days.dtype == np.dtype("M8[D]")
    assert days.astype(str).tolist() == ["1970-01-01", "2024-05-06", "NaT"]
    back = deserialize_value(serialize_value(days))
    assert back.dtype == days.dtype
    assert back.astype(str).tolist() == days.astype(str).tolist()


@pytest.mark.parametrize(
    "labels", ['"labels":[[1],[2]]', '"labels":[{"a":1}]', '"labels":[{"$set":[1]}]']
)
def test_names_of_columns_that_are_not_hashable_are_refused(labels):
    notes = f'{{"columns":{{{labels},"names":[null]}}}}'

    with pytest.raises(SerializationError, match="want a hashable name of a column, got"):
        deserialize_value(noted([1, 2], notes, "pandas.DataFrame"))


@pytest.mark.parametrize(
    "freq",
    [
        offsets.CustomBusinessDay(holidays=["2024-12-25"]),
        offsets.CustomBusinessHour(start="10:00"),
        offsets.BusinessHour(start="10:00"),
        offsets.CustomBusinessMonthEnd(holidays=["2024-12-25"]),
        offsets.MonthEnd(2, normalize=True),
        offsets.Week(n=2),
        offsets.Easter(),
        pd.DateOffset(months=1),
    ],
    ids=repr,
)
def test_a_frequency_of_which_the_text_says_only_a_part_is_refused_where_it_is_sent(freq):
    index = pd.date_range("2024-01-01", periods=3, freq=freq)

    with pytest.raises(SerializationError, match=r"the index has the frequency .* set index.freq"):
        serialize_value(pd.DataFrame({"a": range(3)}, index=index))

    index.freq = None
    again = deserialize_value(serialize_value(pd.DataFrame({"a": range(3)}, index=index)))
    assert again.index.equals(index)


@pytest.mark.parametrize(
    "freq",
    [
        offsets.BusinessDay(),
        offsets.CustomBusinessDay(),
        offsets.QuarterEnd(startingMonth=2),
        offsets.Week(weekday=2),
        offsets.WeekOfMonth(week=1, weekday=1),
        pytest.param(
            offsets.LastWeekOfMonth(weekday=3),
            marks=pytest.mark.skipif(
                pd.__version__ < "3", reason="pandas 2 does not read what it writes of it"
            ),
        ),
        offsets.YearBegin(month=4),
        offsets.SemiMonthEnd(day_of_month=10),
        offsets.Hour(3),
        offsets.Nano(7),
    ],
    ids=repr,
)
def test_a_frequency_that_its_text_says_wholly_comes_back(freq):
    index = pd.date_range("2024-01-01", periods=3, freq=freq)

    again = deserialize_value(serialize_value(pd.DataFrame({"a": range(3)}, index=index)))

    assert type(again.index.freq) is type(freq)
    assert again.index.freq == freq


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pyarrow.Table", "polars.DataFrame"])
def test_details_of_a_broken_table_say_what_was_expected(kind):
    whole = serialize_value(pa.table({"a": [1, 2]})).value

    for data in (b"", b"x", whole[:-8], whole + b"x", whole[: len(whole) // 2]):
        with pytest.raises(SerializationError) as caught:
            deserialize_value(Any(type_url=f"type.googleapis.com/{kind}", value=data))
        assert caught.value.details["expected"] == "an Arrow IPC stream"
        assert caught.value.details["got"] == "malformed or truncated bytes"


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (pa.array([0, 3600000000005], pa.time64("ns")), "Value 3600000000005 has non-zero"),
        (pa.array([[], [7]], pa.list_(pa.time64("ns"))), "Value 7 has non-zero nanoseconds"),
        (pa.array([0, 2**30], pa.date32()), "year 2941775 is out of range"),
    ],
)
def test_cells_that_python_has_no_value_for_are_named_with_their_column(column, what):
    encoded = noted(column, "{}", "pandas.DataFrame")

    with pytest.raises(SerializationError, match=f"column 'values' of type .*{what}") as caught:
        deserialize_value(encoded)

    assert caught.value.path == "$.values"
    assert "malformed" not in str(caught.value)
    table = deserialize_value(noted(column, "{}", "pyarrow.Table"))
    assert table.column(0).type == column.type
