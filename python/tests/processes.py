"""Real processes for tests: a bridge with its demo tools, and a Python worker that hosts agents."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BUILT = Path(__file__).parents[2] / "bin" / "toolbridge"
_LISTENS = re.compile(r"^listening on (\S+)$", re.MULTILINE)
_ATTACHED = re.compile(r"attached to the bridge at (\S+),", re.MULTILINE)
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


def given_address() -> str | None:
    """The address of a bridge that stands already, from the environment."""
    return os.environ.get("GRPC_ADDR") or os.environ.get("ELIXIR_GRPC_ADDR") or None


def binary() -> str:
    """The bridge's program: TOOLBRIDGE_BIN, or the one that `make build` leaves."""
    return os.environ.get("TOOLBRIDGE_BIN") or str(_BUILT)


class Running:
    """A process that has said that it is ready.

    Attributes:
        address: What it said: where the bridge listens, or to which bridge the worker is attached.
    """

    def __init__(self, command: Sequence[str], ready: re.Pattern[str]) -> None:
        # A file, and not a pipe that nobody reads: a full pipe would stop the process.
        self._output = tempfile.NamedTemporaryFile(prefix="toolbridge-test-")  # noqa: SIM115
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT)
        try:
            self.address = self._until(ready)[1]
        except BaseException:
            self.kill()
            raise

    @property
    def output(self) -> str:
        """All that it has printed."""
        return Path(self._output.name).read_text(encoding="utf-8", errors="replace")

    def _until(self, ready: re.Pattern[str]) -> re.Match[str]:
        end = time.monotonic() + _START_SECONDS
        while True:
            ended = self._process.poll()
            found = ready.search(self.output)
            if found:
                return found
            assert ended is None, f"it ended with code {ended}: {self.output}"
            assert time.monotonic() < end, f"not ready in {_START_SECONDS:g} s: {self.output}"
            time.sleep(0.02)

    def memory(self, what: str) -> int | None:
        """Bytes of its memory by a name of Linux's, such as VmRSS; None where nobody says."""
        status = Path(f"/proc/{self._process.pid}/status")
        found = (
            re.search(rf"^{what}:\s*(\d+) kB", status.read_text(), re.MULTILINE)
            if status.exists()
            else None
        )
        return int(found[1]) << 10 if found else None

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def stop(self) -> None:
        """Asks it to end, and waits until it has."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()


def start_bridge(listen: str = "127.0.0.1:0", store: Sequence[str] = ("--memory",)) -> Running:
    """Starts a bridge with the demo tools."""
    return Running([binary(), "serve", "--demo", *store, "--grpc", listen], _LISTENS)


@contextlib.contextmanager
def running_bridge() -> Iterator[str]:
    """Runs a bridge on a free port; gives its address."""
    bridge = start_bridge()
    try:
        yield bridge.address
    finally:
        bridge.stop()


@contextlib.contextmanager
def running_agents(bridge_address: str) -> Iterator[None]:
    """Runs a Python worker that hosts agents at a bridge."""
    module = "grpc_tool_bridge.worker"
    worker = Running(
        [sys.executable, "-m", module, "--bridge", bridge_address, "--agents"], _ATTACHED
    )
    try:
        yield
    finally:
        worker.stop()
