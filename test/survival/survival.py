"""Measures what becomes of values on the way through a bridge, JSON, protobuf's Struct and MCP.

    python survival.py             prints the table
    python survival.py --write     writes it into README.md

The values are those of vectors, by their names (value/testdata/vectors, and value/testdata/tables.json); every cell
is what came back of a real round trip: through a bridge to a tool in Go, which decodes and encodes, and back; calls
over MCP go to a process of their own, over standard input and output. What came back is compared by type and content,
without the SDK.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import datetime as dt
import decimal
import fractions
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.unknown_fields import UnknownFieldSet

from grpc_tool_bridge import GRPCToolBridge, values

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- survival: begin -->\n", "<!-- survival: end -->"

# What stands in the table, and the vector that it is.
ROWS = {
    "`2**53 + 1`": "int 9007199254740993",
    "`10**100`": "int 10**100",
    "`1.0`": "float 1.0",
    "`-0.0`": "float -0.0",
    "`nan`": "float nan",
    "`b'\\x00\\xff\\x80\\n'`": "bytes not text",
    "`(1, 2)`": "tuple of ints",
    "a set": "set of ints",
    "`{2: 'b', 1: 'a'}`": "dict int keys",
    "`{'z': 1.0, 'a': 2.0, 'm': 3.0}`": "dict in order",
    "`[None]`": "one none",
    "a datetime in Europe/Berlin": "datetime Europe/Berlin",
    "a date": "date",
    "`timedelta(days=1.5)`": "timedelta 36h",
    "`Decimal('1.10')`": "decimal 1.10",
    "`Fraction(1, 3)`": "fraction 1/3",
    "`complex(1, -2.5)`": "complex",
    "a UUID": "uuid",
    "a dataclass": "dataclass",
    "a pydantic model": "model",
    "an exception": "exception",
    "a pandas DataFrame": "frame",
    "a numpy array": "array",
}


@dataclasses.dataclass
class Point:
    """A class of the program that sends it."""

    x: int
    y: str


class Order(pydantic.BaseModel):
    """A model of the program that sends it."""

    x: int
    y: str


# The classes of the program that sends records of these vectors.
CLASSES: dict[str, type[Any]] = {"dataclass": Point, "model": Order, "exception": ValueError}
NAMES: dict[str, Any] = {
    "datetime": dt,
    "decimal": decimal,
    "fractions": fractions,
    "math": math,
    "uuid": uuid,
    "zoneinfo": zoneinfo,
    "values": values,
}
GO = shutil.which("go") or "go"
WAYS = ("Toolbridge", "JSON", "JSON through Go's `any`", "protobuf `Struct`", "MCP")


def vectors() -> dict[str, dict[str, Any]]:
    """The vectors by name, those of tables too."""
    folder = ROOT / "value" / "testdata"
    found = json.loads((folder / "tables.json").read_text(encoding="utf-8"))["tables"]
    for file in sorted((folder / "vectors").glob("*.json")):
        found += json.loads(file.read_text(encoding="utf-8")).get("vectors", [])
    return {vector["name"]: vector for vector in found}


def samples() -> dict[str, Any]:
    """The values of the table's rows."""
    import numpy as np
    import pandas as pd

    known, names = vectors(), {**NAMES, "np": np, "pd": pd}
    return {row: sample(known[name], names) for row, name in ROWS.items()}


def sample(vector: dict[str, Any], names: dict[str, Any]) -> Any:
    """The value of a vector, of the class of the program that sends it."""
    value = eval(vector["python"], dict(names))  # noqa: S307 - our own vectors
    cls = CLASSES.get(vector["name"])
    return value if cls is None else values.convert(value, cls)


async def through_toolbridge(items: list[Any], address: str) -> list[str]:
    """What becomes of values that are given to a tool in Go and given back by it."""
    cells: list[str] = []
    async with GRPCToolBridge(address) as bridge:
        await bridge.initialize("survival")
        for item in items:
            came = described(item, await bridge.execute_tool("go_echo", item))
            if came != "kept" and not came.startswith("error"):
                hinted = bridge.tools["go_echo"].with_options(result_type=type(item))
                if described(item, await hinted(item)) == "kept":
                    came += "; kept with a hint"
            cells.append(came)
    return cells


@contextlib.contextmanager
def bridge_with_echo() -> Iterator[str]:
    """A bridge, and a worker in Go whose tool returns what it is given; gives its address."""
    program = os.environ.get("TOOLBRIDGE_BIN") or str(ROOT / "bin" / "toolbridge")
    with tempfile.TemporaryDirectory() as directory:
        echo = str(Path(directory) / "echo")
        subprocess.run([GO, "build", "-o", echo, "./test/echo"], cwd=ROOT, check=True)  # noqa: S603
        serve = [program, "serve", "--grpc", "127.0.0.1:0", "--http", "off", "--memory"]
        with started(serve, "listening on ") as address, started([echo, address], "ready at "):
            yield address


@contextlib.contextmanager
def started(command: list[str], ready: str) -> Iterator[str]:
    """A process that has said a line; gives what stands behind its beginning."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            said = next(line for line in process.stdout if line.startswith(ready))
            yield said.removeprefix(ready).strip()
        finally:
            process.terminate()


def through_json(value: object) -> object:
    """The value as it comes back from JSON."""
    return json.loads(json.dumps(value))


def through_struct(value: object) -> object:
    """The value as it comes back from protobuf's Struct."""
    sent = Struct()
    sent.update({"value": value})
    return in_struct(sent.SerializeToString(deterministic=True))["value"]


def in_struct(data: bytes) -> dict[str, object]:
    """What the bytes of a Struct hold, in the order in which it stands there.

    A Struct is a map: readers take its entries in any order, which is another in each process. The order
    of the bytes is the most that a reader could know.
    """
    entries = {one(entry, 1).decode(): one(entry, 2) for entry in parts(data, 1)}
    return {key: in_value(held) for key, held in entries.items()}


def in_value(data: bytes) -> object:
    """What the bytes of a Value of a Struct hold."""
    value = Value.FromString(data)
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return in_struct(one(data, 5))
    if kind == "list_value":
        return [in_value(held) for held in parts(one(data, 6), 1)]
    return None if kind in {None, "null_value"} else getattr(value, kind)


def parts(data: bytes, number: int) -> list[bytes]:
    """The fields of a number in the bytes of a message, in their order."""
    fields = UnknownFieldSet(Empty.FromString(data))  # type: ignore[no-untyped-call]
    return [field.data for field in fields if field.field_number == number]


def one(data: bytes, number: int) -> bytes:
    """The field of a number, empty if it is not there."""
    return b"".join(parts(data, number)[-1:])


def cell(value: object, way: Any) -> str:
    """What becomes of a value on a way: kept, what it is then, or the error."""
    try:
        result = way(value)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the way says
        return f"error: {type(error).__name__}"
    return described(value, result)


def described(value: object, result: object) -> str:
    """What a value became: kept, if type, content and order are what they were."""
    if same(value, result):
        return "kept"
    if type(value) is dict and value == result:
        return "dict in another order"
    text = repr(result)
    text = text if len(text) <= 50 else text[:47] + "…"
    return f"{type(result).__name__}: `{text}`".replace("|", "\\|")


def same(value: Any, result: Any) -> bool:
    """Reports whether type, content and order are the same, without the SDK's help."""
    if type(result) is not type(value):
        return False
    if isinstance(value, float):
        return repr(value) == repr(result) and math.copysign(1, value) == math.copysign(1, result)
    if isinstance(value, (list, tuple)):
        return len(value) == len(result) and all(map(same, value, result))
    if isinstance(value, dict):
        return same(list(value), list(result)) and same(list(value.values()), list(result.values()))
    if isinstance(value, BaseException):
        return same(value.args, result.args)
    if isinstance(value, complex):
        return same([value.real, value.imag], [result.real, result.imag])
    if isinstance(value, dt.datetime):
        return repr(value) == repr(result)
    return (
        same_table(value, result)
        if hasattr(value, "dtypes") or hasattr(value, "dtype")
        else equal(value, result)
    )


def equal(value: Any, result: Any) -> bool:
    """Reports whether scalars, sets and objects are equal, their digits too."""
    return bool(value == result) and (isinstance(value, set) or repr(value) == repr(result))


def same_table(value: Any, result: Any) -> bool:
    """Reports whether frames or arrays are the same by pandas' and numpy's own, strictest tests."""
    import numpy as np
    import pandas as pd

    if isinstance(value, np.ndarray):
        layout = (value.dtype.str, value.shape, value.flags.f_contiguous)
        return (
            layout == (result.dtype.str, result.shape, result.flags.f_contiguous)
            and value.tobytes() == result.tobytes()
        )
    try:
        pd.testing.assert_frame_equal(
            value,
            result,
            check_exact=True,
            check_index_type="exact",
            check_column_type="exact",
            check_names=True,
            check_freq=True,
        )
    except AssertionError:
        return False
    return bool(value.attrs == result.attrs)


async def over_mcp(items: list[Any]) -> list[str]:
    """What becomes of values that are given to a tool of an MCP server and given back by it."""
    from mcp import Client, StdioServerParameters

    cells: list[str] = []
    server = StdioServerParameters(command=sys.executable, args=[str(HERE / "echo_server.py")])
    async with Client(server) as client:
        for item in items:
            try:
                answer = await client.call_tool("echo", {"value": item})
            except Exception as error:  # noqa: BLE001 - as above
                cells.append(f"error: {type(error).__name__}")
                continue
            if answer.is_error or answer.structured_content is None:
                cells.append("error of the tool")
            else:
                cells.append(described(item, answer.structured_content["value"]))
    return cells


def through_go(items: list[Any]) -> list[str]:
    """What becomes of values that a Go program reads as JSON and writes again."""
    texts: list[str] = []
    for item in items:
        try:
            texts.append(json.dumps(item))
        except Exception as error:  # noqa: BLE001, PERF203 - as above
            texts.append(f"error: {type(error).__name__}")
    lines = subprocess.run(  # noqa: S603 - the program beside this one
        [GO, "run", "."], cwd=HERE, input="\n".join(texts), capture_output=True, text=True, check=True
    ).stdout.splitlines()  # fmt: skip
    return [
        text
        if text.startswith("error")
        else line
        if line.startswith("error")
        else described(item, json.loads(line))
        for item, text, line in zip(items, texts, lines, strict=True)
    ]


def measured(*, mcp: bool = True) -> dict[str, list[str]]:
    """The cells of each row but Toolbridge's: JSON, JSON through Go, Struct and, if asked for, MCP."""
    found = samples()
    items = list(found.values())
    table = {
        row: [
            cell(value, through_json),
            gone,
            cell(value, through_struct),
        ]
        for (row, value), gone in zip(found.items(), through_go(items), strict=True)
    }
    if mcp:
        for cells, more in zip(table.values(), asyncio.run(over_mcp(items)), strict=True):
            cells.append(more)
    return table


def with_bridge(table: dict[str, list[str]], address: str) -> dict[str, list[str]]:
    """The same rows, with Toolbridge's cells before the others."""
    ours = asyncio.run(through_toolbridge(list(samples().values()), address))
    return {row: [mine, *cells] for (row, cells), mine in zip(table.items(), ours, strict=True)}


def written(table: dict[str, list[str]]) -> str:
    """The table as Markdown."""
    lines = [f"| Python value | {' | '.join(WAYS)} |", "|---" * (len(WAYS) + 1) + "|"]
    lines += [f"| {row} | {' | '.join(cells)} |" for row, cells in table.items()]
    return "\n".join(lines) + "\n"


def committed() -> dict[str, list[str]]:
    """The cells that stand in the README."""
    text = README.read_text(encoding="utf-8")
    lines = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip().splitlines()[2:]
    rows = [[part.strip() for part in line.strip("| ").split(" | ")] for line in lines]
    return {row[0]: row[1:] for row in rows}


def main() -> None:
    """Measures, and prints or writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    parser.add_argument(
        "--check", action="store_true", help="fail if README.md says something else"
    )
    options = parser.parse_args()
    table = measured()
    if options.check:
        if {row: cells[1:] for row, cells in committed().items()} != table:
            sys.exit("README.md says something else than what was measured: make survival")
        return
    with bridge_with_echo() as address:
        table = with_bridge(table, address)
    if not options.write:
        print(written(table), end="")
        return
    text = README.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    README.write_text(text[:begin] + written(table) + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
