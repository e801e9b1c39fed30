from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from dspex_bridge_pb2 import (
    BatchExecuteToolsRequest,
    CreateReActAgentRequest,
    DeleteVariableRequest,
    ExecuteAgentRequest,
    Frame,
    GetSessionToolsRequest,
    GetVariableRequest,
    Hello,
    InitializeSessionRequest,
    LinkMessage,
    ListAgentsRequest,
    ListVariablesRequest,
    RegisterToolsRequest,
    SetVariableRequest,
    ToolCallRequest,
    ToolCallResponse,
    ToolSpec,
    ToolStreamRequest,
    UnregisterToolsRequest,
    UpdateVariablesRequest,
    Variable,
)
from grpc_tool_bridge import ToolBridgeClient, ToolExecutionError, serialize_value, testing
from grpc_tool_bridge.connection import LINK_METHOD, RpcTransport
from grpc_tool_bridge.testing import MockBridgeServer, rpc_error


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, grpc_tool_bridge, grpc_tool_bridge.testing, grpc_tool_bridge.sync;"
        "print([m for m in ('pandas', 'pyarrow', 'dspy', 'numpy', 'polars') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_fixtures_come_with_the_package(temp_workspace, mock_llm):
    assert Path(temp_workspace).is_dir()
    assert list(Path(temp_workspace).iterdir()) == []
    assert mock_llm.__name__ == "MockLLM"


@pytest.mark.parametrize(
    ("prompt", "answer"), [("Calculate it", "2 + 2"), ("search the web", "search"), ("hi", "42")]
)
async def test_the_mock_model_answers_by_words(mock_llm, prompt, answer):
    assert answer in await mock_llm().generate(prompt, temperature=0)


def test_names_are_found_and_others_are_not():
    assert set(testing.__all__) == set(dir(testing))
    with pytest.raises(AttributeError):
        _ = testing.nothing


def test_an_rpc_error_has_code_and_details():
    error = rpc_error(grpc.StatusCode.UNAVAILABLE, "gone")
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "gone")


async def test_the_mock_server_takes_functions_and_refuses_unknown_methods():
    async with MockBridgeServer() as server:
        client = ToolBridgeClient(server.channel(), session_id="s")
        server.set_response(
            "ExecuteTool",
            lambda request: ToolCallResponse(success=True, result=request.args[0]),
        )
        assert await client.execute_tool("t", "x") == "x"
        assert [r.tool_id for r in server.requests_for("ExecuteTool")] == ["t"]
        assert server.requests_for("StreamTool") == []
        with pytest.raises(ValueError, match="no method"):
            server.set_response("Nothing", None)
        with pytest.raises(ValueError, match="does not stream"):
            server.set_streaming_response("ExecuteTool", [])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.stub.GetSessionTools(GetSessionToolsRequest())
        assert "set_response" in caught.value.details()


# --- the bridge in memory, where the client's own tests do not reach ---


@pytest.fixture
async def stub(server):
    async with ToolBridgeClient(server.address, use_link=False) as client:
        await client.initialize_session("test")
        yield client.stub


async def _error(awaitable):
    response = await awaitable
    assert not response.success
    return response.error.type


async def test_every_verb_on_a_session_that_is_not_there_says_so(stub):
    s = "missing"
    verbs = [
        stub.GetSessionTools(GetSessionToolsRequest(session_id=s)),
        stub.RegisterTools(RegisterToolsRequest(session_id=s)),
        stub.UnregisterTools(UnregisterToolsRequest(session_id=s)),
        stub.ExecuteTool(ToolCallRequest(session_id=s, tool_id="add")),
        stub.BatchExecuteTools(BatchExecuteToolsRequest(session_id=s)),
        stub.SetVariable(SetVariableRequest(session_id=s, name="v")),
        stub.GetVariable(GetVariableRequest(session_id=s, name="v")),
        stub.DeleteVariable(DeleteVariableRequest(session_id=s, name="v")),
        stub.ListVariables(ListVariablesRequest(session_id=s)),
        stub.UpdateVariables(UpdateVariablesRequest(session_id=s)),
        stub.CreateReActAgent(CreateReActAgentRequest(session_id=s)),
        stub.ListAgents(ListAgentsRequest(session_id=s)),
    ]
    for verb in verbs:
        assert await _error(verb) == "SessionNotFound"
    events = [e async for e in stub.ExecuteAgent(ExecuteAgentRequest(session_id=s))]
    assert events[-1].error.type == "SessionNotFound"
    chunks = [c async for c in stub.StreamTool(ToolStreamRequest(session_id=s, tool_id="t"))]
    assert chunks[-1].content.error.type == "SessionNotFound"


@pytest.mark.parametrize("name", ["x" * 257, "a\nb", "e\u0301"])
async def test_a_name_that_is_none_is_refused(stub, name):
    request = InitializeSessionRequest(session_id=name)
    assert await _error(stub.InitializeSession(request)) == "ValidationError"


async def test_tools_are_recorded_without_a_host(stub):
    register = RegisterToolsRequest(session_id="test", tools=[ToolSpec(name="t")])
    assert list((await stub.RegisterTools(register)).tool_ids) == ["t"]
    call = ToolCallRequest(session_id="test", tool_id="t")
    assert await _error(stub.ExecuteTool(call)) == "WorkerUnavailable"
    other = RegisterToolsRequest(session_id="test", tools=[ToolSpec(tool_id="u", name="t")])
    assert await _error(stub.RegisterTools(other)) == "ToolConflict"
    unregister = UnregisterToolsRequest(session_id="test", tool_ids=["t"])
    assert (await stub.UnregisterTools(unregister)).success
    assert await _error(stub.UnregisterTools(unregister)) == "ToolNotFound"


async def test_what_is_too_deep_or_too_large_is_refused(stub):
    call = ToolCallRequest(session_id="test", tool_id="add", call_depth=33)
    assert await _error(stub.ExecuteTool(call)) == "CallDepthExceeded"
    big = serialize_value("x" * 11_000_000)
    call = ToolCallRequest(session_id="test", tool_id="echo", args=[big])
    assert await _error(stub.ExecuteTool(call)) == "MessageTooLarge"
    variable = SetVariableRequest(session_id="test", name="v", value=big)
    assert await _error(stub.SetVariable(variable)) == "MessageTooLarge"


async def test_an_item_of_another_session_is_refused(stub):
    item = ToolCallRequest(session_id="other", tool_id="add")
    request = BatchExecuteToolsRequest(session_id="test", requests=[item])
    response = await stub.BatchExecuteTools(request)
    assert not response.success
    assert response.error.type == "ValidationError"


async def test_a_session_is_not_ended_while_calls_run(server, until):
    import asyncio

    async with ToolBridgeClient(server.address) as client:
        await client.initialize_session("busy")
        call = asyncio.ensure_future(client.execute_tool("wait_forever"))
        await until(lambda: server.calls)
        with pytest.raises(Exception, match="force"):
            await client.cleanup_session()
        await client.cleanup_session(force=True)
        with pytest.raises(ToolExecutionError) as caught:
            await call
        assert caught.value.error_type == "Cancelled"


async def test_an_unused_session_expires(server):
    async with ToolBridgeClient(server.address) as client:
        await client.initialize_session("short", ttl=1)
        session = server._sessions.get("short")
        session.used -= 2
        with pytest.raises(Exception, match="ended"):
            await client.list_tools()


async def test_variables_and_sessions_come_in_pages(server, stub):
    for i in range(5):
        variable = Variable(name=f"v{i}", value=serialize_value(i))
        await stub.UpdateVariables(UpdateVariablesRequest(session_id="test", variables=[variable]))
    request = ListVariablesRequest(session_id="test", page_size=3)
    page = await stub.ListVariables(request)
    assert [v.name for v in page.variables] == ["v0", "v1", "v2"]
    request.page_token = page.next_page_token
    assert [v.name for v in (await stub.ListVariables(request)).variables] == ["v3", "v4"]


@pytest.mark.parametrize(
    "frame",
    [
        Frame(),
        Frame(hello=Hello(revision=1)),
        Frame(hello=Hello(revision=9, min_revision=9, identity="i")),
    ],
)
async def test_a_link_that_begins_wrong_is_turned_away(server, frame):
    channel = grpc.aio.insecure_channel(server.address)
    rpc = channel.stream_stream(LINK_METHOD)()
    transport = RpcTransport(rpc)
    await transport.write(LinkMessage(frames=[frame]).SerializeToString())
    message = LinkMessage.FromString(await transport.read())
    assert message.frames[0].WhichOneof("body") == "protocol_error"
    assert await transport.read() is None
    await channel.close()
