"""Names, indexes and categories of pandas arrive with their very dtypes, or are refused by who sends them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.framedtypes import called_dtype, same_dtype, same_index
from grpc_tool_bridge.values import deserialize_value, serialize_value

MOMENTS = pd.to_datetime(np.array([1, 2000]), unit="ns").as_unit("ns")
LOCAL = [moment.to_pydatetime() for moment in pd.to_datetime(["2020-01-01", "2021-01-01"])]
LEVELS = {
    "ints with a missing one": pd.Index([1, None, 2**62 + 1], dtype="Int64"),
    "ints of 8 bits": pd.Index([1, 2], dtype="int8"),
    "ints beside what is missing": pd.Index([True, None], dtype="boolean"),
    "large unsigned ints": pd.Index([2**63, 1], dtype="uint64"),
    "floats of 32 bits": pd.Index([0.1, 0.2], dtype="float32"),
    "nullable floats": pd.Index([1.5, None], dtype="Float64"),
    "nothing but NaN": pd.Index([float("nan")] * 2),
    "texts with a missing one": pd.Index(["a", None], dtype="string"),
    "moments of nanoseconds": MOMENTS,
    "moments of seconds": pd.DatetimeIndex(np.array(["2020-01-01", "0001-01-01"], "M8[s]")),
    "moments behind the year 9999": pd.DatetimeIndex(np.array(["20000-01-01"], "M8[s]")),
    "moments in a zone": MOMENTS.tz_localize("Europe/Berlin"),
    "spans of nanoseconds": pd.to_timedelta(np.array([1, 2000]), unit="ns"),
    "months": pd.period_range("2020-01", periods=2, freq="M"),
    "intervals": pd.interval_range(0, 2),
    "ordered categories": pd.CategoricalIndex(["b", "a"], ["b", "a", "z"], ordered=True),
    "datetimes as objects": pd.Index([*LOCAL], dtype=object),
    "days": pd.Index([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], dtype=object),
    "objects of two kinds": pd.Index([1, "a"], dtype=object),
    "nothing": pd.Index([], dtype="int16"),
    "ints of Arrow's": pd.Index([1, 2], dtype="int64[pyarrow]"),
}


def columns_of(level: pd.Index) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([level, ["x", "y", "z"][: len(level)]], names=["first", None])


def sent(value: object) -> object:
    return deserialize_value(serialize_value(value, strict=True))


def exactly(before: pd.Index, after: pd.Index) -> None:
    """Compares indexes by what people see of them, not by what the code calls the same."""
    assert type(before) is type(after)
    assert list(before.names) == list(after.names)
    for number in range(before.nlevels):
        level, other = before.get_level_values(number), after.get_level_values(number)
        assert repr(level.dtype) == repr(other.dtype)
        assert [*map(type, level)] == [*map(type, other)]
        assert level.equals(other)


@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
def test_levels_of_names_of_columns_arrive_as_they_are(level):
    columns = columns_of(level)
    frame = pd.DataFrame([[*range(len(level))]], columns=columns)
    back = sent(frame)
    exactly(columns, back.columns)
    for number in range(2):
        assert same_dtype(columns.levels[number].dtype, back.columns.levels[number].dtype)
    assert back.to_numpy().tolist() == frame.to_numpy().tolist()


def test_columns_that_differ_in_nanoseconds_stay_two():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_arrays([MOMENTS, ["x", "x"]]))
    assert sent(frame).columns.is_unique


def test_names_of_levels_that_are_numbers_are_not_taken_for_the_levels():
    columns = pd.MultiIndex.from_tuples([("b", 1), ("a", 2)], names=[1, ("a", 2)])
    back = sent(pd.DataFrame([[1, 2]], columns=columns)).columns
    assert back.tolist() == columns.tolist()
    assert list(back.names) == [1, ("a", 2)]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        (pd.MultiIndex.from_arrays([[1, 2]], names=["n"]), "MultiIndex of one level"),
        (columns_of(pd.Index([1j, 2j])), "does not fit Arrow"),
        (columns_of(pd.Index([2**53 + 1, 0.5], dtype=object)), "does not fit Arrow"),
        (columns_of(pd.Index([1, 2.5], dtype=object)), "level 0 of the index holds objects"),
        (pd.Index([MOMENTS[0], "a"], dtype=object), "does not fit Arrow"),
    ],
    ids=["one level", "complex", "large", "mixed", "nanoseconds"],
)
def test_names_of_columns_that_would_be_others_are_refused(columns, what):
    with pytest.raises(SerializationError, match=f"the names of the columns, .*{what}") as caught:
        serialize_value(pd.DataFrame([[1, 2]], columns=columns))
    assert caught.value.path == "$"


def test_an_index_of_one_level_that_is_a_multiindex_is_refused():
    index = pd.MultiIndex.from_arrays([[1, 2]])
    with pytest.raises(SerializationError, match="the index is a MultiIndex of one level"):
        serialize_value(pd.DataFrame({"a": [1, 2]}, index=index))


CATEGORIES = {
    "ints as objects": pd.Index([1, 2], dtype=object),
    "bools as objects": pd.Index([True, False], dtype=object),
    "floats as objects": pd.Index([1.0, 2.0], dtype=object),
    "datetimes as objects": pd.Index(LOCAL[:1], dtype=object),
    "spans as objects": pd.Index([dt.timedelta(1)], dtype=object),
    "nullable texts": pd.Index(["a"], dtype="string"),
    "nullable ints": pd.Index([1], dtype="Int64"),
    "days": pd.Index([dt.date(2020, 1, 1)], dtype=object),
    "texts": pd.Index(["b", "a"]),
    "ints of 8 bits": pd.Index([1], dtype="int8"),
    "moments of seconds": pd.DatetimeIndex(["2020"]).as_unit("s"),
    "moments in a zone": MOMENTS.tz_localize("Europe/Berlin"),
}
REFUSED = {name for name in CATEGORIES if name.endswith("as objects")}


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_arrive_with_their_dtype_or_are_refused(name, ordered):
    categories = CATEGORIES[name]
    cells = pd.Categorical([categories[0]], categories=categories, ordered=ordered)
    for value in (
        pd.DataFrame({"a": cells}),
        pd.Series(cells),
        pd.DataFrame({"x": [1]}, index=pd.CategoricalIndex(cells)),
        pd.DataFrame({"a": cells})[:0],
    ):
        indexed = isinstance(value.index, pd.CategoricalIndex)
        if name in REFUSED:
            with pytest.raises(SerializationError, match="category of ") as caught:
                serialize_value(value)
            series = "$" if isinstance(value, pd.Series) else "$.a"
            assert caught.value.path == ("$.index" if indexed else series)
            continue
        back = sent(value)
        for before, after in zip(dtypes(value), dtypes(back), strict=True):
            assert repr(before) == repr(after)
            if isinstance(before, pd.CategoricalDtype):
                exactly(before.categories, after.categories)


def dtypes(value: pd.DataFrame | pd.Series) -> list[object]:
    frame = value if isinstance(value, pd.DataFrame) else value.to_frame()
    return [*frame.dtypes, frame.index.dtype]


def test_an_index_of_texts_that_would_be_kept_by_another_library_is_refused():
    dtype = pd.StringDtype("python", na_value=np.nan)
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], dtype=dtype))
    with pytest.raises(
        SerializationError, match=r"the index of dtype str \(kept by python\) would"
    ):
        serialize_value(frame)
    assert [*sent(frame.set_axis(["a", "b"])).index] == ["a", "b"]


def test_intervals_of_moments_with_a_zone_are_refused_with_their_column():
    spans = pd.interval_range(pd.Timestamp("2020", tz="UTC"), periods=2)
    with pytest.raises(SerializationError, match="column 'a' ") as caught:
        serialize_value(pd.DataFrame({"a": pd.Series(spans)}))
    assert caught.value.path == "$.a"


def test_dtypes_are_the_same_only_with_all_that_is_in_them():
    texts = [
        pd.StringDtype(kept, missing)
        for kept in ("python", "pyarrow")
        for missing in (pd.NA, np.nan)
    ]
    assert [same_dtype(one, other) for one in texts for other in texts].count(True) == len(texts)
    assert [*map(called_dtype, texts)] == [
        *("string (kept by python)", "str (kept by python)"),
        *("string (kept by pyarrow)", "str (kept by pyarrow)"),
    ]
    empty, ints = pd.CategoricalDtype(), pd.CategoricalDtype([1])
    assert same_dtype(empty, empty)
    assert not same_dtype(empty, ints)
    assert not same_dtype(pd.CategoricalDtype([1, 2]), pd.CategoricalDtype([2, 1]))
    assert called_dtype(pd.CategoricalDtype([1], ordered=True)) == "ordered category of int64"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (pd.Index([True], dtype=object), pd.Index([1], dtype=object)),
        (pd.Index([1.0], dtype=object), pd.Index([1], dtype=object)),
        (pd.Index([None], dtype=object), pd.Index([pd.NA], dtype=object)),
        (pd.Index([float("nan")], dtype=object), pd.Index([-float("nan")], dtype=object)),
        (
            pd.Index([(1, "a")], dtype=object, tupleize_cols=False),
            pd.Index([(1.0, "a")], dtype=object, tupleize_cols=False),
        ),
        (pd.Index([1], name="a"), pd.Index([1], name="b")),
        (pd.Index([1], name=1), pd.Index([1], name=True)),
        (pd.Index([1, 2]), pd.Index([2, 1])),
        (pd.Index([1, 2]), pd.Index([1])),
        (pd.Index([1, 2]), pd.RangeIndex(1, 3)),
    ],
    ids=str,
)
def test_indexes_that_pandas_or_python_takes_for_equal_are_told_apart(before, after):
    assert same_index(before, before.copy())
    assert not same_index(before, after)
