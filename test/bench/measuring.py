"""What callers in Python share: questions come as lines of JSON, and each is answered with what was measured.

A question is ``{"way": "go_echo", "width": 64, "seconds": 1}``, with ``"rate": 500, "patience": 0.25`` for an
open loop, and its answer
``{"calls_per_second": …, "p50_ms": …, "p99_ms": …, "p999_ms": …, "max_ms": …, "calls": …, "unanswered": …}`` or
``{"error": …}``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Call = Callable[[], Awaitable[None]]

PAYLOAD = "x" * 100
OVERDUE = 45
WAITING = 256  # as in open_loop.go


def same(answer: object) -> None:
    """Raises unless an echo answered what it was sent."""
    if answer != PAYLOAD:
        raise ValueError(f"an echo answered {answer!r}")


def summary(took: list[float], elapsed: float) -> dict[str, Any]:
    """Sums up calls that took so many seconds each and in all."""
    took.sort()

    def at(part: float) -> float:
        return took[int(part * len(took))] * 1000

    return {
        "calls_per_second": len(took) / elapsed,
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "p999_ms": at(0.999),
        "max_ms": took[-1] * 1000,
        "calls": len(took),
    }


async def measure(call: Call, width: int, seconds: float) -> dict[str, Any]:
    """Calls for so long from so many tasks, each again as soon as its call has ended."""
    took: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def repeat() -> None:
        start = time.perf_counter()
        while True:
            await call()
            now = time.perf_counter()
            took.append(now - start)
            if now > until:
                return
            start = now

    await asyncio.gather(*(repeat() for _ in range(width)))
    return summary(took, time.perf_counter() - began)


async def pace(call: Call, rate: float, seconds: float, patience: float) -> dict[str, Any]:
    """Begins calls at a fixed rate, whatever the earlier ones do, and counts each from when it was due.

    At most WAITING are under way at once; what is due beyond counts all the same. What is not answered within so many
    seconds after the last call was due is given up, and counts until then. The event loop's timers are good to a
    millisecond, for every peer alike. A call that fails is an error.
    """
    round_ = Round(call, rate, max(1, int(rate * seconds)))
    try:
        await asyncio.wait_for(round_.run(), seconds + patience)
    except asyncio.TimeoutError:  # the side was overloaded
        if round_.failed:
            raise round_.failed from None
    return round_.summary()


class Round:
    """A round of an open loop: so many calls, so many a second."""

    def __init__(self, call: Call, rate: float, count: int) -> None:
        self.failed: Exception | None = None
        self._call, self._rate, self._count = call, rate, count
        self._places = asyncio.Semaphore(WAITING)
        self._under_way: dict[asyncio.Task[None], float] = {}
        self._begun = 0
        self._took: list[float] = []
        self._unserved: list[float] = []
        self._began = self._ended = time.perf_counter()

    def _due(self, number: int) -> float:
        return self._began + number / self._rate

    async def run(self) -> None:
        """Makes all calls; cancelled, it gives up the rest."""
        try:
            while self._begun < self._count:
                due = self._due(self._begun)
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                await self._place()
                self._under_way[asyncio.create_task(self._one(due))] = due
                self._begun += 1
            for _ in range(WAITING):
                await self._place()
        finally:
            await self._give_up()

    async def _place(self) -> None:
        await self._places.acquire()
        if self.failed:
            raise self.failed

    async def _one(self, due: float) -> None:
        task = asyncio.current_task()
        try:
            await self._call()
        except Exception as error:  # noqa: BLE001 - the round fails with it
            if task in self._under_way:
                self.failed = self.failed or error
        if task and self._under_way.pop(task, None) is not None:
            self._took.append(time.perf_counter() - due)
        self._places.release()

    async def _give_up(self) -> None:
        rest, self._under_way = self._under_way, {}
        self._ended = time.perf_counter()
        dues = [*rest.values(), *(self._due(number) for number in range(self._begun, self._count))]
        self._unserved = [self._ended - due for due in dues]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def summary(self) -> dict[str, Any]:
        """All calls count in the percentiles, those that were answered in the throughput."""
        answered, elapsed = len(self._took), self._ended - self._began
        return summary(self._took + self._unserved, elapsed) | {
            "calls_per_second": answered / elapsed,
            "calls": answered,
            "unanswered": len(self._unserved),
        }


async def answer(ways: Mapping[str, Call], question: dict[str, Any]) -> dict[str, Any]:
    """Answers one question, with an error if its calls do not end within OVERDUE seconds of when they should."""
    try:
        call, seconds = ways[question["way"]], question["seconds"]
        rate = question.get("rate")
        if rate:
            measured = pace(call, rate, seconds, question["patience"])
        else:
            measured = measure(call, question["width"], seconds)
        return await asyncio.wait_for(measured, seconds + OVERDUE)
    except Exception as error:  # noqa: BLE001 - told to the program that asked
        return {"error": f"{type(error).__name__}: {error}"}


async def serve(address: str, ways: Mapping[str, Call]) -> None:
    """Says that it is ready, and answers questions until there are no more."""
    print(f"listening on {address}", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await answer(ways, json.loads(line))), flush=True)
