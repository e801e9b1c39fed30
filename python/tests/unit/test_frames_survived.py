"""Streams of a few bytes that ended the whole process, or raised what no caller catches, within Arrow's libraries."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

LISTS = pa.list_view(pa.int32())
RUNS = pa.run_end_encoded(pa.int32(), LISTS)
EMPTY_RUNS = pa.RunEndEncodedArray.from_arrays(pa.array([], pa.int32()), pa.array([], LISTS))


def stream(dtype, *arrays):
    schema = pa.schema([("a", dtype)])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for array in arrays:
            writer.write_batch(pa.record_batch([array], schema=schema))
    return sink.getvalue().to_pybytes()


def decoded(kind, data):
    return deserialize_value(AnyMessage(type_url="type.googleapis.com/" + kind, value=data))


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pandas.Series", "numpy.ndarray"])
@pytest.mark.parametrize(
    "dtype",
    [
        LISTS,
        pa.large_list_view(pa.string()),
        pa.list_(LISTS),
        pa.list_(LISTS, 2),
        pa.map_(pa.string(), LISTS),
        pa.struct([("x", LISTS)]),
        pa.dictionary(pa.int8(), LISTS),
        RUNS,
    ],
    ids=str,
)
def test_a_table_of_views_of_lists_without_a_batch_is_a_table_without_rows(kind, dtype):
    data = stream(dtype)

    assert len(decoded(kind, data)) == 0


def test_runs_of_views_of_lists_without_rows_are_read_and_with_rows_too():
    assert len(decoded("pandas.DataFrame", stream(RUNS, EMPTY_RUNS))) == 0

    two = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([[1]], LISTS))
    frame = decoded("pandas.DataFrame", stream(RUNS, two))
    assert [list(cell) for cell in frame["a"]] == [[1], [1]]


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "numpy.ndarray"])
@pytest.mark.parametrize(
    "array",
    [
        pa.ListArray.from_arrays(pa.array([0, 0], pa.int32()), EMPTY_RUNS),
        pa.DictionaryArray.from_arrays(pa.array([], pa.int8()), EMPTY_RUNS),
    ],
    ids=["in a list", "in a dictionary"],
)
def test_runs_of_views_of_lists_inside_of_others_are_refused(kind, array):
    with pytest.raises(SerializationError, match="runs of lists that are views") as caught:
        decoded(kind, stream(array.type, array))
    assert caught.value.path == "$.a"

    assert decoded("pyarrow.Table", stream(array.type, array)).schema.types == [array.type]


def test_a_column_of_views_of_lists_without_a_chunk_comes_back_and_one_of_runs_of_these_is_refused():
    cells = pd.arrays.ArrowExtensionArray(pa.chunked_array([], LISTS))
    frame = pd.DataFrame({"a": pd.Series(cells)})
    assert deserialize_value(serialize_value(frame))["a"].dtype == pd.ArrowDtype(LISTS)

    cells = pd.arrays.ArrowExtensionArray(pa.chunked_array([], RUNS))
    with pytest.raises(SerializationError, match=r"could not be read again|would come back as"):
        serialize_value(pd.DataFrame({"a": pd.Series(cells)}))


def test_categories_of_which_there_are_none_come_back():
    series = pd.Series([None, None], dtype=pd.CategoricalDtype([]))

    assert list(deserialize_value(serialize_value(series)).cat.categories) == []
    coded = pa.DictionaryArray.from_arrays(pa.array([None], pa.int8()), pa.array([], pa.binary()))
    assert decoded("pyarrow.Table", stream(coded.type, coded)).num_rows == 1


def views(size, buffer=0, offset=0, dtype=None):
    """Three texts, of which the second is null, with a view of our own under it."""
    array = pa.array(["a", None, "a text that is no inline one"], dtype or pa.string_view())
    buffers = array.buffers()
    shown = bytearray(buffers[1].to_pybytes())
    shown[16:32] = struct.pack("<i4sii", size, b"a te", buffer, offset)
    return pa.Array.from_buffers(
        array.type, 3, [buffers[0], pa.py_buffer(bytes(shown)), *buffers[2:]]
    )


def held(array):
    """Arrays in which another one is."""
    return {
        "column": array,
        "struct": pa.StructArray.from_arrays([array], ["x"]),
        "list": pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), array),
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), array),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 5], pa.int32()), array),
        "map": pa.MapArray.from_arrays(
            pa.array([0, 3], pa.int32()), pa.array([1, 2, 3], pa.int8()), array
        ),
    }


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pyarrow.Table", "polars.DataFrame"])
@pytest.mark.parametrize("holder", [*held(views(0, 0, 0))])
@pytest.mark.parametrize("view", [(-(2**31),), (-1,), (2**31 - 1,), (20, 1), (20, -1), (20, 0, 9)])
@pytest.mark.parametrize("dtype", [pa.string_view(), pa.binary_view()], ids=str)
def test_a_view_under_null_that_leads_out_of_its_bytes_is_refused(kind, holder, view, dtype):
    array = held(views(*view, dtype=dtype))[holder]

    with pytest.raises(SerializationError, match="malformed"):
        decoded(kind, stream(array.type, array))


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pyarrow.Table", "polars.DataFrame"])
def test_a_view_under_null_may_lead_to_any_of_its_bytes(kind):
    array = views(13)

    frame = decoded(kind, stream(array.type, array))

    assert len(frame) == 3
    column = frame["a"].isna() if kind.startswith("pandas") else frame["a"].is_null()
    assert np.asarray(column).tolist() == [False, True, False]


@pytest.mark.parametrize("kind", ["polars.DataFrame", "polars.Series"])
def test_what_polars_panics_at_when_a_column_is_asked_for_is_refused(kind):
    dtype = pa.struct([("x", pa.int8()), ("x", pa.int8())])

    with pytest.raises(SerializationError, match="malformed polars"):
        decoded(kind, stream(dtype))
