"""Tables in pieces: what stands for one, what its pieces are, and which values are put aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dspex_bridge_pb2 import (
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)
from grpc_tool_bridge import (
    SerializationError,
    ToolBridgeClient,
    ToolExecutionError,
    deserialize_value,
    serialize_value,
)
from grpc_tool_bridge.callrequests import Limit, make_request, prepare
from grpc_tool_bridge.moving import table_piece
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.tables import (
    PIECE_BYTES,
    PIECE_URL,
    LargeTable,
    ReceivedTables,
    StreamedTable,
    WrittenTable,
    large_table,
    split,
)

MIB = 1 << 20


def frame(rows=200_000):
    """10 columns; 16 MB by default."""
    return pd.DataFrame({f"c{i}": np.arange(rows, dtype=float) * i for i in range(10)})


def received(table):
    """What arrives of a table."""
    tables = ReceivedTables(1, 1 << 30)
    for piece in table.pieces():
        tables.add(piece)
    return tables.take(table.stands_for(0))


@pytest.mark.parametrize(
    "value",
    [
        frame(),
        frame().assign(kind=pd.Categorical(["a", "b"] * 100_000), name=["x"] * 200_000),
        pd.Series(np.arange(2_000_000.0), name="long"),
        np.arange(2_000_000).reshape(1000, 2000),
    ],
    ids=["numbers", "categories and texts", "series", "array"],
)
def test_a_table_in_pieces_comes_back_with_its_types(value):
    table = large_table(value, 10 * MIB)
    assert table is not None
    back = received(table).decode()
    assert type(back) is type(value)
    if isinstance(value, np.ndarray):
        assert np.array_equal(back, value)
    else:
        assert back.equals(value)


def test_polars_and_pyarrow_travel_in_pieces_too():
    pl = pytest.importorskip("polars")
    frame_of_polars = pl.DataFrame({"n": range(2_000_000), "s": ["text"] * 2_000_000})
    back = received(large_table(frame_of_polars, 10 * MIB)).decode()
    assert back.equals(frame_of_polars)
    series = pl.Series("long", range(2_000_000))
    assert received(large_table(series, 10 * MIB)).decode().equals(series)
    arrow = frame_of_polars.to_arrow()
    assert received(large_table(arrow, 10 * MIB)).decode().equals(arrow)


def test_pieces_are_short_and_made_as_they_are_asked_for():
    table = large_table(frame(), 10 * MIB)
    pieces = table.pieces()
    first = next(pieces)
    assert len(first) == PIECE_BYTES
    lengths = [len(piece) for piece in pieces]
    assert max(lengths) == PIECE_BYTES
    assert lengths[-1] == 0
    assert 0 not in lengths[:-1]
    whole = len(first) + sum(lengths)
    assert abs(table.size - whole) < whole / 20


def test_a_row_larger_than_a_batch_is_refused():
    pa = pytest.importorskip("pyarrow")
    wide = pa.table({"blob": pa.array([b"y", b"z", b"x" * (3 * MIB), b"y"])})
    table = LargeTable("pyarrow.Table", wide.nbytes, table=wide, batch_limit=2 * MIB)
    with pytest.raises(ToolExecutionError, match=r"row 2 of a pyarrow\.Table has") as caught:
        list(table.pieces())
    assert caught.value.error_type == "MessageTooLarge"
    assert caught.value.details["limit"] == str(2 * MIB)
    assert caught.value.details["column"] == "blob"


@pytest.mark.parametrize("value", [1, "x" * 100, [1.0] * 1000, None, pd.NaT, object()])
def test_what_is_no_table_is_not_looked_at(value):
    assert large_table(value, 10 * MIB) is None


def test_a_table_that_fits_is_written():
    assert isinstance(large_table(pd.DataFrame({"a": [1]}), 10 * MIB), WrittenTable)


def test_a_table_that_does_not_fit_arrow_is_named():
    mixed = pd.DataFrame({"fine": np.zeros(2_000_000), "mixed": [1, "x"] * 1_000_000})
    with pytest.raises(SerializationError, match="mixed"):
        large_table(mixed, 10 * MIB)


def test_the_largest_tables_are_put_aside_until_the_rest_fits():
    values = [serialize_value(np.zeros(n)) for n in (10, 50_000, 30_000)]
    values.append(serialize_value("text"))
    tables = split(values, {}, 300_000)
    assert [table.kind for table in tables] == ["numpy.ndarray"]
    assert values[1].type_url == "stream.dspex.bridge/numpy.ndarray"
    assert deserialize_value(values[0]).shape == (10,)
    assert received(tables[0]).decode().shape == (50_000,)
    assert split([serialize_value("x" * 1000)], {}, 100) == []


def test_a_value_that_stands_for_no_table_is_refused():
    table = LargeTable("numpy.ndarray", 3, data=b"abc")
    tables = ReceivedTables(1, 10)
    for piece in table.pieces():
        tables.add(piece)
    assert tables.take(serialize_value(1)) is None
    assert tables.take(table.stands_for(0)).data.joined() == b"abc"
    for index in (0, 7):
        with pytest.raises(SerializationError, match="did not come"):
            tables.take(table.stands_for(index))
    with pytest.raises(SerializationError, match="in pieces, which did not come"):
        deserialize_value(table.stands_for(0))


@pytest.mark.parametrize("size", [0, 1, 100, 200, 20_000, PIECE_BYTES])
@pytest.mark.parametrize("sequence", [0, 1, 127, 300, 1 << 30])
@pytest.mark.parametrize("kind", ["", "pandas.DataFrame"])
def test_a_piece_travels_as_the_message_that_protobuf_would_write(size, sequence, kind):
    content = ToolStreamContent()
    content.data.type_url = PIECE_URL
    content.data.value = b"x" * size
    chunk = ToolStreamChunk(sequence=sequence, content=content, table_kind=kind)
    assert table_piece(b"x" * size, sequence, kind) == chunk.SerializeToString()


def test_garbage_in_the_place_of_a_table_is_a_serialization_error():
    for kind in ("pandas.DataFrame", "pyarrow.Table", "numpy.ndarray"):
        with pytest.raises(SerializationError, match="malformed"):
            StreamedTable(kind, Pieces([b"\xff" * 1000])).decode()


def test_arguments_are_put_aside_only_where_the_bridge_takes_tables():
    big, small = frame(), pd.DataFrame({"a": [1]})
    call = {"session_id": "s", "timeout": 1}
    request, tables = prepare(
        "t", [1, big], {"small": small, "big": big}, limit=Limit(max_table_bytes=1 << 30), **call
    )
    assert [table.kind for table in tables] == ["pandas.DataFrame"] * 2
    assert deserialize_value(request.args[0]) == 1
    assert request.args[1].type_url == "stream.dspex.bridge/pandas.DataFrame"
    assert deserialize_value(request.kwargs["small"]).equals(small)
    with pytest.raises(ToolExecutionError, match="over a link only"):
        make_request("t", [big], {}, limit=Limit(), **call)
    with pytest.raises(ToolExecutionError, match=r"the limit is 10485760.*in a batch a table has"):
        make_request("t", [big], {}, limit=Limit(max_table_bytes=1 << 30), **call)
    with pytest.raises(ToolExecutionError, match="tables in pieces") as caught:
        prepare("t", [big], {}, limit=Limit(max_table_bytes=1 * MIB), **call)
    assert caught.value.details["limit"] == str(MIB)
    with pytest.raises(ToolExecutionError, match=r"send less, or split them: only a table"):
        prepare("t", ["x" * 11 * MIB], {}, limit=Limit(max_table_bytes=1 << 30), **call)
    with pytest.raises(
        ToolExecutionError, match=r"the limit is 10485760; .*: only a table that is"
    ):
        prepare("t", [[big]], {}, limit=Limit(max_table_bytes=1 << 30), **call)


async def test_plain_rpcs_refuse_tables_and_name_the_link():
    async with ToolBridgeClient("127.0.0.1:1", use_link=False) as client:
        request, tables = prepare(
            "t", [frame()], {}, session_id="s", timeout=1, limit=Limit(max_table_bytes=1 << 30)
        )
        client.stub._ready = True
        client.stub._connected = lambda: True
        with pytest.raises(ToolExecutionError, match="over a link only"):
            await client.stub.ExecuteTool(request, tables)


@pytest.mark.parametrize(
    "value",
    [frame(60_000), pa.table({"a": np.arange(1 << 20)}), pl.DataFrame({"a": range(1 << 20)})],
)
def test_a_long_table_that_fits_is_written_once_as_protobuf_would_write_it(value):
    table = large_table(value, 10 * MIB)
    assert isinstance(table, WrittenTable)
    rest = ToolCallResponse()
    rest.metrics.execute_ms = 1.5
    whole = ToolCallResponse(success=True, result=serialize_value(value))
    whole.MergeFrom(rest)
    assert b"".join(table.response(rest)) == whole.SerializeToString()
    request, tables = prepare(
        "t", [value], {"x": value}, session_id="s", timeout=1, limit=Limit(1 << 30, 1 << 30)
    )
    assert not tables
    assert request.args[0] == request.kwargs["x"] == serialize_value(value)
