"""test/bench/measuring.py: how callers in Python measure, as open_loop_test.go has it of those in Go."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "test" / "bench" / "measuring.py"
OUT_OF_TIME = 30


@pytest.fixture(scope="module")
def measuring() -> Any:
    spec = importlib.util.spec_from_file_location("measuring", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


async def at_once() -> None:
    """A call that is answered at once."""


async def never() -> None:
    """A call that is not answered."""
    await asyncio.Event().wait()


async def test_an_open_loop_makes_each_call_not_before_it_is_due(measuring: Any) -> None:
    round_ = measuring.Round(at_once, 500, 50)
    began = time.perf_counter()
    await asyncio.wait_for(round_.run(), OUT_OF_TIME)
    assert time.perf_counter() - began >= 49 / 500
    told = round_.summary()
    assert (told["calls"], told["unanswered"]) == (50, 0)
    assert told["calls_per_second"] <= 50 / (49 / 500)


async def test_what_is_not_answered_is_given_up_and_counts_until_then(measuring: Any) -> None:
    told = await asyncio.wait_for(measuring.pace(never, 1000, 0.4, 0.1), OUT_OF_TIME)
    assert (told["calls"], told["unanswered"], told["calls_per_second"]) == (0, 400, 0)
    assert told["p50_ms"] >= 290, "of 500 ms, less the 200 in which the first half came due"
    assert told["max_ms"] >= 490


async def test_what_was_answered_before_makes_the_throughput(measuring: Any) -> None:
    begun, full = 0, asyncio.Event()

    async def the_first_ten() -> None:
        nonlocal begun
        begun += 1
        if begun == 10 + measuring.WAITING:
            full.set()
        if begun > 10:
            await never()

    round_ = measuring.Round(the_first_ten, 1e6, 1000)
    running = asyncio.create_task(round_.run())
    await asyncio.wait_for(full.wait(), OUT_OF_TIME)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    told = round_.summary()
    assert (told["calls"], told["unanswered"]) == (10, 990)
    assert told["p50_ms"] > 0


async def test_no_more_are_under_way_than_go_has_too(measuring: Any) -> None:
    most = running = 0

    async def counted() -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    await asyncio.wait_for(measuring.Round(counted, 1e6, 1000).run(), OUT_OF_TIME)
    assert (most, running) == (measuring.WAITING, 0)
    go = (SCRIPT.parent / "open_loop.go").read_text(encoding="utf-8")
    assert f"const waiting = {measuring.WAITING}\n" in go


@pytest.mark.parametrize("kind", [ValueError, asyncio.TimeoutError])
async def test_a_call_that_fails_fails_the_round(measuring: Any, kind: type[Exception]) -> None:
    async def broken() -> None:
        raise kind("broken")

    with pytest.raises(kind, match="broken"):
        await asyncio.wait_for(measuring.pace(broken, 1000, 1, 1), OUT_OF_TIME)
    told = await measuring.answer(
        {"x": broken}, {"way": "x", "seconds": 1, "rate": 1000, "patience": 1}
    )
    assert told == {"error": f"{kind.__name__}: broken"}


async def test_a_call_that_fails_when_it_is_given_up_is_no_failure(measuring: Any) -> None:
    async def stubborn() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            raise ValueError("cancelled") from None

    told = await asyncio.wait_for(measuring.pace(stubborn, 100, 0.1, 0), OUT_OF_TIME)
    assert (told["calls"], told["unanswered"]) == (0, 10)


async def test_a_closed_loop_calls_again_as_soon_as_a_call_has_ended(measuring: Any) -> None:
    question = {"way": "x", "width": 4, "seconds": 0.01}
    told = await asyncio.wait_for(measuring.answer({"x": at_once}, question), OUT_OF_TIME)
    assert told["calls"] >= 4
    assert told["p50_ms"] <= told["p99_ms"] <= told["p999_ms"] <= told["max_ms"]
    assert "KeyError" in (await measuring.answer({}, question))["error"]


def test_an_echo_that_answers_something_else_is_an_error(measuring: Any) -> None:
    measuring.same(measuring.PAYLOAD)
    with pytest.raises(ValueError, match="'y'"):
        measuring.same("y")
