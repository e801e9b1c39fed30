from __future__ import annotations

import pytest

from grpc_tool_bridge import hostcommand

SOURCE = """
from grpc_tool_bridge import tool

@tool
def double(n: int) -> int:
    return 2 * n

def unreadable(n: "NoSuchType") -> int:
    return n
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    (tmp_path / "command_tools.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        (["command_tools", "command_tools:double"], "two tools are named 'double'"),
        (["command_tools:unreadable"], "NoSuchType"),
    ],
)
def test_tools_that_cannot_be_offered_are_named_without_a_traceback(tools, capsys, targets, text):
    assert hostcommand.main([*targets, "--bridge", "127.0.0.1:1"]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "localhost:50051"),
        ({"GRPC_PORT": "6000"}, "localhost:6000"),
        ({"TOOLBRIDGE_ADDR": "there:1", "GRPC_PORT": "6000"}, "there:1"),
        ({"GRPC_ADDR": "here:2", "TOOLBRIDGE_ADDR": "there:1"}, "here:2"),
        ({"ELIXIR_GRPC_ADDR": "far:3", "GRPC_PORT": "6000"}, "far:3"),
    ],
)
def test_the_bridge_is_looked_for_where_the_environment_says(monkeypatch, environment, address):
    for name in ("GRPC_ADDR", "TOOLBRIDGE_ADDR", "ELIXIR_GRPC_ADDR", "GRPC_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert hostcommand._parser().parse_args([]).bridge == address
