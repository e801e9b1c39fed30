"""Decodes and encodes each value that comes, in a process that has met none before.

Libraries register with each other what they know when they first need it, so what was there before can decide what a
value becomes. Each is decoded by a process of its own, forked from one that has imported the libraries and did
nothing with them. Values come and leave behind their length each: "V" and a value, or "E" and what went wrong.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from google.protobuf.any_pb2 import Any as AnyMessage

from grpc_tool_bridge.values import deserialize_value, serialize_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LENGTH = struct.Struct("<I")


def read(stream: BinaryIO) -> bytes | None:
    """What stands behind the next length; None at the end."""
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if head else None


def write(stream: BinaryIO, data: bytes) -> None:
    """Writes it behind its length."""
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


@contextmanager
def fresh_processes() -> Iterator[Callable[[Any], Any]]:
    """Gives what sends a value to a process that has met none, and returns what comes back."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, of = process.stdin, process.stdout

        def around(value: Any) -> Any:
            sent = value if isinstance(value, AnyMessage) else serialize_value(value, strict=True)
            write(to, sent.SerializeToString())
            came = read(of)
            assert came is not None, "the process ended"
            assert came[:1] == b"V", came.decode(errors="replace")
            return deserialize_value(AnyMessage.FromString(came[1:]), strict=True)

        yield around
        to.close()


def _answer(value: bytes) -> bytes:
    try:
        decoded = deserialize_value(AnyMessage.FromString(value), strict=True)
        return b"V" + serialize_value(decoded, strict=True).SerializeToString()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test says it
        return b"E" + repr(error).encode()


def _main() -> None:
    import numpy  # noqa: F401, ICN001
    import pandas  # noqa: F401, ICN001
    import polars  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    while (value := read(sys.stdin.buffer)) is not None:
        child = os.fork()
        if child == 0:
            write(sys.stdout.buffer, _answer(value))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    _main()
