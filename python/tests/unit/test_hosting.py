from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - tools' hints are read

import pytest

from grpc_tool_bridge import ToolContext, ToolExecutionError, ToolTimeoutError, Worker, tool


@tool
def first(context: ToolContext, a: int, b: int = 2) -> list:
    return [context.tool_name, a, b]


@tool
async def between(a: int, context: ToolContext, b: int = 2) -> list:
    return [context.tool_name, a, b]


@tool
def by_position(context: ToolContext, a: int, /, b: int = 2) -> list:
    return [context.tool_name, a, b]


@tool
async def by_name(a: int, b: int = 2, *, context: ToolContext) -> list:
    return [context.tool_name, a, b]


@tool
def before_surplus(context: ToolContext, *rest: int) -> list:
    return [context.tool_name, *rest]


@tool
async def streamed(context: ToolContext, a: int, b: int = 2) -> AsyncIterator[object]:
    for item in (context.tool_name, a, b):
        yield item


@tool
def streamed_by_thread(context: ToolContext, a: int, b: int = 2) -> Iterator[object]:
    yield from (context.tool_name, a, b)


@tool
async def endless() -> AsyncIterator[int]:
    yield 1
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "function",
    [first, between, by_position, by_name, before_surplus, streamed, streamed_by_thread],
    ids=lambda function: function.__name__,
)
async def test_the_context_takes_its_place_wherever_it_stands(server, bridge, function):
    async with Worker(server.address, tools=[function]):
        proxy = (await bridge.refresh())[function.__name__]
        assert list(await proxy(1, 3)) == [function.__name__, 1, 3]


@pytest.mark.parametrize("function", [first, between, by_position, by_name, streamed])
async def test_the_context_takes_its_place_beside_arguments_by_name(server, bridge, function):
    async with Worker(server.address, tools=[function]):
        proxy = (await bridge.refresh())[function.__name__]
        assert await proxy(1, b=3) == [function.__name__, 1, 3]
        assert await proxy(1) == [function.__name__, 1, 2]
        if function is not by_position:
            assert await proxy(b=3, a=1) == [function.__name__, 1, 3]


async def test_a_call_whose_time_passes_names_the_tool_and_the_limit(bridge):
    with pytest.raises(ToolTimeoutError, match=r"'wait_forever'.*0\.05 s") as caught:
        await bridge.tools["wait_forever"].with_options(timeout=0.05)()
    assert caught.value.details["limit"] == "0.05"


async def test_a_stream_whose_time_passes_names_the_tool_and_the_limit(server, bridge):
    async with Worker(server.address, tools=[endless]):
        proxy = (await bridge.refresh())["endless"].with_options(timeout=0.05)
        with pytest.raises(ToolTimeoutError, match=r"'endless'.*0\.05 s") as caught:
            await proxy.stream().collect()
    assert caught.value.details["limit"] == "0.05"


async def test_leaving_the_loop_over_a_stream_cancels_the_call_at_once(server, bridge, until):
    closed = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            n = 0
            while True:
                yield (n := n + 1)
                await asyncio.sleep(0)
        finally:
            closed.set()

    async with Worker(server.address, tools=[numbers]):
        proxy = (await bridge.refresh())["numbers"]
        gc.disable()
        try:
            async for number in proxy.stream():
                if number == 3:
                    break
            await until(closed.is_set)
        finally:
            gc.enable()


class Alarm(BaseException):
    pass


class Unreadable(BaseException):
    @property
    def details(self) -> object:
        raise SystemExit(4)


_ERRORS = {
    "SystemExit": SystemExit,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "Alarm": Alarm,
    "Unreadable": Unreadable,
    "CancelledError": asyncio.CancelledError,
}


def _fail(error: str) -> None:
    if error == "SystemExit":
        sys.exit(3)
    raise _ERRORS[error]("gone")


@tool
async def leave(error: str) -> int:
    _fail(error)
    return 1


@tool
def leave_in_thread(error: str) -> int:
    _fail(error)
    return 1


@tool
async def leave_later(error: str) -> AsyncIterator[int]:
    yield 1
    _fail(error)


@tool
def leave_later_in_thread(error: str) -> Iterator[int]:
    yield 1
    _fail(error)


@tool
async def alive() -> str:
    return "alive"


_LEAVING = [leave, leave_in_thread, leave_later, leave_later_in_thread]


@pytest.mark.parametrize("error", _ERRORS)
@pytest.mark.parametrize("function", _LEAVING, ids=lambda function: function.__name__)
@pytest.mark.parametrize("streamed", [False, True], ids=["called", "streamed"])
async def test_whatever_a_tool_raises_is_answered_and_the_worker_lives_on(
    server, bridge, function, error, streamed
):
    if error == "CancelledError" and sys.version_info < (3, 11):
        pytest.skip("Python 3.10 cannot tell a task that was cancelled")
    async with Worker(server.address, tools=[function, alive]):
        proxy = (await bridge.refresh())[function.__name__].with_options(timeout=5)

        async def ask() -> object:
            return [item async for item in proxy.stream(error)] if streamed else await proxy(error)

        with pytest.raises(ToolExecutionError) as caught:
            await ask()

        assert caught.value.error_type == "ExecutionError"
        assert caught.value.class_name == error
        assert await bridge.tools["alive"]() == "alive"
