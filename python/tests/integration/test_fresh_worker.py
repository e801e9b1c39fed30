"""Tables through the real bridge to a worker that has met none before, with which no library has registered a type."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import processes
import pytest

from grpc_tool_bridge.testing.equality import difference

WORKER = Path(__file__).parents[1] / "freshworker.py"
MONTHS = pd.period_range("2020-01", periods=2, freq="M")
SPANS = pd.interval_range(0, 2)
PERIODS = pd.Series([1, 2], index=MONTHS)
INTERVALS = pd.DataFrame({"a": [1, 2]}, index=SPANS)
LEVELS = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_arrays([MONTHS, SPANS]))


@pytest.fixture
def fresh(bridge_address):
    worker = processes.Running(
        [sys.executable, str(WORKER), bridge_address], re.compile(r"^(ready)$", re.MULTILINE)
    )
    yield
    worker.stop()


@pytest.mark.parametrize(
    "first", [PERIODS, INTERVALS, LEVELS], ids=["periods", "intervals", "levels"]
)
async def test_an_index_of_periods_or_intervals_may_be_the_first_that_a_worker_gets(
    fresh, real, first
):
    await real.refresh()
    again = await real.execute_tool("fresh_echo", first)
    assert not difference(first, again)
    for value in (PERIODS, INTERVALS, LEVELS, pd.DataFrame({"p": MONTHS, "i": SPANS})):
        assert not difference(value, await real.execute_tool("fresh_echo", value))


async def test_a_tool_sees_the_periods_of_an_index(fresh, real):
    await real.refresh()
    assert "PeriodIndex" in await real.execute_tool("fresh_type", PERIODS)
