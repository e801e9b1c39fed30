"""Batches of calls in a bridge in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dspex_bridge_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


async def run_batch(
    execute: Callable[[pb.ToolCallRequest], Awaitable[pb.ToolCallResponse]],
    request: pb.BatchExecuteToolsRequest,
) -> AsyncIterator[tuple[int, pb.ToolCallResponse]]:
    """Runs the items of a batch, and gives each answer with its place when it is there."""
    gate = asyncio.Semaphore(request.max_concurrency or 64)
    broken = asyncio.Event()

    async def run(index: int, item: pb.ToolCallRequest) -> tuple[int, pb.ToolCallResponse]:
        item.session_id = request.session_id
        item.request_id = item.request_id or (
            f"{request.batch_id}/{index}" if request.batch_id else ""
        )
        async with gate:
            call = asyncio.ensure_future(execute(item))
            stop = asyncio.ensure_future(broken.wait())
            await asyncio.wait({call, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if not call.done():
                call.cancel()
                info = pb.ErrorInfo(type="Cancelled", message="another item failed first")
                return index, pb.ToolCallResponse(error=info)
            if request.fail_fast and not call.result().success:
                broken.set()
            return index, call.result()

    tasks = [asyncio.ensure_future(run(i, item)) for i, item in enumerate(request.requests)]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
