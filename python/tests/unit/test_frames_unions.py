"""Unions of Arrow in tables of pyarrow: of every kind, inside of others, in slices and in pieces."""

from __future__ import annotations

import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value


def bytes_of(*items):
    return pa.array(items, pa.int8())


def offsets(*items):
    return pa.array(items, pa.int32())


INTS, TEXTS = pa.array([1, None, 3, 4]), pa.array(["a", "b", None, "d"])
TURNS = bytes_of(0, 1, 0, 1)
SPARSE = pa.UnionArray.from_sparse(TURNS, [INTS, TEXTS])
DENSE = pa.UnionArray.from_dense(
    TURNS, offsets(0, 0, 1, 1), [pa.array([1, None]), pa.array(["x", "y"])]
)
LENGTHS = offsets(0, 1, 1, 4)
UNIONS = {
    "sparse": SPARSE,
    "dense": DENSE,
    "named": pa.UnionArray.from_sparse(TURNS, [INTS, TEXTS], field_names=["i", "t"]),
    "codes": pa.UnionArray.from_sparse(bytes_of(5, 7, 5, 7), [INTS, TEXTS], type_codes=[5, 7]),
    "dense codes": pa.UnionArray.from_dense(
        bytes_of(5, 7), offsets(0, 0), [pa.array([1]), pa.array(["a"])], type_codes=[5, 7]
    ),
    "twice one type": pa.UnionArray.from_sparse(bytes_of(0, 1), [INTS[:2], INTS[:2]]),
    "of one": pa.UnionArray.from_sparse(bytes_of(0, 0), [INTS[:2]]),
    "null child": pa.UnionArray.from_sparse(bytes_of(0, 1), [pa.nulls(2), INTS[:2]]),
    "nothing but nulls": pa.UnionArray.from_dense(
        bytes_of(0, 0), offsets(0, 1), [pa.array([None, None], pa.int64())]
    ),
    "shared and unused items": pa.UnionArray.from_dense(
        bytes_of(0, 0, 1), offsets(5, 5, 2), [pa.array(range(10)), pa.array(list("abc"))]
    ),
    "sparse in sparse": pa.UnionArray.from_sparse(TURNS, [SPARSE, TEXTS]),
    "dense in sparse": pa.UnionArray.from_sparse(TURNS, [DENSE, INTS]),
    "sparse in dense": pa.UnionArray.from_dense(TURNS, offsets(0, 0, 1, 1), [SPARSE, TEXTS]),
    "of lists and structs": pa.UnionArray.from_sparse(
        bytes_of(0, 1), [pa.array([[1], [2, 3]]), pa.array([{"a": 1}, {"a": None}])]
    ),
    "of dictionaries": pa.UnionArray.from_dense(
        bytes_of(0, 1, 0), offsets(0, 0, 1), [pa.array(["a", "b"]).dictionary_encode(), INTS]
    ),
    "of moments": pa.UnionArray.from_sparse(
        bytes_of(0, 1), [pa.array([1, 2], pa.timestamp("us", "UTC")), pa.array([1.5, None])]
    ),
    "of runs": pa.UnionArray.from_sparse(
        bytes_of(0, 1), [pa.RunEndEncodedArray.from_arrays(offsets(2), pa.array([1])), INTS[:2]]
    ),
    "of views": pa.UnionArray.from_sparse(
        bytes_of(0, 1), [pa.array(["x", "y" * 30], pa.string_view()), INTS[:2]]
    ),
    "lists of sparse": pa.ListArray.from_arrays(LENGTHS, SPARSE),
    "lists of dense": pa.ListArray.from_arrays(LENGTHS, DENSE),
    "structs": pa.StructArray.from_arrays([SPARSE, DENSE], ["s", "d"]),
    "maps": pa.MapArray.from_arrays(offsets(0, 1, 4), pa.array(list("abcd")), DENSE),
    "fixed lists": pa.FixedSizeListArray.from_arrays(SPARSE, 2),
}


@pytest.mark.parametrize("name", UNIONS)
def test_a_union_comes_back_whole_in_slices_and_in_several_chunks(name):
    whole = UNIONS[name]
    chunked = pa.chunked_array([whole, whole[1:], whole[:0]])
    for column in (whole, whole[:1], whole[1:], whole[:0], chunked):
        table = pa.table({"n": range(len(column)), "u": column})

        got = deserialize_value(serialize_value(table))

        got.validate(full=True)
        assert got.schema == table.schema
        assert repr(got.column("u").to_pylist()) == repr(table.column("u").to_pylist())
        again = deserialize_value(serialize_value(got))
        assert repr(again.column("u").to_pylist()) == repr(table.column("u").to_pylist())


@pytest.mark.parametrize("name", UNIONS)
def test_pandas_has_no_unions_and_the_column_is_named(name):
    stream = serialize_value(pa.table({"n": range(len(UNIONS[name])), "u": UNIONS[name]})).value

    with pytest.raises(SerializationError, match="pandas has no value for") as caught:
        deserialize_value(Any(type_url="x/pandas.DataFrame", value=stream))

    assert caught.value.path == "$.u"
