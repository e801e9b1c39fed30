"""The Python tools of the end-to-end tests, hosted by ``python -m grpc_tool_bridge.worker e2e_tools``."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from grpc_tool_bridge import ToolContext, tool

CHUNK = 64 * 1024


@tool
async def py_echo(value: Any) -> Any:
    """Return the value unchanged."""
    return value


@tool
async def py_types(value: Any) -> str:
    """Name the type of the value, and of its columns."""
    if hasattr(value, "dtypes"):
        return f"{type(value).__name__} {[str(dtype) for dtype in value.dtypes]}"
    return type(value).__name__


def note(path: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")


async def hold(path: str) -> str:
    """Say that it runs, and wait for the file that releases it."""
    note(path + ".began")
    try:
        while not Path(path + ".go").exists():
            await asyncio.sleep(0.005)
    except asyncio.CancelledError:
        note(path + ".ended")
        raise
    return f"{Path(path).name} is done"


@tool
async def py_hold(path: str) -> str:
    """Hold."""
    return await hold(path)


@tool(idempotent=True)
async def py_hold_safe(path: str) -> str:
    """Hold; may be run again."""
    return await hold(path)


@tool
async def py_nest(context: ToolContext, depth: int, path: str = "") -> Any:
    """Call the twin in Go until the depth is reached, and there hold if there is a path."""
    if depth > 0:
        return await context.call("go_nest", depth - 1, path)
    if path:
        return await hold(path)
    return {"depth": context.call_depth, "left": context.time_left}


@tool
async def py_make(size: int) -> str:
    """Return a text of so many bytes."""
    return "x" * size


@tool
async def py_make_chunk(size: int) -> AsyncIterator[str]:
    """Yield a text of so many bytes."""
    yield "x" * size


@tool
async def py_table(size: int) -> Any:
    """Make a table of about so many bytes."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame({"zeros": np.zeros(size // 8)})


@tool
async def py_flood(path: str, chunks: int) -> AsyncIterator[bytes]:
    """Yield chunks, and keep in a file how many were made."""
    made = Path(path + ".made")
    try:
        for number in range(chunks):
            made.write_text(str(number + 1))
            yield bytes(CHUNK)
    finally:
        note(path + ".ended")


@tool
async def py_fail(code: str) -> None:
    """Raise what a call nested in this one would have raised."""
    from grpc_tool_bridge import ToolExecutionError

    raise ToolExecutionError("inner", code, "of a call that the tool made")
