"""Writes the Arrow streams of this folder anew, as pyarrow writes them, and what their cells are.

python value/frame/testdata/streams/make.py    with pyarrow, pandas and grpc_tool_bridge installed
"""

import json
import struct
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pandas as pd
import pyarrow as pa

from grpc_tool_bridge.values import to_json

FOLDER = Path(__file__).parent
VERSIONS = {"v4": pa.ipc.MetadataVersion.V4, "v5": pa.ipc.MetadataVersion.V5}
ROWS = 9


def stream(columns, version="v5", compression=None):
    batch = pa.record_batch(list(columns.values()), list(columns))
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(metadata_version=VERSIONS[version], compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def write(name, data):
    (FOLDER / f"{name}.arrow").write_bytes(data)


def some(make, kind=None):
    return pa.array([None if i % 4 == 3 else make(i) for i in range(ROWS)], kind)


def plain():
    """A column of every plain type."""
    numbers = (
        *(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)),
        pa.float32(),
        pa.float64(),
    )
    columns = {
        str(kind): some(lambda i: i, kind)
        for kind in (*numbers, pa.date32(), pa.time32("s"), pa.time32("ms"), pa.time64("us"))
    }
    for unit in ("s", "ms", "us", "ns"):
        for kind in (pa.timestamp(unit), pa.timestamp(unit, "Europe/Berlin"), pa.duration(unit)):
            columns[str(kind)] = some(lambda i: i * 1000, kind)
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        columns[str(kind)] = some(lambda i: "ü" * (i * 3), kind)
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        columns[str(kind)] = some(lambda i: b"\xff" * (i * 3), kind)
    for kind in (pa.decimal32(5, 1), pa.decimal64(12, 2), pa.decimal128(10, 2), pa.decimal256(60, 2)):
        columns[str(kind)] = some(Decimal, kind)
    columns["float16"] = some(lambda i: i / 2, pa.float16())
    columns["date64"] = some(lambda i: date(2000, 1, 1 + i), pa.date64())
    columns["bool"] = some(lambda i: i % 2 == 0)
    columns["null"] = pa.nulls(ROWS)
    columns["bytes of a length"] = some(lambda i: b"abc", pa.binary(3))
    columns["uuid"] = pa.ExtensionArray.from_storage(pa.uuid(), some(lambda i: UUID(int=i).bytes, pa.binary(16)))
    return columns


def nested(columns):
    """Columns that hold others."""
    spread = pa.array([0, 2, 2, 3, 3, 4, 4, 5, 5, ROWS], pa.int32())
    keys = pa.array([str(i) for i in range(ROWS)])
    for name, inner in list(columns.items()):
        yield f"list of {name}", pa.ListArray.from_arrays(spread, inner)
        yield f"large list of {name}", pa.LargeListArray.from_arrays(spread.cast(pa.int64()), inner)
        starts, sizes = pa.array([3, 0, 3, 8], pa.int32()), pa.array([4, 2, 6, 0], pa.int32())
        views = pa.ListViewArray.from_arrays(starts, sizes, inner)
        yield f"views of {name}", pa.concat_arrays([views, views, views.slice(3)])
        yield (
            f"struct of {name}",
            pa.StructArray.from_arrays([inner], ["a"], mask=pa.array([i % 3 == 1 for i in range(ROWS)])),
        )
        yield f"map of {name}", pa.MapArray.from_arrays(spread, keys, inner)
        yield f"pairs of {name}", pa.FixedSizeListArray.from_arrays(pa.concat_arrays([inner, inner]), 2)
        if name != "uuid":
            codes = pa.array([None if i == 2 else i % 4 for i in range(ROWS)], pa.int8())
            yield f"dictionary of {name}", pa.DictionaryArray.from_arrays(codes, inner)
            yield f"runs of {name}", pa.RunEndEncodedArray.from_arrays(pa.array(range(1, ROWS + 1), pa.int16()), inner)


def cell(x):
    if isinstance(x, (pd.Timestamp, pd.Timedelta)):
        return x.to_pydatetime() if isinstance(x, pd.Timestamp) else x.to_pytimedelta()
    if isinstance(x, list) and x and isinstance(x[0], tuple):
        return {key: cell(item) for key, item in x}
    if isinstance(x, list):
        return [cell(item) for item in x]
    if isinstance(x, dict):
        return {key: cell(item) for key, item in x.items()}
    return x


def cells(column):
    made = [cell(x) for x in column.to_pylist()]
    if pa.types.is_map(column.type):  # an empty one of which is an empty list
        made = [{} if x == [] else x for x in made]
    return to_json(made)


def every_type():
    columns = plain()
    columns.update(nested(columns))
    parts = {
        "whole": (columns, [("v4", None), ("v5", "lz4"), ("v5", "zstd")]),
        "cut": ({name: c.slice(1, 5) for name, c in columns.items()}, [("v4", "lz4")]),
        "empty": ({name: c.slice(4, 0) for name, c in columns.items()}, [("v4", "zstd")]),
    }
    for part, (of, ways) in parts.items():
        for version, compression in ways:
            write(f"types-{part}-{version}-{compression or 'plain'}", stream(of, version, compression))
        said = {name: cells(c) for name, c in of.items()}
        (FOLDER / f"types-{part}.json").write_text(json.dumps(said, ensure_ascii=False, indent=0) + "\n")


def unions():
    codes, offsets = pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32())
    dense = pa.UnionArray.from_dense(codes, offsets, [pa.array([1, None]), pa.array(["a", "b"])])
    sparse = pa.UnionArray.from_sparse(codes, [pa.array(range(4)), pa.array(list("abcd"))])
    joined = pa.concat_arrays([dense.slice(1, 2), dense, dense.slice(3)])
    for version in VERSIONS:
        for name, union in {"dense": dense, "sparse": sparse, "joined": joined, "none": dense.slice(2, 0)}.items():
            write(f"union-{name}-{version}", stream({"price": union}, version))
        write(f"union-in-lists-{version}", stream({"price": pa.nulls(3, pa.list_(dense.type))}, version))
        write(
            f"runs-{version}",
            stream({"price": pa.RunEndEncodedArray.from_arrays([2, 5], pa.array(["a", None]))}, version),
        )
    write(
        "unread-union-in-dictionary",
        stream({"price": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), dense)}),
    )
    write("unread-lists-of-none", stream({"price": pa.array([[], None], pa.list_(pa.int32(), 0))}))
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([UUID(int=1).bytes], pa.binary(16)))
    write("unread-runs-of-uuids", stream({"price": pa.RunEndEncodedArray.from_arrays([2], ids)}))


def unsaid(says, frame, raw):
    """A column of ints whose buffer is a frame of zstd that does not say what it holds."""
    before = stream({"price": pa.array(range(len(raw) // 8))}, compression="zstd")
    at = before.index(struct.pack("<q", len(raw)) + b"\x28\xb5\x2f\xfd")
    end = before.rindex(b"\xff\xff\xff\xff\0\0\0\0")
    buffer = struct.pack("<q", says) + frame
    body = buffer + b"\0" * (-len(buffer) % 8)
    made = bytearray(before[:at] + body + before[end:])
    length = next(n for n in range(end - at, 8, -1) if 0 < before.find(struct.pack("<qq", 0, n), 0, at))
    struct.pack_into("<q", made, made.index(struct.pack("<qq", 0, length)) + 8, len(buffer))
    struct.pack_into("<q", made, before.index(struct.pack("<q", end - at), 0, at), len(body))
    return bytes(made)


def streamed(raw):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(raw)
    return sink.getvalue().to_pybytes()


def compressed():
    raw = struct.pack("<300q", *range(300))
    for name, holds, says in (
        ("as-said", 300, 2400),
        ("less", 299, 2400),
        ("more", 301, 2400),
        ("nothing", 0, 2400),
        ("less-than-much", 300, 24000),
    ):
        held = struct.pack(f"<{holds}q", *range(holds))
        write(f"unsaid-{name}", unsaid(says, streamed(held), raw))
    block = (len(raw) << 3 | 1).to_bytes(3, "little")  # the last, as it is
    window = (29 - 10) << 3  # of 512 MiB
    write("unsaid-window", unsaid(2400, b"\x28\xb5\x2f\xfd\0" + bytes([window]) + block + raw, raw))


if __name__ == "__main__":
    every_type()
    unions()
    compressed()
