"""What the README and the help of grpc_tool_bridge.testing show is run, against a bridge in memory."""

from __future__ import annotations

import asyncio
import inspect
import pydoc
import re
import textwrap
import types
from pathlib import Path

import pytest

import grpc_tool_bridge.testing
from dspex_bridge_pb2 import ToolCallRequest, ToolCallResponse
from grpc_tool_bridge import GRPCToolBridge, ToolBridgeClient, Worker, serialize_value
from grpc_tool_bridge.testing import InMemoryBridge, MockBridgeServer

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "localhost:50051"
BLOCKS = re.findall(r"^## (\w+)\n|^```python\n(.*?)^```$", README.read_text(), re.M | re.S)


def search_web(query: str, limit: int = 5) -> list[str]:
    """Searches."""
    return [f"about {query}"] * limit


def calculate(expression: str) -> int:
    """Evaluates an arithmetic expression."""
    return {"2 + 2": 4}[expression]


def sections() -> dict[str, str]:
    """The README's code, by the heading that it stands under."""
    found: dict[str, str] = {}
    heading = ""
    for title, code in BLOCKS:
        heading = title or heading
        if code:
            found[heading] = found.get(heading, "") + code
    return found


def run(code: str, **names: object) -> types.SimpleNamespace:
    """Runs a block as a module of its own."""
    module = types.ModuleType("readme")
    vars(module).update(names)
    exec(compile(code, str(README), "exec"), vars(module))
    return types.SimpleNamespace(**vars(module))


def at(address: str, code: str) -> str:
    assert ADDRESS in code
    return code.replace(ADDRESS, address)


@pytest.fixture
def offered():
    return run(sections()["Offer"])


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """The file that the examples read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("first\nsecond\n")


@pytest.fixture
async def server(offered, notes):
    tools = [offered.resize, offered.lines, offered.report, search_web, calculate]
    async with InMemoryBridge(tools) as server:
        yield server


def test_every_block_of_the_readme_is_known_here():
    assert set(sections()) == {"Offer", "Call", "Agents"}


async def test_the_tools_that_it_offers_can_be_called(server):
    async with GRPCToolBridge(server.address) as bridge:
        tools = await bridge.initialize("readme")
        assert await tools["report"]("DSPy") == "DSPy: 3"
        assert "In pixels." in tools["resize"].__doc__
        assert tools["resize"].spec.idempotent


async def test_the_calls_that_it_shows_do_what_it_says(server, capsys):
    await run(at(server.address, sections()["Call"])).main()
    shown = capsys.readouterr().out
    assert shown.startswith("15.0\n20.0\nfirst\n\nsecond\n\nValidationError ")
    assert "'argument': 'width'" in shown
    async with GRPCToolBridge(server.address) as bridge:
        await bridge.initialize("my-session")
        assert await bridge.client.session_context.get_variable("results") == [0.0, 2.0, 4.0]


async def test_the_blocking_calls_that_it_shows_do_what_it_says(server, capsys):
    blocking = run(at(server.address, sections()["Call"])).blocking
    await asyncio.to_thread(blocking)
    assert capsys.readouterr().out == "15.0\n['first\\n', 'second\\n']\n10 ['width']\n"


async def test_the_agent_that_it_shows_answers(server, capsys):
    pytest.importorskip("dspy", reason="agents need the extra: agents")
    from grpc_tool_bridge.agents import agent_tool

    ask = run(sections()["Agents"], GRPCToolBridge=GRPCToolBridge).ask
    async with (
        Worker(server.address, [agent_tool()]),
        GRPCToolBridge(server.address) as bridge,
    ):
        await bridge.initialize("readme")
        await ask(bridge)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("thought ")
    assert lines[-1].startswith("result ")
    assert "4" in lines[-1]


def test_the_names_that_it_mentions_are_there():
    for name in re.findall(r"`grpc_tool_bridge\.(\w+)`", README.read_text()):
        assert inspect.ismodule(pydoc.locate(f"grpc_tool_bridge.{name}"))
    for name in re.findall(r"`(\w+Error)`", README.read_text()):
        assert pydoc.locate(f"grpc_tool_bridge.{name}") is not None, name


def example(cls: type) -> str:
    """The code after a docstring's ``::``."""
    text = inspect.getdoc(cls) or ""
    found = re.search(r"::\n\n((?:    .*\n|\n)+)", text)
    assert found is not None
    code = textwrap.dedent(found.group(1)).rstrip()
    shown = re.sub(r"(?m)^ *\|? *", "", pydoc.plain(pydoc.render_doc(grpc_tool_bridge.testing)))
    assert re.sub(r"(?m)^ *", "", code) in shown, "help() does not show it"
    return code


async def run_example(cls: type, ending: str = "", **names: object) -> None:
    code = "async def shown():\n" + textwrap.indent(example(cls) + ending, "    ")
    await run(code, **{cls.__name__: cls}, **names).shown()


async def test_the_example_of_the_bridge_in_memory_runs(tools):
    await run_example(InMemoryBridge, add=tools[0], GRPCToolBridge=GRPCToolBridge)


async def test_the_example_of_the_mock_server_runs():
    seen: list[object] = []
    await run_example(
        MockBridgeServer,
        "\n    seen.append(await client.stub.ExecuteTool(ToolCallRequest()))",
        seen=seen,
        ToolCallRequest=ToolCallRequest,
        ToolCallResponse=ToolCallResponse,
        ToolBridgeClient=ToolBridgeClient,
        serialize_value=serialize_value,
    )
    assert [response.result for response in seen] == [serialize_value(42)]


def test_every_class_of_testing_with_an_example_is_run_here():
    shown = [
        name
        for name in grpc_tool_bridge.testing.__all__
        if "::\n" in (inspect.getdoc(getattr(grpc_tool_bridge.testing, name)) or "")
    ]
    assert shown == ["InMemoryBridge", "MockBridgeServer"]
