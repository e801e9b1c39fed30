"""DataFrames of many columns: those of plain dtypes are told by these, without a look at each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from grpc_tool_bridge.framedtypes import uncommon_dtypes
from grpc_tool_bridge.values import deserialize_value, serialize_value

COLUMNS = 400


def wide(cells: object) -> pd.DataFrame:
    return pd.DataFrame({f"c{at}": cells for at in range(COLUMNS)})


PLAIN = {
    "floats": [1.5, -0.0],
    "halves": np.array([1.5, 2], "f2"),
    "ints": [1, -2],
    "bools": [True, False],
    "moments": np.array(["2026-01-01", "NaT"], "M8[us]"),
    "spans": np.array([1, 2], "m8[ns]"),
}


@pytest.mark.parametrize("cells", PLAIN.values(), ids=PLAIN.keys())
def test_columns_of_plain_dtypes_are_taken_out_by_pyarrow_alone(monkeypatch, cells):
    frame = wide(cells)
    asked = []
    iloc = pd.DataFrame.iloc.fget

    def counted(self):
        asked.append(self)
        return iloc(self)

    monkeypatch.setattr(pd.DataFrame, "iloc", property(counted))
    value = serialize_value(frame)
    got = deserialize_value(value)
    monkeypatch.undo()

    assert len(asked) < 1.1 * COLUMNS
    pd.testing.assert_frame_equal(got, frame, check_exact=True)


def test_one_column_that_needs_it_is_looked_into_among_many_plain_ones():
    frame = wide([1.5, 2.5])
    frame["c7"] = [np.nan, -np.nan]
    frame["c70"] = pd.Series([None, pd.NA], dtype=object)
    frame["c270"] = pd.array(["a", None], dtype="string[python]")
    frame["c370"] = [[("k", 1)], [("m", None)]]

    got = deserialize_value(serialize_value(frame))

    pd.testing.assert_frame_equal(got, frame, check_exact=True)
    assert np.signbit(got["c7"]).tolist() == [False, True]
    assert [cell is pd.NA for cell in got["c70"]] == [False, True]


def test_dtypes_that_are_told_by_themselves_are_those_of_numpy_without_objects():
    frame = pd.DataFrame(
        {
            **dict(PLAIN),
            "objects": [object(), None],
            "texts": pd.array(["a", "b"], dtype="string"),
            "categories": pd.Categorical(["a", "b"]),
            "nullable": pd.array([1, None], dtype="Int64"),
            "zoned": pd.to_datetime([1, 2], utc=True),
        }
    )
    uncommon = [frame.columns[at] for at, _ in uncommon_dtypes(frame.dtypes)]
    assert uncommon == ["objects", "texts", "categories", "nullable", "zoned"]


@pytest.mark.parametrize(
    "code", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]
)
@pytest.mark.parametrize("name", [None, "n", 7, "a"])
def test_numbers_of_every_width_come_back_beside_a_range(code, name):
    index = pd.RangeIndex(5, 11, 2, name=name)
    frame = pd.DataFrame({"a": np.array([0, 1, 1], code), 2: np.array([1, 0, 1], code)}, index)

    got = deserialize_value(serialize_value(frame))

    pd.testing.assert_frame_equal(got, frame, check_exact=True, check_index_type="exact")
    assert [str(dtype) for dtype in got.dtypes] == [str(dtype) for dtype in frame.dtypes]
