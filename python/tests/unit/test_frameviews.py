from __future__ import annotations

import functools
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from grpc_tool_bridge import frameviews
from grpc_tool_bridge.frameviews import (
    LITTLE,
    compacted,
    compacted_table,
    shown_bytes,
    size_of,
    table_bytes,
)
from grpc_tool_bridge.tables import LargeTable
from grpc_tool_bridge.values import deserialize_value, serialize_value

ROWS = 120_000
TEXT = "a text that is longer than a view has room for, " * 2
SMALL = 64 * 1024


def texts(rows: int) -> pa.Array:
    return pa.array([None if i % 7 == 3 else f"{TEXT}{i}" for i in range(rows)])


def views(rows: int) -> pa.Array:
    return texts(rows).cast(pa.string_view())


def offsets(rows: int, each: int = 1) -> pa.Array:
    return pa.array(range(0, rows * each + 1, each), pa.int32())


def some_null(rows: int) -> pa.Array:
    return pa.array([i % 5 == 2 for i in range(rows)])


def numbers(rows: int) -> pa.Array:
    return pa.array(range(rows))


def codes(rows: int) -> pa.Array:
    return pa.array([f"{i % 9}" for i in range(rows)]).dictionary_encode()


def dense(rows: int, first, second) -> pa.Array:
    """A dense union that turns from one of two children to the other."""
    places = pa.array([i // 2 for i in range(rows)], pa.int32())
    children = [first(rows - rows // 2), second(rows // 2)]
    kinds = pa.array([i % 2 for i in range(rows)], pa.int8())
    return pa.UnionArray.from_dense(kinds, places, children, ["n", "t"])


MAKERS = {
    "text views": views,
    "byte views": lambda n: texts(n).cast(pa.binary()).cast(pa.binary_view()),
    "lists": lambda n: pa.ListArray.from_arrays(offsets(n), views(n), mask=some_null(n)),
    "large lists": lambda n: pa.LargeListArray.from_arrays(offsets(n).cast(pa.int64()), views(n)),
    "fixed lists": lambda n: pa.FixedSizeListArray.from_arrays(
        views(2 * n), type=pa.list_(pa.string_view(), 2), mask=some_null(n)
    ),
    "structs": lambda n: pa.StructArray.from_arrays(
        [views(n), pa.array(range(n))], ["a", "b"], mask=some_null(n)
    ),
    "maps": lambda n: pa.MapArray.from_arrays(
        offsets(n), pc.fill_null(texts(n), "").cast(pa.string_view()), views(n), mask=some_null(n)
    ),
    "lists of structs": lambda n: pa.ListArray.from_arrays(
        offsets(n), pa.StructArray.from_arrays([views(n)], ["a"])
    ),
    "views of lists": lambda n: pa.ListViewArray.from_arrays(
        offsets(n).slice(0, n), pa.array([1] * n, pa.int32()), texts(n), mask=some_null(n)
    ),
    "views of lists backwards": lambda n: pa.LargeListViewArray.from_arrays(
        pa.array(range(n - 1, -1, -1), pa.int64()), pa.array([1] * n, pa.int64()), views(n)
    ),
    "runs": lambda n: pa.RunEndEncodedArray.from_arrays(
        pa.array(range(2, 2 * n + 1, 2), pa.int32()), views(n)
    ),
    "dense unions": lambda n: dense(n, numbers, texts),
    "dense unions of views": lambda n: dense(n, views, codes),
    "dense unions of one child": lambda n: pa.UnionArray.from_dense(
        pa.array([0] * n, pa.int8()), offsets(n)[:n], [texts(n)]
    ),
    "dense unions in one another": lambda n: dense(n, MAKERS["dense unions"], texts),
    "lists of dense unions": lambda n: pa.ListArray.from_arrays(
        offsets(n), MAKERS["dense unions"](n), mask=some_null(n)
    ),
    "structs of dense unions": lambda n: pa.StructArray.from_arrays(
        [MAKERS["dense unions"](n)], ["a"], mask=some_null(n)
    ),
    "sparse unions of views": lambda n: pa.UnionArray.from_sparse(
        pa.array([i % 2 for i in range(n)], pa.int8()), [views(n), numbers(n)]
    ),
    "extensions": lambda n: pa.ExtensionArray.from_storage(
        pa.opaque(pa.string_view(), "t", "v"), views(n)
    ),
}


@functools.cache
def column(kind: str, rows: int = ROWS) -> pa.Array:
    return MAKERS[kind](rows)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("start", [0, ROWS // 2 + 1])
def test_ten_rows_of_a_table_of_megabytes_cost_ten_rows(kind, start):
    table = pa.table({"a": column(kind)})
    few = table.slice(start, 10)
    data = serialize_value(few)
    assert table_bytes(pa, table) > 5_000_000
    assert len(data.value) < SMALL
    assert table_bytes(pa, few) < SMALL
    assert deserialize_value(data).equals(few)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("start", "rows"), [(0, 40), (0, 0), (1, 1), (13, 20), (37, 3), (40, 0)])
def test_what_is_put_together_anew_is_equal(kind, start, rows):
    batch = pa.record_batch({"a": column(kind, 40).slice(start, rows)})
    made = compacted(pa, batch)
    made.validate(full=True)
    assert made.equals(batch)
    assert made.schema.equals(batch.schema, check_metadata=True)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_whole_table_is_not_touched(kind):
    table = pa.table({"a": column(kind)})
    assert compacted_table(pa, table) is table


def test_a_slice_of_a_dense_union_whose_items_lie_in_any_order_is_put_together():
    union = pa.UnionArray.from_dense(
        pa.array([5, 5, 5, 7, 7], pa.int8()),
        pa.array([9, 5, 3, 2, 0], pa.int32()),
        [numbers(10), pa.array(list("abc"))],
        type_codes=[5, 7],
    )
    for start, rows in ((0, 3), (1, 4), (2, 2), (4, 1), (5, 0)):
        batch = pa.record_batch({"u": union}).slice(start, rows)
        made = compacted(pa, batch, LITTLE)
        assert made.column(0).offset == 0
        assert made.column(0).to_pylist() == union.to_pylist()[start : start + rows]


def test_a_slice_of_a_slice_of_structs_shows_its_own_rows():
    part = column("structs", 40).slice(5, 30).slice(3, 9)
    batch = pa.record_batch({"a": part})
    assert compacted(pa, batch).column(0).to_pylist() == part.to_pylist()


def test_fields_keep_their_metadata_and_whether_they_may_be_null():
    inner = pa.field("a", pa.string_view(), nullable=False, metadata={"k": "v"})
    array = pa.StructArray.from_arrays(
        [pc.fill_null(texts(50), "").cast(pa.string_view())], fields=[inner]
    )
    schema = pa.schema([pa.field("s", array.type, metadata={"x": "y"})], metadata={"t": "u"})
    batch = pa.RecordBatch.from_arrays([array], schema=schema).slice(3, 2)
    assert compacted(pa, batch).schema.equals(batch.schema, check_metadata=True)


def test_chunks_that_share_their_texts_carry_them_once():
    array = column("text views")
    table = pa.table({"a": pa.chunked_array([array.slice(i * 100, 5) for i in range(20)])})
    data = serialize_value(table)
    assert len(data.value) < SMALL
    assert deserialize_value(data).equals(table)


def test_a_frame_of_pandas_of_views_costs_its_rows_too():
    frame = pd.DataFrame(
        {"a": pd.array(column("text views"), dtype=pd.ArrowDtype(pa.string_view()))}
    )
    for few in (frame.iloc[100:110], frame["a"].iloc[100:110]):
        data = serialize_value([few])
        assert len(data.value) < SMALL
        (back,) = deserialize_value(data)
        assert back.equals(few)


def test_categories_are_a_part_of_the_value_and_stay_whole():
    array = texts(2000).dictionary_encode()
    back = deserialize_value(serialize_value(pa.table({"a": array}).slice(5, 2)))
    assert len(back.column(0).chunk(0).dictionary) == len(array.dictionary)


def test_categories_that_are_views_of_more_than_them_are_put_together():
    values = pc.fill_null(texts(ROWS), "-").cast(pa.string_view()).slice(7, 3)
    array = pa.DictionaryArray.from_arrays(pa.array([2, 0, None], pa.int8()), values, ordered=True)
    batch = pa.record_batch({"a": array})
    made = compacted(pa, batch, LITTLE)
    assert made.equals(batch)
    assert made.nbytes < SMALL
    assert made.schema.field(0).type.ordered


@pytest.mark.parametrize("kind", MAKERS)
def test_the_batches_of_a_table_in_pieces_carry_their_own_rows_only(kind):
    table = pa.table({"a": column(kind)})
    large = LargeTable("pyarrow.Table", table_bytes(pa, table), table=table)
    data = b"".join(large.pieces())
    assert len(data) < 1.7 * table_bytes(pa, table)
    assert pa.ipc.open_stream(data).read_all().equals(table)


def test_the_bytes_that_views_show_are_the_same_without_numpy(monkeypatch):
    array = column("text views", 40).slice(3, 20)
    expected = sum(len(text) for text in array.to_pylist() if text is not None)
    assert shown_bytes(array) == expected
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert frameviews.shown_bytes(array) == expected
    assert frameviews.shown_bytes(array.slice(0, 0)) == 0


def dense_union(codes, rows):
    """A dense union of as many children as codes, in turn."""
    count = len(codes)
    return pa.UnionArray.from_dense(
        pa.array([codes[row % count] for row in range(rows)], pa.int8()),
        pa.array([row // count for row in range(rows)], pa.int32()),
        [pa.array(range(rows // count)) for _ in codes],
        type_codes=codes,
    )


def test_the_size_of_unions_of_any_codes_is_about_that_of_plain_ones():
    plain, odd = (dense_union(codes, 600) for codes in ([0, 1, 2], [120, 1, 77]))

    def shapes(union):
        lists = pa.ListArray.from_arrays(pa.array([0, 100, 600], pa.int32()), union)
        struct = pa.StructArray.from_arrays([union, pa.array(range(600))], ["u", "n"])
        return [union, lists, struct, pa.chunked_array([union, union]), pa.table({"u": union})]

    for expected, got in zip(shapes(plain), shapes(odd), strict=True):
        assert size_of(pa, got) == pytest.approx(size_of(pa, expected), rel=0.02)
    other = pa.table({"n": range(600), "t": ["x"] * 600})
    assert size_of(pa, other) == other.nbytes
    assert size_of(pa, other.slice(10, 5)) == other.slice(10, 5).nbytes


def test_tables_with_unions_of_any_codes_travel_whole_and_in_pieces():
    for union in (dense_union([120, 1, 77], 600), dense_union([5, 7], 300_000)):
        table = pa.table({"u": union, "n": range(len(union))})
        some = table.slice(1, 100)

        assert deserialize_value(serialize_value(some)).to_pylist() == some.to_pylist()
        data = b"".join(LargeTable("pyarrow.Table", 1, table=table).pieces())
        assert pa.ipc.open_stream(data).read_all()["u"].to_pylist() == union.to_pylist()
