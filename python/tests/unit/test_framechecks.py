"""Columns of tables that came are looked through; a dictionary that many batches or columns share once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from grpc_tool_bridge import SerializationError, framechecks
from grpc_tool_bridge.framechecks import ColumnChecks, check_columns, chunked_dictionaries
from grpc_tool_bridge.tables import LargeTable
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import deserialize_value, serialize_value
from grpc_tool_bridge.values.fault import Fault

WORDS = pa.array(["a", "bb", "ccc"])


class Changeable:
    """Codes and a dictionary whose bytes can be changed behind Arrow, which takes no broken ones here."""

    def __init__(self):
        self.codes, self.text = bytearray([0, 1, 2]), bytearray(b"abc")
        texts = [None, pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))]
        words = pa.Array.from_buffers(pa.string(), 3, [*texts, pa.py_buffer(self.text)])
        codes = pa.Array.from_buffers(pa.int8(), 3, [None, pa.py_buffer(self.codes)])
        self.array = pa.DictionaryArray.from_arrays(codes, words)


def coded(codes, words=WORDS):
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), words, safe=False)


def offsets(*starts, bits=32):
    return pa.array(starts, pa.int64() if bits == 64 else pa.int32())


def holders(array):
    """Arrays of three codes, in every type of column that can hold them."""
    large = offsets(0, 1, 3, bits=64)
    return {
        "dictionary": array,
        "list": pa.ListArray.from_arrays(offsets(0, 1, 3), array),
        "large list": pa.LargeListArray.from_arrays(large, array),
        "fixed list": pa.FixedSizeListArray.from_arrays(array, 3),
        "list view": pa.ListViewArray.from_arrays(offsets(0, 1), offsets(1, 2), array),
        "large list view": pa.LargeListViewArray.from_arrays(
            offsets(0, 1, bits=64), offsets(1, 2, bits=64), array
        ),
        "struct": pa.StructArray.from_arrays([pa.array(["x", "y", "z"]), array], ["n", "d"]),
        "keys of a map": pa.MapArray.from_arrays(offsets(0, 1, 3), array, pa.array([1, 2, 3])),
        "items of a map": pa.MapArray.from_arrays(offsets(0, 1, 3), pa.array([1, 2, 3]), array),
        "sparse union": pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [array]),
        "dense union": pa.UnionArray.from_dense(
            pa.array([0, 0, 0], pa.int8()), offsets(0, 1, 2), [array]
        ),
        "runs": pa.RunEndEncodedArray.from_arrays(offsets(1, 2, 5), array),
        "list of structs": pa.ListArray.from_arrays(
            offsets(0, 1, 3), pa.StructArray.from_arrays([array], ["d"])
        ),
    }


KINDS = [*holders(coded([0, 1, 2]))]


@pytest.mark.parametrize("kind", KINDS)
def test_good_codes_are_taken(kind):
    array = holders(coded([2, 1, 0]))[kind]
    table = pa.table({"c": pa.chunked_array([array, array])})

    check_columns(pa, table)
    checks = ColumnChecks(pa)
    for batch in table.to_batches():
        checks.check(batch)


def test_codes_under_null_may_be_anything():
    codes = pa.array([0, 99, 1], pa.int8(), mask=np.array([False, True, False]))
    array = pa.DictionaryArray.from_arrays(codes, WORDS, safe=False)

    check_columns(pa, pa.table({"c": pa.chunked_array([array, array])}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("codes", [[0, 3, 1], [0, 1, -1], [127, 0, 0]], ids=str)
def test_codes_that_lead_out_of_their_dictionary_are_refused(kind, codes):
    changeable = Changeable()
    good, bad = holders(coded([0, 1, 2]))[kind], holders(changeable.array)[kind]
    table = pa.table({"c": pa.chunked_array([good, bad])})
    check_columns(pa, table)
    changeable.codes[:] = bytes(code % 256 for code in codes)

    with pytest.raises(Fault, match="column 'c' is malformed") as found:
        check_columns(pa, table)
    assert found.value.error().path == "$.c"


@pytest.mark.parametrize("kind", KINDS)
def test_a_dictionary_that_is_broken_is_refused_wherever_it_is(kind):
    changeable = Changeable()
    good, bad = holders(coded([0, 1, 2]))[kind], holders(changeable.array)[kind]
    changeable.text[:] = b"a\xffc"
    checks = ColumnChecks(pa)
    checks.check(pa.table({"c": good}))

    with pytest.raises(Fault, match=r"column 'c' is malformed: .*UTF8"):
        checks.check(pa.table({"c": bad}))


def test_broken_parts_beside_a_dictionary_are_refused():
    changeable = Changeable()
    struct = pa.StructArray.from_arrays([coded([0, 0, 0]), changeable.array.dictionary], ["d", "t"])
    starts = bytearray(bytes([0, 0, 0, 0, 3, 0, 0, 0]))
    lists = pa.Array.from_buffers(
        pa.list_(coded([0]).type), 1, [None, pa.py_buffer(starts)], children=[coded([0, 1, 2])]
    )
    tables = [pa.table({"c": array}) for array in (struct, lists)]
    for table in tables:
        check_columns(pa, table)
    changeable.text[:] = b"a\xffc"
    starts[4] = 9
    for table in tables:
        with pytest.raises(Fault, match="column 'c' is malformed"):
            check_columns(pa, table)


def test_a_dictionary_of_many_batches_and_columns_is_looked_through_once(monkeypatch):
    validated = []

    class Array:
        """Stands for a dictionary, and counts how often it is looked through."""

        def __init__(self, array):
            self.array = array

        def __getattr__(self, name):
            return getattr(self.array, name)

        def __len__(self):
            return len(self.array)

        def validate(self, full):
            validated.append(self.array)
            self.array.validate(full=full)

    class Coded:
        def __init__(self, array):
            self.dictionary, self.indices = Array(array.dictionary), array.indices

    real = framechecks._coded
    monkeypatch.setattr(framechecks, "_coded", lambda arrow, array: map(Coded, real(arrow, array)))
    other = pa.array(["x", "y", "z"])
    column = pa.chunked_array([coded([0, 1])] * 5 + [coded([1, 2], other)] * 5)
    table = pa.table({"a": column, "b": column})

    check_columns(pa, table)
    assert validated == [WORDS, other]
    checks = ColumnChecks(pa)
    for batch in table.to_batches():
        checks.check(batch)
    assert validated == [WORDS, other] * 2


def test_dictionaries_are_counted_by_column():
    shared = pa.chunked_array([coded([0])] * 3)
    several = pa.chunked_array([coded([0]), coded([0], pa.array(["q"]))])
    sole = coded([0, 1, 2])

    assert chunked_dictionaries(pa, pa.table({"a": shared, "n": [1, 2, 3], "s": sole})) == [1]
    assert chunked_dictionaries(pa, pa.table({"a": several})) == [2]
    assert chunked_dictionaries(pa, pa.table({"s": sole})) == []


def stream(*batches, schema=None):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema or batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "dtype", [pl.Categorical, pl.Enum(["a", "bb", "ccc", "d"]), pl.List(pl.Categorical)], ids=str
)
def test_polars_gets_what_was_sent_in_many_batches(dtype):
    cells = [["a", None], ["ccc", "ccc"], ["bb", "a"]]
    parts = [
        pl.DataFrame({"c": [part] if dtype == pl.List else part}, schema={"c": dtype})
        for part in cells
    ]
    whole = pl.concat(parts, rechunk=False)
    sent = serialize_value(whole)
    table = pa.ipc.open_stream(sent.value).read_all()
    sent.value = stream(*table.to_batches(max_chunksize=1))
    assert len([*pa.ipc.open_stream(sent.value)]) == table.num_rows > 2

    got = deserialize_value(sent)
    assert got.schema == whole.schema
    assert got.to_series().to_list() == whole.to_series().to_list()


def test_polars_gets_dictionaries_with_nulls_in_them_too():
    words = pa.array(["a", None])
    batches = [pa.record_batch([coded([0, 1, 0], words)], ["c"])] * 3
    sent = serialize_value(pl.DataFrame({"c": [1]}))
    sent.value = stream(*batches)

    assert deserialize_value(sent).to_series().to_list() == ["a", None, "a"] * 3


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "pyarrow.Table", "polars.DataFrame"])
def test_a_stream_of_many_batches_with_a_bad_code_is_refused(kind):
    batches = [pa.record_batch([coded(codes)], ["c"]) for codes in ([0, 1], [0, 3], [0])]
    sent = serialize_value(pa.table({"c": [1]}))
    sent.type_url, sent.value = f"type.googleapis.com/{kind}", stream(*batches)

    with pytest.raises(SerializationError, match="column 'c' is malformed") as found:
        deserialize_value(sent)
    assert found.value.path == "$.c"


def test_a_shared_dictionary_is_written_once_and_others_are_put_together():
    shared = pa.table({"c": pa.chunked_array([coded([0, 1])] * 50)})
    several = pa.table(
        {"c": pa.chunked_array([coded([0], pa.array([f"w{at}"])) for at in range(50)])}
    )
    for table in (shared, several):
        large = LargeTable("pyarrow.Table", 0, table=table, batch_limit=1 << 20)
        data = b"".join(large.pieces())
        messages = [*pa.ipc.MessageReader.open_stream(data)]
        assert [message.type for message in messages].count("dictionary") == 1
        assert difference(table.to_pydict(), pa.ipc.open_stream(data).read_all().to_pydict()) == ""


@pytest.mark.parametrize("words", [pa.array([], pa.string()), pa.array([], pa.int64())], ids=str)
def test_dictionaries_without_entries_are_taken(words):
    array = pa.DictionaryArray.from_arrays(pa.array([None, None], pa.int8()), words)
    table = pa.table({"c": pa.chunked_array([array, array])})

    assert deserialize_value(serialize_value(table)).to_pydict() == {"c": [None] * 4}
    empty = table.slice(0, 0)
    assert deserialize_value(serialize_value(empty)).schema == table.schema
