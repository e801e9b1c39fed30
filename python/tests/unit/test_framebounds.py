"""Streams of few bytes that would take much memory are refused before they take it; honest ones pass."""

from __future__ import annotations

import contextlib
import json
import struct

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.batchreaders import open_reader
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.framebounds import BASE_BYTES, BYTES_PER_BYTE
from grpc_tool_bridge.frames import METADATA_KEY
from grpc_tool_bridge.values import Opaque, deserialize_value, serialize_value, to_json

KINDS = ["pandas.DataFrame", "pandas.Series", "polars.DataFrame", "pyarrow.Table", "numpy.ndarray"]


def written(columns, compression=None, metadata=None):
    table = (
        columns if isinstance(columns, pa.Table) else pa.table(columns)
    ).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def read(data, kind):
    return deserialize_value(Any(type_url=f"type.googleapis.com/{kind}", value=data))


def runs(rows, value):
    return pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int32()), pa.array([value]))


def views(count, text, dtype):
    """As many views of one text."""
    one = pa.array([text], dtype)
    view = one.buffers()[1].to_pybytes()
    buffers = [None, pa.py_buffer(view * count), *one.buffers()[2:]]
    return pa.Array.from_buffers(dtype, count, buffers)


def nested_categories(count, text):
    indices = pa.array(np.zeros(count, "i1"))
    categories = pa.DictionaryArray.from_arrays(indices, pa.array([text]))
    return pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), categories)


GREEDY = {
    "a column without bytes": {"a": pa.nulls(200_000_000)},
    "many columns without bytes": {str(n): pa.nulls(1_000_000) for n in range(20)},
    "one run of very many rows": {"a": runs(2**31 - 2, 1)},
    "one run of a long text": {"a": runs(1_000_000, "x" * 1000)},
    "texts of one text": {"a": views(10_000, "x" * 100_000, pa.string_view())},
    "bytes of one text": {"a": views(10_000, b"x" * 100_000, pa.binary_view())},
    "categories in a list": {"a": nested_categories(10_000, "x" * 100_000)},
    "records without fields": {"a": pa.StructArray.from_buffers(pa.struct([]), 10**8, [None])},
    "lists of nothing": {
        "a": pa.FixedSizeListArray.from_arrays(pa.nulls(100_000_000), 100),
    },
}


@pytest.mark.parametrize("columns", GREEDY.values(), ids=GREEDY.keys())
def test_a_small_stream_of_very_many_cells_is_refused_with_the_limit(columns):
    data = written(columns)
    limit = BASE_BYTES + BYTES_PER_BYTE * len(data)
    with pytest.raises(SerializationError, match=f"the limit is {limit}"):
        read(data, "pandas.DataFrame")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_stream_is_refused_before_it_is_decompressed_to_very_much(kind, compression):
    data = written({"a": np.zeros(12_000_000, "i8")}, compression)
    assert len(data) < 1_000_000
    with pytest.raises(SerializationError, match=r"decompressed, the limit is \d+"):
        read(data, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_nulls_without_bytes_is_refused_for_each_kind(kind):
    with pytest.raises(SerializationError, match=r"the limit is \d+"):
        read(written({"a": pa.nulls(200_000_000)}), kind)


def test_a_declared_size_counts_whatever_the_bytes_say():
    good = written({"a": np.zeros(1000, "i8")}, "zstd")
    declared = struct.pack("<q", 8000)
    assert good.count(declared) == 1
    with pytest.raises(SerializationError, match=r"the limit is \d+"):
        read(good.replace(declared, struct.pack("<q", 2**40)), "pyarrow.Table")
    with pytest.raises(SerializationError, match="buffer of -2 bytes"):
        read(good.replace(declared, struct.pack("<q", -2)), "pyarrow.Table")


def test_categories_that_grow_again_and_again_are_refused():
    first = ["x" * 1_000_000]
    dtype = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("a", dtype)])
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for count in range(1, 120):
            words = first + [str(n) for n in range(count)]
            column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(words))
            writer.write_batch(pa.record_batch([column], schema=schema))
    data = sink.getvalue().to_pybytes()
    assert len(data) < 2_000_000
    with pytest.raises(SerializationError, match=r"a dictionary, the limit is \d+"):
        read(data, "pyarrow.Table")


def test_all_tables_of_a_value_have_one_budget_together():
    # given: tables of which each alone is honest
    data = written({"a": pa.nulls(4_000_000)})
    frame = Opaque("type.googleapis.com/pyarrow.Table", data)
    assert read(data, "pyarrow.Table").num_rows == 4_000_000

    # when they stand in one value, then it is what they take together that counts
    with pytest.raises(
        SerializationError, match=r"a dspex\.bridge\.Value of .*the limit is \d+"
    ) as caught:
        deserialize_value(serialize_value([frame] * 10))
    assert caught.value.path == "$[2]"


def test_tables_in_the_notes_of_a_table_count_with_it():
    inner = written({"a": pa.nulls(6_000_000)})
    notes = {
        METADATA_KEY: to_json({"columns": {"frame": inner}, "attrs": table_of(inner)}).encode()
    }
    with pytest.raises(SerializationError, match=r"the limit is \d+"):
        read(written({"0": pa.nulls(6_000_000)}, metadata=notes), "pandas.DataFrame")


def table_of(data):
    return Opaque("type.googleapis.com/pyarrow.Table", data)


@pytest.mark.parametrize("dtype", ["|V1000000000", "<U100000000", "(1000000000,)i1"])
def test_an_array_of_large_items_is_refused_with_the_limit(dtype):
    notes = {METADATA_KEY: json.dumps({"dtype": dtype}).encode()}
    with pytest.raises(SerializationError, match=r"the limit is \d+"):
        read(written({"v": [b"1"]}, metadata=notes), "numpy.ndarray")


@pytest.mark.parametrize("dtype", ["|V8", "i4,i4", "(2,)i4"])
def test_an_array_of_parts_is_refused(dtype):
    notes = {METADATA_KEY: json.dumps({"dtype": dtype}).encode()}
    with pytest.raises(SerializationError, match="is refused"):
        read(written({"v": [1]}, metadata=notes), "numpy.ndarray")


def test_bits_that_are_noted_as_objects_are_refused_out_of_proportion():
    bits = pa.array(np.zeros(6_000_000, dtype=bool))
    small = serialize_value(
        pd.DataFrame({"flag": pd.Series([True, None, False] * 100, dtype=object)})
    )
    notes = {METADATA_KEY: to_json({"objects": [0]}).encode()}

    with pytest.raises(SerializationError, match="with the objects of column 'flag', the limit is"):
        read(written({"flag": bits}, metadata=notes), "pandas.DataFrame")
    assert len(deserialize_value(small)) == 300


@pytest.mark.parametrize(("note", "cells"), [("objects", [1] * 5000), ("texts", ["a"] * 5000)])
def test_a_column_that_is_noted_very_often_is_refused(note, cells):
    notes = {METADATA_KEY: to_json({note: [0] * 5000}).encode()}

    with pytest.raises(SerializationError, match="the objects of column 'c'"):
        read(written({"c": cells}, metadata=notes), "pandas.DataFrame")


def test_categories_noted_as_objects_are_refused():
    column = pa.array(["x"]).dictionary_encode()
    data = written({"a": column}, metadata={METADATA_KEY: b'{"objects":[0]}'})
    with pytest.raises(SerializationError, match="'a' is noted as one of objects"):
        read(data, "pandas.DataFrame")


HONEST = {
    "a million rows of ten numbers": lambda: pd.DataFrame(
        {str(n): np.arange(1_000_000) for n in range(10)}
    ),
    "a million rows of nothing": lambda: pd.DataFrame({"a": pd.Series([None] * 1_000_000)}),
    "a million categories": lambda: pd.DataFrame(
        {"a": pd.Categorical.from_codes(np.zeros(1_000_000, "i1"), ["x", "y"])}
    ),
    "a thousand columns": lambda: pd.DataFrame(np.zeros((100, 1000))).rename(columns=str),
    "a million short texts": lambda: pd.DataFrame({"a": ["x", ""] * 500_000}),
    "sixteen million flags": lambda: pd.DataFrame({"a": np.zeros(16_000_000, "?")}),
}


@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST.keys())
def test_honest_tables_pass(make):
    frame = make()
    again = deserialize_value(serialize_value(frame))
    assert again.equals(frame)
    assert list(again.dtypes) == list(frame.dtypes)


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pyarrow.Table"])
@pytest.mark.parametrize(
    "values",
    [
        ["x", "ü" * 10, None] * 500,
        [b"x" * 100, b"", b"y"] * 500,
        [1, 2, 3] * 500,
        [1.5, None] * 500,
    ],
    ids=["texts", "bytes", "ints", "floats"],
)
def test_runs_of_honest_length_pass(kind, values):
    ends = pa.array(range(100, 100 * len(values) + 1, 100), pa.int32())
    column = pa.RunEndEncodedArray.from_arrays(ends, pa.array(values))
    numbers = pa.array(np.arange(len(column)))
    data = written({"a": column, "b": numbers, "c": pa.array(["z" * 20] * len(column))})
    again = read(data, kind)
    if kind == "pyarrow.Table":
        assert again.column("a").to_pylist() == column.to_pylist()
    else:
        cells = [None if pd.isna(cell) else cell for cell in again["a"]]
        assert cells == column.to_pylist()


def test_runs_of_a_slice_count_as_far_as_they_are_in_it():
    column = runs(1_000_000, "x" * 1000)
    some = column.slice(999_900)
    read(written({"a": column}), "pyarrow.Table")
    with pytest.raises(SerializationError, match=r"the runs of column 'a', the limit is \d+"):
        read(written({"a": column}), "pandas.DataFrame")
    assert list(read(written({"a": some}), "pandas.DataFrame")["a"]) == ["x" * 1000] * 100


TYPES = {
    "maps": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
    "views": pa.array(["a text that is no short one"], pa.string_view()),
    "lists of views": pa.array([["a text that is no short one"]], pa.list_(pa.string_view())),
    "views of lists": pa.array([[1, 2]], pa.list_view(pa.int8())),
    "runs": runs(3, "x"),
    "unions": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
    "records": pa.array([{"a": 1, "b": None}]),
    "moments": pa.array([0], pa.timestamp("us", "UTC")),
    "extensions": pa.array([b"x" * 16], pa.binary(16)).cast(pa.uuid()),
    "categories of lists": pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([[1, 2]])),
}


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("column", TYPES.values(), ids=TYPES.keys())
def test_columns_of_every_shape_pass(column, compression):
    again = read(written({"a": column}, compression), "pyarrow.Table")
    assert again.column("a").to_pylist() == column.to_pylist()


def test_compressed_tables_pass():
    frame = pl.DataFrame({"a": range(100_000), "b": ["x"] * 100_000})
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    data = written(table, "zstd")
    assert read(data, "polars.DataFrame").equals(frame)
    assert read(data, "pandas.DataFrame").shape == (100_000, 2)


def test_damaged_streams_are_errors_wherever_they_are_cut_or_changed():
    good = written({"a": ["x", "yy"], "b": [1, None]}, "zstd")
    for at in range(0, len(good), 3):
        for data in (good[:at], good[:at] + b"\xff" * 4 + good[at + 4 :]):
            with contextlib.suppress(SerializationError):
                read(data, "pyarrow.Table")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behind", [b"\0", b"garbage", b"\xff\xff\xff\xff\0\0\0\0"])
def test_bytes_behind_the_end_of_a_stream_are_refused(kind, behind):
    good = written({"a": [1, 2]})
    read(good, kind)
    with pytest.raises(SerializationError, match="bytes behind the mark of its end"):
        read(good + behind, kind)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_bytes_behind_the_end_of_a_stream_that_is_read_as_it_comes_are_refused(size):
    def opened(data):
        pieces = iter([data[at : at + size] for at in range(0, len(data), size)])
        return open_reader("pyarrow.Table", lambda: next(pieces, None))

    good = written({"a": [1, 2]})
    assert opened(good).read_all().num_rows == 2
    for behind in (b"\0", b"garbage", good):
        with pytest.raises(Exception, match="bytes behind the mark of its end"):
            opened(good + behind).read_all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_stream_that_is_much_shorter_compressed_is_read(kind, compression):
    data = written({"a": np.zeros(1_000_000)}, compression)
    assert len(data) < 40_000
    assert len(read(data, kind)) == 1_000_000


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("kind", KINDS)
def test_compressed_streams_of_an_old_version_are_refused_instead_of_read_as_other_cells(
    compression, kind
):
    options = pa.ipc.IpcWriteOptions(
        metadata_version=pa.ipc.MetadataVersion.V4, compression=compression
    )
    words = pa.array(["a", "b"] * 500).dictionary_encode()
    for columns in ({"a": list(range(1000))}, {"a": words}):
        table = pa.table(columns)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        with pytest.raises(SerializationError, match="which pyarrow reads as if"):
            read(sink.getvalue().to_pybytes(), kind)


def test_streams_of_an_old_version_are_read_where_nothing_is_compressed():
    table = pa.table({"a": list(range(1000))})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)

    assert read(sink.getvalue().to_pybytes(), "pyarrow.Table").equals(table)


def sharing(columns, compression):
    """A stream of a batch whose buffers all lead to the whole body."""
    data = bytearray(written({f"c{n}": [1] * 64 for n in range(columns)}, compression))
    at = 8 + struct.unpack_from("<I", data, 4)[0]
    size = struct.unpack_from("<I", data, at + 4)[0]
    body = len(data) - 8 - at - 8 - size
    places = data.index(struct.pack("<IQQ", 2 * columns, 0, 0), at) + 4
    for place in range(2 * columns):
        struct.pack_into("<QQ", data, places + 16 * place, 0, body)
    return bytes(data)


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("kind", ["pandas.DataFrame", "polars.DataFrame", "pyarrow.Table"])
def test_buffers_that_share_their_bytes_are_refused(kind, compression):
    # Given a batch of few bytes, which would be decompressed once for each column
    data = sharing(20, compression)
    # When it is read, then it is refused before any of it is
    with pytest.raises(SerializationError, match="the buffers of a batch share bytes"):
        read(data, kind)


def one_field(columns, name, notes=0, text=""):
    """A stream of so many columns that are one and the same field, and so many notes that are one."""
    data = bytearray()

    def put(*numbers):
        data.extend(struct.pack(f"<{len(numbers)}I", *numbers))

    def lead(at):
        struct.pack_into("<I", data, at, len(data) - at)

    def hole():
        put(0)
        return len(data) - 4

    def write(said):
        put(len(said))
        data.extend(said.encode() + bytes(4 - len(said) % 4))

    root = hole()
    # The lists of fields of tables: of none, messages, schemas, columns, notes
    lists = [
        (4, 4),
        (10, 16, 4, 6, 8, 0),
        (10, 12, 0, 4, 8, 0),
        (16, 20, 4, 0, 8, 12, 0, 16),
        (8, 12, 4, 8),
    ]
    places = []
    for numbers in lists:
        places.append(len(data))
        data.extend(struct.pack(f"<{len(numbers)}H", *numbers))
    empty, message, schema, column, note = places
    lead(root)
    put(len(data) - message)
    data.extend(bytes([4, 0, 1, 0]))  # version 5, a schema
    header = hole()
    put(0)
    lead(header)
    put(len(data) - schema)
    fields, noted = hole(), hole()
    lead(fields)
    put(columns)
    columns_at = [hole() for _ in range(columns)]
    lead(noted)
    put(notes)
    notes_at = [hole() for _ in range(notes)]
    for at in columns_at:
        lead(at)
    put(len(data) - column)
    called = hole()
    put(1)  # of nulls
    typed = hole()
    lead(hole())
    put(0)
    for at in notes_at:
        lead(at)
    put(len(data) - note)
    key, value = hole(), hole()
    for at, said in ((called, name), (key, "key"), (value, text)):
        lead(at)
        write(said)
    lead(typed)
    put(len(data) - empty)
    data.extend(bytes(-len(data) % 8))
    return (
        struct.pack("<II", 0xFFFFFFFF, len(data)) + bytes(data) + struct.pack("<II", 0xFFFFFFFF, 0)
    )


def test_columns_that_share_a_name_are_read():
    table = read(one_field(20, "n" * 50_000), "pyarrow.Table")
    assert table.num_columns == 20


@pytest.mark.parametrize(
    "data",
    [one_field(3000, "n" * 40_000), one_field(1, "n", 3000, "n" * 40_000)],
    ids=["names", "notes"],
)
def test_schemas_whose_names_would_take_much_are_refused(data):
    # Given a schema in which one long text stands for very many
    # When it is read, whole or batch by batch, then it is refused before Arrow makes them
    with pytest.raises(SerializationError, match="the names in its schema"):
        read(data, "pyarrow.Table")
    pieces = iter([data])
    with pytest.raises(SerializationError, match="the names in its schema"):
        open_reader("pyarrow.Table", lambda: next(pieces, None))
