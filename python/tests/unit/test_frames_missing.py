"""NaN with its sign, null and the other kinds of what is missing in tables, and bytes that are missing at their end."""

from __future__ import annotations

import math
import struct
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.batchreaders import open_reader
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.frames import decode_frame, encode_frame
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import deserialize_value, serialize_value

NAN = float("nan")
KINDS = ["pandas.DataFrame", "pandas.Series", "polars.DataFrame", "pyarrow.Table", "numpy.ndarray"]


def round_trip(value):
    return deserialize_value(serialize_value(value, strict=True), strict=True)


def sent(value):
    """The Arrow table that travels, as any other program sees it."""
    return pa.ipc.open_stream(serialize_value(value).value).read_all()


def floats(*cells, dtype="float64"):
    """A nullable column with NaN and NA apart."""
    values = np.array([0.0 if cell is None else cell for cell in cells], dtype=dtype)
    return pd.arrays.FloatingArray(values, np.array([cell is None for cell in cells]))


def objects(*cells):
    made = np.empty(len(cells), dtype=object)
    made[:] = cells
    return made


def stream(table, kind):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Any(type_url=f"type.googleapis.com/{kind}", value=sink.getvalue().to_pybytes())


def levels(*arrays):
    return pd.MultiIndex.from_arrays([*arrays])


def plain_ints(index):
    return index.set_levels([level.astype("int64") for level in index.levels])


FRAMES = {
    "float64": pd.DataFrame({"a": [1.5, NAN, -NAN, -0.0]}),
    "float32": pd.DataFrame({"a": np.array([1.5, NAN, -NAN], dtype="f4")}),
    "float16": pd.DataFrame({"a": np.array([1.5, NAN, -NAN], dtype="f2")}),
    "Float64": pd.DataFrame({"a": floats(1.5, NAN, -NAN, None)}),
    "Float32": pd.DataFrame({"a": floats(1.5, NAN, -NAN, None, dtype="float32")}),
    "Float64 without nulls": pd.DataFrame({"a": floats(1.5, NAN)}),
    "Arrow's floats": pd.DataFrame(
        {"a": pd.arrays.ArrowExtensionArray(pa.array([1.5, NAN, None]))}
    ),
    "every kind of missing": pd.DataFrame({"a": objects(None, NAN, -NAN, pd.NaT, pd.NA, 1.5)}),
    "no floats but NaN": pd.DataFrame({"a": objects(NAN, -NAN)}),
    "texts and NaN": pd.DataFrame({"a": objects("x", NAN, -NAN, None)}),
    "ints and NaN": pd.DataFrame({"a": objects(1, NAN, -NAN, None)}),
    "bools and NaN": pd.DataFrame({"a": objects(True, -NAN, None, pd.NA)}),
    "lists with NaN": pd.DataFrame({"a": objects([1.5, NAN], [-NAN, None], None, NAN)}),
    "dicts with NaN": pd.DataFrame({"a": objects({"x": NAN}, {"x": -NAN}, {"x": None})}),
    "names twice": pd.DataFrame([[1.0, NAN], [-NAN, 2.0]], columns=["a", "a"]),
    "names of floats": pd.DataFrame([[1, 2]], columns=pd.Index([-NAN, 1.5])),
    "index": pd.DataFrame({"a": [1, 2, 3]}, index=[1.5, NAN, -NAN]),
    "index of float32": pd.DataFrame({"a": [1, 2]}, index=pd.Index([-NAN, 1], dtype="float32")),
    "index of Float64": pd.DataFrame({"a": [1, 2, 3]}, index=pd.Index(floats(NAN, -NAN, None))),
    "index of Float64 without nulls": pd.DataFrame({"a": [1]}, index=pd.Index(floats(-NAN))),
    "index of long ints": pd.DataFrame(
        {"a": [1, 2]}, index=pd.Index([2**60 + 1, None], dtype="Int64")
    ),
    "index of bools": pd.DataFrame({"a": [1, 2]}, index=pd.Index([True, None], dtype="boolean")),
    "index of objects": pd.DataFrame(
        {"a": range(4)}, index=pd.Index(objects(1.5, NAN, -NAN, None), dtype=object)
    ),
    "index of texts and NaN": pd.DataFrame(
        {"a": range(3)}, index=pd.Index(objects("x", NAN, -NAN), dtype=object)
    ),
    "levels of floats": pd.DataFrame({"a": [1, 2]}, index=levels([1.5, NAN], ["x", "y"])),
    "levels of Float64": pd.DataFrame(
        {"a": [1, 2, 3]}, index=levels(floats(1.5, NAN, None), [1, 2, 3])
    ),
    "levels of long Int64": pd.DataFrame(
        {"a": [1, 2]}, index=levels(pd.array([2**60 + 1, None], dtype="Int64"), [1, 2])
    ),
    "levels of long ints": pd.DataFrame(
        {"a": [1, 2]}, index=plain_ints(levels(pd.array([2**60 + 1, None], dtype="Int64"), [1, 2]))
    ),
    "levels of bools": pd.DataFrame({"a": [1, 2]}, index=levels([True, None], [1, 2])),
    "levels in ranges": pd.DataFrame({"a": [1, 2]}, index=levels(["x", "y"], range(2))),
    "levels of intervals": pd.DataFrame(
        {"a": [1, 2]}, index=levels(pd.interval_range(0, 2), range(2))
    ),
    "index of intervals": pd.DataFrame({"a": [1, 2]}, index=pd.interval_range(0, 2)),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_nan_with_its_sign_and_null_stay_apart(frame):
    before = frame.copy(deep=True)
    again = round_trip(frame)

    assert not difference(frame, again)
    assert not difference(before, frame), "what was sent is as it was"
    for position in range(frame.shape[1]):
        series = frame.iloc[:, position].rename("s")
        assert not difference(series, round_trip(series))
    for before_level, level in zip(
        getattr(frame.index, "levels", ()), getattr(again.index, "levels", ()), strict=True
    ):
        assert type(level) is type(before_level)
        assert level.dtype == before_level.dtype
        assert [*map(repr, level)] == [*map(repr, before_level)]


def test_nan_is_a_number_for_every_other_program():
    table = sent(
        pd.DataFrame(
            {"a": [1.5, -NAN], "b": floats(NAN, None), "c": objects(-NAN, None)}, index=[NAN, 2.5]
        )
    )
    assert [column.null_count for column in table.columns] == [0, 1, 1, 0]
    assert math.copysign(1, table.column("a")[1].as_py()) == -1
    assert math.isnan(table.column("b")[0].as_py())
    assert math.copysign(1, table.column("c")[0].as_py()) == -1
    assert math.isnan(table.column("__index_level_0__")[0].as_py())


LATE = pa.concat_tables(
    [
        pa.table(
            {
                "f": pa.array([1.5, NAN]),
                "s": pa.array([1.5, 2.5], pa.float32()),
                "h": pa.array([np.float16(1.5), np.float16(2)]),
                "i": [1, 2**62 + 1],
                "u": pa.array([1, 2], pa.uint8()),
                "b": [True, False],
                "whole": [1.5, NAN],
            }
        ),
        pa.table(
            {
                "f": pa.array([-NAN, None]),
                "s": pa.array([None, -NAN], pa.float32()),
                "h": pa.array([None, np.float16(2)]),
                "i": [1, None],
                "u": pa.array([1, None], pa.uint8()),
                "b": [True, None],
                "whole": [2.5, -NAN],
            }
        ),
    ]
)
"""Nulls come with the second batch only."""


@pytest.mark.parametrize("pieces", [False, True], ids=["whole", "in pieces"])
def test_nulls_of_other_programs_are_na_in_the_nullable_dtypes_of_the_whole_column(pieces):
    data = stream(LATE, "pandas.DataFrame").value
    parts = [data[at : at + 100] for at in range(0, len(data), 100)]
    frame = decode_frame("pandas.DataFrame", Pieces(parts) if pieces else data)

    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "f": "Float64",
        "s": "Float32",
        "h": "halffloat[pyarrow]",
        "i": "Int64",
        "u": "UInt8",
        "b": "boolean",
        "whole": "float64",
    }
    assert frame["f"].isna().tolist() == [False, False, False, True]
    assert np.signbit(frame["f"].to_numpy(dtype="float64", na_value=0)).tolist() == [
        False,
        False,
        True,
        False,
    ]
    assert frame["i"][1] == 2**62 + 1
    assert np.signbit(frame["whole"]).tolist() == [False, False, False, True]
    assert not difference(frame, round_trip(frame))
    frame.loc[0, ["f", "i", "b"]] = [2.5, 7, False]  # they can be written to


def test_nulls_of_others_stay_null_in_other_libraries():
    assert deserialize_value(stream(LATE, "pyarrow.Table")).equals(LATE) is False, (
        "NaN is unlike itself"
    )
    assert not difference(LATE, deserialize_value(stream(LATE, "pyarrow.Table")))
    frame = deserialize_value(stream(LATE.drop_columns("h"), "polars.DataFrame"))
    assert frame["f"].null_count() == 1
    assert frame["f"].is_nan().to_list() == [False, True, True, None]
    assert not difference(frame, round_trip(frame))


def test_columns_of_one_name_each_have_their_own_nulls():
    table = pa.table([pa.array([1, None]), pa.array([1.5, NAN]), pa.array([None, 1.5])], ["a"] * 3)
    frame = deserialize_value(stream(table, "pandas.DataFrame"))
    assert [*map(str, frame.dtypes)] == ["Int64", "float64", "Float64"]


@pytest.mark.parametrize("name", ["f", "i", "b", "u"])
def test_an_array_with_nulls_is_refused(name):
    with pytest.raises(SerializationError, match="has nulls, and an array has none") as caught:
        deserialize_value(stream(LATE.select([name]), "numpy.ndarray"))
    assert caught.value.path == f"$.{name}"


def test_an_array_of_moments_with_a_zone_is_refused_for_numpy_has_no_zones():
    moments = pa.table({"values": pa.array([1], pa.timestamp("us", "Europe/Berlin"))})
    with pytest.raises(SerializationError, match="would lose its zone, 'Europe/Berlin'"):
        deserialize_value(stream(moments, "numpy.ndarray"))


@pytest.mark.parametrize(
    ("index", "match"),
    [
        (
            pd.CategoricalIndex([UUID(int=1), UUID(int=2)]),
            r"the index holds categories of dtype extension<arrow.uuid>, .* make them texts",
        ),
        (
            pd.MultiIndex.from_arrays([[1, 2], pd.Categorical([UUID(int=1), UUID(int=2)])]),
            "level 1 of the index holds categories of dtype extension<arrow.uuid>",
        ),
    ],
)
def test_an_index_that_could_not_be_read_again_is_named(index, match):
    with pytest.raises(SerializationError, match=match):
        serialize_value(pd.DataFrame({"a": [1, 2]}, index=index))
    if index.nlevels == 1:
        with pytest.raises(SerializationError, match=f"the names of the columns, .*{match}"):
            serialize_value(pd.DataFrame([[1, 2]], columns=index))


def misplaced(kind, name="price"):
    """A table with a column of texts, of which the last offset leads out of them."""
    good = stream(pa.table({name: ["x", "yy"]}), kind)
    offsets = struct.pack("<iii", 0, 1, 3)
    assert good.value.count(offsets) == 1
    return Any(
        type_url=good.type_url,
        value=good.value.replace(offsets, struct.pack("<iii", 0, 1, 1 << 30)),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "step"), [("price", ".price"), ("a b", '["a b"]'), ("", '[""]')])
def test_a_malformed_column_is_named_by_its_path(kind, name, step):
    bad = misplaced(kind, name)
    with pytest.raises(SerializationError, match="is malformed") as caught:
        deserialize_value(bad)
    assert caught.value.path == "$" + step

    reader = open_reader(kind, iter([bad.value, None]).__next__)
    with pytest.raises(SerializationError, match="is malformed") as caught:
        reader.read_next_batch()
    assert caught.value.path == "$" + step


def test_a_malformed_column_inside_of_a_value_is_named_by_the_whole_path():
    good = pa.table({"price": ["x", "yy"]})
    sent = serialize_value([1, {"t": good}])
    offsets = struct.pack("<iii", 0, 1, 3)
    assert sent.value.count(offsets) == 1
    sent.value = sent.value.replace(offsets, struct.pack("<iii", 0, 1, 1 << 30))
    with pytest.raises(SerializationError) as caught:
        deserialize_value(sent)
    assert caught.value.path == "$[1].t.price"


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_is_cut_anywhere_is_refused(kind):
    table = pa.table({"a": [1, 2]})
    good = stream(pa.concat_tables([table, table]), kind)
    for length in range(len(good.value)):
        with pytest.raises(SerializationError):
            deserialize_value(Any(type_url=good.type_url, value=good.value[:length]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_of_a_stream_without_the_mark_of_its_end_is_refused_at_its_end(kind):
    data = stream(pa.table({"a": [1, 2]}), kind).value
    for missing in (1, 4, 8):
        pieces = iter([data[:-missing], None, None])
        reader = open_reader(kind, pieces.__next__)
        assert reader.read_next_batch().num_rows == 2
        with pytest.raises(SerializationError, match="truncated Arrow stream: it lacks the mark"):
            reader.read_next_batch()
    old = iter([data[:-8] + bytes(4), None])  # as of before Arrow 0.15
    assert open_reader(kind, old.__next__).read_all().num_rows == 2


@pytest.mark.parametrize(
    "value",
    [
        pd.DataFrame({"a": [1]}),
        pd.DataFrame(),
        pd.Series([1.5]),
        pl.DataFrame({"a": [1]}),
        pl.DataFrame(),
        pa.table({"a": [1]}),
        np.arange(3),
    ],
    ids=str,
)
def test_every_writer_marks_the_end(value):
    found = encode_frame(value)
    assert found is not None
    assert found[1].endswith(struct.pack("<ii", -1, 0))


def test_many_columns_with_nan_and_nulls_come_back():
    frame = pd.DataFrame(
        {f"f{at}": [1.0, NAN] for at in range(40)}
        | {f"i{at}": pd.array([2**62 + 1, None], dtype="Int64") for at in range(40)}
        | {f"n{at}": floats(NAN, None) for at in range(40)}
        | {"text": ["a", "b"], "o": pd.Series([None, "x"], dtype=object)},
        index=pd.Index([7.5, NAN], name="at"),
    )
    frame.attrs = {"me": 1}

    assert difference(frame, round_trip(frame)) == ""
    assert difference(frame.iloc[:0], round_trip(frame.iloc[:0])) == ""
