from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import signal
import subprocess
import sys
import threading

import pytest

from dspex_bridge_pb2 import ErrorInfo, ToolCallRequest
from grpc_tool_bridge import (
    GRPCToolBridge,
    SessionError,
    ToolBridgeError,
    ToolCommunicationError,
    ToolContext,
    ToolExecutionError,
    Worker,
    hostcommand,
    tool,
)
from grpc_tool_bridge.calls import HostedCall
from grpc_tool_bridge.link import Link
from grpc_tool_bridge.places import Places
from grpc_tool_bridge.stub import Stub
from grpc_tool_bridge.testing import InMemoryBridge


@dataclasses.dataclass
class Point:
    x: int
    y: float


def _host(server, *tools, **options):
    return Worker(server.address, tools=tools, **options)


async def test_a_marked_function_stays_callable_and_keeps_its_options(server, bridge):
    @tool(name="plus", idempotent=True, timeout=5, metadata={"k": "v"}, description="Sums.")
    def add_up(a: int, b: int = 2) -> int:
        return a + b

    assert add_up(1) == 3
    async with _host(server, add_up):
        spec = (await bridge.refresh())["plus"].spec
    assert (spec.tool_id, spec.idempotent, spec.timeout_us) == ("plus", True, 5_000_000)
    assert (dict(spec.metadata), spec.description) == ({"k": "v"}, "Sums.")
    assert [a.python_type for a in spec.arguments] == ["int", "int"]


async def test_a_tool_says_how_often_it_may_be_called(server, bridge):
    @tool(rate_per_second=2.5, rate_burst=4)
    def rare() -> int:
        return 1

    async with _host(server, rare):
        spec = (await bridge.refresh())["rare"].spec
    assert (spec.rate_per_second, spec.rate_burst) == (2.5, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_per_second": math.nan}, "rate_per_second is nan"),
        ({"rate_per_second": math.inf}, "rate_per_second is inf"),
        ({"rate_per_second": -1}, "rate_per_second is -1"),
        ({"rate_per_second": 1, "rate_burst": -1}, "rate_burst is -1"),
        ({"rate_burst": 3}, "rate_burst is 3 without a rate"),
    ],
)
def test_a_rate_that_is_none_is_refused_where_it_is_written(options, message):
    with pytest.raises(ValueError, match=message):
        tool(**options)


async def test_hints_make_classes_of_arguments(server, bridge):
    async def shift(point: Point, by: float = 1.0) -> Point:
        assert isinstance(point, Point)
        return Point(point.x, point.y + by)

    async with _host(server, shift):
        await bridge.refresh()
        proxy = bridge.tools["shift"].with_options(result_type=Point)
        assert await proxy(Point(1, 2.0), by=3) == Point(1, 5.0)


@pytest.mark.parametrize(("args", "argument"), [(("x",), "a"), ((), "a"), ((1, 2, 3), "3")])
async def test_the_host_refuses_bad_arguments_too(server, bridge, args, argument):
    async with GRPCToolBridge(server.address) as bare:
        with pytest.raises(ToolExecutionError) as caught:
            await bare.execute_tool("add", *args)
    assert caught.value.error_type == "ValidationError"
    assert argument in caught.value.message


async def test_generators_stream_and_a_plain_call_of_one_gives_a_list(server, bridge):
    def letters(n: int):
        yield from "abcdef"[:n]

    async with _host(server, letters):
        await bridge.refresh()
        assert await bridge.tools["letters"].stream(3).collect() == ["a", "b", "c"]
        assert await bridge.tools["letters"](2) == ["a", "b"]
        assert await bridge.tools["count"](2) == [0, 1]
        assert await bridge.tools["square"].stream(3).collect() == [9]
        assert await bridge.tools["add"].stream(3).collect() == [4]


async def test_a_generator_in_a_thread_stops_when_nobody_reads(server, bridge, until):
    ended = threading.Event()

    def endless():
        try:
            while True:
                yield "x" * 10_000
        finally:
            ended.set()

    async with _host(server, endless):
        await bridge.refresh()
        async with bridge.tools["endless"].stream() as stream:
            await stream.__anext__()
        await until(ended.is_set)


async def test_a_generator_that_raises_leaves_what_came(server, bridge):
    async def broken():
        yield 1
        raise ValueError("bad luck")

    async with _host(server, broken):
        await bridge.refresh()
        stream = bridge.tools["broken"].stream()
        assert await stream.__anext__() == 1
        with pytest.raises(ToolExecutionError, match="bad luck") as caught:
            await stream.__anext__()
    assert caught.value.class_name == "ValueError"


async def test_the_stack_comes_only_when_asked_for(server, bridge):
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.tools["fail"]("x")
    assert caught.value.stack_trace == ""
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.tools["fail"].with_options(want_stack=True)("x")
    assert "LookupError" in caught.value.stack_trace


async def test_a_result_over_the_limit_is_an_error(server, bridge):
    def much() -> str:
        return "x" * 11_000_000

    async with _host(server, much):
        await bridge.refresh()
        with pytest.raises(ToolExecutionError, match="message too large"):
            await bridge.tools["much"]()


async def test_calls_nested_eight_deep_do_not_deadlock_a_worker_with_one_place(server, bridge):
    def down(n: int, context: ToolContext) -> int:
        return context.call_depth if n == 0 else context.blocking.call("down", n - 1)

    async def adown(n: int, context: ToolContext) -> int:
        return context.call_depth if n == 0 else await context.call("adown", n - 1)

    async with _host(server, down, adown, max_concurrency=1):
        await bridge.refresh()
        assert "context" not in str(bridge.tools["down"].__signature__)
        assert await bridge.tools["down"](8) == 8
        assert await bridge.tools["adown"](8) == 8


async def test_calls_nested_too_deep_are_refused(bridge):
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.tools["nested"](40)
    assert caught.value.error_type in {"CallDepthExceeded", "ExecutionError"}
    assert "32" in caught.value.message


async def test_a_context_tells_of_the_call_and_reaches_the_session(server, bridge, until):
    seen = {}

    async def look(context: ToolContext) -> list[int]:
        seen.update(
            session=context.session_id,
            request=context.request_id,
            left=context.time_left,
            cancelled=context.cancelled,
            principal=context.principal,
            trace=context.traceparent,
            name=context.tool_name,
        )
        context.progress(1, 2, "half")
        context.log("a note", level="warning", field=1)
        await context.variables.set_variable("from_tool", 5)
        proxies = {spec.name: context.proxy(spec) for spec in await context.tools()}
        return [await proxies["add"](1), *[i async for i in context.stream("count", 2)]]

    async with _host(server, look):
        await bridge.refresh()
        assert await bridge.tools["look"].with_options(timeout=9, request_id="r1")() == [2, 0, 1]
    assert (seen["session"], seen["request"], seen["name"]) == ("test", "r1", "look")
    assert 0 < seen["left"] <= 9
    assert seen["cancelled"] is False
    assert await bridge.client.session_context.get_variable("from_tool") == 5


async def test_a_plain_function_has_blocking_twins(server, bridge):
    def look(context: ToolContext) -> list:
        blocking = context.blocking
        blocking.set_variable("v", 3, {"a": 1})
        return [blocking.get_variable("v"), *blocking.stream("count", 2), context.cancelled]

    async with _host(server, look):
        await bridge.refresh()
        assert await bridge.tools["look"]() == [3, 0, 1, False]


async def test_a_nested_call_has_no_more_time_than_its_parent(server, bridge):
    async def outer(context: ToolContext) -> None:
        await context.call("wait_forever")

    async with _host(server, outer):
        await bridge.refresh()
        with pytest.raises(ToolBridgeError) as caught:
            await bridge.tools["outer"].with_options(timeout=0.1)()
        assert caught.value.error_type == "DeadlineExceeded"


async def test_a_cancelled_call_cancels_the_function_and_what_it_called(server, bridge, until):
    events = []

    async def inner() -> None:
        try:
            events.append("inner")
            await asyncio.Event().wait()
        finally:
            events.append("inner cancelled")

    async def outer(context: ToolContext) -> None:
        await context.call("inner")

    async with _host(server, inner, outer) as worker:
        await bridge.refresh()
        call = asyncio.ensure_future(bridge.tools["outer"]())
        await until(lambda: "inner" in events)
        assert worker.calls_running == 2
        call.cancel()
        await until(lambda: "inner cancelled" in events)
        await until(lambda: worker.calls_running == 0)


async def test_a_plain_function_sees_that_it_is_cancelled(server, bridge, until):
    stopped = threading.Event()
    started = threading.Event()

    def work(context: ToolContext) -> None:
        started.set()
        while not context.cancelled:
            stopped.wait(0.005)
        stopped.set()

    async with _host(server, work):
        await bridge.refresh()
        call = asyncio.ensure_future(bridge.tools["work"]())
        await until(started.is_set)
        call.cancel()
        await until(stopped.is_set)


async def test_tools_of_a_session_are_seen_by_it_alone_and_hide_shared_ones(server, bridge):
    async def add(a: int, b: int = 1) -> str:
        return "mine"

    async with _host(server, add, session_id="test"):
        assert await bridge.execute_tool("echo", 1) == 1
        async with GRPCToolBridge(server.address) as other:
            tools = await other.initialize("other")
            assert await tools["add"](1) == 2
        assert await (await bridge.refresh())["add"](1) == "mine"


async def test_a_session_that_is_not_there_takes_no_tools(server):
    with pytest.raises(ToolBridgeError, match="ghost"):
        await _host(server, lambda: 1, session_id="ghost").start()


async def test_tools_come_and_go_while_it_runs(server, bridge):
    async def late() -> str:
        return "here"

    async with _host(server) as worker:
        assert await worker.register(late) == ["late"]
        with pytest.raises(ValueError, match="late"):
            await worker.register(late)
        assert await bridge.execute_tool("late") == "here"
        await worker.unregister("late")
        with pytest.raises(ToolExecutionError) as caught:
            await bridge.execute_tool("late")
        assert caught.value.error_type == "ToolNotFound"
        with pytest.raises(ToolBridgeError):
            await worker.unregister("late")


async def test_a_refused_registration_leaves_nothing(server):
    def add(a: int) -> int:
        return a

    async with _host(server) as worker:
        renamed = tool(name="add", tool_id="another id")(add)
        with pytest.raises(ToolExecutionError) as caught:
            await worker.register(renamed)
        assert caught.value.error_type == "ToolConflict"
        assert worker.tools == {}


def test_two_tools_of_one_name_and_no_functions_are_refused_at_once():
    with pytest.raises(ValueError, match="two tools"):
        Worker("a:1", tools=[tool(name="x")(lambda: 1), tool(name="x")(lambda: 2)])
    with pytest.raises(TypeError):
        Worker("a:1", tools=[42])
    worker = Worker("a:1")
    with pytest.raises(RuntimeError, match="not started"):
        _ = worker.connection
    assert "not started" in repr(worker)


async def test_it_registers_again_with_a_bridge_that_forgot_it(server, bridge, until):
    async def here() -> int:
        return 1

    async with _host(server, here) as worker:
        server.processes.close()
        server._shared.forget("here")
        await until(lambda: worker.connection.attachments >= 2)
        await until(lambda: server._shared.find("here") is not None)
        assert await bridge.execute_tool("here") == 1


async def test_running_calls_go_on_after_a_lost_connection(server, bridge, until):
    release = asyncio.Event()
    runs = 0

    async def slow() -> str:
        nonlocal runs
        runs += 1
        await release.wait()
        return "done"

    async with _host(server, slow) as worker:
        call = asyncio.ensure_future(bridge.execute_tool("slow"))
        await until(lambda: runs == 1)
        server.drop_connections()
        release.set()
        assert await call == "done"
        await until(lambda: worker.connection.attached)
    assert runs == 1


async def test_leaving_waits_for_running_calls_and_takes_no_new_ones(server, bridge, until):
    release = asyncio.Event()
    running = asyncio.Event()

    async def slow() -> str:
        running.set()
        await release.wait()
        return "done"

    worker = _host(server, slow)
    await worker.start()
    call = asyncio.ensure_future(bridge.execute_tool("slow"))
    await running.wait()
    closing = asyncio.ensure_future(worker.aclose())
    await until(lambda: any(p.draining for p in server.processes))
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.execute_tool("slow")
    assert caught.value.error_type == "WorkerUnavailable"
    release.set()
    assert await call == "done"
    await closing


async def test_a_call_that_outlasts_the_drain_is_cancelled(server, bridge, until):
    running = asyncio.Event()

    async def hang() -> None:
        running.set()
        await asyncio.Event().wait()

    worker = _host(server, hang, drain_timeout=0.05)
    await worker.start()
    call = asyncio.ensure_future(bridge.execute_tool("hang"))
    await running.wait()
    await worker.aclose()
    with pytest.raises(ToolExecutionError):
        await call


async def test_a_bridge_that_is_not_there_is_an_error():
    with pytest.raises(ToolCommunicationError, match=r"127\.0\.0\.1:1"):
        await Worker("127.0.0.1:1", connect_timeout=0.2).start()


# --- places ---


async def test_places_bound_what_runs_and_can_be_lent():
    places = Places(1)
    release, started = threading.Event(), threading.Event()

    def hold():
        started.set()
        release.wait(10)
        return "held"

    first = asyncio.ensure_future(places.run(hold))
    second = asyncio.ensure_future(places.run(lambda: "second"))
    await asyncio.to_thread(started.wait, 10)
    assert not second.done()
    assert places.running == 1
    places.lend()
    assert await second == "second"
    places.retake()
    release.set()
    assert await first == "held"
    waiting = asyncio.ensure_future(places.run(lambda: 1))
    await waiting
    places.close()


async def test_a_waiter_that_is_cancelled_takes_no_place():
    places = Places(0)
    waiting = asyncio.ensure_future(places.run(lambda: 1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert places.running == 0
    places.close()


async def test_stop_iteration_of_a_tool_is_an_error():
    places = Places(1)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await places.run(lambda: next(iter(())))
    places.close()


# --- the command ---

MODULE = """
from grpc_tool_bridge import tool

@tool
async def double(n: int) -> int:
    return 2 * n

def unmarked(n: int) -> int:
    return n

several = [double, unmarked]
number = 5
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "my_tools.py").write_text(MODULE)
    (tmp_path / "needy.py").write_text("import a_module_that_is_not_there")
    (tmp_path / "empty_tools.py").write_text("x = 1")
    (tmp_path / "further").mkdir()
    (tmp_path / "further" / "asyncio.py").write_text(MODULE)
    (tmp_path / "further" / "more-tools.py").write_text(f"import beside\n{MODULE}")
    (tmp_path / "further" / "beside.py").write_text("x = 1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("my_tools", "needy", "empty_tools", "more-tools", "beside"):
        sys.modules.pop(name, None)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "nothing to host"),
        (["no_such_module"], "no module 'no_such_module'"),
        (["needy"], "needs 'a_module_that_is_not_there'"),
        (["empty_tools"], "no function marked"),
        (["my_tools:nothing"], "has no 'nothing'"),
        (["my_tools:number"], "want a function"),
        (["no_such_file.py"], "no file 'no_such_file.py'"),
        (["needy.py"], "needs 'a_module_that_is_not_there'"),
        (["further/asyncio.py"], "called as the module 'asyncio': rename it"),
    ],
)
def test_the_command_says_what_is_wrong(module, capsys, arguments, text):
    assert hostcommand.main(arguments) == 2
    assert text in capsys.readouterr().err


def test_the_command_says_that_no_bridge_is_there(module, capsys):
    arguments = ["my_tools", "--bridge", "127.0.0.1:1", "--connect-timeout", "0.1"]
    assert hostcommand.main(arguments) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_the_command_loads_functions_and_lists(module):
    assert [f.__name__ for f in hostcommand._load("my_tools")] == ["double"]
    assert [f.__name__ for f in hostcommand._load("my_tools:several")] == ["double", "unmarked"]
    assert [f.__name__ for f in hostcommand._load("my_tools:unmarked")] == ["unmarked"]


def test_the_command_loads_files(module):
    for target in ("my_tools.py", "./my_tools.py", str(module / "my_tools.py:double")):
        assert [f.__name__ for f in hostcommand._load(target)] == ["double"]
    loaded = hostcommand._load("further/more-tools.py:several")  # which imports what lies beside it
    assert [f.__name__ for f in loaded] == ["double", "unmarked"]


async def test_the_command_serves_until_it_is_told_to_stop(module, server, bridge, until):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "grpc_tool_bridge.worker",
        "--bridge",
        server.address,
        "my_tools",
        stderr=subprocess.PIPE,
        cwd=module,
    )
    try:
        line = await asyncio.wait_for(process.stderr.readline(), 20)
        assert b"offering double" in line
        assert await bridge.execute_tool("double", 21) == 42
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()


async def test_run_async_ends_when_the_bridge_serves_it_no_more(server, bridge, until):
    started = asyncio.Event()
    worker = _host(server)
    running = asyncio.ensure_future(worker.run_async(started.set))
    await started.wait()
    worker.connection._failure = SessionError("Unauthenticated", "gone")
    worker.connection._keeper.cancel()
    with pytest.raises(SessionError):
        await running


async def test_the_bridge_in_memory_closes_when_its_tools_are_none():
    with pytest.raises(TypeError):
        await InMemoryBridge([42]).start()


async def test_a_call_that_is_cancelled_before_it_began_does_not_count_as_running(until):
    # given: a loop whose tasks begin with its next turn, whatever Python this is
    asyncio.get_running_loop().set_task_factory(
        lambda loop, work, **options: asyncio.Task(work, loop=loop, **options)
    )
    worker = Worker("127.0.0.1:1", tools=[never_begun])
    worker._places, worker._stub = Places(1), Stub("127.0.0.1:1")
    link = Link(worker, first_call_id=1)  # pyright: ignore[reportArgumentType] # is told nothing
    call = HostedCall(link, 2, ToolCallRequest(tool_id="never_begun"), float("inf"))

    # when
    worker._on_call(call)
    running = worker.calls_running
    call.cancel(ErrorInfo())

    # then
    assert running == 1
    await until(lambda: worker.calls_running == 0)


@tool
async def never_begun() -> None:
    """Fails if it is run."""
    pytest.fail("it began")
