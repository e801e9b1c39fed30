"""What callers in Python share: questions come as lines of JSON, and each is answered with what was measured.

A question is ``{"way": "go_echo", "width": 64, "seconds": 1}``, with ``"rate": 500`` for an open loop, and its answer
``{"calls_per_second": …, "p50_ms": …, "p99_ms": …, "p999_ms": …, "max_ms": …, "calls": …}`` or ``{"error": …}``.
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


async def pace(call: Call, rate: float, seconds: float) -> dict[str, Any]:
    """Begins calls at a fixed rate, whatever the earlier ones do, and counts each from when it was due.

    The event loop's timers are good to a millisecond, which counts for every peer alike. A call that fails is an error.
    """
    took: list[float] = []
    count = max(1, int(rate * seconds))
    began = time.perf_counter()

    async def one(due: float) -> None:
        await call()
        took.append(time.perf_counter() - due)

    begun: list[asyncio.Task[None]] = []
    while len(begun) < count:
        due_now = min(count, int((time.perf_counter() - began) * rate) + 1)
        begun += [
            asyncio.create_task(one(began + number / rate)) for number in range(len(begun), due_now)
        ]
        await asyncio.sleep(max(0.0, began + len(begun) / rate - time.perf_counter()))
    await asyncio.gather(*begun)
    return summary(took, time.perf_counter() - began)


async def answer(ways: Mapping[str, Call], question: dict[str, Any]) -> dict[str, Any]:
    """Answers one question, with an error if its calls do not end within OVERDUE seconds of when they should."""
    try:
        call, seconds = ways[question["way"]], question["seconds"]
        rate = question.get("rate")
        measured = pace(call, rate, seconds) if rate else measure(call, question["width"], seconds)
        return await asyncio.wait_for(measured, seconds + OVERDUE)
    except Exception as error:  # noqa: BLE001 - told to the program that asked
        return {"error": f"{type(error).__name__}: {error}"}


async def serve(address: str, ways: Mapping[str, Call]) -> None:
    """Says that it is ready, and answers questions until there are no more."""
    print(f"listening on {address}", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await answer(ways, json.loads(line))), flush=True)
