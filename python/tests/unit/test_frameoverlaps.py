"""A text that many views show is looked through once, wherever they are."""

from __future__ import annotations

import struct

import pyarrow as pa
import pytest

from grpc_tool_bridge import SerializationError
from grpc_tool_bridge.values import deserialize_value

TYPE_URL = "type.googleapis.com/"


def views(text, *parts):
    """Views of parts of a text, from and to a byte."""
    shown = b"".join(
        struct.pack("<i4sii", end - start, text[start : start + 4], 0, start)
        if end - start > 12
        else struct.pack("<i12s", end - start, text[start:end])
        for start, end in parts
    )
    buffers = [None, pa.py_buffer(shown), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string_view(), len(parts), buffers)


def written(array):
    sink = pa.BufferOutputStream()
    table = pa.table({"c": array})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def read(data, kind="pyarrow.Table"):
    from google.protobuf.any_pb2 import Any as AnyMessage

    return deserialize_value(AnyMessage(type_url=TYPE_URL + kind, value=data))


def inside(array):
    """Columns that hold an array of views."""
    starts = pa.array([0, len(array)], pa.int32())
    first, count = pa.array([0], pa.int32()), pa.array([len(array)], pa.int32())
    codes = pa.array([0] * len(array), pa.int32())
    ends = pa.array(range(1, len(array) + 1), pa.int32())
    return {
        "column": array,
        "slice of one": array.slice(1),
        "list": pa.ListArray.from_arrays(starts, array),
        "list view": pa.ListViewArray.from_arrays(first, count, array),
        "struct": pa.StructArray.from_arrays([array], ["t"]),
        "map": pa.MapArray.from_arrays(starts, array, codes),
        "dictionary": pa.DictionaryArray.from_arrays(codes, array[:100]),
        "runs": pa.RunEndEncodedArray.from_arrays(ends, array),
        "struct beside a dictionary": pa.StructArray.from_arrays(
            [array, pa.DictionaryArray.from_arrays(codes, pa.array(["x"]))], ["t", "d"]
        ),
    }


LONG = "é".encode() * 50_000
KINDS = list(inside(views(LONG, (0, 14))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_of_many_views_is_looked_through_once_wherever_it_is(kind):
    array = inside(views(LONG, *[(0, len(LONG))] * 2_000))[kind]

    column = read(written(array)).column("c")

    assert len(column) == len(array)
    assert column.type == array.type


PARTS = {
    "all": ([(1, 31), (1, 31), (1, 14), (14, 30), (17, 31), (1, 16), (2, 5)], True),
    "two behind each other": ([(1, 16), (16, 31)], True),
    "from inside of a character": ([(1, 31), (15, 30)], False),
    "to inside of a character": ([(1, 31), (1, 15)], False),
    "alone to inside of a character": ([(16, 31), (1, 15)], False),
    "with a byte that is none of a text": ([(1, 31), (0, 14)], False),
    "short from inside of a character": ([(1, 31), (15, 20)], False),
}
TEXT = b"\xff" + "abcdefghijklmé-nopqrstuvwxyzab".encode()  # é has the bytes 14 and 15


@pytest.mark.parametrize("name", PARTS)
def test_views_that_overlap_are_texts_where_each_is_one(name):
    parts, good = PARTS[name]
    array = views(TEXT, (1, 31), *parts * 10)
    if good:
        assert read(written(array)).column("c").chunk(0).equals(array)
        return
    with pytest.raises(
        SerializationError, match=r"column 'c' is malformed: .*(no text in UTF-8|Invalid UTF8)"
    ) as found:
        read(written(array))
    assert found.value.path == "$.c"


def test_what_is_no_text_may_stand_under_null():
    shown, text = views(TEXT, *[(1, 31), (0, 31)] * 10).buffers()[1:]
    mask = pa.py_buffer(b"\x55\x55\x55")
    array = pa.Array.from_buffers(pa.string_view(), 20, [mask, shown, text])

    assert read(written(array)).column("c").to_pylist() == [TEXT[1:31].decode(), None] * 10


@pytest.mark.parametrize("part", [(0, 2**31 - 1), (20, 60), (-1, 30)])
def test_views_that_overlap_and_lead_out_of_their_bytes_are_refused(part):
    array = views(TEXT, *[(1, 31)] * 10, part)

    with pytest.raises(SerializationError, match="column 'c' is malformed"):
        read(written(array))
