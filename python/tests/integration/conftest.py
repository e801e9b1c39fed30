from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grpc_tool_bridge import GRPCToolBridge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_BINARY = Path(__file__).parents[3] / "bin" / "toolbridge"
_LISTENS = re.compile(r"^listening on (\S+)$", re.MULTILINE)


@contextlib.contextmanager
def _running_bridge(binary: str) -> Iterator[str]:
    """Starts a bridge with its demo tools on a free port; gives its address."""
    command = [binary, "serve", "--demo", "--memory", "--grpc", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield _address_of(process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _address_of(process: subprocess.Popen[bytes], within: float = 20.0) -> str:
    assert process.stdout is not None
    output = b""
    end = time.monotonic() + within
    while time.monotonic() < end:
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        if ready:
            piece = os.read(process.stdout.fileno(), 4096)
            output += piece
            found = _LISTENS.search(output.decode())
            if found:
                return found[1]
            if not piece:
                break
    raise AssertionError(f"the bridge did not say where it listens: {output.decode()}")


@pytest.fixture(scope="session")
def bridge_address() -> Iterator[str]:
    """A real bridge: the one at GRPC_ADDR, or one of its own with the demo tools."""
    given = os.environ.get("GRPC_ADDR")
    if given:
        yield given
        return
    binary = os.environ.get("TOOLBRIDGE_BIN") or str(_BINARY)
    if not Path(binary).exists():
        pytest.skip(f"there is no bridge at {binary}: run `make build`, or set GRPC_ADDR")
    with _running_bridge(binary) as address:
        yield address


@pytest.fixture
async def real(
    bridge_address: str, request: pytest.FixtureRequest
) -> AsyncIterator[GRPCToolBridge]:
    """A client of the real bridge, in a session named for the test."""
    async with GRPCToolBridge(bridge_address) as bridge:
        await bridge.initialize(f"{request.node.name[:100]}-{time.time_ns()}")
        yield bridge
        await bridge.cleanup(force=True)
