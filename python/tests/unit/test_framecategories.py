"""Categories that are periods or intervals, as ``pd.cut`` makes them: of these no Arrow stream has dictionaries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.frames import METADATA_KEY
from grpc_tool_bridge.values import deserialize_value, serialize_value

NUMBERS = [5, 1, np.nan, 9, 1]
MONTHS = pd.period_range("2024-01", periods=3, freq="M")
BIG = 2**53
CATEGORICALS = {
    "cut": pd.cut(NUMBERS, [0, 3, 6, 10]),
    "cut, closed on the left": pd.cut(NUMBERS, [0, 3, 6, 10], right=False),
    "cut, with the lowest": pd.cut(NUMBERS, [1, 3, 6, 10], include_lowest=True),
    "cut into many, most of them empty": pd.cut(NUMBERS, 50),
    "cut, without an order": pd.cut(NUMBERS, [0, 3, 6, 10]).as_unordered(),
    "cut moments": pd.cut(pd.date_range("2024", periods=4), 2),
    "quarters": pd.qcut(np.arange(10.0), 4),
    "reversed": pd.cut(NUMBERS, [0, 3, 6, 10]).reorder_categories(
        pd.cut(NUMBERS, [0, 3, 6, 10]).categories[::-1]
    ),
    "overlapping": pd.Categorical.from_codes(
        [2, 0, -1, 1], pd.IntervalIndex.from_tuples([(0, 5), (0, 3), (2, 5)], closed="both")
    ),
    "of ints that floats have not": pd.Categorical.from_codes(
        [0, -1, 1], pd.IntervalIndex.from_tuples([(BIG, BIG + 1), (BIG, BIG + 3)])
    ),
    "months": pd.Categorical.from_codes([2, 0, -1, 2], MONTHS, ordered=True),
    "weeks": pd.Categorical(pd.period_range("2024-01", periods=3, freq="W-WED")),
    "all missing": pd.Categorical.from_codes([-1, -1], MONTHS),
    "no rows": pd.cut(NUMBERS, [0, 3, 6, 10])[:0],
    "no categories": pd.Categorical.from_codes([-1], pd.IntervalIndex.from_breaks([0])),
    "nothing": pd.Categorical(MONTHS[:0]),
}


def back(value: object) -> object:
    return deserialize_value(serialize_value(value, strict=True))


def same(before: pd.Categorical, after: pd.Categorical) -> None:
    assert before.ordered == after.ordered
    assert repr(before.categories.dtype) == repr(after.categories.dtype)
    assert before.categories.equals(after.categories)
    assert before.codes.tolist() == after.codes.tolist()


@pytest.mark.parametrize("cells", CATEGORICALS.values(), ids=CATEGORICALS)
def test_they_come_back_with_dtype_order_and_closed_side(cells):
    rows = range(len(cells))
    same(cells, back(pd.Series(cells, name=7)).array)

    frame = back(pd.DataFrame({"n": rows, "c": cells, "again": cells, ("x", 1): cells}))
    assert frame["n"].tolist() == [*rows]
    for name in ("c", "again", ("x", 1)):
        same(cells, frame[name].array)

    index = back(pd.Series(rows, index=pd.CategoricalIndex(cells, name="c"))).index
    assert index.name == "c"
    same(cells, index.array)

    levels = pd.MultiIndex.from_arrays([[*rows], cells], names=[None, "c"])
    several = back(pd.DataFrame({"n": rows}, index=levels)).index
    assert several.equals(levels)
    same(levels.levels[1].array, several.levels[1].array)
    assert several.codes[1].tolist() == levels.codes[1].tolist()


@pytest.mark.parametrize("cells", CATEGORICALS.values(), ids=CATEGORICALS)
def test_they_may_be_the_names_of_columns(cells):
    columns = pd.CategoricalIndex(cells, name="c")
    same(cells, back(pd.DataFrame([[*range(len(cells))]], columns=columns)).columns.array)


def test_what_groups_and_tables_of_counts_are_of_them_comes_back():
    sales = pd.DataFrame(
        {"age": pd.cut([20, 35, 70, 40], [0, 30, 60, 99]), "sum": [1.5, 2.5, 3.5, 4.5]}
    )
    sales["month"] = MONTHS.take([0, 1, 1, 0]).astype("category")
    for table in (
        sales,
        sales.groupby("age", observed=False).sum(numeric_only=True),
        sales.groupby(["age", "month"], observed=False)["sum"].agg(["mean", "count"]),
        sales.pivot_table(index="age", columns="month", values="sum", observed=False),
        pd.crosstab(sales["age"], sales["month"]),
    ):
        pd.testing.assert_frame_equal(back(table), table)
    counts = sales["age"].value_counts()
    pd.testing.assert_series_equal(back(counts), counts)


def test_other_programs_see_periods_and_intervals():
    data = serialize_value(pd.DataFrame({"c": pd.cut([1, 5, np.nan], [0, 3, 6])})).value
    column = pa.ipc.open_stream(data).read_all().column("c")
    assert column.type.extension_name == "pandas.interval"
    assert column.combine_chunks().storage.to_pylist() == [
        {"left": 0, "right": 3},
        {"left": 3, "right": 6},
        None,
    ]


def rewritten(frame: pd.DataFrame, change) -> AnyMessage:
    """The table as it travels, after a program that kept its metadata has changed it."""
    message = serialize_value(frame)
    table = change(pa.ipc.open_stream(message.value).read_all())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return AnyMessage(type_url=message.type_url, value=sink.getvalue().to_pybytes())


def test_rows_may_be_put_otherwise_and_into_batches_on_their_way():
    cells = CATEGORICALS["cut"]
    frame = pd.DataFrame({"c": cells})

    def change(table):
        return pa.concat_tables([table.slice(3), table.slice(0, 0), table.slice(0, 3)])

    same(cells[[3, 4, 0, 1, 2]], deserialize_value(rewritten(frame, change))["c"].array)


def interval(left: int, right: int) -> pd.Series:
    return pd.Series(pd.arrays.IntervalArray.from_arrays([left], [right]))


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (pa.array(interval(0, 4)), "a cell of the column is none of its categories"),
        (pa.array(interval(0.0, 3.0)), "want a column of "),
        (pa.array([0]), "want a column of "),
    ],
    ids=["none of them", "of another type", "no intervals"],
)
def test_cells_that_are_none_of_the_categories_are_refused_with_their_column(cells, says):
    frame = pd.DataFrame({"c": pd.cut([1], [0, 3, 6])})
    assert METADATA_KEY in pa.ipc.open_stream(serialize_value(frame).value).schema.metadata
    message = rewritten(
        frame, lambda table: table.set_column(0, table.field(0).with_type(cells.type), cells)
    )
    with pytest.raises(SerializationError, match=says) as caught:
        deserialize_value(message)
    assert caught.value.path == "$.c"


def test_categories_that_cannot_travel_are_refused_with_their_column():
    zoned = pd.interval_range(pd.Timestamp("2020", tz="UTC"), periods=2)
    with pytest.raises(
        SerializationError, match="column 'a' has categories that cannot be sent: "
    ) as caught:
        serialize_value(pd.DataFrame({"a": pd.Categorical(zoned)}))
    assert caught.value.path == "$.a"
