"""On which loop a program runs, and when a call begins."""

from __future__ import annotations

import asyncio
import contextvars
import sys

import pytest

from grpc_tool_bridge.loops import begin, run_program

EAGER = sys.version_info >= (3, 12)
place = contextvars.ContextVar("place", default="outside")


async def _loop_module():
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_a_program_runs_on_uvloop_where_it_is_installed():
    pytest.importorskip("uvloop")
    assert run_program(_loop_module()) == "uvloop"


def test_a_program_runs_without_uvloop(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_program(_loop_module()) == "asyncio"


def test_what_a_program_raises_is_raised():
    async def fail():
        raise LookupError("it")

    with pytest.raises(LookupError):
        run_program(fail())


async def test_a_task_runs_to_its_first_wait_and_knows_itself():
    steps, go = [], asyncio.Event()

    async def work():
        place.set("inside")
        steps.append(asyncio.current_task())
        await go.wait()
        steps.append(asyncio.current_task())

    task = begin(work(), asyncio.get_running_loop())
    assert len(steps) == EAGER
    assert asyncio.current_task() is not task
    assert place.get() == "outside"
    go.set()
    await task
    assert steps == [task, task]


async def test_a_loop_that_makes_its_own_tasks_makes_them():
    loop, made = asyncio.get_running_loop(), []

    def make(loop, work, **options):
        made.append(work)
        return asyncio.Task(work, loop=loop, **options)

    loop.set_task_factory(make)
    try:
        await begin(asyncio.sleep(0), loop)
    finally:
        loop.set_task_factory(None)
    assert len(made) == 1
