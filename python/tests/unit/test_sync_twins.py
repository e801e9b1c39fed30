"""Programs without a loop have every verb, under its name, until they close the connection."""

from __future__ import annotations

import inspect
import itertools

import pytest

from grpc_tool_bridge import (
    GRPCToolBridge,
    SessionContext,
    SessionError,
    ToolBridgeClient,
    ToolCommunicationError,
    sync,
)
from grpc_tool_bridge.testing import InMemoryBridge

# Verbs with another name here, and what verbs are made of.
RENAMED = {"initialize_session": "initialize", "stream_tool": "stream", "aclose": "close"}
INNER = {"call", "ensure_session", "verb", "proxy", "require"}


@pytest.fixture(scope="module")
def server(tools):
    server = InMemoryBridge(tools)
    sync.background_loop().run(server.start())
    yield server
    sync.background_loop().run(server.aclose())


@pytest.fixture
def bridge(server, request):
    with sync.connect(server.address, request.node.name) as bridge:
        yield bridge


def verbs():
    for cls in (GRPCToolBridge, ToolBridgeClient, SessionContext):
        for name, method in inspect.getmembers(cls, inspect.isfunction):
            if not name.startswith("_") and name not in INNER:
                yield pytest.param(method, id=f"{cls.__name__}.{name}")


@pytest.mark.parametrize("verb", list(verbs()))
def test_every_verb_has_a_blocking_twin_with_its_parameters(verb):
    twin = getattr(sync.Bridge, RENAMED.get(verb.__name__, verb.__name__))
    assert not inspect.iscoroutinefunction(twin)
    mine = inspect.signature(twin).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in mine.values()):
        return
    theirs = inspect.signature(verb).parameters
    assert list(theirs) == list(mine) or verb.__name__ in RENAMED


def test_variables_have_the_names_that_they_have_elsewhere(bridge):
    revision = bridge.set_variable("v", [1], {"k": "v"})
    assert bridge.get_variable("v") == [1]
    assert bridge.get_variable_with_metadata("v") == ([1], {"k": "v"})
    assert bridge.read_variable("v").revision == revision
    bridge.update_variables({"w": 2})
    assert bridge.list_variables() == ["v", "w"]
    assert bridge.get_variables("w") == {"w": 2}
    with pytest.raises(SessionError, match="v"):
        bridge.set_variable("v", 2, if_absent=True)
    bridge.delete_variable("v", if_revision=revision)
    assert bridge.list_variables() == ["w"]


def test_a_watch_yields_what_is_and_what_changes(bridge):
    bridge.set_variable("v", 1)
    with bridge.watch_variable("v") as changes:
        assert next(changes).value == 1
        bridge.set_variable("v", 2)
        assert next(changes).value == 2
    bridge.set_variable("w", 3)
    with bridge.watch_variables(["v", "w"]) as changes:
        seen = {change.name: change.value for change in itertools.islice(changes, 2)}
    assert seen == {"v": 2, "w": 3}


def test_sessions_are_read_listed_chosen_and_ended(bridge, server):
    mine = bridge.session_id
    with sync.connect(server.address, f"{mine}-other") as other:
        other.set_variable("v", 1)
    assert bridge.get_session().session_id == mine
    assert [s.session_id for s in bridge.list_sessions(mine)] == [mine, f"{mine}-other"]
    bridge.session_id = f"{mine}-other"
    assert bridge.get_variable("v") == 1
    assert "add" in [spec.name for spec in bridge.list_tools()]
    bridge.cleanup_session(mine)
    assert [s.session_id for s in bridge.list_sessions(mine)] == [f"{mine}-other"]
    bridge.cleanup()
    assert bridge.list_sessions(mine) == []


def test_once_closed_every_verb_says_so_and_nothing_is_dialled(server):
    bridge = sync.connect(server.address, "closed")
    add, changes = bridge.tools["add"], bridge.watch_variables()
    agent_id = bridge.create_react_agent("q -> a", ["add"])
    bridge.close()
    bridge.close()
    attempts = [
        lambda: add(1),
        lambda: add.with_options(timeout=1)(1),
        lambda: add.stream(1),
        lambda: next(changes),
        bridge.initialize,
        bridge.refresh,
        lambda: bridge.execute_tool("add", 1),
        lambda: bridge.execute_batch([{"tool_id": "add", "args": [1]}]),
        lambda: bridge.as_completed([{"tool_id": "add", "args": [1]}]),
        lambda: bridge.stream("count", 3),
        lambda: bridge.set_variable("v", 1),
        lambda: bridge.get_variable("v"),
        bridge.list_variables,
        lambda: bridge.watch_variable("v"),
        bridge.get_session,
        bridge.list_sessions,
        lambda: bridge.execute_agent(agent_id, q="?"),
        bridge.list_agents,
        lambda: bridge.delete_agent(agent_id),
        bridge.health,
        bridge.cleanup,
    ]
    for attempt in attempts:
        with pytest.raises(ToolCommunicationError, match="was closed: connect again") as caught:
            attempt()
        assert server.address in str(caught.value)
    assert bridge.session_id == "closed"
    changes.close()
