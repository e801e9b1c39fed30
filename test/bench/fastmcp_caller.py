"""The caller of FastMCP: ``fastmcp_caller.py URL``. Questions and answers are those of ``caller.py``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from fastmcp import Client

PAYLOAD = "x" * 100


async def measure(client: Client[Any], width: int, seconds: float) -> dict[str, Any]:
    """Calls for so long from so many tasks over one client, each again as soon as its call has ended."""
    took: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def repeat() -> None:
        start = time.perf_counter()
        while True:
            answer = await client.call_tool("echo", {"text": PAYLOAD})
            now = time.perf_counter()
            if answer.data != PAYLOAD:
                raise ValueError(f"an echo answered {answer.data!r}")
            took.append(now - start)
            if now > until:
                return
            start = now

    await asyncio.gather(*(repeat() for _ in range(width)))
    rate = len(took) / (time.perf_counter() - began)
    took.sort()
    return {"calls_per_second": rate, "p50_ms": took[len(took) // 2] * 1000, "calls": len(took)}


async def main(url: str) -> None:
    """Answers questions until there are no more."""
    async with Client(url) as client:
        print(f"listening on {url}", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            question = json.loads(line)
            try:
                answer = await measure(client, question["width"], question["seconds"])
            except Exception as error:  # noqa: BLE001 - told to the program that asked
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
