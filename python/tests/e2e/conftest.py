"""A bridge with the Go worker of test/echo at it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import processes
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Go worker's program."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed: it builds the worker of these tests")
    binary = tmp_path_factory.mktemp("echo") / "echo"
    subprocess.run(["go", "build", "-o", binary, "./test/echo"], cwd=ROOT, check=True)
    return str(binary)


@pytest.fixture(scope="module")
def house(program: str) -> Iterator[processes.Running]:
    """A bridge of its own with the Go worker at it."""
    if not Path(processes.binary()).exists():
        pytest.skip(f"there is no bridge at {processes.binary()}: run `make build`")
    bridge = processes.start_bridge()
    try:
        worker = processes.Running(
            [program, bridge.address], re.compile(r"^ready at (\S+)$", re.MULTILINE)
        )
        try:
            yield bridge
        finally:
            worker.stop()
    finally:
        bridge.stop()
