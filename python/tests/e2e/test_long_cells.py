"""Tables larger than a message whose bytes are behind pointers, from process to process: none is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import processes
import pytest
from longcells import LONG_CELLS

from grpc_tool_bridge import GRPCToolBridge, ToolExecutionError
from grpc_tool_bridge.testing.equality import difference

WORKER = Path(__file__).parents[1] / "freshworker.py"
BATCHES = 4 * 10 << 20
"""So much the bridge may grow, however long a table is."""


@pytest.fixture(scope="module")
def workers(house):
    worker = processes.Running(
        [sys.executable, str(WORKER), house.address], re.compile(r"^(ready)$", re.MULTILINE)
    )
    yield house
    worker.stop()


@pytest.fixture
async def bridge(workers):
    async with GRPCToolBridge(workers.address) as bridge:
        await bridge.initialize("long cells")
        yield bridge


async def around(bridge, name, value):
    return await bridge.tools[name].with_options(timeout=300)(value)


@pytest.mark.parametrize("name", ["go_echo", "fresh_echo"])
@pytest.mark.parametrize("make", LONG_CELLS.values(), ids=LONG_CELLS)
async def test_long_cells_come_back_from_every_language(bridge, make, name):
    value = make(50, 300_000)
    assert not difference(value, await around(bridge, name, value))


@pytest.mark.parametrize("name", ["go_echo", "fresh_echo"])
async def test_the_bridge_does_not_hold_what_passes(bridge, workers, name):
    before = workers.memory("VmRSS")
    if before is None:
        pytest.skip("the memory of a process is not known here")
    for kind in ("texts", "bytes"):
        value = LONG_CELLS[kind](200, 300_000)
        assert not difference(value, await around(bridge, name, value))
    assert workers.memory("VmHWM") - before < BATCHES


async def test_a_row_that_is_longer_than_a_message_is_named(bridge):
    frame = pd.DataFrame({"n": [1, 2, 3], "t": ["a", "x" * (11 << 20), "b"]})
    with pytest.raises(ToolExecutionError, match=r"row 1 .*column 't'.*limit of a batch") as caught:
        await bridge.execute_tool("fresh_echo", frame)
    assert caught.value.error_type == "MessageTooLarge"
    assert not difference(frame[:1], await bridge.execute_tool("fresh_echo", frame[:1]))
