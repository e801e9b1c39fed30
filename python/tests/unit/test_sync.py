from __future__ import annotations

import inspect
import threading

import pytest

from grpc_tool_bridge import SessionError, ToolCommunicationError, ToolExecutionError, sync
from grpc_tool_bridge.testing import InMemoryBridge, MockBridgeServer


@pytest.fixture(scope="module")
def address(tools):
    server = InMemoryBridge(tools)
    loop = sync.background_loop()
    loop.run(server.start())
    yield server.address
    loop.run(server.aclose())


@pytest.fixture
def bridge(address):
    with sync.connect(address, "sync") as bridge:
        yield bridge


def test_tools_are_called_and_look_like_functions(bridge):
    add = bridge.tools["add"]
    assert add(1, b=2) == 3
    assert add.with_options(timeout=1)(1) == 2
    assert add.__name__ == "add"
    assert add.spec.name == "add"
    assert str(inspect.signature(add)) == "(a: int, b: int = 1) -> int"
    assert "add" in repr(add)
    assert bridge.execute_tool("square", 3) == 9
    assert bridge.execute_with_retry("add", 1) == 2
    assert bridge.session_id == "sync"
    assert list(bridge.refresh()) == list(bridge.tools)
    assert bridge.health() == "SERVING"
    assert repr(bridge).startswith("<sync GRPCToolBridge")


def test_streams_are_iterators_that_can_be_left(bridge):
    assert list(bridge.tools["count"].stream(3)) == [0, 1, 2]
    with bridge.stream("count", 100_000) as stream:
        assert next(stream) == 0


def test_batches_answer_in_order_or_as_they_finish(bridge):
    requests = [{"tool_id": "square", "args": [i]} for i in range(5)]
    assert bridge.execute_batch(requests) == [0, 1, 4, 9, 16]
    assert sorted(bridge.as_completed(requests)) == list(enumerate([0, 1, 4, 9, 16]))


def test_variables_are_written_watched_and_deleted(bridge):
    bridge.set_variable("v", [1], {"k": "v"})
    bridge.update_variables({"w": 2})
    assert bridge.get_variable("v") == [1]
    assert bridge.get_variable_with_metadata("v") == ([1], {"k": "v"})
    assert bridge.list_variables() == ["v", "w"]
    with bridge.watch_variable("w") as watch:
        assert next(watch).value == 2
    bridge.delete_variable("v")
    with pytest.raises(SessionError):
        bridge.get_variable("v")


def test_agents_are_stored_listed_and_deleted(bridge):
    agent_id = bridge.create_react_agent("q -> a", ["add"])
    assert [a.agent_id for a in bridge.list_agents()] == [agent_id]
    with pytest.raises(ToolExecutionError):
        bridge.execute_agent(agent_id, q="?")
    with pytest.raises(ToolExecutionError):
        list(bridge.execute_agent_streaming({"agent_id": agent_id}))
    bridge.delete_agent(agent_id)


def test_cleanup_ends_the_session(address):
    with sync.connect(address) as bridge:
        bridge.cleanup(force=True)
        with pytest.raises(ToolExecutionError):
            bridge.execute_tool("add", 1)


def test_errors_are_the_same(bridge, address):
    with pytest.raises(ToolExecutionError, match="no luck"):
        bridge.tools["fail"]("no luck")
    with pytest.raises(ToolCommunicationError, match=r"127\.0\.0\.1:1"):
        sync.connect("127.0.0.1:1", connect_timeout=0.2)


def test_a_worker_runs_in_the_background(address, bridge):
    def thread_name() -> str:
        return threading.current_thread().name

    with sync.Worker(address, [thread_name], name="mine"):
        assert bridge.execute_tool("thread_name").startswith("tool")


def test_many_threads_share_one_bridge(bridge):
    results = []
    threads = [
        threading.Thread(target=lambda i=i: results.append(bridge.execute_tool("square", i)))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == [i * i for i in range(8)]


def test_a_blocking_call_on_the_background_loop_itself_is_refused():
    loop = sync.background_loop()

    async def wrong():
        return loop.run(right())

    async def right():
        return 1

    with pytest.raises(RuntimeError, match="wait for itself"):
        loop.run(wrong())


def test_the_mock_server_works_without_a_loop():
    import dspex_bridge_pb2_grpc
    from dspex_bridge_pb2 import GetSessionRequest, GetSessionResponse

    with MockBridgeServer() as server:
        server.set_response("GetSession", GetSessionResponse(success=True))
        stub = dspex_bridge_pb2_grpc.SnakepitBridgeStub(server.channel())
        assert stub.GetSession(GetSessionRequest(session_id="s"), timeout=10).success
        assert [r.session_id for r in server.requests_for("GetSession")] == ["s"]
