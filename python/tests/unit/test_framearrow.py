"""Columns and indexes of pandas that are Arrow's come back with their types, whatever the type is called."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

MOMENT = dt.datetime(2024, 5, 6, tzinfo=dt.timezone.utc)
CELLS = {
    pa.string(): ["b", None, "a", "b"],
    pa.large_string(): ["b", None, "a", "b"],
    pa.int64(): [2**60 + 1, None, 3, 3],
    pa.float64(): [1.5, None, float("nan"), -0.0],
    pa.decimal128(5, 2): [Decimal("1.10"), None, Decimal(2), Decimal(-1)],
    pa.date32(): [dt.date(2024, 5, 6), None, dt.date(1, 1, 1), dt.date(2024, 5, 6)],
    pa.time64("us"): [dt.time(1, 2, 3), None, dt.time(0), dt.time(1)],
    pa.timestamp("us", "Europe/Berlin"): [MOMENT, None],
    pa.duration("ms"): [dt.timedelta(1), None],
    pa.bool_(): [True, None, False],
    pa.binary(): [b"\xff", None],
    pa.list_(pa.int64()): [[1, None], None, []],
    pa.struct([("a", pa.int8()), ("b", pa.string())]): [{"a": 1, "b": None}, None],
    pa.map_(pa.string(), pa.int64()): [[("a", 1)], None],
    pa.dictionary(pa.int8(), pa.string()): ["b", None, "a", "b"],
    pa.null(): [None, None],
}
HASHABLE = [
    dtype for dtype in CELLS if not pa.types.is_nested(dtype) and not pa.types.is_dictionary(dtype)
]


def back(value):
    return deserialize_value(serialize_value(value, strict=True))


def series(dtype: pa.DataType) -> pd.Series:
    return pd.Series(
        pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(CELLS[dtype], dtype)]))
    )


def same(before: pd.Series, after: pd.Series) -> None:
    assert repr(before.dtype) == repr(after.dtype)
    one, other = pa.array(before.array), pa.array(after.array)
    assert one.type == other.type
    assert repr(one.to_pylist()) == repr(other.to_pylist())  # NaN and null apart


@pytest.mark.parametrize("dtype", CELLS, ids=str)
def test_columns_come_back(dtype):
    cells = series(dtype)
    same(cells, back(cells))
    frame = pd.DataFrame({"n": range(len(cells)), "c": cells, 7: cells})
    for table in (frame, frame[:0], frame[1:], frame[["n", "c"]]):
        again = back(table)
        assert again["n"].tolist() == table["n"].tolist()
        for name in table.columns[1:]:
            same(table[name], again[name])


TEXT = pd.ArrowDtype(pa.string())


@pytest.mark.parametrize("dtype", HASHABLE, ids=str)
def test_indexes_come_back(dtype):
    cells = series(dtype)
    index = pd.Index(cells.array, name="i")
    again = back(pd.DataFrame({"n": range(len(cells))}, index=index)).index
    assert again.name == "i"
    same(pd.Series(index.array), pd.Series(again.array))

    levels = pd.MultiIndex.from_arrays([cells.array, range(len(cells))], names=["i", None])
    several = back(pd.DataFrame({"n": range(len(cells))}, index=levels)).index
    same(pd.Series(levels.levels[0].array), pd.Series(several.levels[0].array))
    assert [*map(list, several.codes)] == [*map(list, levels.codes)]


def test_an_index_whose_dtype_has_no_name_that_pandas_reads_is_refused():
    index = pd.Index(series(pa.dictionary(pa.int8(), pa.string())).array)
    with pytest.raises(SerializationError, match="could not be read again: convert it") as caught:
        serialize_value(pd.DataFrame({"n": range(4)}, index=index))
    assert caught.value.path == "$.index"


def test_what_is_read_by_arrow_comes_back_and_what_is_grouped_of_it():
    read = pd.read_csv(io.StringIO("who,n,x\nb,1,1.5\n,2,\na,,3\n"), dtype_backend="pyarrow")
    assert read["who"].dtype == TEXT
    pd.testing.assert_frame_equal(back(read), read)
    for table in (
        read.groupby("who").sum(),
        read.groupby(["who", "n"], dropna=False).count(),
        read.set_index("n"),
        read.pivot_table(index="n", columns="who", values="x"),
        read.describe(),
    ):
        pd.testing.assert_frame_equal(back(table), table)


def test_other_programs_see_the_type_itself():
    data = serialize_value(pd.DataFrame({"c": series(pa.list_(pa.int64()))})).value
    assert pa.ipc.open_stream(data).schema.field("c").type == pa.list_(pa.int64())


def test_a_note_on_a_column_that_is_not_there_is_refused():
    message = serialize_value(pd.DataFrame({"c": series(pa.string())}))
    assert message.value.count(b'{"arrow":[0]}') == 1
    message.value = message.value.replace(b'{"arrow":[0]}', b'{"arrow":[9]}')
    with pytest.raises(SerializationError):
        deserialize_value(message)
