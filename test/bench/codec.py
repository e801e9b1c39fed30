"""The codecs in Python: ``codec.py ROWS``, asked as measuring.py says, "encode 1,000 ints json" for instance.

An operation encodes or decodes every value of its subject once; what is decoded is what the same codec encoded.

The frame is a pandas.DataFrame of 80 MB, which no message holds: it travels in pieces. Encoding makes the messages
of a link of it, decoding makes a DataFrame of those. "Arrow IPC" is pyarrow alone: it writes a DataFrame as a stream,
cut into as long pieces, and reads it from those. The small frame has a tenth of the rows and is one value; "one
buffer" is pyarrow alone without cutting, whose bytes lie together already.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

# The SDK as it stands in this folder's repository: its environment has not the others.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

from measuring import summary

from dspex_bridge_pb2 import Fragment, LinkMessage, ToolCallResponse
from grpc_tool_bridge import deserialize_value, serialize_value
from grpc_tool_bridge.largeframes import (
    LARGE_MESSAGE,
    LargeFragment,
    LargeFrame,
    read_frame,
    read_message,
)
from grpc_tool_bridge.moving import table_piece
from grpc_tool_bridge.packing import FULL_MESSAGE, Assembler, Outbox, body_tag
from grpc_tool_bridge.tables import (
    MAX_TABLE_BYTES,
    PIECE_BYTES,
    ReceivedTables,
    WrittenTable,
    large_table,
)

COLUMNS = 10
MAX_VALUE = 10 << 20
"""Bytes of a value beyond which a table travels in pieces; as a bridge has it by default."""


def subjects() -> dict[str, list[Any]]:
    """The values, by the names that the program knows them by."""

    def some(i: int) -> dict[str, Any]:
        return {
            "a": 1.5,
            "b": "two",
            "c": True,
            "d": None,
            "e": "five",
            "f": i,
            "g": "seven",
            "h": False,
            "i": 9.5,
            "j": "ten",
        }

    return {
        "scalars": [True, 123456, 1.5, "hello"],
        "true": [True],
        "an int": [123456],
        "a float": [1.5],
        "a text": ["hello"],
        "a 10-field object": [some(6)],
        "1,000 ints": [[i * 1_000_003 for i in range(1000)]],
        "1,000 dicts": [[some(i) for i in range(1000)]],
    }


def to_struct(value: Any) -> bytes:
    """Encodes as protobuf's own Value."""
    return json_format.ParseDict(value, Value()).SerializeToString()


def from_struct(data: bytes) -> Any:
    """Decodes protobuf's own Value."""
    return json_format.MessageToDict(Value.FromString(data))


def to_arrow(table: pd.DataFrame) -> pa.Buffer:
    """Writes a table with Arrow alone."""
    arrow = pa.Table.from_pandas(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return sink.getvalue()


def from_arrow(data: pa.Buffer) -> pd.DataFrame:
    """Reads a table with Arrow alone."""
    return pa.ipc.open_stream(data).read_all().to_pandas()


def to_pieces(table: pd.DataFrame) -> list[bytes]:
    """Writes a table with Arrow alone, in pieces."""
    stream = memoryview(to_arrow(table))
    return [
        bytes(stream[start : start + PIECE_BYTES]) for start in range(0, len(stream), PIECE_BYTES)
    ]


def from_pieces(pieces: list[bytes]) -> pd.DataFrame:
    """Reads a table of pieces with Arrow alone."""
    return from_arrow(pa.py_buffer(b"".join(pieces)))


def to_link(table: pd.DataFrame) -> list[bytes]:
    """The messages of a link with a table for the result of a call."""
    outbox, messages = Outbox(), []
    large = large_table(table, MAX_VALUE)
    if isinstance(large, WrittenTable):
        outbox.put_parts(1, body_tag("result"), large.response(ToolCallResponse()))
    elif large is None:
        response = ToolCallResponse(success=True, result=serialize_value(table))
        outbox.put(1, body_tag("result"), response.SerializeToString())
    else:
        for sequence, piece in enumerate(large.pieces()):
            outbox.put(
                1, body_tag("chunk"), table_piece(piece, sequence, "" if sequence else large.kind)
            )
            if outbox.size >= FULL_MESSAGE:
                messages.append(outbox.take())
        response = ToolCallResponse(success=True, result=large.stands_for(0))
        outbox.put(1, body_tag("result"), response.SerializeToString())
    while outbox:
        messages.append(outbox.take())
    return messages


def from_link(messages: list[bytes]) -> pd.DataFrame:
    """The table that messages of a link bring."""
    assembler, tables = Assembler(), ReceivedTables(1, MAX_TABLE_BYTES)
    for message in messages:
        read = read_message(message) if len(message) >= LARGE_MESSAGE else None
        for frame in LinkMessage.FromString(message).frames if read is None else read[1]:
            large = isinstance(frame, LargeFrame)
            body = frame.body if large else getattr(frame, frame.WhichOneof("body"))
            if isinstance(body, (Fragment, LargeFragment)):
                whole = assembler.add(body)
                if whole is not None:
                    return read_frame(whole).body.result.decode()
            elif isinstance(body, ToolCallResponse):
                streamed = tables.take(body.result)
                return deserialize_value(body.result) if streamed is None else streamed.decode()
            else:
                tables.add(body.content.data.value)
    raise ValueError("no table came")


CODECS = {
    "value": (serialize_value, deserialize_value),
    "json": (json.dumps, json.loads),
    "pickle": (pickle.dumps, pickle.loads),
    "msgspec": (msgspec.json.Encoder().encode, msgspec.json.Decoder().decode),
    "Struct": (to_struct, from_struct),
}


def operations(rows: int) -> dict[str, tuple[Any, list[Any]]]:
    """What is asked for: a function, and what it is called with, one after the other."""
    all_of_them: dict[str, tuple[Any, list[Any]]] = {}
    for name, values in subjects().items():
        for codec, (encode, decode) in CODECS.items():
            all_of_them[f"encode {name} {codec}"] = encode, values
            all_of_them[f"decode {name} {codec}"] = decode, [encode(value) for value in values]
    tables = {
        "value": (to_link, from_link),
        "Arrow IPC": (to_pieces, from_pieces),
        "one buffer": (to_arrow, from_arrow),
    }
    for name, count in (("frame", rows), ("small frame", rows // 10)):
        table = pd.DataFrame(
            {f"column_{c}": [float(row * (c + 1)) for row in range(count)] for c in range(COLUMNS)}
        )
        for codec, (encode, decode) in tables.items():
            encoded = encode(table)
            if not decode(encoded).equals(table):
                raise ValueError(f"{codec}: another table came back")
            all_of_them[f"encode {name} {codec}"] = encode, [table]
            all_of_them[f"decode {name} {codec}"] = decode, [encoded]
    return all_of_them


def measure(function: Any, values: list[Any], seconds: float) -> dict[str, Any]:
    """Repeats an operation for so long, looking at the clock only now and then: the mean stands for each."""
    count, batch = 0, 1
    began = time.perf_counter()
    while True:
        for _ in range(batch):
            for value in values:
                function(value)
        count += batch
        elapsed = time.perf_counter() - began
        if elapsed >= seconds:
            return {
                **summary([elapsed / count], elapsed),
                "calls_per_second": count / elapsed,
                "calls": count,
            }
        if elapsed < seconds / 20:
            batch *= 2


async def main(rows: int) -> None:
    """Answers questions until there are no more."""
    known = operations(rows)
    print("listening on nothing", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        question = json.loads(line)
        try:
            answer = measure(*known[question["way"]], question["seconds"])
        except Exception as error:  # noqa: BLE001 - told to the program that asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
